//! TradingSystems: dereference → validate → revise → plan → apply → decide → status.

pub mod build;
pub mod by_hand;
mod deletion;
pub mod dereference;
#[cfg(test)]
pub(crate) mod examples;
mod exposure;
pub mod inputs;
mod left_behind;
pub mod limit;
pub mod limits;
pub mod migration;
mod observe;
pub mod protection;
mod release;
pub mod revise;
pub mod rollout;
pub(crate) mod status;
mod telling;
pub mod turns;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::context::Context;
use crate::reconcile::apply::apply;
use crate::reconcile::controller::Reconciler;
use crate::reconcile::key::Key;
use crate::reconcile::mirror::Read;
use crate::reconcile::orphans;
use crate::reconcile::outcome::Hold;
use crate::reconcile::revisions::Found;
use crate::reconcile::undecodable;
use dereference::{Dereferenced, dereference};
use kube::core::PartialObjectMetaExt;
use observe::{Known, patient_until};
use rollout::state::had_its_time;
use rollout::{Decision, Facts, Migration, Plan, decide, plan};
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::Reason;
use sapphire_crds::trading_system::RolloutStatus;
use sapphire_crds::values::ObjectName;
use turns::Turn;
use validate::{Shape, Valid, validate};

/// Reconciles TradingSystems.
#[derive(Debug, Clone, Copy)]
pub struct Systems;

/// Whether what a status newly asks for is carried out at once, or when the watch has told of it. Once in a
/// reconcile: a status that was not taken would ask for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    On,
    Off,
}

/// How far a reconcile came.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The revision of the desk as it is now.
    pub found: Found,
    /// What is known of its pods.
    pub facts: Facts,
    /// What follows.
    pub decision: Decision,
    /// What keeps a child from being applied.
    pub held: Option<Hold>,
    /// Whether the decision asks for other children than those that were applied.
    moved: bool,
    /// The turn that the decision takes, until it is written.
    turn: Option<Turn<'a>>,
}

impl Reconciler for Systems {
    const NAME: &'static str = "system";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let outcome = Self::look(context, &key, attempt, Follow::On).await;
        context.turns.hand_out(context);
        // After the statuses, of which it is made.
        let labelled = protection::keep(context, &key.namespace).await;
        outcome.and_then(|again| labelled.map(|()| again))
    }
}

impl Systems {
    async fn look(
        context: &Context,
        key: &Key,
        attempt: u32,
        follow: Follow,
    ) -> Result<Option<Duration>, Hold> {
        let system = match context.systems.read(key) {
            None => return Ok(gone(context, key)),
            Some(Read::Err(invalid)) if deletion::of_unreadable(context, &invalid).await? => {
                return Ok(None);
            }
            Some(Read::Err(invalid)) => {
                let object = invalid.metadata.clone().into_response_partial::<TradingSystem>();
                let delivered = limits::deliver(context, &object).await;
                let told = undecodable::tell::<TradingSystem>(context, key, &invalid).await;
                // A namespace's deadline has no event.
                let again = invalid.metadata.deletion_timestamp.is_some().then_some(deletion::LOOK);
                let told = told.map_err(|hold| hold.no_later_than(again));
                return told.and_then(|again| delivered.map(|()| again));
            }
            Some(Read::Ok(system)) => system,
        };
        let mut delivered = limits::deliver(context, &**system).await;
        if context.makers.ask(context, key).await {
            // Pods that turned out to be its own may be under another policy.
            delivered = limits::deliver(context, &**system).await;
        }
        // Read after that: what is applied later is no older.
        let desk = dereference(context, system);
        let outcome = Self::go_on(context, &desk, attempt, follow).await;
        outcome.and_then(|again| delivered.map(|()| again))
    }

    /// All but the limits.
    async fn go_on(
        context: &Context,
        desk: &Dereferenced,
        attempt: u32,
        follow: Follow,
    ) -> Result<Option<Duration>, Hold> {
        let key = &desk.key;
        if desk.system.metadata.deletion_timestamp.is_some() {
            return deletion::reconcile(context, desk).await;
        }
        if desk.system.spec.suspend {
            deletion::guard(context, desk).await?;
            return status::suspended(context, desk).await;
        }
        let outcome = bring_about(context, desk).await;
        match &outcome {
            Ok(standing) if standing.decision.wants_turn() => {}
            // It may want one as soon as the trouble is over.
            Err(Hold::Transient(_)) => context.turns.pass(key),
            _ => context.turns.leave(key),
        }
        let silence = status::tell(context, desk, &outcome, attempt).await?;
        // Once it is known what this desk takes over, or that it cannot.
        if !matches!(outcome, Err(Hold::Transient(_) | Hold::Waiting { .. })) {
            left_behind::tell(context, desk).await;
        }
        let mut standing = outcome.map_err(|hold| hold.no_later_than(silence))?;
        // Its turn stands in the status by now.
        standing.turn = None;
        let told = async {
            telling::of_rollout(context, desk, &standing).await?;
            by_hand::tell(context, desk).await;
            Ok(())
        };
        if standing.moved && follow == Follow::On {
            let next = Box::pin(Self::look(context, key, attempt, Follow::Off));
            let (told, outcome) = tokio::join!(told, next);
            return outcome.and_then(|again| told.map(|()| again));
        }
        told.await?;
        let again = [silence, standing.decision.again].into_iter().flatten().min();
        match standing.held {
            Some(hold) => Err(hold.no_later_than(again)),
            None => Ok(again),
        }
    }
}

fn gone(context: &Context, key: &Key) -> Option<Duration> {
    context.revisions.forget(key);
    context.makers.forget(key);
    context.pace.systems.forget(key);
    context.by_hand.forget(key);
    limits::forget(context, key);
    None
}

async fn bring_about<'a>(context: &'a Context, desk: &Dereferenced) -> Result<Standing<'a>, Hold> {
    deletion::guard(context, desk).await?;
    let valid = validate(desk.clone())?;
    let found = match revise::revise(context, desk, &valid).await {
        Ok(found) => found,
        Err(hold) => {
            deliver(context, desk, &valid, &hold).await?;
            return Err(hold);
        }
    };
    let target: ObjectName = found.revision.name.parse().map_err(|_| {
        Hold::stalled(Reason::InvalidSpec, format!("{} is no name", found.revision.name))
    })?;
    let clustered = matches!(valid.shape, Shape::Clustered { .. });
    let rollout = desk.status().rollout;
    let late = rollout.as_ref().is_some_and(|rollout| {
        had_its_time(rollout, Timestamp::now(), patient_until(context, &desk.system))
    });
    let plan_of = |rollout: Option<&RolloutStatus>| {
        plan(rollout, &target, clustered, observe::leaders(context, desk))
    };
    let plan = plan_of(rollout.as_ref());
    let done = match carry_out(context, desk, &valid, &plan).await {
        // A step that had its time is undone, whatever it was that could not be done.
        Err(hold) if late => Done { held: Some(hold), ..Done::default() },
        done => done?,
    };
    let known = Known {
        target: &target,
        clustered,
        migration: done.migration,
        held: done.held.as_ref().map(ToString::to_string),
    };
    let mut facts = observe::facts(context, desk, rollout.as_ref(), known);
    let mut decision = decide(rollout.as_ref(), &facts);
    let mut turn = None;
    if decision.wants_turn() {
        turn = context.turns.take(context, &desk.key);
        facts.turn = turn.is_some();
        decision = decide(rollout.as_ref(), &facts);
    }
    decision.again = [decision.again, done.again].into_iter().flatten().min();
    let moved = plan_of(Some(&decision.rollout)) != plan;
    Ok(Standing { found, facts, decision, held: done.held, moved, turn })
}

/// Brings limits, and all else that is no part of a revision, to what runs, whatever `hold` keeps anything
/// from being rendered.
async fn deliver(
    context: &Context,
    desk: &Dereferenced,
    valid: &Valid,
    hold: &Hold,
) -> Result<(), Hold> {
    if matches!(hold, Hold::Transient(_)) {
        return Ok(());
    }
    match apply(context, &**desk.system, &valid.owner, &build::build(valid)?).await {
        Err(trouble @ Hold::Transient(_)) => Err(trouble),
        _ => Ok(()),
    }
}

/// What became of carrying out a plan.
#[derive(Default)]
struct Done {
    migration: Migration,
    held: Option<Hold>,
    again: Option<Duration>,
}

/// Makes what the status asks for, and removes what it does not.
async fn carry_out(
    context: &Context,
    desk: &Dereferenced,
    valid: &Valid,
    plan: &Plan,
) -> Result<Done, Hold> {
    let mut done = Done::default();
    let mut migrate = plan.migrate.as_ref();
    if let Some(attempt) = migrate {
        let pod = migration::look(context, desk, attempt).await?;
        migrate = migrate.filter(|_| pod.may_be_applied);
        (done.migration, done.again) = (pod.migration, pod.again);
    }
    let asked = release::children(context, desk, valid, plan, migrate).await?;
    match apply(context, &**desk.system, &valid.owner, &asked.children).await {
        // While nothing is released nothing is replaced: what runs is of a desk whose status was lost.
        Ok(_) if !asked.complete || plan.core.is_none() => {}
        Ok(applied) => {
            let stays = |child: &_| release::stays(context, desk, plan, child);
            orphans::collect(context, &desk.key, &valid.owner, &applied, stays).await?;
        }
        // Nothing is known of what the API server did not answer to.
        Err(hold @ Hold::Transient(_)) => return Err(hold),
        Err(hold) => done.held = Some(hold),
    }
    Ok(done)
}

//! TradingAgents: dereference → validate → revise → build → apply → status.

pub mod authorities;
pub mod build;
pub mod canary;
pub mod dereference;
pub mod release;
pub mod revise;
mod status;
pub mod validate;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::Component;
use sapphire_crds::names::annotations::{ABANDON, PROMOTE};
use sapphire_crds::values::ObjectName;

use crate::context::Context;
use crate::labels;
use crate::reconcile::apply::apply;
use crate::reconcile::child::ChildRef;
use crate::reconcile::controller::Reconciler;
use crate::reconcile::events::Severity;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::orphans;
use crate::reconcile::outcome::Hold;
use crate::reconcile::requests::pending;
use crate::reconcile::revisions::Today;
use crate::reconcile::stored::Stored;
use crate::reconcile::undecodable;
use crate::reconcile::workload::{self, Answer};
use crate::reports::Age;
use canary::{Course, Facts, Terms, Turn};
use dereference::{Dereferenced, dereference, running};
use revise::revise;
use validate::{Home, validate};

/// When to go on after a turn that no watch told of.
const SOON: Duration = Duration::from_millis(250);

/// Reconciles TradingAgents.
#[derive(Debug, Clone, Copy)]
pub struct Agents;

/// How far a reconcile came when nothing held it.
#[derive(Debug)]
pub enum Standing {
    /// There is no system, and nothing of the agent's is left.
    Nowhere,
    /// It is part of its trader's pod.
    Inside(Arc<Stored<TradingSystem>>),
    /// Its pods are applied.
    Beside(Box<Beside>),
    /// A turn of its course is written; what follows from it is done next.
    Turned,
}

/// An agent whose pods are applied.
#[derive(Debug)]
pub struct Beside {
    /// The system's revision that they run against.
    pub released: ObjectName,
    /// How they compare with what today's operator would render.
    pub today: Today,
    /// What the status is to remember.
    pub course: Course,
    /// Why it votes in full from now on. Told once the status says so.
    pub promoted: Option<&'static str>,
    /// Whether they answer.
    pub answer: Answer,
    /// What keeps its spec from them; meanwhile they go on with what they have.
    pub held: Option<Hold>,
    /// Who else is at work on a symbol of theirs; begins with `; ` unless it is empty.
    pub overlaps: String,
    /// When to look again although nothing happened.
    pub again: Option<Duration>,
}

impl Reconciler for Agents {
    const NAME: &'static str = "agent";

    async fn reconcile(
        &self,
        context: Arc<Context>,
        key: Key,
        attempt: u32,
    ) -> Result<Option<Duration>, Hold> {
        let context = context.as_ref();
        let Some(agent) = undecodable::read(context, &context.agents, &key).await? else {
            context.revisions.forget(&key);
            return Ok(None);
        };
        if agent.metadata.deletion_timestamp.is_some() {
            // Its children are owned and go with it.
            return Ok(None);
        }
        let desk = dereference(context, agent);
        let outcome = bring_about(context, &desk).await;
        if matches!(outcome, Ok(Standing::Turned)) {
            // The watch tells of what was written, and so wakes it earlier.
            return Ok(Some(SOON));
        }
        status::tell(context, &desk, &outcome, attempt).await?;
        match outcome {
            Ok(Standing::Beside(beside)) => {
                if let Some(why) = beside.promoted {
                    let note = format!("promoted {why}: it votes in full");
                    let events = &context.events;
                    events.tell_each(&**desk.agent, Severity::Normal, "CanaryPromoted", note).await;
                }
                Ok(beside.again)
            }
            Ok(_) => Ok(None),
            Err(hold) => {
                // A deadline that has passed is acted on once nothing holds it.
                let deadline = Course::of(&desk.status()).deadline_in(Timestamp::now());
                Err(hold.no_later_than(deadline))
            }
        }
    }
}

async fn bring_about(context: &Context, desk: &Dereferenced) -> Result<Standing, Hold> {
    let running = running(context, &desk.desk, &desk.siblings).await?;
    let overlaps = desk.readable_system().and_then(|system| {
        let among = authorities::Desk { system, agents: &desk.siblings, running: &running };
        among.overlaps(&desk.agent)
    });
    match validate(desk, &running)? {
        Home::None => clear(context, desk).await.map(|()| Standing::Nowhere),
        Home::Inside(system) => clear(context, desk).await.map(|()| Standing::Inside(system)),
        // Nothing of it is there that could go on.
        Home::Beside { held: Some(hold), .. } if !running.contains_key(&desk.key.name) => Err(hold),
        Home::Beside { system, released, held } => {
            let overlaps = overlaps.unwrap_or_default();
            beside(context, desk, &system, released, held, overlaps).await
        }
    }
}

/// Removes what the agent had of its own.
async fn clear(context: &Context, desk: &Dereferenced) -> Result<(), Hold> {
    let owner = desk.owner();
    let nothing = apply(context, &**desk.agent, &owner, &[]).await?;
    orphans::collect(context, &desk.desk, &owner, &nothing, |_| false).await
}

async fn beside(
    context: &Context,
    desk: &Dereferenced,
    system: &Stored<TradingSystem>,
    released: ObjectName,
    held: Option<Hold>,
    overlaps: String,
) -> Result<Standing, Hold> {
    let release = release::load(context, system, &released).await?;
    let votes = validate::votes(&desk.agent.spec)?;
    let terms = terms(system, votes, context.settings.bounds.step);
    let revised = revise(context, desk, &release, &terms, held.is_some()).await?;
    if revised.is_new {
        status::turn(context, desk, revised.course, None).await?;
        if let Some(note) = revised.restarts {
            let events = &context.events;
            events.tell_each(&**desk.agent, Severity::Normal, "RollingOut", note).await;
        }
        return Ok(Standing::Turned);
    }
    let hash = &revised.found.revision.hash;
    let before = facts(desk, answer(context, desk, hash));
    let (course, turn) = revised.course.advance(&before, &terms);
    let promoted = match &turn {
        Turn::None => None,
        Turn::Promoted(why) => Some(*why),
        Turn::Undone(why) => {
            let was_canary = desk.status().canary.is_some() || before.abandon;
            status::turn(context, desk, course, Some((was_canary, why))).await?;
            let note = format!("going back to the former revision: {why}");
            context.events.tell_each(&**desk.agent, Severity::Warning, "Undone", note).await;
            return Ok(Standing::Turned);
        }
    };
    let owner = desk.owner();
    let mut children = revised.found.revision.rendered()?;
    build::scale(&mut children, desk.agent.spec.replicas);
    children.extend(build::build(&desk.desk.name, &desk.key.name, &desk.agent.spec)?);
    let applied = apply(context, &**desk.agent, &owner, &children).await?;
    let answer = answer(context, desk, hash);
    // Pods of the former revision may restart until the last of them is gone, and read theirs.
    let kept = |child: &ChildRef| {
        child.kind == Kind::ConfigMap && (!answer.available || course.rollout.is_some())
    };
    orphans::collect(context, &desk.desk, &owner, &applied, kept).await?;
    let after = Facts { answer: answer.clone(), ..before };
    let looks = [
        course.look_again(&after, &terms),
        held.as_ref().and_then(Hold::again),
        // Who else is at work on a symbol may leave it without an event on this agent.
        (!overlaps.is_empty()).then_some(authorities::LOOK),
    ];
    let (again, today) = (looks.into_iter().flatten().min(), revised.found.today);
    let found = Beside { released, today, course, promoted, answer, held, overlaps, again };
    Ok(Standing::Beside(Box::new(found)))
}

/// `default` is how long pods may take to answer where the system does not say.
fn terms(system: &TradingSystem, votes: bool, default: Duration) -> Terms {
    let rollout = system.spec.rollout.as_ref();
    let deadline = rollout.and_then(|rollout| rollout.step_deadline);
    Terms {
        deadline: deadline.map_or(default, sapphire_crds::values::Duration::as_std),
        canary: rollout.and_then(|rollout| rollout.canary.clone()).filter(|_| votes),
    }
}

fn facts(desk: &Dereferenced, answer: Answer) -> Facts {
    let annotations = desk.agent.metadata.annotations.as_ref();
    let handled = desk.status().handled.unwrap_or_default();
    let fresh = desk.report.as_ref().filter(|(_, age)| *age == Age::Fresh);
    Facts {
        now: Timestamp::now(),
        answer,
        has_pods: desk.agent.spec.replicas > 0,
        confirmed: fresh.and_then(|(said, _)| said.canary_weight),
        promote: pending(annotations, PROMOTE, handled.promote.as_ref()).is_some(),
        abandon: pending(annotations, ABANDON, handled.abandon.as_ref()).is_some(),
    }
}

/// How the pods of a revision do.
fn answer(context: &Context, desk: &Dereferenced, hash: &str) -> Answer {
    let name = build::name(&desk.desk.name, &desk.key.name);
    let live = context.children.get(Kind::Deployment, &desk.key.beside(&name));
    let uid = desk.owner().uid;
    match live {
        Some(live) if live.label(labels::REVISION) == Some(hash) && live.is_controlled_by(&uid) => {
            let children = context.children.of_desk(&desk.desk);
            workload::of_deployment(&name, &live, Component::Agent, children.iter())
        }
        _ => Answer {
            available: false,
            reason: Reason::Progressing,
            message: format!("Deployment {name} is yet to be applied"),
        },
    }
}

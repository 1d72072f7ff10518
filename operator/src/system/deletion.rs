//! Deletion of a desk: it goes when it is proven that nothing is open, or when a person said that it may
//! go with what is.
//!
//! Until then its children stay as they are: they are neither applied nor collected, and the trader goes
//! on guarding what is open. With `Flatten` it sees its system's deletion and closes.

mod decision;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use sapphire_crds::TradingSystem;
use sapphire_crds::names::{Component, annotations, finalizers};
use sapphire_crds::trading_system::{DeletionPolicy, TradingSystemStatus};

use super::dereference::Dereferenced;
use super::{exposure, status};
use crate::context::Context;
use crate::labels;
use crate::reconcile::conditions::Setting;
use crate::reconcile::events::Severity;
use crate::reconcile::finalizers as marks;
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Unreadable;
use crate::reconcile::workload::of_deployment;
use crate::reports::{PodReport, leader};
use decision::{Decision, Facts, Freedom, Traders, decide};

/// While a deletion waits, the namespace is looked at so often: its own deletion is no event here.
pub(super) const LOOK: Duration = Duration::from_secs(20);

const FLATTENS: &str = "flattens";
const RELEASED: &str = "is let go";
const TERMINATES: &str = "its namespace terminates";

/// Lets the desk go, or says what it waits for.
///
/// # Errors
/// The [`Hold`] that keeps the desk, which is in its status.
pub(super) async fn reconcile(
    context: &Context,
    desk: &Dereferenced,
) -> Result<Option<Duration>, Hold> {
    let meta = &desk.system.metadata;
    let held = meta.finalizers.iter().flatten().any(|name| name == finalizers::EXPOSURE);
    let uid = meta.uid.as_deref().unwrap_or_default();
    // The watch may still tell of a desk that was let go.
    if !held || context.sights.is_so(uid, RELEASED) {
        // Its children are owned and go with it.
        return Ok(None);
    }
    let mut facts = facts(context, desk);
    let mut decision = decide(&facts);
    // What holds it may end with its namespace, and what is told of its end cannot be written there then.
    if !matches!(&decision, Decision::Go(Freedom { event: None, .. })) {
        facts.terminating_for = terminating_for(context, meta).await;
        decision = decide(&facts);
    }
    match decision {
        Decision::Go(freedom) => release(context, desk, &freedom).await.map(|()| None),
        Decision::Hold(hold) => {
            if let Hold::Stalled { message, .. } = &hold {
                let note = message.clone();
                context
                    .events
                    .tell(&**desk.system, Severity::Warning, "FlattenOverdue", note)
                    .await;
            }
            let again = tell(context, desk, &hold).await?;
            Err(hold.no_later_than(again).no_later_than(Some(LOOK)))
        }
    }
}

/// Lets go an object that cannot be read, where a person or the end of its namespace says so. Whether
/// it did.
///
/// # Errors
/// When its finalizer cannot be written.
pub(super) async fn of_unreadable(context: &Context, invalid: &Unreadable) -> Result<bool, Hold> {
    let meta = &invalid.metadata;
    if meta.deletion_timestamp.is_none() {
        return Ok(false);
    }
    let terminates = terminating_for(context, meta).await;
    let overdue =
        terminates.is_some_and(|so_long| so_long >= context.settings.bounds.namespace_deletion);
    if !is_forced(meta) && !overdue {
        return Ok(false);
    }
    tracing::warn!(
        name = meta.name,
        namespace = meta.namespace,
        "lets go a TradingSystem that cannot be read"
    );
    marks::release(context, &context.systems, meta, finalizers::EXPOSURE).await?;
    let why = if overdue { "namespace" } else { "forced" };
    context.metrics.released.with_label_values(&[why]).inc();
    Ok(true)
}

pub(super) fn is_forced(meta: &ObjectMeta) -> bool {
    let value = meta.annotations.as_ref().and_then(|all| all.get(annotations::FORCE_DELETE));
    value.is_some_and(|value| value == "true")
}

fn facts<'a>(context: &Context, desk: &'a Dereferenced) -> Facts<'a> {
    let meta = &desk.system.metadata;
    let uid = meta.uid.as_deref().unwrap_or_default();
    let policy = desk.system.spec.deletion_policy;
    let flattening_for = if policy == DeletionPolicy::Flatten {
        context.sights.since(uid, FLATTENS).elapsed()
    } else {
        context.sights.end(uid, FLATTENS);
        Duration::ZERO
    };
    let reports = context.reports_of(&desk.key);
    let verdict = exposure::judge(&reports);
    // A desk may enter until it sees its deletion. That it has, only its own word can tell: reports and
    // deletions reach this process by different ways, and may overtake one another.
    let ending = leader(&reports).and_then(PodReport::readable).is_some_and(|says| says.ending);
    let status = desk.system.status.as_ref();
    let rollout = status.and_then(|status| status.rollout.as_ref());
    let traders = traders(context, desk);
    Facts {
        key: &desk.key,
        risk_policy: desk.system.spec.risk_policy_ref.name.as_str(),
        policy,
        forced: is_forced(meta),
        released: rollout.is_some_and(|rollout| rollout.core.is_some())
            || traders != Traders::default(),
        traders,
        proven: ending && matches!(verdict, exposure::Verdict::Flat { .. }),
        verdict,
        last: status.and_then(|status| status.report.as_ref()),
        flattening_for,
        terminating_for: None,
        bounds: context.settings.bounds,
    }
}

fn traders(context: &Context, desk: &Dereferenced) -> Traders {
    let children = context.children.of_desk(&desk.key);
    let deployments = children.iter().filter(|(child, live)| {
        child.kind == Kind::Deployment
            && live.label(labels::COMPONENT) == Some(Component::Trader.as_str())
    });
    let answers = deployments.clone().map(|(child, live)| {
        of_deployment(&child.key.name, live, Component::Trader, children.iter())
    });
    let silent: Option<Vec<String>> =
        answers.map(|answer| (!answer.available).then_some(answer.message)).collect();
    Traders {
        pods: context.trader_pods(&desk.key).len(),
        deployments: deployments
            .map(|(child, live)| (child.key.name.clone(), live.replicas.unwrap_or(1)))
            .collect(),
        trouble: silent.and_then(|words| words.into_iter().next()),
    }
}

/// How long this process has seen the object's namespace terminate; `None` where it does not, or where
/// that cannot be found out.
async fn terminating_for(context: &Context, meta: &ObjectMeta) -> Option<Duration> {
    let name = meta.namespace.as_deref().unwrap_or_default();
    let uid = meta.uid.as_deref().unwrap_or_default();
    let terminates = match Api::<Namespace>::all(context.client.clone())
        .get_metadata_opt(name)
        .await
    {
        Ok(Some(namespace)) => namespace.metadata.deletion_timestamp.is_some(),
        Ok(None) => true,
        Err(error) => {
            tracing::warn!(namespace = name, %error, "cannot see whether the namespace terminates");
            return None;
        }
    };
    if !terminates {
        context.sights.end(uid, TERMINATES);
        return None;
    }
    Some(context.sights.since(uid, TERMINATES).elapsed())
}

async fn release(context: &Context, desk: &Dereferenced, freedom: &Freedom) -> Result<(), Hold> {
    if let Some((severity, reason, note)) = &freedom.event {
        if freedom.namespace_terminates {
            // Nothing can be written into the namespace any more, but beside it.
            let name = Some(desk.key.namespace.clone());
            let namespace = Namespace {
                metadata: ObjectMeta { name, ..ObjectMeta::default() },
                ..Namespace::default()
            };
            context.events.tell(&namespace, *severity, reason, note.clone()).await;
        } else {
            context.events.tell(&**desk.system, *severity, reason, note.clone()).await;
        }
    }
    tracing::info!(object = %desk.key, why = freedom.why, "lets the TradingSystem go");
    let meta = &desk.system.metadata;
    let uid = meta.uid.as_deref().unwrap_or_default();
    // Before the call: the watch may tell the end, which forgets it, before the answer is here.
    context.sights.since(uid, RELEASED);
    let released = marks::release(context, &context.systems, meta, finalizers::EXPOSURE).await;
    if released.is_err() {
        context.sights.end(uid, RELEASED);
    }
    released?;
    context.metrics.released.with_label_values(&[freedom.why]).inc();
    Ok(())
}

/// Writes what the deletion waits for, and what the traders report meanwhile.
async fn tell(
    context: &Context,
    desk: &Dereferenced,
    hold: &Hold,
) -> Result<Option<Duration>, Hold> {
    let before = desk.status();
    let generation = desk.generation();
    let mut setting = Setting::new(&before.conditions, generation, Timestamp::now());
    TradingSystemStatus::CONDITIONS.iter().for_each(|condition| setting.keep(*condition));
    let mut after = TradingSystemStatus { observed_generation: Some(generation), ..before.clone() };
    let again = exposure::tell(context, desk, &mut setting, &mut after);
    match hold {
        Hold::Stalled { reason, message, .. } => setting.stalled(*reason, message.clone()),
        Hold::Waiting { reason, message, .. } => setting.reconciling(*reason, message.clone()),
        Hold::Transient(_) => {}
    }
    after.conditions = setting.finish();
    status::write(context, desk, &after).await?;
    Ok(again)
}

/// Guards the desk from now on. Nothing that could trade is made before.
///
/// # Errors
/// When the finalizer cannot be written.
pub(super) async fn guard(context: &Context, desk: &Dereferenced) -> Result<(), Hold> {
    let meta = &desk.system.metadata;
    marks::ensure::<TradingSystem>(context, &context.systems, meta, finalizers::EXPOSURE).await
}

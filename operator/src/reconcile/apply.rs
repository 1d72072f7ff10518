//! Makes children as they are wanted: server-side apply, only where something differs, never in a fight.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use kube::api::{DynamicObject, Patch, PatchParams, ValidationDirective};
use kube::{Api, Resource};
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::HALTED_BY_HAND;
use serde_json::json;

use super::child::{ChildRef, Live};
use super::conflict::{self, Conflict, Verdict};
use super::deadline::{DEADLINE, in_time};
use super::desired::{Desired, Manifest, Owner, Replicas};
use super::events::Severity;
use super::kind::Kind;
use super::outcome::{Hold, Transient};
use super::revert::Reverts;
use super::{foreign_limits, halt_by_hand};
use crate::context::Context;
use crate::labels;

/// What belongs to somebody else is not watched, so its end wakes nobody.
pub(super) const LOOK: Duration = Duration::from_secs(60);

/// What was applied. Only applying makes one, so that a status cannot report what is not there.
#[derive(Debug)]
pub struct Applied {
    children: Vec<(ChildRef, Arc<Live>)>,
}

impl Applied {
    /// The child of that kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Live>> {
        let found = self.children.iter().find(|(c, _)| c.kind == kind && c.key.name == name);
        found.map(|(_, live)| live)
    }

    /// All of a kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&ChildRef, &Arc<Live>)> {
        self.children.iter().filter(move |(c, _)| c.kind == kind).map(|(c, live)| (c, live))
    }

    /// All of them, in the order of applying.
    pub fn all(&self) -> impl Iterator<Item = &ChildRef> {
        self.children.iter().map(|(child, _)| child)
    }
}

/// Applies children in their order. A child that cannot be applied does not keep the others from it,
/// unless the API server itself is in trouble; the worst hold comes back.
///
/// # Errors
/// The [`Hold`] that is worst: what a person must solve before what waits, and that before what is
/// tried again.
pub async fn apply<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    children: &[Desired],
) -> Result<Applied, Hold> {
    let mut applied = Vec::with_capacity(children.len());
    let mut worst: Option<Hold> = None;
    for child in children {
        match one(context, object, owner, child).await {
            Ok(live) => {
                let key = owner.key.beside(&child.name);
                applied.push((ChildRef { kind: child.kind, key }, live));
            }
            Err(hold @ Hold::Transient(_)) => return Err(worst.unwrap_or(hold)),
            Err(hold) => {
                let worse = worst.as_ref().is_none_or(|worst| rank(&hold) > rank(worst));
                worst = if worse { Some(hold) } else { worst };
            }
        }
    }
    match worst {
        Some(hold) => Err(hold),
        None => Ok(Applied { children: applied }),
    }
}

fn rank(hold: &Hold) -> u8 {
    match hold {
        Hold::Transient(_) => 0,
        Hold::Waiting { .. } => 1,
        Hold::Stalled { .. } => 2,
    }
}

async fn one<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    child: &Desired,
) -> Result<Arc<Live>, Hold> {
    let key = owner.key.beside(&child.name);
    let live = match context.children.get(child.kind, &key) {
        Some(live) => Some(live),
        None => match create(context, owner, child).await? {
            Some(made) => return Ok(made),
            None => look(context, child.kind, owner, &child.name).await?,
        },
    };
    if let Some(live) = &live {
        if !foreign_limits::may_be_written(context, owner, child, live) {
            is_ours(child.kind, &child.name, owner, live)?;
        }
        halt_by_hand::hear(context, object, owner, child, live).await?;
        foreign_limits::make_way(context, object, owner, child, live).await?;
    }
    let manifest = manifest(child, owner, live.as_deref())?;
    let is_ours = |live: &&Arc<Live>| !foreign_limits::is_of_others(child, live);
    if let Some(live) = live.as_ref().filter(is_ours).filter(|live| live.fulfils(&manifest)) {
        return Ok(live.clone());
    }
    // Our wish is the one that was applied, and yet the object is otherwise: somebody changed it.
    let drift = live
        .as_ref()
        .filter(|live| live.applied.as_deref() == Some(manifest.hash.as_str()))
        .and_then(|live| Some((live, live.difference(&manifest)?)));
    // Limits are set back however often: whoever loosens them writes no less than we do.
    if let Some((live, field)) = drift.as_ref().filter(|_| !foreign_limits::concerns(child)) {
        may_set_back(context, &manifest, field, &live.uid)?;
    }
    let api = api(context, child.kind, &key.namespace);
    let verb = if live.is_some() { "update" } else { "create" };
    // A halt that was written since would be overwritten unseen.
    let sent = match live.as_deref().filter(|_| foreign_limits::concerns(child)) {
        Some(live) => manifest.over(live),
        None => manifest.clone(),
    };
    let mut answer = patch(context, &api, &sent, false).await;
    if let (Some((live, _)), Err(kube::Error::Api(status))) = (&drift, &answer)
        && status.code == 422
    {
        // Lists are merged by their keys: what was written by hand may stand beside ours, where both cannot be.
        overwrite(context, &api, &manifest, live)
            .await
            .map_err(|error| failed(&manifest, &error))?;
        answer = patch(context, &api, &sent, false).await;
    }
    let applied = match answer {
        Ok(applied) => observe(context, &manifest, applied, verb),
        Err(error) => {
            let kube::Error::Api(status) = &error else { return Err(failed(&manifest, &error)) };
            if status.code != 409 {
                return Err(failed(&manifest, &error));
            }
            let there = live.as_ref().and_then(|live| live.replicas);
            let ours = match child.replicas {
                Replicas::Exactly(_) => true,
                Replicas::AtMost(most) => there.is_some_and(|there| there > most),
                Replicas::Initially(_) | Replicas::None => false,
            };
            match conflict::judge(&conflict::read(status), ours) {
                Verdict::ReadAgain => {
                    // The next try asks the API server, not the watch that lags behind.
                    context.children.forget(child.kind, &key);
                    return Err(failed(&manifest, &error));
                }
                // A limit is no field to leave to others.
                Verdict::Yield(conflicts) if !foreign_limits::concerns(child) => {
                    context.metrics.conflicts.with_label_values(&[child.kind.name()]).inc();
                    return Err(yielded(&manifest, &conflicts));
                }
                Verdict::Yield(_) | Verdict::Repair => {
                    let patched = patch(context, &api, &sent, true).await;
                    let applied = patched.map_err(|error| failed(&manifest, &error))?;
                    observe(context, &manifest, applied, "repair")
                }
            }
        }
    };
    if let Some((_, field)) = &drift {
        let advice = match (
            foreign_limits::concerns(child),
            halt_by_hand::is_in_force(object.meta()),
        ) {
            (true, true) => format!(
                "To lift the halt take {HALTED_BY_HAND} off the TradingSystem; change the RiskPolicy for all else"
            ),
            (true, false) => "Change the RiskPolicy's spec instead".to_owned(),
            (false, _) => format!("Change the {}'s spec instead", owner.kind),
        };
        tell_of_drift(context, object, &manifest, field, &advice).await;
    }
    Ok(applied)
}

/// Makes a child that the watch does not know, in one call. `None` where something of its name is there: it
/// may be somebody else's, or the watch may lag behind.
async fn create(
    context: &Context,
    owner: &Owner,
    child: &Desired,
) -> Result<Option<Arc<Live>>, Hold> {
    let manifest = manifest(child, owner, None)?;
    let api = api(context, child.kind, &owner.key.namespace);
    match patch(context, &api, &manifest.of_nothing(), false).await {
        Ok(made) => Ok(Some(observe(context, &manifest, made, "create"))),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(error) => Err(failed(&manifest, &error)),
    }
}

/// Asks the API server for a child that the watch does not know: it may bear somebody else's labels.
async fn look(
    context: &Context,
    kind: Kind,
    owner: &Owner,
    name: &str,
) -> Result<Option<Arc<Live>>, Hold> {
    let action = format!("look for {} {}", kind.name(), owner.key.beside(name));
    let api = api(context, kind, &owner.key.namespace);
    let asked = in_time(&action, api.get_opt(name)).await?;
    let Some(found) = asked.map_err(|error| Hold::of_call(&action, &error))? else {
        return Ok(None);
    };
    let live = Arc::new(Live::read(kind, found.clone()));
    // What does not bear our label is not watched, so it must not be remembered.
    if live.label(labels::MANAGED_BY) == Some(labels::MANAGED_BY_VALUE) {
        context.children.observe(kind, found);
    }
    Ok(Some(live))
}

/// Only what we made, or what lost its owner without losing our labels, is ours to change.
///
/// # Errors
/// Waiting where it goes, stalled where it belongs to somebody else.
pub(super) fn is_ours(kind: Kind, name: &str, owner: &Owner, live: &Live) -> Result<(), Hold> {
    let name = format!("{} {}", kind.name(), owner.key.beside(name));
    if live.deleting {
        return Err(Hold::waiting(Reason::BeingDeleted, format!("{name} is still being deleted")));
    }
    match &live.controller {
        Some(controller) if controller.uid == owner.uid => Ok(()),
        Some(controller) if controller.kind == owner.kind && controller.name == owner.key.name => {
            // Of a former object of this name; the garbage collector is on its way.
            Err(Hold::waiting(
                Reason::BeingDeleted,
                format!("{name} belongs to a former {} of this name and must go first", owner.kind),
            ))
        }
        None if live.label(labels::MANAGED_BY) == Some(labels::MANAGED_BY_VALUE) => Ok(()),
        other => {
            let whose = other.as_ref().map_or_else(
                || "somebody else".to_owned(),
                |controller| format!("{} {}", controller.kind, controller.name),
            );
            Err(Hold::Stalled {
                reason: Reason::NotOurs,
                message: format!(
                    "{name} exists and belongs to {whose}; rename or delete it, or give this {} \
                     another name",
                    owner.kind
                ),
                again: Some(LOOK),
            })
        }
    }
}

/// What is applied, where `live` is there.
///
/// # Errors
/// Stalled where it has no JSON form.
pub fn manifest(child: &Desired, owner: &Owner, live: Option<&Live>) -> Result<Manifest, Hold> {
    let there = live.and_then(|live| live.replicas);
    child.manifest(owner, there).map_err(|error| {
        Hold::stalled(Reason::InvalidSpec, format!("{} cannot be written: {error}", child.name))
    })
}

/// Whether what was changed by hand is set back, once more.
fn may_set_back(
    context: &Context,
    manifest: &Manifest,
    field: &str,
    uid: &str,
) -> Result<(), Hold> {
    let Reverts::Yield(pause) = context.reverts.again(uid) else {
        return Ok(());
    };
    Err(Hold::Waiting {
        reason: Reason::FieldConflict,
        message: format!(
            "{}: {} was set back several times and is changed again; find out who changes it \
             (kubectl get --show-managed-fields) and make them stop",
            named(manifest),
            field.trim_start_matches('.')
        ),
        again: Some(pause),
    })
}

async fn tell_of_drift<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    manifest: &Manifest,
    field: &str,
    advice: &str,
) {
    let note = format!(
        "{}: {} was changed by hand and is set back. {advice}",
        named(manifest),
        field.trim_start_matches('.'),
    );
    context.events.tell(object, Severity::Warning, "DriftRepaired", note).await;
}

fn named(manifest: &Manifest) -> String {
    format!("{} {}", manifest.kind.name(), manifest.key.name)
}

/// Puts all that a manifest wants in the place of what is there, its lists whole.
async fn overwrite(
    context: &Context,
    api: &Api<DynamicObject>,
    manifest: &Manifest,
    live: &Live,
) -> Result<(), kube::Error> {
    let mut wanted = manifest.object.clone();
    wanted["metadata"] = json!({"uid": live.uid});
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let patch = Patch::Merge(&wanted);
    measured(context, api.patch(&manifest.key.name, &params, &patch)).await.map(drop)
}

fn yielded(manifest: &Manifest, conflicts: &[Conflict]) -> Hold {
    let fields: Vec<String> = conflicts.iter().map(ToString::to_string).collect();
    Hold::Waiting {
        reason: Reason::FieldConflict,
        message: format!(
            "{} {} has fields that others declare: {}; take them out of what these apply",
            manifest.kind.name(),
            manifest.key,
            fields.join(", ")
        ),
        // Giving a field up need not change the object's content.
        again: Some(Duration::from_secs(60)),
    }
}

fn api(context: &Context, kind: Kind, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(context.client.clone(), namespace, &kind.resource())
}

#[tracing::instrument(
    name = "apply",
    skip_all,
    fields(kind = manifest.kind.name(), object = %manifest.key, force)
)]
async fn patch(
    context: &Context,
    api: &Api<DynamicObject>,
    manifest: &Manifest,
    force: bool,
) -> Result<DynamicObject, kube::Error> {
    let mut params = PatchParams::apply(FIELD_MANAGER);
    params.force = force;
    // A builder that writes a field which does not exist is found out by the first test that runs it.
    params.field_validation = Some(ValidationDirective::Strict);
    let patch = Patch::Apply(&manifest.object);
    measured(context, api.patch(&manifest.key.name, &params, &patch)).await
}

/// The answer to a call, or an error where none comes; how long it took is counted.
async fn measured<T>(
    context: &Context,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    let started = tokio::time::Instant::now();
    let answer = match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer,
        Err(_) => {
            let words = format!("no answer within {} s", DEADLINE.as_secs());
            Err(kube::Error::Service(words.into()))
        }
    };
    context.metrics.apply_seconds.observe(started.elapsed().as_secs_f64());
    answer
}

fn failed(manifest: &Manifest, error: &kube::Error) -> Hold {
    let action = format!("apply {} {}", manifest.kind.name(), manifest.key);
    match error {
        // The kind itself is not there, which only a ServiceMonitor's may be; discovery will notice.
        kube::Error::Api(status) if status.code == 404 => Hold::Transient(Transient {
            action,
            code: 404,
            message: status.message.clone(),
            after: None,
        }),
        error => Hold::of_call(&action, error),
    }
}

fn observe(context: &Context, manifest: &Manifest, object: DynamicObject, verb: &str) -> Arc<Live> {
    context.metrics.writes.with_label_values(&[manifest.kind.name(), verb]).inc();
    tracing::debug!(kind = manifest.kind.name(), object = %manifest.key, verb, "applied");
    let fresh = Arc::new(Live::read(manifest.kind, object.clone()));
    let seen = context.children.observe(manifest.kind, object);
    seen.or_else(|| context.children.get(manifest.kind, &manifest.key)).unwrap_or(fresh)
}

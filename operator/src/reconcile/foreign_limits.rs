//! A desk's limits that somebody else wrote: whatever became of their ConfigMap, pods go on reading it, so the operator
//! writes it again. Read as the trader reads them.

use k8s_openapi::ByteString;
use kube::Resource;
use sapphire_crds::conditions::Reason;
use sapphire_crds::manifest::objects_in;
use sapphire_crds::names::annotations::RISK_POLICIES;
use serde_json::{Value, json};

use super::child::{ChildRef, Live};
use super::desired::{Desired, Owner};
use super::events::Severity;
use super::kind::Kind;
use super::orphans;
use super::outcome::Hold;
use super::revert::Reverts;
use crate::context::Context;

/// Whether a child has a desk's limits.
pub(super) fn concerns(wish: &Desired) -> bool {
    let notes = wish.content.pointer("/metadata/annotations");
    wish.kind == Kind::ConfigMap && notes.is_some_and(|notes| notes.get(RISK_POLICIES).is_some())
}

/// Whether limits are written over what is there whatever else is said of it: pods go on reading a ConfigMap that is
/// being deleted, and who replaces one whole takes our labels off it, and what it held.
pub(super) fn may_be_written(
    context: &Context,
    owner: &Owner,
    wish: &Desired,
    live: &Live,
) -> bool {
    if !concerns(wish) || live.controller.is_some() {
        return concerns(wish) && live.is_controlled_by(&owner.uid);
    }
    // The pods of a desk that was released have no other limits than these.
    let system = context.systems.get(&owner.key);
    let rollout = system.as_ref().and_then(|system| system.status.as_ref()?.rollout.as_ref());
    let is_policy = |document: &Value| document.get("kind") == Some(&json!("RiskPolicy"));
    rollout.is_some_and(|rollout| rollout.core.is_some())
        || live.content().is_some_and(|there| files(wish, &there).iter().any(|(_, d)| is_policy(d)))
}

/// Whether somebody else wrote limits last, though they may be as wanted: they become ours again, or what is wanted next
/// would be held against who wrote this.
pub(super) fn is_of_others(wish: &Desired, live: &Live) -> bool {
    let files = wish.content.get("data").and_then(Value::as_object);
    concerns(wish)
        && files.is_some_and(|files| files.keys().any(|file| live.foreign.contains(file)))
}

/// Why the limits that are there cannot be made as wanted.
fn unfit(wish: &Desired, live: &Live) -> Option<&'static str> {
    let there = live.content().filter(|_| concerns(wish))?;
    let binary = there.get("binaryData").and_then(Value::as_object);
    let files = wish.content.get("data").and_then(Value::as_object)?;
    if there.get("immutable") == Some(&json!(true)) {
        Some("was immutable")
    } else if binary.is_some_and(|binary| files.keys().any(|file| binary.contains_key(file))) {
        Some("had its limits in binaryData")
    } else {
        None
    }
}

/// Removes limits that cannot be made as wanted; they are made anew. Those that say what is wanted all the same are left
/// where they come back as unfit again and again: a rule of the cluster's makes them so, and not a person.
///
/// # Errors
/// Transient where it was done, or they were written since they were read; stalled where a person must do it.
pub(super) async fn make_way<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    wish: &Desired,
    live: &Live,
) -> Result<(), Hold> {
    let Some(why) = unfit(wish, live) else { return Ok(()) };
    let limits = ChildRef { kind: wish.kind, key: owner.key.beside(&wish.name) };
    if live.deleting {
        let words =
            format!("{limits} {why} and is being deleted, but finalizers keep it; take them off");
        return Err(Hold::stalled(Reason::BeingDeleted, words));
    }
    let again = context.reverts.again(&limits.to_string());
    if says(wish, live) && matches!(again, Reverts::Yield(_)) {
        return Ok(());
    }
    // A halt that was written since would be removed unseen.
    let action = format!("apply {limits}");
    if !orphans::delete_as_read(context, &limits, live).await? {
        return Err(Hold::changed(&action, "it was written meanwhile"));
    }
    tell_of_unfit(context, object, owner, &wish.name, why).await;
    Err(Hold::changed(&action, &format!("it {why}, and is made anew")))
}

/// Whether limits say what is wanted, in whatever shape.
fn says(wish: &Desired, live: &Live) -> bool {
    let Some(there) = live.content() else { return false };
    let wanted = wish.content.get("data").and_then(Value::as_object);
    wanted.is_some_and(|files| {
        files
            .iter()
            .all(|(file, wanted)| there.pointer("/data").and_then(|d| d.get(file)) == Some(wanted))
    })
}

async fn tell_of_unfit<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    limits: &str,
    why: &str,
) {
    let note = format!(
        "ConfigMap {limits} {why} and is made anew. Pods that saw it immutable do not read it again: kubectl rollout \
         restart the trader's Deployment of {}",
        owner.key.name
    );
    context.events.tell(object, Severity::Warning, "LimitsMadeAnew", note).await;
}

/// The document of a policy in a file of the limits that are there, as far as it can be read.
pub fn document(limits: &Live, file: &str, policy: &str) -> Option<Value> {
    let text = text(&limits.content()?, file)?;
    objects_in(&text).into_iter().find(|document| name(document) == policy)
}

/// The documents of the files that `wish` has, of a ConfigMap, each with its file.
pub(super) fn files<'w>(wish: &'w Desired, config_map: &Value) -> Vec<(&'w str, Value)> {
    let Some(wanted) = wish.content.get("data").and_then(Value::as_object) else {
        return Vec::new();
    };
    let texts = wanted.keys().filter_map(|file| Some((file.as_str(), text(config_map, file)?)));
    texts.flat_map(|(file, text)| objects_in(&text).into_iter().map(move |d| (file, d))).collect()
}

/// A file of a ConfigMap, as pods read it.
fn text(config_map: &Value, file: &str) -> Option<String> {
    if let Some(text) = config_map.get("data").and_then(|data| data.get(file)?.as_str()) {
        return Some(text.to_owned());
    }
    let bytes = config_map.get("binaryData")?.get(file)?.clone();
    let bytes: ByteString = serde_json::from_value(bytes).ok()?;
    String::from_utf8(bytes.0).ok()
}

pub(super) fn name(policy: &Value) -> String {
    policy.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn state(policy: &Value) -> Option<&str> {
    policy.pointer("/spec/tradingState")?.as_str()
}

//! A halt that somebody wrote into a desk's limits themselves, as is the way while no operator is there to bring it from
//! the RiskPolicy. Only a person lifts a halt: so before the operator writes over such limits, it makes the halt the
//! desk's, by the TradingSystem's annotation [`HALTED_BY_HAND`]. While that is there every limit of the desk says
//! Halted, whatever else changes in them.
//!
//! The limits are read as the trader reads them. Whose a halt is, the API server tells: a file that somebody else wrote last has another manager than ours.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use sapphire_crds::TradingSystem;
use sapphire_crds::conditions::Reason;
use sapphire_crds::manifest::objects_in;
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::{HALTED_BY_HAND, RISK_POLICIES};
use serde_json::{Value, json};

use super::child::{ChildRef, Live};
use super::desired::{Desired, Owner};
use super::events::Severity;
use super::kind::Kind;
use super::orphans;
use super::outcome::{Hold, Transient};
use super::stored::Wire;
use crate::context::Context;

const HALTED: &str = "Halted";

/// A call that takes longer is given up and tried again with a pause.
const DEADLINE: Duration = Duration::from_secs(10);

/// Whether a person halted the desk.
pub fn is_in_force(system: &ObjectMeta) -> bool {
    system.annotations.as_ref().is_some_and(|all| all.contains_key(HALTED_BY_HAND))
}

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

/// The policy in whose limits somebody wrote a halt that is not in `wish`.
fn unheard(wish: &Desired, live: &Live) -> Option<String> {
    if live.foreign.is_empty() || !concerns(wish) {
        return None;
    }
    let halts = |(_, document): &(&str, Value)| state(document) == Some(HALTED);
    let halted: Vec<String> = files(wish, &wish.content)
        .iter()
        .filter(|file| halts(file))
        .map(|(_, d)| name(d))
        .collect();
    let there = live.content()?;
    let mut by_others =
        files(wish, &there).into_iter().filter(|(file, _)| live.foreign.iter().any(|f| f == file));
    by_others.find_map(|file| {
        let name = name(&file.1);
        (halts(&file) && !halted.contains(&name)).then_some(name)
    })
}

/// Takes up a halt that somebody wrote into the limits that are there, and makes way for limits that can be changed.
///
/// # Errors
/// Transient where either was done: what is wanted is another thing by then.
pub(super) async fn hear<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    child: &Desired,
    live: &Live,
) -> Result<(), Hold> {
    let again = |message: String| {
        let action = format!("apply {} {}", child.kind.name(), owner.key.beside(&child.name));
        Err(Hold::Transient(Transient { action, code: 409, message, after: None }))
    };
    if !is_in_force(object.meta())
        && let Some(policy) = unheard(child, live)
    {
        take_up(context, owner, &child.name, &policy).await?;
        tell_of_halt(context, object, owner, &child.name, &policy).await;
        return again("it was halted by hand".into());
    }
    if let Some(why) = unfit(child, live) {
        if live.deleting {
            return Err(Hold::stalled(
                Reason::BeingDeleted,
                format!(
                    "ConfigMap {} {why} and is being deleted, but finalizers keep it; take them off",
                    child.name
                ),
            ));
        }
        let of = ChildRef { kind: child.kind, key: owner.key.beside(&child.name) };
        orphans::delete(context, &of, &live.uid).await?;
        tell_of_unfit(context, object, owner, &child.name, why).await;
        return again(format!("it {why}, and is made anew"));
    }
    Ok(())
}

/// Makes a halt the desk's.
///
/// # Errors
/// When it cannot be written; the limits must not be written over then.
async fn take_up(context: &Context, owner: &Owner, limits: &str, policy: &str) -> Result<(), Hold> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let why = format!("{now}: RiskPolicy {policy} in ConfigMap {limits}");
    let patch = json!({"metadata": {"uid": owner.uid, "annotations": {HALTED_BY_HAND: why}}});
    let api: Api<Wire<TradingSystem>> =
        Api::namespaced(context.client.clone(), &owner.key.namespace);
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    let patch = Patch::Merge(&patch);
    let action = format!("annotate {} {}, which somebody halted by hand", owner.kind, owner.key);
    match tokio::time::timeout(DEADLINE, api.patch(&owner.key.name, &params, &patch)).await {
        Ok(Ok(written)) => {
            context.systems.observe(written);
            Ok(())
        }
        Ok(Err(error)) => Err(Hold::of_call(&action, &error)),
        Err(_) => Err(Hold::Transient(Transient {
            action,
            code: 0,
            message: format!("no answer within {} s", DEADLINE.as_secs()),
            after: None,
        })),
    }
}

async fn tell_of_halt<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    limits: &str,
    policy: &str,
) {
    let note = format!(
        "somebody halted RiskPolicy {policy} in ConfigMap {limits}: the desk is halted until kubectl annotate tsys {} \
         {HALTED_BY_HAND}- lifts it",
        owner.key.name
    );
    context.events.tell(object, Severity::Warning, "HaltedByHand", note).await;
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

/// The document of a policy in the limits that are there, as far as it can be read.
pub fn document(limits: &Live, policy: &str) -> Option<Value> {
    let there = limits.content()?;
    let texts = there.get("data")?.as_object()?.values();
    texts.filter_map(Value::as_str).flat_map(objects_in).find(|document| name(document) == policy)
}

/// The documents of the files that `wish` has, of a ConfigMap, each with its file.
fn files<'w>(wish: &'w Desired, config_map: &Value) -> Vec<(&'w str, Value)> {
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

fn name(policy: &Value) -> String {
    policy.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn state(policy: &Value) -> Option<&str> {
    policy.pointer("/spec/tradingState")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::Replicas;
    use crate::reconcile::key::Key;
    use rstest::rstest;

    fn policy(name: &str, state: &str) -> String {
        format!("kind: RiskPolicy\nmetadata:\n  name: {name}\nspec:\n  tradingState: {state}\n")
    }

    /// Limits of policies, each a name and its state.
    fn limits(policies: &[(&str, &str)]) -> Desired {
        let names: Vec<&str> = policies.iter().map(|(name, _)| *name).collect();
        let texts: Vec<String> = policies.iter().map(|(name, state)| policy(name, state)).collect();
        let content = json!({
            "metadata": {"annotations": {RISK_POLICIES: names.join(",")}},
            "data": {"policy.yaml": texts.join("---\n")},
        });
        Desired {
            kind: Kind::ConfigMap,
            name: "desk-policy".into(),
            content,
            replicas: Replicas::None,
        }
    }

    /// What is there once `wish` was applied and `text` written over it by hand.
    fn live(wish: &Desired, text: Option<&str>) -> Live {
        let owner = Owner { kind: "TradingSystem", key: Key::new("n", "desk"), uid: "u".into() };
        let mut object = wish.manifest(&owner, None).unwrap().object;
        let mut manager = FIELD_MANAGER;
        if let Some(text) = text {
            object["data"]["policy.yaml"] = text.into();
            manager = "kubectl-edit";
        }
        object["metadata"]["managedFields"] = json!([{
            "manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:policy.yaml": {}}},
        }]);
        Live::read(Kind::ConfigMap, serde_json::from_value(object).unwrap())
    }

    const BOTH: [(&str, &str); 2] = [("careful", "Active"), ("bold", "Active")];

    #[rstest]
    #[case::nothing_was_written(&BOTH, &[], None)]
    #[case::one_was_halted(&BOTH, &[("careful", "Halted"), ("bold", "Active")], Some("careful"))]
    #[case::nothing_was_halted(&BOTH, &[("careful", "Reducing"), ("bold", "Active")], None)]
    #[case::it_drops_off(&[("bold", "Active")], &[("careful", "Halted")], Some("careful"))]
    #[case::the_policy_halts_by_now(&[("careful", "Halted")], &[("careful", "Halted")], None)]
    #[case::another_halts(&[("careful", "Halted"), ("bold", "Active")], &[("bold", "Halted")], Some("bold"))]
    fn a_halt_that_somebody_wrote_is_heard(
        #[case] wish: &[(&str, &str)],
        #[case] written: &[(&str, &str)],
        #[case] heard: Option<&str>,
    ) {
        let text = limits(written).content["data"]["policy.yaml"].clone();
        let text = text.as_str().filter(|_| !written.is_empty());
        let there = live(&limits(&BOTH), text);
        assert_eq!(unheard(&limits(wish), &there).as_deref(), heard);
    }

    #[test]
    fn a_halt_of_ours_is_nobodys_by_hand() {
        let there = live(&limits(&[("careful", "Halted")]), None);
        assert_eq!(unheard(&limits(&[("careful", "Active")]), &there), None);
    }

    #[test]
    fn a_halt_is_heard_beside_what_cannot_be_read() {
        let hand = policy("careful", "Halted")
            + "---\n"
            + &policy("bold", "Active")
            + "---\nnot: [ closed\n";
        let there = live(&limits(&BOTH), Some(&hand));
        assert_eq!(unheard(&limits(&BOTH), &there).as_deref(), Some("careful"));
        assert_eq!(document(&there, "bold").as_ref().and_then(state), Some("Active"));
        assert_eq!(document(&there, "nobody"), None);
    }

    #[rstest]
    #[case::a_list(
        "apiVersion: v1\nkind: List\nitems:\n- kind: RiskPolicy\n  metadata: {name: careful}\n  spec: {tradingState: Halted}\n"
    )]
    #[case::an_alias(
        "kind: RiskPolicy\nmetadata: {name: careful, why: &h Halted}\nspec: {tradingState: *h}\n"
    )]
    #[case::other_line_ends(
        "# by hand\r\n--- # now\r\nkind: RiskPolicy\r\nmetadata: {name: careful}\r\nspec: {tradingState: \"Halted\"}\r\n"
    )]
    fn a_halt_is_heard_however_it_is_written(#[case] text: &str) {
        let there = live(&limits(&BOTH), Some(text));
        assert_eq!(unheard(&limits(&BOTH), &there).as_deref(), Some("careful"));
    }

    /// The trader refuses it whole.
    #[test]
    fn a_text_that_grows_when_it_is_read_is_no_halt() {
        let list = |of: &str| [of; 10].join(",");
        let mut bomb = format!("a0: &a0 [{}]\n", list("x"));
        for level in 1..9 {
            let all = list(&format!("*a{}", level - 1));
            bomb += &format!("a{level}: &a{level} [{all}]\n");
        }
        let hand = policy("careful", "Halted") + "a: *a8\n---\n" + &policy("bold", "Halted");
        let there = live(&limits(&BOTH), Some(&(bomb + &hand)));
        assert_eq!(unheard(&limits(&BOTH), &there), None);
    }

    #[test]
    fn another_file_of_the_limits_halts_nothing() {
        let mut other = limits(&BOTH);
        other.content["data"] = json!({"notes.yaml": policy("careful", "Halted")});
        assert_eq!(unheard(&limits(&BOTH), &live(&other, None)), None);
    }

    #[rstest]
    #[case(None, false)]
    #[case(Some("2026-01-01T00:00:00Z: RiskPolicy careful"), true)]
    #[case(Some(""), true)]
    #[case(Some("false"), true)]
    fn a_desk_is_halted_while_it_is_annotated(#[case] value: Option<&str>, #[case] halted: bool) {
        let annotations = value.map(|value| [(HALTED_BY_HAND.to_owned(), value.to_owned())].into());
        assert_eq!(is_in_force(&ObjectMeta { annotations, ..ObjectMeta::default() }), halted);
    }
}

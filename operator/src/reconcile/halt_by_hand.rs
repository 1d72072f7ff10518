//! A halt that somebody wrote into a desk's limits themselves, as is the way while no operator is there to bring it from
//! the RiskPolicy. Only a person lifts a halt: so before the operator writes over such limits, it makes the halt the
//! desk's, by the TradingSystem's annotation [`HALTED_BY_HAND`]. While that is there every limit of the desk says
//! Halted, whatever else changes in them.
//!
//! Whose a halt is, the API server tells: a file that somebody else wrote last has another manager than ours.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use sapphire_crds::TradingSystem;
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::{HALTED_BY_HAND, HALTED_BY_POLICY};
use serde_json::{Value, json};

use super::child::Live;
use super::deadline::in_time;
use super::desired::{Desired, Owner};
use super::events::Severity;
use super::foreign_limits::{concerns, files, name, state};
use super::outcome::Hold;
use super::stored::Wire;
use crate::context::Context;

const HALTED: &str = "Halted";

/// Whether a person halted the desk.
pub fn is_in_force(system: &ObjectMeta) -> bool {
    system.annotations.as_ref().is_some_and(|all| all.contains_key(HALTED_BY_HAND))
}

/// The policy in whose limits somebody wrote a halt that no policy says.
pub(crate) fn unheard(wish: &Desired, live: &Live) -> Option<String> {
    if live.foreign.is_empty() || !concerns(wish) {
        return None;
    }
    let said =
        wish.content.pointer("/metadata/annotations").and_then(|all| all.get(HALTED_BY_POLICY));
    let said = said.and_then(Value::as_str).unwrap_or_default().split(',');
    // A document without a name is none of theirs.
    let said: Vec<&str> = said.filter(|name| !name.is_empty()).collect();
    let there = live.content()?;
    let mut by_others =
        files(wish, &there).into_iter().filter(|(file, _)| live.foreign.iter().any(|f| f == file));
    by_others.find_map(|(_, document)| {
        let name = name(&document);
        (state(&document) == Some(HALTED) && !said.contains(&name.as_str())).then_some(name)
    })
}

/// Takes up a halt that somebody wrote into the limits that are there.
///
/// # Errors
/// Transient where it was done: what is wanted is another thing by then.
pub(super) async fn hear<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    owner: &Owner,
    child: &Desired,
    live: &Live,
) -> Result<(), Hold> {
    let unheard = unheard(child, live).filter(|_| !is_in_force(object.meta()));
    let Some(policy) = unheard else { return Ok(()) };
    take_up(context, owner, &child.name, &policy).await?;
    tell_of_halt(context, object, owner, &child.name, &policy).await;
    let action = format!("apply {} {}", child.kind.name(), owner.key.beside(&child.name));
    Err(Hold::changed(&action, "it was halted by hand"))
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
    match in_time(&action, api.patch(&owner.key.name, &params, &patch)).await? {
        Ok(written) => {
            context.systems.observe(written);
            Ok(())
        }
        Err(error) => Err(Hold::of_call(&action, &error)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::Replicas;
    use crate::reconcile::foreign_limits::document;
    use crate::reconcile::key::Key;
    use crate::reconcile::kind::Kind;
    use rstest::rstest;
    use sapphire_crds::names::annotations::RISK_POLICIES;

    fn policy(name: &str, state: &str) -> String {
        format!("kind: RiskPolicy\nmetadata:\n  name: {name}\nspec:\n  tradingState: {state}\n")
    }

    /// Limits of policies, each a name and its state.
    fn limits(policies: &[(&str, &str)]) -> Desired {
        let names: Vec<&str> = policies.iter().map(|(name, _)| *name).collect();
        let texts: Vec<String> = policies.iter().map(|(name, state)| policy(name, state)).collect();
        let halted = policies.iter().filter(|(_, state)| *state == HALTED);
        let halted: Vec<&str> = halted.map(|(name, _)| *name).collect();
        let content = json!({
            "metadata": {"annotations": {
                RISK_POLICIES: names.join(","), HALTED_BY_POLICY: halted.join(","),
            }},
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
    #[case::one_without_a_name(&BOTH, &[("", "Halted")], Some(""))]
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

    /// Of a policy that cannot be read the operator says Halted itself.
    #[test]
    fn a_halt_is_heard_where_caution_halts_already() {
        let mut wish = limits(&[("careful", "Halted")]);
        let notes = wish.content["metadata"]["annotations"].as_object_mut().unwrap();
        notes.remove(HALTED_BY_POLICY);
        let there = live(&limits(&BOTH), Some(&policy("careful", "Halted")));
        assert_eq!(unheard(&wish, &there).as_deref(), Some("careful"));
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
        let of = |file, name| document(&there, file, name);
        assert_eq!(of("policy.yaml", "bold").as_ref().and_then(state), Some("Active"));
        assert_eq!(of("policy.yaml", "nobody"), None);
        assert_eq!(of("notes.txt", "bold"), None);
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

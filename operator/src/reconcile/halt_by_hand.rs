//! A halt that somebody wrote into a desk's limits themselves, as is the way while no operator is there to bring it from
//! the RiskPolicy. It is not set back as other changes by hand are: only a person lifts a halt, here by another
//! tradingState of the RiskPolicy, or by hand again. Until then it is part of what the limits should be, whatever else
//! changes in them.
//!
//! The limits' annotation [`HALTS`] tells who halted, so that an operator that comes back knows a halt of its own from
//! one by hand: of a RiskPolicy that itself says so it has the name, of one by hand the state, too, that the
//! RiskPolicy said when the halt was found.

use std::collections::{BTreeMap, BTreeSet};

use sapphire_crds::names::annotations::{HALTS, RISK_POLICIES};
use serde_json::{Map, Value};
use serde_saphyr::{Budget, Options};

use super::child::Live;
use super::desired::{Desired, Manifest};
use super::kind::Kind;

const HALTED: &str = "Halted";

/// Whether a child has a desk's limits.
pub(super) fn concerns(wish: &Desired) -> bool {
    let notes = wish.content.pointer("/metadata/annotations");
    wish.kind == Kind::ConfigMap && notes.is_some_and(|notes| notes.get(RISK_POLICIES).is_some())
}

/// The policies that somebody halted in these limits by hand.
pub fn policies(limits: &Live) -> impl Iterator<Item = String> {
    entries(limits).into_iter().filter(|(_, state)| state.is_some()).map(|(name, _)| name)
}

/// What a child should be where it has a desk's limits: halted, too, where somebody wrote that into what is there.
/// `None` where it has no limits.
pub(super) fn kept(wish: &Desired, live: Option<&Live>) -> Option<Desired> {
    let data = wish.content.get("data")?.as_object().filter(|_| concerns(wish))?;
    let before = live.map(entries).unwrap_or_default();
    let content = live.and_then(Live::content);
    let there = content.map(|content| halts(&content, data)).unwrap_or_default();
    let stays = |name: &str, state: &str| {
        there.contains(name)
            && match before.get(name) {
                None => true,
                Some(noted) => noted.as_deref() == Some(state),
            }
    };
    let mut kept = wish.clone();
    let mut entries = Vec::new();
    for (file, text) in data {
        let Some(mut documents) = text.as_str().map(documents) else { continue };
        let mut is_kept = false;
        for document in &mut documents {
            let (Some(name), Some(state)) = (name(document), state(document)) else { continue };
            if state == HALTED {
                entries.push(name.to_owned());
            } else if stays(name, state) {
                entries.push(format!("{name}@{state}"));
                document["spec"]["tradingState"] = HALTED.into();
                is_kept = true;
            }
        }
        if is_kept {
            let texts: Result<Vec<String>, _> =
                documents.iter().map(serde_saphyr::to_string).collect();
            kept.content["data"][file] = texts.ok()?.join("---\n").into();
        }
    }
    if !entries.is_empty() {
        kept.content["metadata"]["annotations"][HALTS] = entries.join(",").into();
    }
    Some(kept)
}

/// The policies whose halt by hand is in `wish`, as [`kept`] has it, and was not known in what is there.
pub(super) fn found(wish: &Manifest, live: &Live) -> Vec<String> {
    let entries = wish.object.pointer("/metadata/annotations").and_then(|notes| notes.get(HALTS));
    let known = live.notes.get(HALTS).map_or("", String::as_str);
    let known: BTreeSet<&str> = known.split(',').collect();
    let by_hand = entries.and_then(Value::as_str).unwrap_or_default().split(',');
    by_hand
        .filter(|entry| !known.contains(entry))
        .filter_map(|entry| entry.split_once('@').map(|(name, _)| name.to_owned()))
        .collect()
}

/// Who halted, as [`HALTS`] of what is there has it: the name of each policy, and of a halt by hand the state.
fn entries(live: &Live) -> BTreeMap<String, Option<String>> {
    let entries = live.notes.get(HALTS).map_or("", String::as_str).split(',');
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| match entry.split_once('@') {
            Some((name, state)) => (name.to_owned(), Some(state.to_owned())),
            None => (entry.to_owned(), None),
        })
        .collect()
}

/// The names of the policies that halt, of the files of a ConfigMap that have the limits.
fn halts(config_map: &Value, files: &Map<String, Value>) -> BTreeSet<String> {
    let texts = files.keys().filter_map(|file| config_map.get("data")?.get(file)?.as_str());
    let documents = texts.filter(|text| text.contains(HALTED)).flat_map(documents);
    documents
        .filter(|policy| state(policy) == Some(HALTED))
        .filter_map(|policy| name(&policy).map(str::to_owned))
        .collect()
}

/// The documents of a text that can be read, whatever else somebody wrote into it. Aliases are not: a short text
/// could fill the memory with them.
fn documents(text: &str) -> Vec<Value> {
    let mut budget = Budget::default();
    budget.max_aliases = 0;
    let mut options = Options::default();
    options.budget = Some(budget);
    let parts = text.split("\n---").map(|part| part.trim_start_matches('-'));
    parts
        .filter_map(|part| serde_saphyr::from_str_with_options(part, options.clone()).ok())
        .collect()
}

fn name(policy: &Value) -> Option<&str> {
    policy.pointer("/metadata/name")?.as_str()
}

fn state(policy: &Value) -> Option<&str> {
    policy.pointer("/spec/tradingState")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::{Owner, Replicas};
    use crate::reconcile::key::Key;
    use rstest::rstest;
    use serde_json::json;

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

    fn manifest(wish: &Desired) -> Manifest {
        let owner = Owner { kind: "TradingSystem", key: Key::new("n", "desk"), uid: "u".into() };
        wish.manifest(&owner, None).unwrap()
    }

    /// What is there once `wish` was applied and `text` written over it by hand.
    fn live(wish: &Desired, text: Option<&str>) -> Live {
        let mut object = manifest(wish).object;
        if let Some(text) = text {
            object["data"]["policy.yaml"] = text.into();
        }
        Live::read(Kind::ConfigMap, serde_json::from_value(object).unwrap())
    }

    /// The states and the annotation of what is applied where `wish` meets `live`.
    fn applied(wish: &Desired, live: &Live) -> (String, Option<String>) {
        let kept = kept(wish, Some(live)).unwrap();
        let text = kept.content["data"]["policy.yaml"].as_str().unwrap().to_owned();
        let states =
            documents(&text).iter().map(|d| d["spec"]["tradingState"].clone()).collect::<Vec<_>>();
        let notes = &kept.content["metadata"]["annotations"];
        (
            json!(states).to_string(),
            notes.get(HALTS).map(|halts| halts.as_str().unwrap().to_owned()),
        )
    }

    const BOTH: [(&str, &str); 2] = [("careful", "Active"), ("bold", "Active")];

    #[rstest]
    #[case::nothing_was_written(&BOTH, None, r#"["Active","Active"]"#, None)]
    #[case::one_was_halted(&BOTH, Some(("careful", "bold")), r#"["Halted","Active"]"#, Some("careful@Active"))]
    #[case::the_policy_had_changed_before_unseen(
        &[("careful", "Reducing"), ("bold", "Active")], Some(("careful", "bold")), r#"["Halted","Active"]"#, Some("careful@Reducing")
    )]
    #[case::it_alone_is_left(&[("careful", "Active")], Some(("careful", "bold")), r#"["Halted"]"#, Some("careful@Active"))]
    #[case::the_other_is_left(&[("bold", "Active")], Some(("careful", "bold")), r#"["Active"]"#, None)]
    #[case::the_policy_halts_by_now(
        &[("careful", "Halted"), ("bold", "Active")], Some(("careful", "bold")), r#"["Halted","Active"]"#, Some("careful")
    )]
    fn a_halt_by_hand_is_kept(
        #[case] wish: &[(&str, &str)],
        #[case] written: Option<(&str, &str)>,
        #[case] states: &str,
        #[case] halts: Option<&str>,
    ) {
        let text = written
            .map(|(halted, other)| policy(halted, "Halted") + "---\n" + &policy(other, "Active"));
        let there = live(&limits(&BOTH), text.as_deref());
        let expected = (states.to_owned(), halts.map(str::to_owned));
        assert_eq!(applied(&limits(wish), &there), expected);
    }

    #[test]
    fn a_halt_that_was_found_stays_until_the_state_is_another() {
        let hand =
            policy("careful", "Halted") + "---\nnot: [ closed\n---\n" + &policy("bold", "Active");
        let there = live(&limits(&BOTH), Some(&hand));
        let wish = kept(&limits(&BOTH), Some(&there)).unwrap();
        assert_eq!(found(&manifest(&wish), &there), ["careful"]);

        let there = live(&wish, None);
        for compared in [false, true] {
            assert_eq!(there.fulfils(&manifest(&wish)) && compared, compared);
            let again = kept(&limits(&BOTH), Some(&there)).unwrap();
            assert_eq!(again, wish);
            assert!(found(&manifest(&again), &there).is_empty());
        }
        let changed = limits(&[("careful", "Reducing"), ("bold", "Active")]);
        assert_eq!(applied(&changed, &there), (r#"["Reducing","Active"]"#.into(), None));
    }

    #[rstest]
    #[case::compared(true)]
    #[case::not_compared(false)]
    fn a_halt_of_the_policy_ends_with_the_policys(#[case] compared: bool) {
        let halted = limits(&[("careful", "Halted")]);
        let wish = kept(&halted, None).unwrap();
        let there = live(&wish, None);
        if compared {
            assert!(there.fulfils(&manifest(&wish)));
        }
        assert_eq!(applied(&halted, &there), (r#"["Halted"]"#.into(), Some("careful".into())));
        let resumed = limits(&[("careful", "Active")]);
        assert_eq!(applied(&resumed, &there), (r#"["Active"]"#.into(), None));
    }

    #[test]
    fn who_lifts_a_halt_by_hand_by_hand_has_lifted_it() {
        let there = live(&limits(&BOTH), Some(&policy("careful", "Halted")));
        let wish = kept(&limits(&BOTH), Some(&there)).unwrap();
        let lifted = live(&wish, Some(&policy("careful", "Active")));
        assert_eq!(applied(&limits(&BOTH), &lifted), (r#"["Active","Active"]"#.into(), None));
    }

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
        let states = r#"["Active","Halted"]"#.to_owned();
        assert_eq!(applied(&limits(&BOTH), &there), (states, Some("bold@Active".into())));
    }

    #[test]
    fn another_file_of_the_limits_halts_nothing() {
        let mut object = manifest(&limits(&BOTH)).object;
        object["data"]["notes.yaml"] = policy("careful", "Halted").into();
        let there = Live::read(Kind::ConfigMap, serde_json::from_value(object).unwrap());
        let states = r#"["Active","Active"]"#.to_owned();
        assert_eq!(applied(&limits(&BOTH), &there), (states, None));
    }

    #[test]
    fn what_has_no_limits_is_left_alone() {
        let mut other = limits(&BOTH);
        other.content["metadata"]["annotations"] = json!({});
        assert_eq!(kept(&other, None), None);
    }
}

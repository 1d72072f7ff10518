//! Objects that are in memory: read before and changed since, or put together by a program.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::document::{Document, Kind};
use super::fault::{FaultCode, ManifestFault, ManifestFaults};
use super::files::ManifestFile;
use super::object::{AGENT, Definition, POLICY, SYSTEM};
use super::yaml::{Content, Node};
use crate::{RiskPolicy, TradingAgent, TradingSystem};
use serde_saphyr::Location;

/// The kinds that can be checked: [`TradingSystem`], [`TradingAgent`] and [`RiskPolicy`].
pub trait Checked: Serialize + DeserializeOwned + sealed::Defined {}

mod sealed {
    use super::{Definition, Kind};

    /// Has a schema with rules.
    pub trait Defined {
        fn kind() -> Kind;
        fn definition() -> &'static Definition;
    }
}

macro_rules! checked {
    ($($type:ident: $definition:ident),+) => {$(
        impl sealed::Defined for $type {
            fn kind() -> Kind {
                Kind::$type
            }
            fn definition() -> &'static Definition {
                &$definition
            }
        }
        impl Checked for $type {}
    )+};
}
checked!(TradingSystem: SYSTEM, TradingAgent: AGENT, RiskPolicy: POLICY);

/// Checks one object that is in memory, as [`check`](super::check) does one in a file: ranges, formats
/// and CEL rules of its kind. The types alone let a number be out of range and rules be broken.
///
/// A default that the types spelled out counts as left out: two limits of which one is at its default
/// are not at odds, as in a manifest that names only the other.
///
/// # Errors
/// Every fault, without file and line.
pub fn check_object<K: Checked>(object: &K) -> Result<(), ManifestFaults> {
    faults_of(object, None)
}

/// Checks what `new` changes of `old`, as the API server does on an update: `new` by itself, and the
/// rules on what may not change.
///
/// # Errors
/// Every fault of `new`, without file and line.
pub fn check_change<K: Checked>(old: &K, new: &K) -> Result<(), ManifestFaults> {
    faults_of(new, Some(old))
}

fn faults_of<K: Checked>(object: &K, old: Option<&K>) -> Result<(), ManifestFaults> {
    let old = old.map(as_written).transpose();
    let faults = match (as_written(object), old) {
        (Ok(json), Ok(old)) => {
            let file = ManifestFile { path: PathBuf::new(), text: String::new() };
            let root = Node::new(Content::of_json(&json), Location::UNKNOWN, Location::UNKNOWN);
            let document = Document { file: &file, number: None, kind: K::kind(), root };
            K::definition().judge(&document, old.as_ref()).1
        }
        (Err(error), _) | (_, Err(error)) => vec![ManifestFault::of_file(
            FaultCode::WrongValue,
            &PathBuf::new(),
            format!("cannot be written: {error}"),
            "change the value that is named".into(),
        )],
    };
    if faults.is_empty() { Ok(()) } else { Err(ManifestFaults::new(faults)) }
}

/// The object as a person would write it: without what means the same when it is left out.
fn as_written<K: Checked>(object: &K) -> Result<Json, serde_json::Error> {
    let mut json = serde_json::to_value(object)?;
    let whole = json.clone();
    let means_the_same = |candidate: &Json| {
        K::deserialize(candidate)
            .and_then(|read| serde_json::to_value(&read))
            .is_ok_and(|read| read == whole)
    };
    leave_out(&mut json, &mut vec!["spec".to_owned()], &means_the_same);
    Ok(json)
}

/// Removes every member below `path` that may be removed, outer ones first.
fn leave_out(json: &mut Json, path: &mut Vec<String>, means_the_same: &impl Fn(&Json) -> bool) {
    let here = path.iter().fold(String::new(), |pointer, step| pointer + "/" + step);
    let steps: Vec<String> = match json.pointer(&here) {
        Some(Json::Object(members)) => members.keys().cloned().collect(),
        Some(Json::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => return,
    };
    for step in steps {
        let parent = json.pointer_mut(&here);
        let removed = parent.and_then(Json::as_object_mut).and_then(|parent| parent.remove(&step));
        if let Some(value) = removed {
            if means_the_same(json) {
                continue;
            }
            if let Some(parent) = json.pointer_mut(&here).and_then(Json::as_object_mut) {
                parent.insert(step.clone(), value);
            }
        }
        path.push(step);
        leave_out(json, path, means_the_same);
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn object<K: Checked>(kind: &str, spec: Json) -> K {
        let object = json!({
            "apiVersion": crate::API_VERSION, "kind": kind, "metadata": {"name": "it"}, "spec": spec,
        });
        serde_json::from_value(object).unwrap()
    }

    fn policy(spec: Json) -> RiskPolicy {
        object("RiskPolicy", spec)
    }

    fn agent(spec: Json) -> TradingAgent {
        let mut whole = json!({
            "systemRef": {"name": "desk"},
            "strategy": {"emaCross": {"fast": 10, "slow": 20}},
            "authority": {"consensus": {}},
        });
        for (name, member) in spec.as_object().unwrap() {
            whole[name] = member.clone();
        }
        object("TradingAgent", whole)
    }

    #[rstest]
    #[case(json!({}))]
    #[case::below_the_default_of_the_daily_loss(json!({"limits": {"maxDrawdown": "0.04"}}))]
    #[case::gross_below_the_default_of_net(json!({"limits": {"maxGrossExposure": "3"}}))]
    #[case::a_default_spelled_out(json!({"limits": {"maxDailyLoss": "0.05"}, "exits": {"stop": {"atr": {}}}}))]
    fn what_a_manifest_may_say_an_object_may_say(#[case] spec: Json) {
        check_object(&policy(spec)).unwrap();
    }

    #[test]
    fn a_rule_that_a_change_breaks_is_told_without_a_place() {
        let mut policy = policy(json!({"limits": {"maxDrawdown": "0.04"}}));
        policy.spec.limits.max_daily_loss = "0.06".parse().unwrap();
        let faults = check_object(&policy).unwrap_err();
        let fault = &faults.as_slice()[0];
        assert_eq!((fault.code, faults.as_slice().len()), (FaultCode::Rule, 1));
        assert!(
            fault.to_string().starts_with("RiskPolicy it: spec.limits.maxDailyLoss: \"0.06\" "),
            "{fault}"
        );
        assert!(faults.to_string().contains("\n\nRiskPolicy it\n"), "{faults}");
    }

    #[test]
    fn a_number_out_of_range_is_told() {
        let faults = check_object(&agent(json!({"horizon": 0}))).unwrap_err();
        assert_eq!(faults.as_slice()[0].code, FaultCode::OutOfRange);
        assert_eq!(faults.as_slice()[0].field, "spec.horizon");
    }

    #[test]
    fn an_agent_keeps_its_system() {
        let (old, mut new) = (agent(json!({})), agent(json!({"horizon": 3})));
        check_change(&old, &new).unwrap();
        new.spec.system_ref.name = "other".parse().unwrap();
        assert!(check_object(&new).is_ok());
        let faults = check_change(&old, &new).unwrap_err();
        assert_eq!(faults.as_slice()[0].field, "spec.systemRef");
    }
}

//! What the API server would store, by its own word: a dry run of each object.

use std::collections::BTreeSet;

use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource};
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::DiffError;
use super::changes::{Change, changes};
use crate::context::Context;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Wire;
use crate::wake;

/// An object as a manifest has it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) kind: String,
    pub(super) key: Key,
    object: Value,
}

impl Wanted {
    /// Reads whose it is; `namespace` is that of objects that name none.
    pub(super) fn new(object: Value, namespace: &str) -> Self {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let namespace = text("/metadata/namespace").unwrap_or_else(|| namespace.to_owned());
        let name = text("/metadata/name").unwrap_or_default();
        Self { kind: text("/kind").unwrap_or_default(), key: Key::new(namespace, name), object }
    }
}

/// What would become of one object.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) kind: String,
    pub(super) key: Key,
    pub(super) is_new: bool,
    pub(super) changes: Vec<Change>,
}

/// What would become of all of them.
#[derive(Debug)]
pub(super) struct Foreseen {
    pub(super) outcomes: Vec<Outcome>,
}

impl Foreseen {
    /// Asks the API server, and puts its answers in the place of what is stored.
    pub(super) async fn ask(context: &Context, wanted: Vec<Wanted>) -> Result<Self, DiffError> {
        let mut outcomes = Vec::new();
        for wanted in wanted {
            let client = context.client.clone();
            outcomes.push(match wanted.kind.as_str() {
                "TradingSystem" => {
                    let (outcome, wire) = ask::<TradingSystem>(client, wanted).await?;
                    context.systems.observe(wire);
                    outcome
                }
                "TradingAgent" => {
                    let (outcome, wire) = ask::<TradingAgent>(client, wanted).await?;
                    context.agents.observe(wire);
                    outcome
                }
                _ => {
                    let (outcome, wire) = ask::<RiskPolicy>(client, wanted).await?;
                    context.policies.observe(wire);
                    outcome
                }
            });
        }
        Ok(Self { outcomes })
    }

    /// Whether anything would change.
    pub(super) fn changes(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.is_new || !outcome.changes.is_empty())
    }

    /// How many of the objects that shape a desk's pods change.
    pub(super) fn parts(&self, context: &Context, desk: &Key) -> usize {
        let shapes = |outcome: &&Outcome| match outcome.kind.as_str() {
            "TradingSystem" => outcome.key == *desk,
            "TradingAgent" => context.agents.named_by(&outcome.key).as_ref() == Some(desk),
            _ => false,
        };
        let changes = |outcome: &&Outcome| outcome.is_new || !outcome.changes.is_empty();
        self.outcomes.iter().filter(shapes).filter(changes).count()
    }

    /// The desks that the objects are of.
    pub(super) fn desks(&self, context: &Context) -> BTreeSet<Key> {
        let of = |outcome: &Outcome| match outcome.kind.as_str() {
            "TradingSystem" => vec![outcome.key.clone()],
            "TradingAgent" => context.agents.named_by(&outcome.key).into_iter().collect(),
            _ => wake::systems_under(context, &outcome.key),
        };
        self.outcomes.iter().flat_map(of).collect()
    }
}

/// How often an object is read anew that somebody else is writing.
const TRIES: u32 = 5;

async fn ask<K>(client: Client, wanted: Wanted) -> Result<(Outcome, Wire<K>), DiffError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    let Wanted { kind, key, object } = wanted;
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client, &key.namespace, &resource);
    let name = format!("{kind} {key}");
    let refused = |error: kube::Error| match error {
        kube::Error::Api(status) if (400..500).contains(&status.code) => {
            DiffError::Refused { object: name.clone(), why: status.message.clone() }
        }
        error => Hold::of_call(&format!("try {name}"), &error).into(),
    };
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let mut tries = TRIES;
    let (live, stored) = loop {
        let found = api.get_opt(&key.name).await;
        let live = found.map_err(|error| Hold::of_call(&format!("read {name}"), &error))?;
        let live = live.map(|live| serde_json::to_value(live).unwrap_or_default());
        let answer = match &live {
            None => {
                let mut new = object.clone();
                new["metadata"]["namespace"] = key.namespace.clone().into();
                api.create(&params, &read(new)?).await
            }
            Some(live) => match applier(live) {
                Some(manager) => {
                    let apply = PatchParams::apply(manager).force().dry_run();
                    api.patch(&key.name, &apply, &Patch::Apply(&object)).await
                }
                None => api.replace(&key.name, &params, &read(applied(live, &object))?).await,
            },
        };
        tries -= 1;
        match answer {
            // Written by somebody between the two calls: an operator writes statuses all the time.
            Err(kube::Error::Api(status)) if status.code == 409 && tries > 0 => {}
            answer => break (live, answer.map_err(refused)?),
        }
    };
    let stored = serde_json::to_value(stored).unwrap_or_default();
    let before = live.as_ref().map_or(json!({}), |live| json!({"spec": live["spec"]}));
    let outcome = Outcome {
        kind,
        key,
        is_new: live.is_none(),
        changes: match &live {
            // All of it is new.
            None => Vec::new(),
            Some(_) => changes(&before, &json!({"spec": stored["spec"]})),
        },
    };
    Ok((outcome, read(stored)?))
}

/// The annotation in which `kubectl apply` keeps what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Who applied an object by server-side apply; `None` where `kubectl apply` did, or nobody.
fn applier(live: &Value) -> Option<&str> {
    if live["metadata"]["annotations"].get(LAST_APPLIED).is_some() {
        return None;
    }
    let entries = live["metadata"]["managedFields"].as_array()?;
    entries
        .iter()
        .filter(|entry| entry["operation"] == "Apply" && entry.get("subresource").is_none())
        .filter_map(|entry| entry["manager"].as_str())
        .find(|manager| *manager != FIELD_MANAGER)
}

/// What `kubectl apply` would make of an object: what the manifest has is set, what only the last one had is removed,
/// and what somebody else set stays.
fn applied(live: &Value, manifest: &Value) -> Value {
    let mut manifest = manifest.clone();
    // It has one at least, that of what was applied last; those of others stay.
    if let Value::Object(metadata) = &mut manifest["metadata"] {
        metadata.entry("annotations").or_insert(json!({}));
    }
    let mut all = live.clone();
    set(&mut all, &manifest);
    let last = live["metadata"]["annotations"].get(LAST_APPLIED).and_then(Value::as_str);
    if let Some(last) = last.and_then(|last| serde_json::from_str(last).ok()) {
        remove(&mut all, &last, &manifest);
    }
    all
}

fn set(all: &mut Value, wanted: &Value) {
    match (all, wanted) {
        (Value::Object(all), Value::Object(wanted)) => {
            for (name, value) in wanted {
                match value {
                    Value::Null => drop(all.remove(name)),
                    value => set(all.entry(name).or_insert(Value::Null), value),
                }
            }
        }
        (all, wanted) => *all = wanted.clone(),
    }
}

fn remove(all: &mut Value, last: &Value, wanted: &Value) {
    let (Value::Object(all), Value::Object(last)) = (all, last) else { return };
    for (name, was) in last {
        match wanted.get(name) {
            None => drop(all.remove(name)),
            Some(is) => all.get_mut(name).into_iter().for_each(|all| remove(all, was, is)),
        }
    }
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, DiffError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    serde_json::from_value(object)
        .map_err(|error| DiffError::Refused { object: name, why: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn live(last: Option<&Value>) -> Value {
        let annotations = last.map_or(json!({}), |last| json!({LAST_APPLIED: last.to_string()}));
        json!({
            "metadata": {"name": "desk", "resourceVersion": "7", "annotations": annotations},
            "spec": {"image": {"reference": "a"}, "symbols": ["BTCUSD"], "trader": {"resources": {"cpu": 1}}},
        })
    }

    #[rstest]
    #[case::what_the_manifest_has_is_set(json!({"symbols": ["ETHUSD"]}), None, json!(
        {"image": {"reference": "a"}, "symbols": ["ETHUSD"], "trader": {"resources": {"cpu": 1}}}))]
    #[case::what_somebody_else_set_stays(json!({"symbols": ["BTCUSD"]}), Some(json!({"symbols": ["BTCUSD"]})), json!(
        {"image": {"reference": "a"}, "symbols": ["BTCUSD"], "trader": {"resources": {"cpu": 1}}}))]
    #[case::what_the_last_manifest_had_is_removed(json!({"trader": {}}),
        Some(json!({"image": {"reference": "a"}, "trader": {"resources": {"cpu": 1}}})),
        json!({"symbols": ["BTCUSD"], "trader": {}}))]
    #[case::nothing_in_place_of_something(json!({"image": null}), None,
        json!({"symbols": ["BTCUSD"], "trader": {"resources": {"cpu": 1}}}))]
    fn an_apply_is_foreseen(
        #[case] spec: Value,
        #[case] last: Option<Value>,
        #[case] expected: Value,
    ) {
        let last = last.map(|spec| json!({"metadata": {"name": "desk"}, "spec": spec}));
        let live = live(last.as_ref());
        let after = applied(&live, &json!({"metadata": {"name": "desk"}, "spec": spec}));
        assert_eq!(after["spec"], expected);
        assert_eq!(after["metadata"], live["metadata"]);
    }

    #[test]
    fn an_apply_leaves_the_annotations_of_others() {
        // kubectl keeps an empty map of them where a manifest has none.
        let last = json!({"metadata": {"name": "desk", "annotations": {}}, "spec": {}});
        let mut live = live(Some(&last));
        live["metadata"]["annotations"]["sapphiretrade.xyz/halted-by-hand"] = "somebody".into();
        let after = applied(&live, &json!({"metadata": {"name": "desk"}, "spec": {}}));
        assert_eq!(after["metadata"], live["metadata"]);
    }

    #[rstest]
    #[case(json!({"managedFields": [{"manager": "flux", "operation": "Apply"}]}), Some("flux"))]
    #[case(json!({"managedFields": [{"manager": "edit", "operation": "Update"}]}), None)]
    #[case(json!({"managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply"}]}), None)]
    #[case(json!({"managedFields": [{"manager": "x", "operation": "Apply", "subresource": "status"}]}), None)]
    #[case(json!({"annotations": {LAST_APPLIED: "{}"},
        "managedFields": [{"manager": "flux", "operation": "Apply"}]}), None)]
    fn who_applied_it_applies_it_again(#[case] metadata: Value, #[case] who: Option<&str>) {
        assert_eq!(applier(&json!({ "metadata": metadata })), who);
    }
}

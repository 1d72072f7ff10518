//! What the API server would store, by its own word: a dry run of each object.

use std::collections::BTreeSet;

use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::{Api, Client, Resource};
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
    let Wanted { kind, key, mut object } = wanted;
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client, &key.namespace, &resource);
    let name = format!("{kind} {key}");
    object["metadata"]["namespace"] = key.namespace.clone().into();
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
            None => api.create(&params, &typed(&object)?).await,
            Some(live) => {
                carry_over(live, &mut object);
                api.replace(&key.name, &params, &typed(&object)?).await
            }
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

/// What an apply leaves as it is although the manifest does not have it.
fn carry_over(live: &Value, object: &mut Value) {
    for member in ["resourceVersion", "uid", "finalizers", "ownerReferences"] {
        if let Some(value) = live["metadata"].get(member) {
            object["metadata"][member] = value.clone();
        }
    }
    for member in ["labels", "annotations"] {
        let mut all = live["metadata"].get(member).cloned().unwrap_or_else(|| json!({}));
        if let (Some(all), Some(wanted)) =
            (all.as_object_mut(), object["metadata"][member].as_object())
        {
            all.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        object["metadata"][member] = all;
    }
    // Scaled by a person or an autoscaler, as long as the manifest does not say otherwise.
    if let (Some(replicas), None) = (live["spec"].get("replicas"), object["spec"].get("replicas")) {
        object["spec"]["replicas"] = replicas.clone();
    }
}

fn typed(object: &Value) -> Result<DynamicObject, DiffError> {
    read(object.clone())
}

fn read<T: DeserializeOwned>(object: Value) -> Result<T, DiffError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    serde_json::from_value(object)
        .map_err(|error| DiffError::Refused { object: name, why: error.to_string() })
}

//! The manifests that a pod reads: the same that people apply, with paths of the pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Volume, VolumeMount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::API_VERSION;
use sapphire_crds::conditions::{Reason, TradingState};
use sapphire_crds::names::Component;
use sapphire_crds::names::annotations::{HALTED_BY_POLICY, LAST_READ, RISK_POLICIES};
use sapphire_crds::{TradingAgentSpec, TradingSystemSpec};
use serde::Serialize;
use serde_json::{Value, json};

use super::trader::{DESK, config_map};
use super::{Rendering, unwritable};
use crate::labels;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::system::limit::{LastRead, Limit, Policy};
use crate::system::validate::{Shape, Valid};

/// Fields that concern the cluster and not what runs in the pod. Without them the manifests stay the
/// same where only the pod's own shape changes.
const OF_THE_CLUSTER: [&str; 11] = [
    "image",
    "trader",
    "coordinator",
    "api",
    "podOverrides",
    "migrations",
    "rollout",
    "deletionPolicy",
    "suspend",
    "storage",
    "bus",
];

/// Fields of an agent that say of pods of its own how large and how many they are.
const OF_ITS_PODS: [&str; 3] = ["tier", "replicas", "autoscaling"];

const SYSTEM: &str = "system.yaml";
const AGENTS: &str = "agents.yaml";

/// The desk's files, as its pods read them.
pub(super) fn of_desk(desk: &Valid, rendering: &Rendering<'_>) -> (Volume, VolumeMount) {
    let files: &[&str] = match desk.shape {
        Shape::Embedded(_) => &[SYSTEM, AGENTS],
        Shape::Clustered { .. } => &[SYSTEM],
    };
    config_map("desk", &desk_name(&desk.key.name, rendering), DESK, files)
}

/// The name of the ConfigMap with the desk of a revision: pods of an older one keep theirs.
fn desk_name(system: &str, rendering: &Rendering<'_>) -> String {
    format!("{system}-desk-{}", rendering.hash)
}

/// The file with the limits.
pub(super) const LIMITS: &str = "policy.yaml";

/// The name of the ConfigMap with the policy, which all revisions share.
pub(super) fn limits_name(system: &str) -> String {
    format!("{system}-policy")
}

/// A system's manifest as pods read it.
pub(crate) fn system_yaml(name: &str, spec: &TradingSystemSpec) -> Result<String, Hold> {
    let mut spec = value(spec)?;
    remove(&mut spec, &OF_THE_CLUSTER);
    rewrite_paths(&mut spec);
    yaml(&manifest("TradingSystem", name, spec))
}

/// An agent's manifest as pods read it, without the fields `without`.
pub(crate) fn agent_yaml(
    name: &str,
    spec: &TradingAgentSpec,
    without: &[&str],
) -> Result<String, Hold> {
    let mut spec = value(spec)?;
    remove(&mut spec, without);
    yaml(&manifest("TradingAgent", name, spec))
}

/// The system and its agents.
pub(super) fn desk(desk: &Valid, rendering: &Rendering<'_>) -> Result<ConfigMap, Hold> {
    let system = &desk.key.name;
    let mut data = BTreeMap::from([(SYSTEM.to_owned(), system_yaml(system, &desk.system.spec)?)]);
    // Agents with pods of their own have theirs beside these.
    if matches!(desk.shape, Shape::Embedded(_)) {
        let mut agents = Vec::new();
        for agent in &desk.agents {
            let name = agent.metadata.name.as_deref().unwrap_or_default();
            agents.push(agent_yaml(name, &agent.spec, &OF_ITS_PODS)?);
        }
        data.insert(AGENTS.to_owned(), agents.join("---\n"));
    }
    let mut own = labels::of_component(system, Component::Trader);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(desk_name(system, rendering)),
            labels: Some(own),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..ConfigMap::default()
    })
}

/// The limits that a desk's pods are under, each a document. They change in place: the kubelet brings them to the
/// pods, which act on theirs without a restart.
pub(super) fn limits(system: &Key, limits: &[Limit]) -> Result<ConfigMap, Hold> {
    let (mut documents, mut last_read) = (Vec::with_capacity(limits.len()), BTreeMap::new());
    for limit in limits {
        let mut document = match &limit.policy {
            Policy::Read(policy) => manifest("RiskPolicy", &limit.name, value(&policy.spec)?),
            // Whoever wrote it may have called it something that no pod reads.
            Policy::Kept(document) => manifest(
                "RiskPolicy",
                &limit.name,
                document.get("spec").cloned().unwrap_or_default(),
            ),
            Policy::Unknown => manifest("RiskPolicy", &limit.name, json!({})),
        };
        if let Some(Value::Object(spec)) = document.get_mut("spec") {
            spec.insert("tradingState".into(), value(&limit.state)?);
        }
        documents.push(yaml(&document)?);
        if !limit.is_unknown() {
            last_read.insert(limit.name.clone(), LastRead::of(limit.own, &document)?);
        }
    }
    let last_read = serde_json::to_string(&last_read).map_err(|error| unwritable(&error))?;
    let names = |some: fn(&Limit) -> bool| {
        let some = limits.iter().filter(|limit| some(limit)).map(|limit| limit.name.as_str());
        some.collect::<Vec<_>>().join(",")
    };
    let halted = names(|limit| limit.said == TradingState::Halted);
    let mut notes = BTreeMap::from([
        (RISK_POLICIES.to_owned(), names(|_| true)),
        (LAST_READ.to_owned(), last_read),
    ]);
    if !halted.is_empty() {
        notes.insert(HALTED_BY_POLICY.to_owned(), halted);
    }
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(limits_name(&system.name)),
            labels: Some(labels::of_component(&system.name, Component::Trader)),
            annotations: Some(notes),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(LIMITS.to_owned(), documents.join("---\n"))])),
        ..ConfigMap::default()
    })
}

/// Paths of recordings are relative to their volume; in the pod they are relative to the manifest, and
/// volumes are mounted beside it.
fn rewrite_paths(spec: &mut Value) {
    let rewrite = |file: &mut Value| {
        let claim = file.pointer("/volume/claimName").and_then(Value::as_str).map(str::to_owned);
        let path = file.get("path").and_then(Value::as_str).map(str::to_owned);
        if let (Some(claim), Some(path), Value::Object(members)) = (claim, path, file) {
            members.insert("path".into(), format!("../data/{claim}/{path}").into());
            members.remove("volume");
        }
    };
    if let Some(file) = spec.pointer_mut("/venue/paper/data/file") {
        rewrite(file);
    }
    if let Some(Value::Array(files)) = spec.pointer_mut("/venue/paper/data/files") {
        files.iter_mut().for_each(rewrite);
    }
}

fn remove(spec: &mut Value, names: &[&str]) {
    if let Value::Object(members) = spec {
        for name in names {
            members.remove(*name);
        }
    }
}

fn manifest(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn value<T: Serialize>(spec: &T) -> Result<Value, Hold> {
    serde_json::to_value(spec).map_err(|error| unwritable(&error))
}

fn yaml(manifest: &Value) -> Result<String, Hold> {
    serde_saphyr::to_string(manifest).map_err(|error| {
        Hold::stalled(Reason::InvalidSpec, format!("a manifest cannot be written: {error}"))
    })
}

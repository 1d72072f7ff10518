//! What a trader reads of its limits: the ConfigMaps that its pod mounts, and nothing else. So a limit that
//! was not delivered is not acknowledged.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};
use sapphire_crds::RiskPolicy;
use sapphire_crds::manifest::{self, Source};
use sapphire_crds::risk_policy::OnHalt;
use sapphire_crds::values::{Digest, ObjectName};
use serde_json::Value;

use super::desk::PolicyFacts;

/// The volume with the desk's manifests.
const DESK: &str = "desk";
/// The volume with the policies.
const POLICY: &str = "policy";

pub(super) struct Files {
    config_maps: Store<ConfigMap>,
    policies: Store<RiskPolicy>,
    /// The last generation with which each content was stored. Files tell none.
    generations: BTreeMap<Content, i64>,
}

/// Namespace, name and hash of a RiskPolicy.
type Content = (String, String, Digest);

impl Files {
    pub(super) fn new(config_maps: Store<ConfigMap>, policies: Store<RiskPolicy>) -> Self {
        Self { config_maps, policies, generations: BTreeMap::new() }
    }

    /// Looks which generations the policies are of now.
    pub(super) fn count_generations(&mut self) {
        for policy in self.policies.state() {
            let content = policy.namespace().zip(hash(&policy));
            if let (Some((namespace, hash)), Some(generation)) =
                (content, policy.metadata.generation)
            {
                self.generations.insert((namespace, policy.name_any(), hash), generation);
            }
        }
    }

    /// The policy that a pod of a system is under, as its files have it. `None` where they do not.
    pub(super) fn policy(&self, pod: &Pod, system: &str) -> Option<PolicyFacts> {
        let name = policy_name(&*self.mounted(pod, DESK)?, system)?;
        let policy = policy_named(&name, &*self.mounted(pod, POLICY)?)?;
        let hash = hash(&policy)?;
        let content = (pod.namespace()?, name.to_string(), hash.clone());
        Some(PolicyFacts {
            name,
            generation: self.generations.get(&content).copied().unwrap_or_default(),
            hash,
            trading_state: policy.spec.trading_state,
            flattens: policy.spec.on_halt == OnHalt::Flatten,
        })
    }

    fn mounted(&self, pod: &Pod, volume: &str) -> Option<Arc<ConfigMap>> {
        let mut volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let source = volumes.find(|one| one.name == volume)?.config_map.as_ref()?;
        self.config_maps.get(&ObjectRef::new(&source.name).within(&pod.namespace()?))
    }
}

fn hash(policy: &RiskPolicy) -> Option<Digest> {
    policy.spec.hash().ok()?.parse().ok()
}

/// The policy that the system's manifest names.
fn policy_name(desk: &ConfigMap, system: &str) -> Option<ObjectName> {
    let texts = desk.data.iter().flat_map(BTreeMap::values);
    let mut documents =
        texts.flat_map(|text| serde_saphyr::from_multiple::<Value>(text).unwrap_or_default());
    let manifest = documents.find(|document| {
        document["kind"] == "TradingSystem" && document["metadata"]["name"] == system
    })?;
    manifest.pointer("/spec/riskPolicyRef/name")?.as_str()?.parse().ok()
}

/// The policy of that name, read and judged as a trader does.
fn policy_named(name: &ObjectName, policies: &ConfigMap) -> Option<RiskPolicy> {
    policies.data.iter().flatten().find_map(|(file, text)| {
        let source = Source { path: PathBuf::from(file), text: text.clone() };
        manifest::policy_in(&source, name.as_str()).ok()
    })
}

#[cfg(test)]
mod tests;

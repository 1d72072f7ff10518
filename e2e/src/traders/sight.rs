//! What traders see: a copy of the objects, kept by watches.

use std::collections::BTreeMap;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::Config;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use sapphire_crds::names::{Component, labels};
use sapphire_crds::trading_system::DeletionPolicy;
use sapphire_crds::{TradingAgent, TradingSystem};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;

use super::Key;
use super::desk::{Facts, PodFacts};
use super::files::Files;
use crate::error::Error;
use crate::plays::OPEN;

pub(super) struct Sight {
    pods: Store<Pod>,
    systems: Store<TradingSystem>,
    agents: Store<TradingAgent>,
    files: Files,
}

impl Sight {
    pub(super) async fn open(
        client: &Client,
        namespace: Option<&str>,
        tasks: &mut JoinSet<()>,
    ) -> Result<Self, Error> {
        let traders = format!("{}={}", labels::COMPONENT, Component::Trader);
        let traders = Config::default().labels(&traders);
        let ours = format!("{}={}", labels::MANAGED_BY, labels::MANAGED_BY_VALUE);
        let ours = Config::default().labels(&ours);
        let any = Config::default;
        let config_maps = watch(client, namespace, ours, tasks).await?;
        let policies = watch(client, namespace, any(), tasks).await?;
        Ok(Self {
            pods: watch(client, namespace, traders, tasks).await?,
            systems: watch(client, namespace, any(), tasks).await?,
            agents: watch(client, namespace, any(), tasks).await?,
            files: Files::new(config_maps, policies),
        })
    }

    /// What each desk's traders see. (A pod whose labels say of no system is nobody's.)
    pub(super) fn facts(&mut self) -> BTreeMap<Key, Facts> {
        self.files.count_generations();
        let mut desks: BTreeMap<Key, Facts> = BTreeMap::new();
        let pods = self.pods.state();
        for pod in pods.iter().filter(|pod| is_ready(pod)).filter_map(|pod| self.facts_of(pod)) {
            let key = (pod.namespace.clone(), pod.system.clone());
            desks.entry(key).or_default().pods.push(pod);
        }
        for ((namespace, name), facts) in &mut desks {
            facts.pods.sort_by(|one, other| one.name.cmp(&other.name));
            let key = reflector::ObjectRef::new(name).within(namespace);
            if let Some(system) = self.systems.get(&key) {
                self.add_system(namespace, &system, facts);
            }
        }
        desks
    }

    /// `None` of a pod that does not say which revision of which system it runs.
    fn facts_of(&self, pod: &Pod) -> Option<PodFacts> {
        let system = pod.labels().get(labels::SYSTEM)?.clone();
        let hash = pod.labels().get(labels::REVISION)?;
        Some(PodFacts {
            namespace: pod.namespace()?,
            name: pod.name_any(),
            uid: pod.uid()?,
            revision: format!("{system}-{hash}").parse().ok()?,
            policy: self.files.policy(pod, &system),
            system,
        })
    }

    fn add_system(&self, namespace: &str, system: &TradingSystem, facts: &mut Facts) {
        let rollout = system.status.as_ref().and_then(|status| status.rollout.as_ref());
        facts.lead_revision = rollout.and_then(|rollout| rollout.lead_revision.clone());
        facts.deleting = system.meta().deletion_timestamp.is_some();
        facts.closes = facts.deleting && system.spec.deletion_policy == DeletionPolicy::Flatten;
        // What is no symbol is open nowhere.
        let open = system.annotations().get(OPEN).into_iter().flat_map(|list| list.split(','));
        facts.open = open.filter_map(|symbol| symbol.trim().parse().ok()).collect();
        let agents = self.agents.state();
        let ours = agents.iter().filter(|agent| {
            agent.namespace().as_deref() == Some(namespace)
                && agent.spec.system_ref.name.as_str() == system.name_any()
        });
        facts.agents = ours
            .filter_map(|agent| {
                let canary = agent.status.as_ref().and_then(|status| status.canary.as_ref());
                Some((agent.name_any().parse().ok()?, canary.map(|canary| canary.weight)))
            })
            .collect();
        facts.agents.sort();
    }
}

async fn watch<K>(
    client: &Client,
    namespace: Option<&str>,
    config: Config,
    tasks: &mut JoinSet<()>,
) -> Result<Store<K>, Error>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    K::DynamicType: Default + Eq + std::hash::Hash + Clone,
{
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    // A watch would try again for ever; what is not served should be told now.
    api.list_metadata(&kube::api::ListParams::default().limit(1)).await?;
    let (store, writer) = reflector::store();
    let events = watcher(api, config).default_backoff().reflect(writer);
    tasks.spawn(async move { events.for_each(|_| std::future::ready(())).await });
    Ok(store)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}

//! Where reports are told: each pod's own Lease.

use std::collections::BTreeMap;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use sapphire_crds::names::{annotations, labels};
use sapphire_crds::report::Report;
use serde_json::json;
use tokio::time::Instant;

use super::Conduct;
use super::desk::PodFacts;

pub(super) struct Leases {
    client: Client,
    /// What each pod, by UID, told last.
    told: BTreeMap<String, Told>,
}

struct Told {
    report: Report,
    conduct: Conduct,
    at: Instant,
}

impl Leases {
    pub(super) fn new(client: Client) -> Self {
        Self { client, told: BTreeMap::new() }
    }

    pub(super) fn forget_all_but<'a>(&mut self, pods: impl Iterator<Item = &'a PodFacts>) {
        let living: std::collections::BTreeSet<&str> = pods.map(|pod| pod.uid.as_str()).collect();
        self.told.retain(|uid, _| living.contains(uid.as_str()));
    }

    /// Writes a report if it says something urgent, if the test changed the pods' conduct, or if it is
    /// time. A write that fails is made again at the next look.
    pub(super) async fn tell(&mut self, pod: &PodFacts, report: &Report, conduct: &Conduct) {
        let is_due = self.told.get(&pod.uid).is_none_or(|told| {
            report.differs_urgently(&told.report)
                || told.conduct != *conduct
                || told.at.elapsed() >= conduct.rhythm
        });
        if is_due && self.write(pod, report, conduct).await {
            let (report, conduct) = (report.clone(), conduct.clone());
            let told = Told { report, conduct, at: Instant::now() };
            self.told.insert(pod.uid.clone(), told);
        }
    }

    async fn write(&self, pod: &PodFacts, report: &Report, conduct: &Conduct) -> bool {
        let ahead = SignedDuration::from_secs(conduct.clock_ahead);
        let now = Timestamp::now().checked_add(ahead).unwrap_or(Timestamp::MAX);
        let text = match &conduct.nonsense {
            Some(nonsense) => nonsense.clone(),
            None => report.write().unwrap_or_else(|error| error.to_string()),
        };
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": pod.name,
                "labels": { labels::SYSTEM: pod.system },
                "annotations": { annotations::REPORT: text },
                "ownerReferences": [{
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": pod.name,
                    "uid": pod.uid,
                }],
            },
            "spec": { "holderIdentity": pod.name, "renewTime": format!("{now:.6}") },
        });
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), &pod.namespace);
        let as_trader = PatchParams::apply("sapphire-trader").force();
        leases.patch(&pod.name, &as_trader, &Patch::Apply(&lease)).await.is_ok()
    }
}

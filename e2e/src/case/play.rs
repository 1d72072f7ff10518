//! What pods that do not exist yet will do.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::PostParams;
use kube::{Api, Resource};
use sapphire_crds::names::{Component, labels};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Case;
use crate::error::Error;
use crate::plays::Play;
use crate::ports::random;

/// How long the API server may take to act on a new admission policy.
const PATIENCE: Duration = Duration::from_secs(60);

impl Case<'_> {
    /// From here on, new pods of a component do this, in this namespace. (An admission policy gives
    /// them the annotations, so it happens before anyone sees the pod.)
    ///
    /// # Errors
    /// When the API server does not take the policy, or does not act on it in time.
    pub async fn play(&self, component: Component, play: &Play) -> Result<(), Error> {
        let mut annotations: BTreeMap<&str, String> = play.annotations().into_iter().collect();
        // Tells this policy in force from the one before it.
        const TURN: &str = "play.sapphiretrade.xyz/turn";
        annotations.insert(TURN, format!("{:016x}", random(0)));
        let policy = self.policy(component, &annotations).await?;
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.cluster.kubectl_with(&apply, &policy.to_string()).await?.ok()?;

        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = match self.probe(component).await {
                Ok(pod)
                    if pod.metadata.annotations.iter().flatten().any(|(key, value)| {
                        key == TURN && annotations.get(TURN) == Some(value)
                    }) =>
                {
                    return Ok(());
                }
                Ok(pod) => format!("{:?}", pod.metadata.annotations),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                let what = format!("{component} pods to play {play:?}");
                return Err(Error::TimedOut { what, seconds: PATIENCE.as_secs(), seen });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a pod of the component would be, were it created.
    async fn probe(&self, component: Component) -> Result<Pod, kube::Error> {
        let pod = json!({
            "metadata": {
                "generateName": "probe-",
                "labels": { labels::COMPONENT: component.as_str() },
            },
            "spec": { "containers": [{ "name": "probe", "image": "probe" }] },
        });
        let pod: Pod = serde_json::from_value(pod).map_err(kube::Error::SerdeError)?;
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        self.api::<Pod>().create(&dry, &pod).await
    }

    /// The policy and its binding. They belong to the namespace and go with it.
    async fn policy(
        &self,
        component: Component,
        annotations: &BTreeMap<&str, String>,
    ) -> Result<Value, Error> {
        let namespaces: Api<Namespace> = Api::all(self.client());
        let owner = namespaces.get(&self.namespace).await?.owner_ref(&());
        let name = format!("{}-{component}", self.namespace);
        let metadata = json!({ "name": name, "ownerReferences": [owner] });
        // A map in JSON reads as one in CEL.
        let map = json!(annotations);
        let expression = format!("Object{{metadata: Object.metadata{{annotations: {map}}}}}");
        let group = "admissionregistration.k8s.io/v1";
        Ok(json!({
            "apiVersion": "v1",
            "kind": "List",
            "items": [
                {
                    "apiVersion": group,
                    "kind": "MutatingAdmissionPolicy",
                    "metadata": metadata,
                    "spec": {
                        "matchConstraints": {
                            "namespaceSelector": {
                                "matchLabels": { "kubernetes.io/metadata.name": self.namespace },
                            },
                            "objectSelector": {
                                "matchLabels": { labels::COMPONENT: component.as_str() },
                            },
                            "resourceRules": [{
                                "apiGroups": [""],
                                "apiVersions": ["v1"],
                                "operations": ["CREATE"],
                                "resources": ["pods"],
                            }],
                        },
                        "failurePolicy": "Fail",
                        "reinvocationPolicy": "Never",
                        "mutations": [{
                            "patchType": "ApplyConfiguration",
                            "applyConfiguration": { "expression": expression },
                        }],
                    },
                },
                {
                    "apiVersion": group,
                    "kind": "MutatingAdmissionPolicyBinding",
                    "metadata": metadata,
                    "spec": { "policyName": name },
                },
            ],
        }))
    }
}

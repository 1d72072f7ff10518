//! Which Deployment made a pod, where the times at which both were made leave it in doubt.
//!
//! A pod that seems older than the Deployment of its ReplicaSet's name is mostly one of a former desk of that
//! name, on its way out. It may also be of this one: made by an API server whose clock is behind, or by a
//! Deployment that was deleted alone and made anew. The ReplicaSet tells; nobody watches those, so it is asked
//! for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock};

use k8s_openapi::api::apps::v1::ReplicaSet;
use kube::Api;

use crate::context::Context;
use crate::reconcile::child::{Controller, Live};
use crate::reconcile::deadline::in_time;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;

/// By desk, the uids of ReplicaSets and of the Deployments that control them.
#[derive(Debug, Default)]
pub struct Makers {
    known: RwLock<HashMap<Key, BTreeMap<String, String>>>,
}

impl Makers {
    /// Whether the pod's ReplicaSet is known to be one of the Deployment with this uid.
    pub fn is_of(&self, system: &Key, pod: &Live, deployment: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let maker = pod.controller.as_ref().zip(known.get(system));
        maker.and_then(|(by, known)| known.get(&by.uid)).is_some_and(|uid| uid == deployment)
    }

    /// Asks for the ReplicaSets of a desk's pods that are in doubt; whether one is known by now. One that cannot be
    /// had now is asked for at the next look.
    pub async fn ask(&self, context: &Context, system: &Key) -> bool {
        let (doubtful, controllers) = context.doubtful_pods(system);
        let mut learned = false;
        for controller in doubtful {
            let api: Api<ReplicaSet> = Api::namespaced(context.client.clone(), &system.namespace);
            let action = format!("look for ReplicaSet {}", system.beside(&controller.name));
            let asked = in_time(&action, api.get_metadata_opt(&controller.name)).await;
            match asked.and_then(|found| found.map_err(|error| Hold::of_call(&action, &error))) {
                Ok(Some(found)) if found.metadata.uid.as_ref() == Some(&controller.uid) => {
                    let owners = found.metadata.owner_references.unwrap_or_default();
                    let owner = owners.into_iter().find(|owner| owner.controller == Some(true));
                    if let Some(owner) = owner {
                        self.learn(system, controller, owner.uid);
                        learned = true;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let (namespace, name) = (&system.namespace, &controller.name);
                    tracing::warn!(namespace, name, %error, "cannot see whose ReplicaSet it is");
                }
            }
        }
        self.forget_all_but(system, &controllers);
        learned
    }

    pub(crate) fn learn(&self, system: &Key, replica_set: Controller, deployment: String) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(system.clone()).or_default().insert(replica_set.uid, deployment);
    }

    /// Forgets what was known of a desk that is gone.
    pub fn forget(&self, system: &Key) {
        self.forget_all_but(system, &[]);
    }

    fn forget_all_but(&self, system: &Key, controllers: &[String]) {
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get_mut(system) {
            known.retain(|replica_set, _| controllers.contains(replica_set));
            if known.is_empty() {
                all.remove(system);
            }
        }
    }
}

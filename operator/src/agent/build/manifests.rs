//! The manifests that an agent's pods read.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Whole, labels_of};
use crate::labels;
use crate::reconcile::outcome::Hold;
use crate::system::build::Rendering;
use crate::system::build::manifests::{agent_yaml, system_yaml};

/// What pods do not read from a file: it changes without a restart.
const ELSEWHERE: [&str; 4] = ["tier", "replicas", "autoscaling", "paused"];

/// The ConfigMap's name. Each revision has its own: a system's may be gone before its agents follow.
pub(super) fn name(whole: &Whole<'_>, rendering: &Rendering<'_>) -> String {
    format!("{}-{}", super::name(whole.system, whole.name), rendering.hash)
}

const SYSTEM: &str = "system.yaml";
const AGENT: &str = "agent.yaml";

/// The files that its pods read.
pub(super) const FILES: [&str; 2] = [SYSTEM, AGENT];

/// The system and the agent.
pub(super) fn config_map(whole: &Whole<'_>, rendering: &Rendering<'_>) -> Result<ConfigMap, Hold> {
    let mut own = labels_of(whole.system, whole.name);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name(whole, rendering)),
            labels: Some(own),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([
            (SYSTEM.to_owned(), system_yaml(whole.system, whole.of_system)?),
            (AGENT.to_owned(), agent_yaml(whole.name, &whole.spec, &ELSEWHERE)?),
        ])),
        ..ConfigMap::default()
    })
}

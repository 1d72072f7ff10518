//! The pod that brings the database to the schema of a revision. A pod and no Job: it is retried when it
//! was evicted, kept with its last words when it failed, and native sidecars cannot keep it from
//! completing.

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::names::Component;

use super::Rendering;
use super::backends::Backends;
use super::pod::{Amounts, Part, template};
use crate::labels;
use crate::system::validate::Valid;

const AMOUNTS: Amounts = Amounts { cpu: "50m", memory: "64Mi", memory_limit: "256Mi" };

/// The pod's name.
pub fn name(system: &str, hash: &str) -> String {
    format!("{system}-migrate-{hash}")
}

/// The pod.
pub(super) fn pod(desk: &Valid, rendering: &Rendering<'_>, backends: &Backends<'_>) -> Pod {
    let system = &desk.key.name;
    let part = Part {
        component: Component::Migration,
        args: vec!["migrate".to_owned()],
        env: vec![backends.store()],
        ports: Vec::new(),
        mounts: Vec::new(),
        resources: None,
        default_resources: AMOUNTS,
        // A statement that was begun ends, or is rolled back by the database.
        grace: 60,
        serves: false,
        asks: false,
    };
    let template = template(system, &desk.system.spec, rendering, part);
    let mut own = labels::of_component(system, Component::Migration);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    Pod {
        metadata: ObjectMeta {
            name: Some(name(system, rendering.hash)),
            labels: Some(own),
            ..ObjectMeta::default()
        },
        spec: template
            .spec
            .map(|spec| PodSpec { restart_policy: Some("Never".to_owned()), ..spec }),
        status: None,
    }
}

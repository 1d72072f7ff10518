//! The readers' Deployment: page and API, read from the store.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use sapphire_crds::names::Component;

use super::Rendering;
use super::backends::Backends;
use super::pod::{Amounts, HTTP, Part, template};
use crate::labels;
use crate::system::validate::Valid;

/// A request of CPU is what an autoscaler measures against, so there is always one.
const AMOUNTS: Amounts = Amounts { cpu: "100m", memory: "64Mi", memory_limit: "256Mi" };

/// The Deployment's name.
pub(super) fn name(system: &str) -> String {
    format!("{system}-{}", Component::Api)
}

/// The Deployment.
pub(super) fn deployment(
    desk: &Valid,
    rendering: &Rendering<'_>,
    backends: &Backends<'_>,
) -> Deployment {
    let system = &desk.key.name;
    let listen = format!("0.0.0.0:{HTTP}");
    let part = Part {
        component: Component::Api,
        args: ["api", "--system", system, "--listen", &listen].map(str::to_owned).to_vec(),
        env: backends.variables(),
        ports: vec![("http", HTTP)],
        mounts: Vec::new(),
        resources: desk.system.spec.api.as_ref().and_then(|api| api.resources.clone()),
        default_resources: AMOUNTS,
        grace: 30,
        serves: true,
        asks: false,
    };
    let mut own = labels::of_component(system, Component::Api);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    Deployment {
        metadata: ObjectMeta {
            name: Some(name(system)),
            labels: Some(own),
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            selector: LabelSelector {
                match_labels: Some(labels::selector(system, Component::Api)),
                ..LabelSelector::default()
            },
            revision_history_limit: Some(2),
            template: template(system, &desk.system.spec, rendering, part),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

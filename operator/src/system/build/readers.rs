//! The readers' Deployment: page and API, read from the store.

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::names::Component;

use super::Rendering;
use super::backends::Backends;
use super::deployment::{self, Form};
use super::pod::{Amounts, HTTP, Part};
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
    deployment::deployment(desk, rendering, Form::of_role(system, part.component), part)
}

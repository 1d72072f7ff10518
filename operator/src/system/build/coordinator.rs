//! The coordinator's Deployment: rounds and votes.

use k8s_openapi::api::apps::v1::Deployment;
use sapphire_crds::names::Component;

use super::backends::Backends;
use super::deployment::{self, Form};
use super::pod::{Amounts, COORDINATOR, Part};
use super::trader::DESK;
use super::{Rendering, manifests};
use crate::system::validate::Valid;

const AMOUNTS: Amounts = Amounts { cpu: "50m", memory: "64Mi", memory_limit: "256Mi" };

/// The Deployment.
pub(super) fn deployment(
    desk: &Valid,
    rendering: &Rendering<'_>,
    backends: &Backends<'_>,
) -> Deployment {
    let system = &desk.key.name;
    let listen = format!("0.0.0.0:{COORDINATOR}");
    let args = ["coordinator", "-f", DESK, "--system", system, "--listen", &listen];
    let part = Part {
        component: Component::Coordinator,
        args: args.map(str::to_owned).to_vec(),
        env: backends.variables(),
        ports: vec![("http", COORDINATOR)],
        mounts: vec![manifests::of_desk(desk, rendering)],
        resources: desk.system.spec.coordinator.as_ref().and_then(|c| c.resources.clone()),
        default_resources: AMOUNTS,
        grace: 30,
        serves: true,
        asks: true,
    };
    deployment::deployment(desk, rendering, Form::of_role(system, part.component), part)
}

//! Where Prometheus' operator finds the desk's metrics.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use sapphire_crds::names::Component;
use serde::Serialize;

use crate::labels;
use crate::system::validate::Valid;

/// A ServiceMonitor, as far as it is used here.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ServiceMonitor {
    metadata: ObjectMeta,
    spec: Spec,
}

#[derive(Debug, Clone, Serialize)]
struct Spec {
    selector: LabelSelector,
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, Serialize)]
struct Endpoint {
    port: &'static str,
    path: &'static str,
}

/// All Services of the desk that have a port for it.
pub(super) fn desk(desk: &Valid) -> ServiceMonitor {
    let system = &desk.key.name;
    ServiceMonitor {
        metadata: ObjectMeta {
            name: Some(system.clone()),
            labels: Some(labels::of_component(system, Component::Trader)),
            ..ObjectMeta::default()
        },
        spec: Spec {
            selector: LabelSelector {
                match_labels: Some([(labels::SYSTEM.to_owned(), system.clone())].into()),
                ..LabelSelector::default()
            },
            endpoints: vec![Endpoint { port: "http", path: "/metrics" }],
        },
    }
}

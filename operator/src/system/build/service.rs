//! Where the desk is asked.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sapphire_crds::names::Component;

use super::pod::{COORDINATOR, HTTP};
use crate::labels;
use crate::system::validate::Valid;

/// Page and API: `<system>-api`, answered by the readers, or with embedded storage by the trader.
pub(super) fn api(desk: &Valid, answered_by: Component) -> Service {
    service(desk, Component::Api, answered_by, HTTP, false)
}

/// The coordinator: `<system>-coordinator`.
pub(super) fn coordinator(desk: &Valid) -> Service {
    service(desk, Component::Coordinator, Component::Coordinator, COORDINATOR, false)
}

/// The traders, each by itself: `<system>-trader` has no address of its own, for metrics and for
/// commands, which any of them passes on to the leader.
pub(super) fn trader(desk: &Valid) -> Service {
    service(desk, Component::Trader, Component::Trader, HTTP, true)
}

fn service(
    desk: &Valid,
    component: Component,
    of: Component,
    port: i32,
    headless: bool,
) -> Service {
    let system = &desk.key.name;
    Service {
        metadata: ObjectMeta {
            name: Some(format!("{system}-{component}")),
            labels: Some(labels::of_component(system, component)),
            ..ObjectMeta::default()
        },
        spec: Some(ServiceSpec {
            cluster_ip: headless.then(|| "None".to_owned()),
            selector: Some(labels::selector(system, of)),
            ports: Some(vec![ServicePort {
                name: Some("http".into()),
                port,
                protocol: Some("TCP".into()),
                target_port: Some(IntOrString::String("http".into())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

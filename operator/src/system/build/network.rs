//! Who may connect to a pod.

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sapphire_crds::names::Component;

use crate::labels;
use crate::system::validate::Valid;

/// Whoever asks these ports, and nothing else; no port, nobody. Egress is open, since venues are
/// everywhere.
pub(super) fn ingress(desk: &Valid, component: Component, ports: &[i32]) -> NetworkPolicy {
    let system = &desk.key.name;
    let port = |port: &i32| NetworkPolicyPort {
        port: Some(IntOrString::Int(*port)),
        protocol: Some("TCP".into()),
        end_port: None,
    };
    // A rule without ports would admit all of them.
    let rule = (!ports.is_empty()).then(|| NetworkPolicyIngressRule {
        ports: Some(ports.iter().map(port).collect()),
        from: None,
    });
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(format!("{system}-{component}")),
            labels: Some(labels::of_component(system, component)),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(labels::selector(system, component)),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".into()]),
            ingress: rule.map(|rule| vec![rule]),
            egress: None,
        }),
    }
}

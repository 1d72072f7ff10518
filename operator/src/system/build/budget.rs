//! How many pods a drain may take at once.

use std::collections::BTreeMap;

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sapphire_crds::names::Component;

use crate::labels;
use crate::system::validate::Valid;

/// One pod of a role at a time.
pub(super) fn one_at_a_time(desk: &Valid, component: Component) -> PodDisruptionBudget {
    let system = &desk.key.name;
    of(
        format!("{system}-{component}"),
        labels::of_component(system, component),
        labels::selector(system, component),
    )
}

/// One pod at a time. Never none at all: that would block a drain for ever.
pub(crate) fn of(
    name: String,
    own: BTreeMap<String, String>,
    selector: BTreeMap<String, String>,
) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: ObjectMeta { name: Some(name), labels: Some(own), ..ObjectMeta::default() },
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(selector),
                ..LabelSelector::default()
            }),
            // A pod that is not ready protects nothing.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".into()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}

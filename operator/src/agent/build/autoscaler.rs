//! How many pods an agent has, by their load.

use k8s_openapi::api::autoscaling::v2::{CrossVersionObjectReference, HorizontalPodAutoscaler};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::{API_VERSION, TradingAgentSpec};

use super::labels_of;
use crate::agent::dereference::KIND;
use crate::system::build::autoscaler::scaling;

/// The agent's autoscaler, where it asks for one. It scales the TradingAgent, whose replicas the
/// operator brings to the Deployment: two that scale the Deployment would fight.
pub(super) fn of(
    system: &str,
    agent: &str,
    spec: &TradingAgentSpec,
) -> Option<HorizontalPodAutoscaler> {
    let autoscaling = spec.autoscaling.as_ref()?;
    let target = CrossVersionObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: KIND.to_owned(),
        name: agent.to_owned(),
    };
    Some(HorizontalPodAutoscaler {
        metadata: ObjectMeta {
            name: Some(super::name(system, agent)),
            labels: Some(labels_of(system, agent)),
            ..ObjectMeta::default()
        },
        spec: Some(scaling(target, autoscaling)),
        status: None,
    })
}

//! How many readers there are, by their load.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sapphire_crds::names::Component;
use sapphire_crds::trading_system::Autoscaling;

use crate::labels;
use crate::system::validate::Valid;

/// The readers' autoscaler, where the desk asks for one.
pub(super) fn readers(desk: &Valid) -> Option<HorizontalPodAutoscaler> {
    let autoscaling = desk.system.spec.api.as_ref()?.autoscaling.as_ref()?;
    let system = &desk.key.name;
    let target = CrossVersionObjectReference {
        api_version: Some("apps/v1".into()),
        kind: "Deployment".into(),
        name: super::readers::name(system),
    };
    Some(HorizontalPodAutoscaler {
        metadata: ObjectMeta {
            name: Some(format!("{system}-{}", Component::Api)),
            labels: Some(labels::of_component(system, Component::Api)),
            ..ObjectMeta::default()
        },
        spec: Some(scaling(target, autoscaling)),
        status: None,
    })
}

/// Holds the average CPU of what `target` scales.
pub fn scaling(
    target: CrossVersionObjectReference,
    autoscaling: &Autoscaling,
) -> HorizontalPodAutoscalerSpec {
    let number = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    HorizontalPodAutoscalerSpec {
        scale_target_ref: target,
        min_replicas: Some(number(autoscaling.min_replicas)),
        max_replicas: number(autoscaling.max_replicas),
        metrics: Some(vec![MetricSpec {
            type_: "Resource".into(),
            resource: Some(ResourceMetricSource {
                name: "cpu".into(),
                target: MetricTarget {
                    type_: "Utilization".into(),
                    average_utilization: Some(number(autoscaling.target_cpu_percent)),
                    ..MetricTarget::default()
                },
            }),
            ..MetricSpec::default()
        }]),
        behavior: None,
    }
}

//! A Deployment around a role's pods.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use sapphire_crds::names::annotations::RISK_POLICIES;

use super::Rendering;
use super::pod::{Part, template};
use crate::labels;
use crate::system::validate::Valid;

/// How many former ReplicaSets Kubernetes keeps; what to go back to is kept in our own revisions.
const FORMER: i32 = 2;

/// What differs from one role's Deployment to another's beside its pods.
pub(super) struct Form {
    pub(super) name: String,
    /// Which pods are its own. It cannot change for as long as the Deployment lives.
    pub(super) selector: BTreeMap<String, String>,
    /// `None`: Kubernetes' own, which rolls.
    pub(super) strategy: Option<&'static str>,
}

impl Form {
    /// That of a role with one Deployment a desk: `<system>-<role>`.
    pub(super) fn of_role(system: &str, component: labels::Component) -> Self {
        Self {
            name: format!("{system}-{component}"),
            selector: labels::selector(system, component),
            strategy: None,
        }
    }
}

/// The Deployment of a part of the desk.
pub(super) fn deployment(
    desk: &Valid,
    rendering: &Rendering<'_>,
    form: Form,
    part: Part,
) -> Deployment {
    let system = &desk.key.name;
    let mut own = labels::of_component(system, part.component);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    // Not of the pods: whoever asks under which policy they were started need not read their files.
    let policy = desk.system.spec.risk_policy_ref.name.to_string();
    let notes = (part.component == labels::Component::Trader)
        .then(|| BTreeMap::from([(RISK_POLICIES.to_owned(), policy)]));
    Deployment {
        metadata: ObjectMeta {
            name: Some(form.name),
            labels: Some(own),
            annotations: notes,
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            selector: LabelSelector {
                match_labels: Some(form.selector),
                ..LabelSelector::default()
            },
            strategy: form.strategy.map(|type_| DeploymentStrategy {
                type_: Some(type_.to_owned()),
                rolling_update: None,
            }),
            revision_history_limit: Some(FORMER),
            template: template(system, &desk.system.spec, rendering, part),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

//! An agent's children, pure. As a system's: what shapes pods is rendered once a revision, all else is
//! built anew in every reconcile.

mod autoscaler;
mod deployment;
mod manifests;

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use sapphire_crds::conditions::Reason;
use sapphire_crds::{TradingAgentSpec, TradingSystemSpec};
use serde_json::Value;

use super::release::Release;
use crate::labels::{self, Component};
use crate::reconcile::desired::{Desired, Replicas};
use crate::reconcile::kind::Kind;
use crate::reconcile::outcome::Hold;
use crate::system::build::backends::Backends;
use crate::system::build::{Rendering, budget, unwritable};

/// The name of an agent's Deployment, disruption budget and autoscaler.
pub fn name(system: &str, agent: &str) -> String {
    format!("{system}-{agent}")
}

/// Labels of what is made for an agent.
fn labels_of(system: &str, agent: &str) -> BTreeMap<String, String> {
    let mut own = labels::of_component(system, Component::Agent);
    own.insert(labels::AGENT.to_owned(), agent.to_owned());
    own
}

/// What selects an agent's pods.
pub fn selector(system: &str, agent: &str) -> BTreeMap<String, String> {
    let mut selector = labels::selector(system, Component::Agent);
    selector.insert(labels::AGENT.to_owned(), agent.to_owned());
    selector
}

/// An agent to be rendered: its own part of the inputs, read, and what it takes from its system.
struct Whole<'a> {
    name: &'a str,
    spec: TradingAgentSpec,
    system: &'a str,
    of_system: &'a TradingSystemSpec,
    backends: Backends<'a>,
}

/// What shapes an agent's pods.
struct Pods {
    manifests: ConfigMap,
    deployment: Deployment,
}

impl Pods {
    /// In the order of applying: what a pod reads comes before it.
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self { manifests, deployment } = self;
        Ok(vec![
            Desired::new(Kind::ConfigMap, &manifests, Replicas::None)?,
            // Settled by [`scale`] at each reconcile: how many is no part of a revision.
            Desired::new(Kind::Deployment, &deployment, Replicas::Exactly(1))?,
        ])
    }
}

/// Renders what shapes pods of the agent `name` with its own `part` of the inputs, for an image and a
/// revision's hash.
///
/// # Errors
/// Stalled where it cannot be written.
pub fn render(
    name: &str,
    part: &Value,
    release: &Release,
    image: &str,
    hash: &str,
) -> Result<Vec<Desired>, Hold> {
    let spec = serde_json::from_value(part.clone()).map_err(|error| {
        Hold::stalled(Reason::InvalidSpec, format!("the agent's spec cannot be read: {error}"))
    })?;
    let (postgres, redis) = release.backends()?;
    let whole = Whole {
        name,
        spec,
        system: &release.system,
        of_system: &release.spec,
        backends: Backends { postgres, redis },
    };
    let rendering = Rendering { image, hash };
    let pods = Pods {
        manifests: manifests::config_map(&whole, &rendering)?,
        deployment: deployment::deployment(&whole, &rendering),
    };
    pods.ordered().map_err(|error| unwritable(&error))
}

/// Gives the rendered Deployment as many replicas as the spec asks for: `kubectl scale` and the
/// autoscaler set them there.
pub fn scale(children: &mut [Desired], replicas: u32) {
    let wanted = i32::try_from(replicas).unwrap_or(i32::MAX);
    for child in children.iter_mut().filter(|child| child.kind == Kind::Deployment) {
        child.replicas = Replicas::Exactly(wanted);
    }
}

/// What an agent has beside its pods.
struct Rest {
    budget: PodDisruptionBudget,
    autoscaler: Option<HorizontalPodAutoscaler>,
}

impl Rest {
    fn ordered(self) -> Result<Vec<Desired>, serde_json::Error> {
        let Self { budget, autoscaler } = self;
        let mut ordered = vec![Desired::new(Kind::PodDisruptionBudget, &budget, Replicas::None)?];
        if let Some(autoscaler) = &autoscaler {
            ordered.push(Desired::new(Kind::HorizontalPodAutoscaler, autoscaler, Replicas::None)?);
        }
        Ok(ordered)
    }
}

/// Builds everything else, for the spec as it is now.
///
/// # Errors
/// As [`render`].
pub fn build(system: &str, agent: &str, spec: &TradingAgentSpec) -> Result<Vec<Desired>, Hold> {
    let rest = Rest {
        budget: budget::of(name(system, agent), labels_of(system, agent), selector(system, agent)),
        autoscaler: autoscaler::of(system, agent, spec),
    };
    rest.ordered().map_err(|error| unwritable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::release::{own_part, tests::release};
    use crate::system::examples::agent;
    use rstest::rstest;
    use serde_json::json;

    fn rendered(system: Value, part: Value) -> Vec<Desired> {
        let mut own = own_part(&agent("one", json!({"consensus": {}})));
        for (name, value) in part.as_object().unwrap() {
            own[name] = value.clone();
        }
        render("one", &own, &release(system, "x:1"), "sapphire-trader:1", "0123456789").unwrap()
    }

    fn container(children: &[Desired]) -> Value {
        let deployment = children.iter().find(|child| child.kind == Kind::Deployment).unwrap();
        deployment.content.pointer("/spec/template/spec/containers/0").unwrap().clone()
    }

    #[test]
    fn an_agent_as_yaml() {
        let agent = agent("one", json!({"consensus": {}}));
        let mut spec = agent.spec.clone();
        spec.autoscaling = serde_json::from_value(
            json!({"minReplicas": 1, "maxReplicas": 4, "targetCpuPercent": 70}),
        )
        .unwrap();
        let written =
            |children: Vec<Desired>| children.iter().map(Desired::store).collect::<Value>();
        insta::with_settings!({sort_maps => true}, {
            insta::assert_yaml_snapshot!("agent_pods", written(rendered(json!({}), json!({}))));
            insta::assert_yaml_snapshot!("agent_rest", written(build("desk", "one", &spec).unwrap()));
        });
    }

    #[rstest]
    #[case(json!({}), "50m", "256Mi")]
    #[case(json!({"tier": "Small"}), "50m", "256Mi")]
    #[case(json!({"tier": "Medium"}), "250m", "1Gi")]
    #[case(json!({"tier": "Large"}), "1", "4Gi")]
    fn the_tier_is_the_size(#[case] part: Value, #[case] cpu: &str, #[case] memory: &str) {
        let resources = &container(&rendered(json!({}), part))["resources"];
        assert_eq!(resources["requests"]["cpu"], cpu);
        assert_eq!(resources["limits"]["memory"], memory);
    }

    #[rstest]
    #[case(json!({"languageModel": {"model": {"provider": "DeepSeek", "name": "m",
        "secretRef": {"name": "keys", "key": "deepseek"}}}}))]
    #[case(json!({"financialSentiment": {"feeds": ["https://news.example/rss"], "model":
        {"provider": "Qwen", "name": "m", "secretRef": {"name": "keys", "key": "deepseek"}}}}))]
    fn a_models_key_is_referred_to(#[case] strategy: Value) {
        let env = &container(&rendered(json!({}), json!({"strategy": strategy})))["env"];
        let key = env.as_array().unwrap().iter().find(|v| v["name"] == "MODEL_API_KEY").unwrap();
        assert_eq!(key["valueFrom"]["secretKeyRef"], json!({"name": "keys", "key": "deepseek"}));
    }

    #[test]
    fn overrides_of_the_system_reach_its_agents() {
        let system = json!({"podOverrides": {"nodeSelector": {"disk": "fast"},
            "env": [{"name": "EXTRA", "value": "1"}]}});
        let children = rendered(system, json!({}));
        let env = container(&children)["env"].as_array().unwrap().clone();
        assert!(env.iter().any(|variable| variable["name"] == "EXTRA"));
        let pod = children[1].content.pointer("/spec/template/spec/nodeSelector/disk");
        assert_eq!(pod, Some(&json!("fast")));
    }

    #[test]
    fn replicas_come_from_the_spec() {
        let mut children = rendered(json!({}), json!({}));
        scale(&mut children, 0);
        assert_eq!(children[1].replicas, Replicas::Exactly(0));
        assert_eq!(children[0].replicas, Replicas::None);
    }
}

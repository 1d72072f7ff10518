//! The agent's Deployment.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::core::v1::EnvVar;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use sapphire_crds::trading_agent::{StrategyChoice, Tier};

use super::{Whole, labels_of, manifests, selector};
use crate::labels::{self, Component};
use crate::system::build::Rendering;
use crate::system::build::pod::{Amounts, HTTP, Part, secret, template, variable};
use crate::system::build::trader::{DESK, config_map};

/// The Deployment. Of a new revision pods come up before the old ones go; together they are one voter.
pub(super) fn deployment(whole: &Whole<'_>, rendering: &Rendering<'_>) -> Deployment {
    let (system, agent) = (whole.system, whole.name);
    let listen = format!("0.0.0.0:{HTTP}");
    let args = ["agent", "-f", DESK, "--system", system, "--agent", agent, "--listen", &listen];
    let mut env = whole.backends.variables();
    env.push(variable("SAPPHIRE_AGENT", agent));
    env.extend(model_key(whole));
    let part = Part {
        component: Component::Agent,
        args: args.map(str::to_owned).to_vec(),
        env,
        ports: vec![("http", HTTP)],
        mounts: vec![config_map(
            "desk",
            &manifests::name(whole, rendering),
            DESK,
            &manifests::FILES,
        )],
        resources: None,
        default_resources: amounts(whole.spec.tier),
        grace: 30,
        serves: true,
        asks: false,
    };
    let mut template = template(system, whole.of_system, rendering, part);
    let of_pods = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    of_pods.insert(labels::AGENT.to_owned(), agent.to_owned());
    let mut own = labels_of(system, agent);
    own.insert(labels::REVISION.to_owned(), rendering.hash.to_owned());
    Deployment {
        metadata: ObjectMeta {
            name: Some(super::name(system, agent)),
            labels: Some(own),
            ..ObjectMeta::default()
        },
        spec: Some(DeploymentSpec {
            selector: LabelSelector {
                match_labels: Some(selector(system, agent)),
                ..LabelSelector::default()
            },
            revision_history_limit: Some(2),
            template,
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

/// CPU and memory by tier: for indicators, for models that learn as they go, for models in memory. A
/// request of CPU is what an autoscaler measures against, so there is always one.
fn amounts(tier: Option<Tier>) -> Amounts {
    match tier.unwrap_or(Tier::Small) {
        Tier::Small => Amounts { cpu: "50m", memory: "64Mi", memory_limit: "256Mi" },
        Tier::Medium => Amounts { cpu: "250m", memory: "256Mi", memory_limit: "1Gi" },
        Tier::Large => Amounts { cpu: "1", memory: "1Gi", memory_limit: "4Gi" },
    }
}

/// The key of the model that the strategy asks.
fn model_key(whole: &Whole<'_>) -> Option<EnvVar> {
    let model = match whole.spec.strategy.choice().ok()? {
        StrategyChoice::LanguageModel(language) => Some(&language.model),
        StrategyChoice::FinancialSentiment(sentiment) => sentiment.model.as_ref(),
        _ => None,
    };
    Some(secret("MODEL_API_KEY", model?.secret_ref.as_ref()?))
}

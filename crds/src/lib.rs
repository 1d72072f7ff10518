//! Sapphire's API: [`TradingSystem`], [`TradingAgent`] and [`RiskPolicy`] as Rust types.
//!
//! The types are the single source: the CRDs that the API server takes are generated from them, and
//! the local run checks a manifest against the very same schemas and CEL rules.

// The schema derive repeats each public struct inside a function body, and clippy takes the columns of
// one attribute for repetitions of another.
#![allow(unreachable_pub, clippy::duplicated_attributes)]

pub mod canonical;
pub mod conditions;
pub mod generated;
pub mod manifest;
pub mod names;
pub mod one_of;
pub mod references;
pub mod report;
pub mod requests;
pub mod risk_policy;
mod schema;
pub mod trading_agent;
pub mod trading_system;
pub mod values;

pub use risk_policy::{RiskPolicy, RiskPolicySpec};
pub use trading_agent::{TradingAgent, TradingAgentSpec};
pub use trading_system::{TradingSystem, TradingSystemSpec};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON,
};
use kube::CustomResourceExt;
use serde_json::json;

/// The API group.
pub const GROUP: &str = "sapphiretrade.xyz";
/// The one version there is.
pub const VERSION: &str = "v1alpha1";
/// Group and version as `apiVersion` writes them.
pub const API_VERSION: &str = "sapphiretrade.xyz/v1alpha1";

/// The release that the definitions belong to.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The definitions of all kinds, as the API server takes them. Each says in an annotation which release
/// it comes from.
pub fn custom_resource_definitions() -> [CustomResourceDefinition; 3] {
    [TradingSystem::crd(), TradingAgent::crd(), RiskPolicy::crd()].map(|mut definition| {
        let annotations = definition.metadata.annotations.get_or_insert_default();
        annotations.insert(names::annotations::CRDS_VERSION.to_owned(), RELEASE.to_owned());
        let schemas =
            definition.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut());
        let properties =
            schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()?.properties.as_mut());
        for all in properties {
            all.get_mut("spec").into_iter().for_each(schema::say_units);
            // A new object says by itself that nobody has looked at it: without a status, kstatus takes it
            // for current, and `helm --wait` would not wait for an operator that is slow or away.
            let unobserved = json!({"observedGeneration": conditions::UNOBSERVED});
            all.get_mut("status").into_iter().for_each(|status| {
                status.default = Some(JSON(unobserved.clone()));
            });
        }
        definition
    })
}

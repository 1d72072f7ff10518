//! A halt that somebody wrote into a desk's limits themselves, as is the way while no operator is there to bring it from
//! the RiskPolicy. It is not set back as other changes by hand are: only a person lifts a halt, here by a change of the
//! RiskPolicy.

use std::collections::BTreeSet;

use sapphire_crds::names::annotations::RISK_POLICIES;
use serde::Deserialize;
use serde_json::Value;

use super::child::Live;
use super::desired::Manifest;

/// The policies that a desk's limits halt as they are there, and would not as they are wanted.
pub(super) fn halted(manifest: &Manifest, live: &Live) -> Vec<String> {
    let of_limits = manifest.object.pointer("/metadata/annotations");
    if of_limits.is_none_or(|notes| notes.get(RISK_POLICIES).is_none()) {
        return Vec::new();
    }
    let there = live.content().map(|content| halts(&content)).unwrap_or_default();
    there.difference(&halts(&manifest.object)).cloned().collect()
}

/// The names of the policies that halt, of a ConfigMap with limits.
fn halts(config_map: &Value) -> BTreeSet<String> {
    let texts = config_map.get("data").and_then(Value::as_object).into_iter().flatten();
    texts
        .filter_map(|(_, text)| text.as_str())
        .flat_map(|text| text.split("\n---"))
        .filter_map(|document| serde_saphyr::from_str::<Document>(document).ok())
        .filter(|document| document.spec.trading_state.as_deref() == Some("Halted"))
        .map(|document| document.metadata.name)
        .collect()
}

/// As much of a RiskPolicy as is needed, whatever else somebody wrote into it.
#[derive(Deserialize)]
struct Document {
    metadata: Named,
    spec: State,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    trading_state: Option<String>,
}

//! Strategies that need more than market data.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::whole;
use crate::references::SecretKeyReference;
use crate::values::{Duration, Fraction, Multiple, Text, Url};

/// Reads the news and scores it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinancialSentiment {
    /// Feeds of headlines (RSS or Atom).
    #[schemars(length(min = 1, max = 20))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub feeds: Vec<Url>,
    /// What scores a headline. Absent: a lexicon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelEndpoint>,
    /// A headline counts half after this long.
    #[serde(default = "Duration::constant::<21_600_000>")]
    pub half_life: Duration,
    /// Least mean score that is an opinion.
    #[serde(default = "Fraction::constant::<20, 2>")]
    pub threshold: Fraction,
}

/// Quotes both sides around a reservation price that leans against the inventory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarketMaking {
    /// Least distance between bid and ask, as a share of the mid.
    #[serde(default = "Fraction::constant::<5, 4>")]
    pub spread: Fraction,
    /// Orders a side.
    #[schemars(range(min = 1, max = 10))]
    #[serde(default = "whole::<1>")]
    pub levels: u32,
    /// How strongly inventory moves the quotes, in spreads for a full inventory.
    #[serde(default = "Multiple::constant::<1, 0>")]
    pub inventory_aversion: Multiple,
    /// A quote stands at least this long.
    #[serde(default = "Duration::constant::<1_000>")]
    pub refresh: Duration,
}

/// Asks a language model for an opinion in a strict schema. Answers are recorded, so that a replay
/// needs no model; while it is silent, slow or wrong, `fallback` answers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LanguageModel {
    /// Where and what to ask.
    pub model: ModelEndpoint,
    /// Bars that the model is shown.
    #[serde(default = "whole::<50>")]
    #[schemars(range(min = 1, max = 1000))]
    pub context_bars: u32,
    /// What the agent is told beside the market data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Text>,
    /// What answers in the model's stead.
    #[serde(default)]
    pub fallback: LanguageModelFallback,
}

/// What answers in a model's stead.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LanguageModelFallback {
    /// The agent abstains.
    #[default]
    Abstain,
    /// Trend momentum with its defaults.
    TrendMomentum,
}

/// A model behind an API.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.provider != 'OpenAICompatible' || has(self.url)")
        .message("OpenAICompatible names an API, not an address; set url, such as http://127.0.0.1:11434/v1").field_path(".url")
)]
pub struct ModelEndpoint {
    /// Whose API it speaks.
    pub provider: LanguageModelProvider,
    /// Absent: the provider's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// The model's name at the provider.
    pub name: Text,
    /// The API key. Absent: none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyReference>,
    /// An answer that takes longer counts as none.
    #[serde(default = "Duration::constant::<20_000>")]
    pub timeout: Duration,
}

/// Whose API a model speaks.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say all
pub enum LanguageModelProvider {
    OpenAICompatible,
    DeepSeek,
    Qwen,
    Gemini,
    Grok,
}

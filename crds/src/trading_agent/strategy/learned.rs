//! Strategies that learn from past bars.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::whole;
use crate::values::{Fraction, unless_decimal};

/// Predicts the return over the agent's horizon with a linear model that learns as it goes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new(concat!("!has(self.margin) || ", unless_decimal!("self.margin"), "double(self.margin) <= 0.5"))
        .message("margin is what a probability must lie above one half, so it cannot exceed 0.5; lower it").field_path(".margin")
)]
pub struct MarketPrediction {
    /// Past bars that the features look at.
    #[schemars(range(min = 2, max = 500))]
    #[serde(default = "whole::<24>")]
    pub lookback: u32,
    /// Outcomes that it must have learned from before it votes.
    #[schemars(range(min = 10, max = 100_000))]
    #[serde(default = "whole::<200>")]
    pub warmup: u32,
    /// Weight of the newest outcome.
    #[serde(default = "Fraction::constant::<1, 2>")]
    pub learning_rate: Fraction,
    /// Strength of the pull of every weight towards zero.
    #[serde(default = "Fraction::constant::<1, 3>")]
    pub regularisation: Fraction,
    /// Least confidence above one half that is an opinion.
    #[serde(default = "Fraction::constant::<2, 2>")]
    pub margin: Fraction,
}

/// Chooses the EMA pair that did best over the last training window, trades it over the next
/// window, and chooses again.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StrategyOptimisation {
    /// Bars that candidates are judged on.
    #[schemars(range(min = 50, max = 100_000))]
    #[serde(default = "whole::<500>")]
    pub training_bars: u32,
    /// Bars that the chosen one is used for.
    #[schemars(range(min = 10, max = 100_000))]
    #[serde(default = "whole::<100>")]
    pub trading_bars: u32,
    /// What is chosen among. Absent: 5/20, 10/20, 10/50, 20/50, 20/100 and 50/200.
    #[schemars(length(min = 2, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["fast".into(), "slow".into()]))]
    #[serde(default = "candidates")]
    pub candidates: Vec<Candidate>,
}

/// One pair of EMA periods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.fast < self.slow")
        .message("fast must be below slow; lower the one or raise the other").field_path(".fast")
)]
pub struct Candidate {
    /// Bars of the fast EMA.
    #[schemars(range(min = 2, max = 1000))]
    pub fast: u32,
    /// Bars of the slow EMA.
    #[schemars(range(min = 3, max = 2000))]
    pub slow: u32,
}

fn candidates() -> Vec<Candidate> {
    [(5, 20), (10, 20), (10, 50), (20, 50), (20, 100), (50, 200)]
        .map(|(fast, slow)| Candidate { fast, slow })
        .to_vec()
}

//! Strategies that read indicators.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::whole;
use crate::values::{Fraction, Size};

/// Follows a trend that MACD, EMA and RSI agree on. Periods are in bars.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("(has(self.fastPeriod) ? self.fastPeriod : 12) < (has(self.slowPeriod) ? self.slowPeriod : 26)")
        .message("fastPeriod must be below slowPeriod (defaults 12 and 26); lower the one or raise the other").field_path(".fastPeriod")
)]
pub struct TrendMomentum {
    /// Of MACD's fast EMA.
    #[schemars(range(min = 2, max = 1000))]
    #[serde(default = "whole::<12>")]
    pub fast_period: u32,
    /// Of MACD's slow EMA.
    #[schemars(range(min = 3, max = 2000))]
    #[serde(default = "whole::<26>")]
    pub slow_period: u32,
    /// Of MACD's signal line.
    #[schemars(range(min = 2, max = 1000))]
    #[serde(default = "whole::<9>")]
    pub signal_period: u32,
    /// Of the EMA that tells the trend.
    #[schemars(range(min = 2, max = 2000))]
    #[serde(default = "whole::<50>")]
    pub trend_period: u32,
    /// Of Wilder's RSI.
    #[schemars(range(min = 2, max = 500))]
    #[serde(default = "whole::<14>")]
    pub rsi_period: u32,
    /// RSI above which a long is too late.
    #[schemars(range(min = 51, max = 99))]
    #[serde(default = "whole::<70>")]
    pub rsi_overbought: u32,
    /// RSI below which a short is too late.
    #[schemars(range(min = 1, max = 49))]
    #[serde(default = "whole::<30>")]
    pub rsi_oversold: u32,
}

/// Reads order-flow imbalance (Cont, Kukanov, Stoikov 2014) where there is a book, and signed
/// volume where there are bars only.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeMicrostructure {
    /// Bars over which imbalance is summed.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(default = "whole::<12>")]
    pub imbalance_bars: u32,
    /// Bars of volume that the last one is compared with.
    #[schemars(range(min = 2, max = 2000))]
    #[serde(default = "whole::<48>")]
    pub volume_bars: u32,
    /// Least imbalance, as a share of the volume, that is an opinion.
    #[serde(default = "Fraction::constant::<20, 2>")]
    pub threshold: Fraction,
}

/// Measures how informed the flow is: the mean of |buys − sells| over volume buckets.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vpin {
    /// Volume of one bucket, in base currency. Absent: the mean volume of one bar, measured over
    /// the first `buckets` bars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_volume: Option<Size>,
    /// Buckets in the mean.
    #[schemars(range(min = 2, max = 1000))]
    #[serde(default = "whole::<50>")]
    pub buckets: u32,
    /// How a trade's side is known.
    #[serde(default)]
    pub classification: TradeClassification,
    /// Price changes over which bulk classification takes its standard deviation.
    #[schemars(range(min = 10, max = 10_000))]
    #[serde(default = "whole::<100>")]
    pub deviation_bars: u32,
    /// VPIN above which the flow is informed and the agent takes its side.
    #[serde(default = "Fraction::constant::<35, 2>")]
    pub threshold: Fraction,
}

/// How a trade's side is known.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TradeClassification {
    /// By the venue's flag; exact, needs trades.
    #[default]
    Aggressor,
    /// By the price change, V·Φ(ΔP/σ); works on bars.
    Bulk,
}

/// Long while the fast EMA is above the slow one, short while it is below.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("(has(self.fast) ? self.fast : 10) < (has(self.slow) ? self.slow : 20)")
        .message("fast must be below slow (defaults 10 and 20); lower the one or raise the other").field_path(".fast")
)]
pub struct EmaCross {
    /// Bars of the fast EMA.
    #[schemars(range(min = 2, max = 1000))]
    #[serde(default = "whole::<10>")]
    pub fast: u32,
    /// Bars of the slow EMA.
    #[schemars(range(min = 3, max = 2000))]
    #[serde(default = "whole::<20>")]
    pub slow: u32,
}

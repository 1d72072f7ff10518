//! How positions are protected and closed.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use crate::one_of::one_of;
use crate::references::Empty;
use crate::values::{Duration, Multiple};

/// How positions are protected and closed.
///
/// Distances are multiples of one ATR (Wilder), so that they widen with the market.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.trailing) || !has(self.stop) || !has(self.stop.disabled)")
        .message("trailing moves the protective stop, which stop.disabled takes away; remove trailing, or replace disabled by atr").field_path(".trailing")
)]
pub struct Exits {
    /// The protective stop, placed at the venue after the first fill. Absent: the default stop; to
    /// trade without one takes an explicit `disabled: {}`.
    #[serde(default)]
    pub stop: Stop,
    /// Closes with a profit at this distance from the entry. Absent: no take-profit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<AtrExit>,
    /// Moves the stop along behind the best close since the entry at this distance; it never moves
    /// back. Absent: the stop stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trailing: Option<AtrExit>,
    /// Closes a position after so many bars. Absent: no time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stop: Option<TimeStop>,
}

/// The protective stop: `atr` or, said out loud, `disabled`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.atr) != has(self.disabled)")
        .message("atr and disabled are alternatives; set exactly one of them, or leave stop out for the default of 2 ATR")
)]
pub struct Stop {
    /// A stop at a multiple of the ATR from the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atr: Option<AtrStop>,
    /// No protective stop. There is then no loss to budget, and a trade's size is bound by the other
    /// terms alone: participation, leverage, margin, notional and the book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Empty>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { atr: Some(AtrStop::default()), disabled: None }
    }
}

one_of! {
    /// Whether and where the protective stop stands.
    StopChoice of Stop {
        atr => Atr(AtrStop),
        disabled => Disabled(Empty),
    }
}

/// A stop at a multiple of the ATR.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtrStop {
    /// Bars over which Wilder's ATR is taken, for all exits and the liquidation buffer. Where the stop
    /// is disabled it is 14.
    #[serde(default = "defaults::atr_periods")]
    #[schemars(range(min = 2, max = 500))]
    pub periods: u32,
    /// Distance from the entry, in ATRs.
    #[serde(default = "defaults::stop_multiple")]
    pub multiple: Multiple,
    /// If the stop does not stand at the venue this long after the first fill, the position is closed.
    #[serde(default = "defaults::stop_deadline")]
    pub deadline: Duration,
}

impl Default for AtrStop {
    fn default() -> Self {
        Self {
            periods: defaults::atr_periods(),
            multiple: defaults::stop_multiple(),
            deadline: defaults::stop_deadline(),
        }
    }
}

/// A distance in ATRs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AtrExit {
    /// Distance in ATRs.
    pub multiple: Multiple,
}

/// A limit on how long a position is held.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeStop {
    /// Bars from the first fill.
    #[schemars(range(min = 1, max = 100_000))]
    pub bars: u32,
}

//! One table of what holds where a policy says nothing; the reference page is generated from it.
//!
//! The values are in code and not in the CRD's schema, so that a stored policy shows what a person
//! chose, and a policy's hash covers what the trader understood.

use crate::values::{Duration, Fraction, Multiple, RiskMultiplier};

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Default {
    /// Path below `spec`.
    pub field: &'static str,
    /// As it would be written in a manifest.
    pub value: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! defaults {
    ($($function:ident: $type:ty = $value:expr, $field:literal, $written:literal, $meaning:literal;)+) => {
        /// Every default of a RiskPolicy that is not the first name of an enum.
        pub const DEFAULTS: &[Default] = &[$(
            Default { field: $field, value: $written, meaning: $meaning },
        )+];
        $(
            pub(crate) const fn $function() -> $type {
                $value
            }
        )+

        #[cfg(test)]
        mod tests {
            use super::*;

            #[test]
            fn the_table_says_what_the_code_does() {
                let spec = serde_json::to_value(crate::RiskPolicySpec::default()).unwrap();
                $(
                    let pointer = format!("/{}", $field.replace('.', "/"));
                    let written = spec.pointer(&pointer).unwrap_or_else(|| panic!("no {pointer}"));
                    let value = serde_json::to_value($function()).unwrap();
                    assert_eq!(*written, value, "{}", $field);
                    assert_eq!(value.to_string().trim_matches('"'), $written, "{}", $field);
                )+
            }

            #[test]
            fn no_default_is_missing_from_the_table() {
                fn leaves(path: &str, value: &serde_json::Value, into: &mut Vec<String>) {
                    match value {
                        serde_json::Value::Object(members) => {
                            for (name, member) in members {
                                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                                leaves(&path, member, into);
                            }
                        }
                        _ => into.push(path.to_owned()),
                    }
                }
                let spec = serde_json::to_value(crate::RiskPolicySpec::default()).unwrap();
                let mut defaulted = Vec::new();
                leaves("", &spec, &mut defaulted);
                // Enums name their default themselves.
                defaulted.retain(|field| field != "tradingState" && field != "onHalt");
                defaulted.sort();
                let mut listed: Vec<String> = DEFAULTS.iter().map(|row| row.field.to_owned()).collect();
                listed.sort();
                assert_eq!(defaulted, listed);
            }
        }
    };
}

defaults! {
    max_drawdown: Fraction = Fraction::constant::<25, 2>(), "limits.maxDrawdown", "0.25", "share of the high-water mark of equity";
    max_daily_loss: Fraction = Fraction::constant::<5, 2>(), "limits.maxDailyLoss", "0.05", "share of the equity at 00:00 UTC";
    max_leverage: Multiple = Multiple::constant::<10, 0>(), "limits.maxLeverage", "10", "sum of all notionals over equity after an entry";
    risk_per_trade: Fraction = Fraction::constant::<1, 2>(), "limits.riskPerTrade", "0.01", "share of equity lost at the stop, fees and slippage included";
    risk_multiplier: RiskMultiplier = RiskMultiplier::constant::<1, 0>(), "limits.riskMultiplier", "1", "scales riskPerTrade";
    kelly_fraction: Fraction = Fraction::constant::<25, 2>(), "limits.kellyFraction", "0.25", "share of the full Kelly stake";
    max_gross_exposure: Multiple = Multiple::constant::<10, 0>(), "limits.maxGrossExposure", "10", "sum of all notionals over equity, all working entries filled";
    max_net_exposure: Multiple = Multiple::constant::<10, 0>(), "limits.maxNetExposure", "10", "longs less shorts over equity, working entries of one side filled";
    max_open_positions: u32 = 10, "limits.maxOpenPositions", "10", "positions";
    orders_per_second: u32 = 5, "limits.orderRate.perSecond", "5", "entries a second, sustained";
    order_burst: u32 = 10, "limits.orderRate.burst", "10", "entries at once";
    price_collar: Fraction = Fraction::constant::<1, 2>(), "limits.priceCollar", "0.01", "share of the mark price, either side";
    max_data_age: Duration = Duration::constant::<60_000>(), "limits.maxDataAge", "1m", "since the last market event, by receive time";
    max_clock_uncertainty: Duration = Duration::constant::<500>(), "limits.maxClockUncertainty", "500ms", "between our clock and the venue's";
    liquidation_buffer_atr: Multiple = Multiple::constant::<2, 0>(), "limits.liquidationBufferAtr", "2", "ATRs between the stop and the liquidation price";
    book_share: Fraction = Fraction::constant::<10, 2>(), "limits.bookShare", "0.1", "share of the near book that one order may take";
    atr_periods: u32 = 14, "exits.stop.atr.periods", "14", "bars, Wilder";
    stop_multiple: Multiple = Multiple::constant::<2, 0>(), "exits.stop.atr.multiple", "2", "ATRs from the entry";
    stop_deadline: Duration = Duration::constant::<5_000>(), "exits.stop.atr.deadline", "5s", "from the first fill to a standing stop; then the position is closed";
    stale_after: Duration = Duration::constant::<60_000>(), "staleAfter", "1m", "without sight of the policy, then Reducing";
}

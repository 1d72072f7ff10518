//! What a desk may lose, as the engine understands it: the RiskPolicy with every default filled in.

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Ratio};
use crate::time::Span;

/// Whether the desk may trade. The order is that of strictness: the strictest of all sources holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum TradingState {
    /// Everything the rules allow.
    #[default]
    Active,
    /// Only what shrinks exposure.
    Reducing,
    /// No entries, and those that work are cancelled; only a person lifts it.
    Halted,
}

/// What a halt does to positions.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum OnHalt {
    /// Keeps them and their stops.
    #[default]
    CancelOnly,
    /// Closes them and proves flat.
    Flatten,
}

/// A policy in force. Amounts are quote currency, ratios shares of equity unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policy {
    /// The limits.
    pub limits: Limits,
    /// How positions are protected and left.
    pub exits: Exits,
    /// The policy's own word on trading.
    pub trading_state: TradingState,
    /// What a halt does to positions.
    pub on_halt: OnHalt,
    /// How long the desk may be without sight of it. Who has a clock watches over this, and tells
    /// [`PolicyLost`](crate::event::EventKind::PolicyLost).
    pub stale_after: Span,
}

/// The limits. Each is stricter the lower it is, but for `liquidation_buffer_atr`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Drawdown of marked equity against its high-water mark that halts.
    pub max_drawdown: Ratio,
    /// Loss since 00:00 UTC, as a share of the equity then, that reduces until the next day.
    pub max_daily_loss: Ratio,
    /// Gross exposure over equity, and the bound of one order's.
    pub max_leverage: Ratio,
    /// Equity lost at a position's stop, fees and slippage included.
    pub risk_per_trade: Ratio,
    /// Scales `risk_per_trade`, never a limit: 1.0 to 2.0.
    pub risk_multiplier: Ratio,
    /// The share of full Kelly that is staked.
    pub kelly_fraction: Ratio,
    /// Greatest value of what one order opens.
    pub max_order_notional: Option<Amount>,
    /// Largest worst-case sum of positions' magnitudes, over equity.
    pub max_gross_exposure: Ratio,
    /// Largest worst-case magnitude of the sum of positions, over equity.
    pub max_net_exposure: Ratio,
    /// Most symbols with a position or a working entry.
    pub max_open_positions: u32,
    /// Orders a second, sustained.
    pub orders_per_second: u32,
    /// Orders at once.
    pub order_burst: u32,
    /// How far from the mark an order may be priced.
    pub price_collar: Ratio,
    /// Oldest market data to enter on, by receive time.
    pub max_data_age: Span,
    /// Largest uncertainty about the venue's clock.
    pub max_clock_uncertainty: Span,
    /// How many ATRs beyond the stop the liquidation price must be.
    pub liquidation_buffer_atr: Ratio,
    /// Share of the near book that one order may take.
    pub book_share: Ratio,
}

/// How positions are protected and left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exits {
    /// The protective stop; `None` only where the policy disables it in words.
    pub stop: Option<StopRule>,
    /// Take-profit, in ATRs from the entry.
    pub take_profit_atr: Option<Ratio>,
    /// Trailing stop, in ATRs from the best close since the entry.
    pub trailing_atr: Option<Ratio>,
    /// Leave after this many bars.
    pub time_stop_bars: Option<u32>,
}

/// The protective stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopRule {
    /// ATR's periods.
    pub atr_periods: u32,
    /// Distance from the entry in ATRs.
    pub atr_multiple: Ratio,
    /// It must stand within this long of the first fill, or the position is closed.
    pub deadline: Span,
}

impl Policy {
    /// What holds between a new policy's arrival and its durability: of each limit the stricter of
    /// the two, of the trading states the stricter, and the exits of the old one.
    #[must_use]
    pub fn tightened_by(&self, new: &Self) -> Self {
        Self {
            limits: self.limits.tightened_by(&new.limits),
            exits: self.exits.clone(),
            trading_state: self.trading_state.max(new.trading_state),
            on_halt: self.on_halt.max(new.on_halt),
            stale_after: self.stale_after.min(new.stale_after),
        }
    }
}

impl Limits {
    /// Of each limit the stricter.
    #[must_use]
    pub fn tightened_by(&self, new: &Self) -> Self {
        let least_amount = |a: Option<Amount>, b: Option<Amount>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        Self {
            max_drawdown: self.max_drawdown.min(new.max_drawdown),
            max_daily_loss: self.max_daily_loss.min(new.max_daily_loss),
            max_leverage: self.max_leverage.min(new.max_leverage),
            risk_per_trade: self.risk_per_trade.min(new.risk_per_trade),
            risk_multiplier: self.risk_multiplier.min(new.risk_multiplier),
            kelly_fraction: self.kelly_fraction.min(new.kelly_fraction),
            max_order_notional: least_amount(self.max_order_notional, new.max_order_notional),
            max_gross_exposure: self.max_gross_exposure.min(new.max_gross_exposure),
            max_net_exposure: self.max_net_exposure.min(new.max_net_exposure),
            max_open_positions: self.max_open_positions.min(new.max_open_positions),
            orders_per_second: self.orders_per_second.min(new.orders_per_second),
            order_burst: self.order_burst.min(new.order_burst),
            price_collar: self.price_collar.min(new.price_collar),
            max_data_age: self.max_data_age.min(new.max_data_age),
            max_clock_uncertainty: self.max_clock_uncertainty.min(new.max_clock_uncertainty),
            // The one limit that is stricter the higher it is.
            liquidation_buffer_atr: self.liquidation_buffer_atr.max(new.liquidation_buffer_atr),
            book_share: self.book_share.min(new.book_share),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn policy() -> Policy {
        Policy {
            limits: Limits {
                max_drawdown: Ratio::percent(25),
                max_daily_loss: Ratio::percent(5),
                max_leverage: Ratio::percent(1000),
                risk_per_trade: Ratio::percent(1),
                risk_multiplier: Ratio::ONE,
                kelly_fraction: Ratio::percent(25),
                max_order_notional: None,
                max_gross_exposure: Ratio::percent(1000),
                max_net_exposure: Ratio::percent(1000),
                max_open_positions: 5,
                orders_per_second: 5,
                order_burst: 10,
                price_collar: Ratio::percent(1),
                max_data_age: Span::secs(60),
                max_clock_uncertainty: Span::millis(500),
                liquidation_buffer_atr: Ratio::percent(200),
                book_share: Ratio::percent(10),
            },
            exits: Exits {
                stop: Some(StopRule {
                    atr_periods: 14,
                    atr_multiple: Ratio::percent(200),
                    deadline: Span::secs(5),
                }),
                take_profit_atr: None,
                trailing_atr: None,
                time_stop_bars: None,
            },
            trading_state: TradingState::Active,
            on_halt: OnHalt::CancelOnly,
            stale_after: Span::secs(60),
        }
    }

    #[test]
    fn arrival_takes_the_stricter_of_each_and_loosens_nothing() {
        let old = policy();
        let mut new = policy();
        new.limits.max_drawdown = Ratio::percent(10);
        new.limits.max_leverage = Ratio::percent(2000);
        new.limits.max_order_notional = Some(Amount::whole(500));
        new.limits.liquidation_buffer_atr = Ratio::percent(300);
        new.trading_state = TradingState::Reducing;
        new.stale_after = Span::secs(30);
        let between = old.tightened_by(&new);
        assert_eq!(between.limits.max_drawdown, Ratio::percent(10));
        assert_eq!(between.limits.max_leverage, Ratio::percent(1000));
        assert_eq!(between.limits.max_order_notional, Some(Amount::whole(500)));
        assert_eq!(between.limits.liquidation_buffer_atr, Ratio::percent(300));
        assert_eq!(between.trading_state, TradingState::Reducing);
        assert_eq!(between.stale_after, Span::secs(30));
        // The other way round, the halt and the limits of the old one stay until it is durable.
        assert_eq!(new.tightened_by(&old).limits, between.limits);
        assert_eq!(new.tightened_by(&old).trading_state, TradingState::Reducing);
        assert_eq!(new.tightened_by(&old).stale_after, Span::secs(30));
    }
}

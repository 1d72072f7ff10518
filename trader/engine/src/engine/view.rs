//! What people and the shell may see. Reading changes nothing.

use crate::event::PolicyChange;
use crate::ids::{AgentId, OrderId};
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::journal::StateSource;
use crate::market::Bar;
use crate::money::{Amount, Ratio};
use crate::order::{Purpose, Side};
use crate::policy::{Policy, TradingState};
use crate::portfolio::Portfolio;
use crate::risk::{DrawdownStage, LossWatch, RuleValue, Word};
use crate::time::Timestamp;

use super::{AgentState, Engine, Tracked};

/// A symbol, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SymbolView {
    /// Signed position.
    pub position: QtyLots,
    /// Its average entry price.
    pub entry: Option<PriceTicks>,
    /// The mark.
    pub mark: Option<PriceTicks>,
    /// Whether the venue has confirmed the position.
    pub verified: bool,
    /// The trigger of the stop that stands.
    pub stop: Option<PriceTicks>,
    /// The trigger of the take-profit that stands.
    pub take_profit: Option<PriceTicks>,
    /// Whether a person paused it.
    pub paused: bool,
    /// Whether its feed is whole.
    pub feed_whole: bool,
    /// Whether its recorded data are over.
    pub feed_ended: bool,
    /// When its last data were received.
    pub received: Option<Timestamp>,
    /// The last closed bar.
    pub last_bar: Option<Bar>,
    /// Bars closed so far.
    pub bars: u64,
}

/// A limit, and how much of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headroom {
    /// The policy's name of it.
    pub name: &'static str,
    /// The limit.
    pub limit: RuleValue,
    /// Where the desk stands.
    pub value: RuleValue,
}

impl Engine {
    /// The moment of the last event.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The account.
    #[must_use]
    pub const fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// Losses and their references.
    #[must_use]
    pub const fn losses(&self) -> &LossWatch {
        &self.losses
    }

    /// How far the drawdown has come.
    #[must_use]
    pub fn drawdown_stage(&self) -> DrawdownStage {
        self.losses.stage(&self.policy.limits)
    }

    /// What is in force now.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy that is enforced whole.
    #[must_use]
    pub const fn enforced_policy(&self) -> &PolicyChange {
        &self.enforced
    }

    /// Since when nobody sees the policy, and why; `None` while it is seen.
    #[must_use]
    pub const fn lost_policy(&self) -> Option<&Word> {
        self.standing.lost_policy()
    }

    /// The trading state in force.
    #[must_use]
    pub fn state(&self) -> TradingState {
        self.standing.state()
    }

    /// Whose words restrict trading.
    pub fn state_words(&self) -> impl Iterator<Item = (StateSource, &Word)> {
        self.standing.words()
    }

    /// Since when the desk is halted, if it is.
    #[must_use]
    pub const fn halted_since(&self) -> Option<Timestamp> {
        self.halted_since
    }

    /// Whether no position is open, all are verified, and no order works.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.portfolio.is_flat()
            && self.orders.none_working()
            && self.symbols.iter().all(|state| state.verification.since.is_none())
    }

    /// Orders that work, oldest first.
    pub fn working_orders(&self) -> impl Iterator<Item = &Tracked> {
        self.orders.working()
    }

    /// Orders that are known, newest first: all that work, and the last that ended.
    pub fn orders(&self) -> impl Iterator<Item = &Tracked> {
        self.orders.newest_first()
    }

    /// An order.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<&Tracked> {
        self.orders.get(id)
    }

    /// An agent, and its share of the weight.
    #[must_use]
    pub fn agent_view(&self, id: AgentId) -> Option<(&AgentState, Ratio)> {
        let index = usize::from(id.0);
        Some((self.agents.get(index)?, *self.weights.get(index)?))
    }

    /// A symbol; `None` when there is none.
    #[must_use]
    pub fn symbol_view(&self, symbol: SymbolId) -> Option<SymbolView> {
        let state = self.symbols.get(symbol.index())?;
        let position = self.portfolio.position(symbol).quantity();
        let standing = |purpose: Purpose| {
            self.orders
                .working_on(symbol)
                .map(|tracked| &tracked.order.request)
                .filter(|request| request.side != Side::of_position(position))
                .find(|request| request.purpose == purpose && position != QtyLots::ZERO)
                .and_then(|request| request.kind.trigger())
        };
        Some(SymbolView {
            position,
            entry: self.average_price(symbol),
            mark: self.portfolio.mark_price(symbol),
            verified: state.verification.since.is_none(),
            stop: standing(Purpose::Stop),
            take_profit: standing(Purpose::TakeProfit),
            paused: state.paused,
            feed_whole: state.feed_is_whole(),
            feed_ended: state.ended,
            received: state.received,
            last_bar: state.last_bar,
            bars: state.bars,
        })
    }

    /// Worst-case gross and net exposure, and the symbols that have any.
    #[must_use]
    pub fn exposure(&self) -> (Amount, Amount, u32) {
        self.gross_and_net()
    }

    /// The limits that are about the desk as a whole, and where it stands.
    #[must_use]
    pub fn headroom(&self) -> Vec<Headroom> {
        let limits = &self.policy.limits;
        let equity = self.portfolio.equity();
        let (gross, net, open) = self.gross_and_net();
        let leverage = gross.ratio_of(equity).map_or(RuleValue::Unknown, RuleValue::Ratio);
        let row = |name, limit, value| Headroom { name, limit, value };
        vec![
            row(
                "maxDrawdown",
                RuleValue::Ratio(limits.max_drawdown),
                RuleValue::Ratio(self.losses.drawdown()),
            ),
            row(
                "maxDailyLoss",
                RuleValue::Ratio(limits.max_daily_loss),
                RuleValue::Ratio(self.losses.daily_loss()),
            ),
            row("maxLeverage", RuleValue::Ratio(limits.max_leverage), leverage),
            row(
                "maxGrossExposure",
                RuleValue::Amount(equity.times_floor(limits.max_gross_exposure)),
                RuleValue::Amount(gross),
            ),
            row(
                "maxNetExposure",
                RuleValue::Amount(equity.times_floor(limits.max_net_exposure)),
                RuleValue::Amount(net),
            ),
            row(
                "maxOpenPositions",
                RuleValue::Count(limits.max_open_positions.into()),
                RuleValue::Count(open.into()),
            ),
        ]
    }
}

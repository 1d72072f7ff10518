//! Round trips and what a run's gain is made of, exact to the last unit.
//!
//! The ledger counts fills, fees and funding as the engine's portfolio does, and keeps beside them
//! what a report needs: the price expected of each fill, and whose opinion a trade was.

use sapphire_engine::ids::{AgentId, DecisionId};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::portfolio::SeenTrades;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::Fill;

/// What is known of the order behind a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Origin {
    /// Why it existed; `None` for what was not ours (a liquidation).
    pub purpose: Option<Purpose>,
    /// The decision that it carried out.
    pub decision: Option<DecisionId>,
    /// The price that was expected of it.
    pub expected: Option<PriceTicks>,
}

/// An agent's share in a decision.
pub(super) type Share = (AgentId, Ratio);

/// A trade: a position's life from flat to flat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trade {
    /// The instrument.
    pub symbol: SymbolId,
    /// The side that it was on.
    pub side: Side,
    /// Its first fill.
    pub opened: Timestamp,
    /// Its last fill; `None` while it is open.
    pub closed: Option<Timestamp>,
    /// All that was bought (long) or sold (short).
    pub quantity: QtyLots,
    /// `Σ price × quantity` of entries, in tick-lots.
    pub(super) entered: i128,
    /// The same of exits; of an open trade, what is left counts at the last price.
    pub(super) left: i128,
    /// Gain by price, before fees and funding.
    pub gross: Amount,
    /// Fees paid; negative is a rebate.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
    /// What its fills cost beyond the prices expected of them; negative is better than expected.
    /// It is part of `gross`.
    pub slippage: Amount,
    /// The decision that opened it.
    pub decision: Option<DecisionId>,
    /// Who agreed on that decision, and with which weight.
    pub(super) backers: Vec<Share>,
    /// What closed it; `None` for what was not ours (a liquidation), or while it is open.
    pub exit: Option<Purpose>,
}

impl Trade {
    /// Gain after fees and funding.
    #[must_use]
    pub(super) fn net(&self) -> Amount {
        self.gross - self.fees + self.funding
    }

    /// The average price of entries, rounded down.
    #[must_use]
    pub(super) fn entry_price(&self, instrument: &Instrument) -> Amount {
        average(self.entered, self.quantity, instrument)
    }

    /// The average price of exits, rounded down.
    #[must_use]
    pub(super) fn exit_price(&self, instrument: &Instrument) -> Amount {
        average(self.left, self.quantity, instrument)
    }
}

fn average(tick_lots: i128, quantity: QtyLots, instrument: &Instrument) -> Amount {
    Amount((tick_lots * i128::from(instrument.tick)).div_euclid(i128::from(quantity.0.max(1))))
}

/// What the gain of a run is made of. `price - slippage - fees + funding` is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Breakdown {
    /// What the positions would have gained had every fill had the price expected of it.
    pub price: Amount,
    /// What the fills cost beyond that.
    pub slippage: Amount,
    /// Fees paid; negative is a rebate.
    pub fees: Amount,
    /// Funding received; negative was paid.
    pub funding: Amount,
}

impl Breakdown {
    /// The gain.
    #[must_use]
    pub(super) fn total(&self) -> Amount {
        self.price - self.slippage - self.fees + self.funding
    }
}

/// One symbol's account.
#[derive(Debug, Clone, Default)]
struct Account {
    trades: SeenTrades,
    position: QtyLots,
    trade: Option<Trade>,
    price: Option<PriceTicks>,
    /// Funding told of after the position was closed.
    late_funding: Amount,
}

/// The ledger of a run.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    instruments: Vec<Instrument>,
    accounts: Vec<Account>,
    closed: Vec<Trade>,
    /// How many of the closed ones gained.
    wins: u64,
    turnover: Amount,
}

impl Ledger {
    pub(super) fn new(instruments: &[Instrument]) -> Self {
        Self {
            accounts: vec![Account::default(); instruments.len()],
            instruments: instruments.to_vec(),
            closed: Vec::new(),
            wins: 0,
            turnover: Amount::ZERO,
        }
    }

    /// Sets a symbol's last price.
    pub(super) fn set_price(&mut self, symbol: SymbolId, price: PriceTicks) {
        self.accounts[symbol.index()].price = Some(price);
    }

    pub(super) fn price(&self, symbol: SymbolId) -> Option<PriceTicks> {
        self.accounts[symbol.index()].price
    }

    pub(super) fn position(&self, symbol: SymbolId) -> QtyLots {
        self.accounts[symbol.index()].position
    }

    pub(super) fn is_exposed(&self) -> bool {
        self.accounts.iter().any(|account| account.position != QtyLots::ZERO)
    }

    /// Counts a fill once; `false` when it was told before. `backers` answers who agreed on the
    /// decision, where the fill opens a trade.
    pub(super) fn fill(
        &mut self,
        fill: &Fill,
        origin: Origin,
        backers: impl FnOnce() -> Vec<Share>,
    ) -> bool {
        let instrument = &self.instruments[fill.symbol.index()];
        let account = &mut self.accounts[fill.symbol.index()];
        if !account.trades.is_new(fill.trade) {
            return false;
        }
        self.turnover += instrument.notional(fill.price, fill.quantity);
        let held = account.position;
        let delta = fill.side.signed(fill.quantity);
        let reduces = held.signum() * delta.signum() < 0;
        let reduced = if reduces { held.abs().min(delta.abs()) } else { QtyLots::ZERO };
        let added = fill.quantity - reduced;
        let expected = origin.expected.or(account.price).unwrap_or(fill.price);
        let slippage = |quantity| {
            let worse = PriceTicks((fill.price.0 - expected.0) * fill.side.sign());
            instrument.notional(worse, quantity)
        };
        // As the portfolio does: shared by quantity, rounded against the trade that ends.
        let share = -fill.fee.0 * i128::from(reduced.0);
        let reducing_fee = Amount(-share.div_euclid(i128::from(fill.quantity.0)));
        if let Some(trade) = account.trade.as_mut().filter(|_| reduced.0 > 0) {
            let value = i128::from(fill.price.0) * i128::from(reduced.0);
            trade.left += value;
            trade.fees += reducing_fee;
            trade.slippage += slippage(reduced);
            account.position += fill.side.signed(reduced);
            if account.position == QtyLots::ZERO
                && let Some(mut trade) = account.trade.take()
            {
                trade.closed = Some(fill.at);
                trade.exit = origin.purpose;
                trade.gross = gross(&trade, instrument);
                self.wins += u64::from(trade.net() > Amount::ZERO);
                self.closed.push(trade);
            }
        }
        if added.0 > 0 {
            let trade = account.trade.get_or_insert_with(|| Trade {
                symbol: fill.symbol,
                side: fill.side,
                opened: fill.at,
                closed: None,
                quantity: QtyLots::ZERO,
                entered: 0,
                left: 0,
                gross: Amount::ZERO,
                fees: Amount::ZERO,
                funding: Amount::ZERO,
                slippage: Amount::ZERO,
                decision: origin.decision,
                backers: backers(),
                exit: None,
            });
            trade.quantity += added;
            trade.entered += i128::from(fill.price.0) * i128::from(added.0);
            trade.fees += fill.fee - reducing_fee;
            trade.slippage += slippage(added);
            account.position += fill.side.signed(added);
        }
        true
    }

    /// Counts funding received, or paid where negative.
    pub(super) fn fund(&mut self, symbol: SymbolId, amount: Amount) {
        let account = &mut self.accounts[symbol.index()];
        match &mut account.trade {
            Some(trade) => trade.funding += amount,
            None => account.late_funding += amount,
        }
    }

    /// Trades from flat to flat, in the order of their ends.
    pub(super) fn closed(&self) -> &[Trade] {
        &self.closed
    }

    /// Trades that gained, fees and funding included, over all that are closed; none before the first.
    pub(super) fn win_rate(&self) -> Option<Ratio> {
        Amount(self.wins.into()).ratio_of(Amount(self.closed.len() as i128))
    }

    /// Trades that are open, what is left of each counted at the symbol's last price.
    pub(super) fn open(&self) -> impl Iterator<Item = Trade> + '_ {
        self.accounts.iter().zip(&self.instruments).filter_map(|(account, instrument)| {
            let mut trade = account.trade.clone()?;
            let price = account.price.map_or(0, |price| i128::from(price.0));
            trade.left += price * i128::from(account.position.abs().0);
            trade.gross = gross(&trade, instrument);
            Some(trade)
        })
    }

    /// Funding that belongs to no trade: told of after its position was closed.
    pub(super) fn late_funding(&self) -> Amount {
        self.accounts.iter().map(|account| account.late_funding).sum()
    }

    /// Value of all fills.
    pub(super) const fn turnover(&self) -> Amount {
        self.turnover
    }

    /// What the gain so far is made of, open positions at their last prices.
    pub(super) fn breakdown(&self) -> Breakdown {
        let mut all = Breakdown { funding: self.late_funding(), ..Breakdown::default() };
        let mut count = |trade: &Trade| {
            all.price += trade.gross + trade.slippage;
            all.slippage += trade.slippage;
            all.fees += trade.fees;
            all.funding += trade.funding;
        };
        self.closed.iter().for_each(&mut count);
        self.open().for_each(|trade| count(&trade));
        all
    }
}

/// Gain by price of a trade whose exits cover its entries.
fn gross(trade: &Trade, instrument: &Instrument) -> Amount {
    let tick_lots = (trade.left - trade.entered) * i128::from(trade.side.sign());
    Amount(tick_lots * instrument.tick_value().0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{btc, fill};
    use proptest::prelude::*;
    use sapphire_engine::money::SCALE;
    use sapphire_engine::portfolio::Portfolio;

    const SYMBOL: SymbolId = SymbolId(0);

    fn expecting(price: i64) -> Origin {
        Origin { expected: Some(PriceTicks(price)), ..Origin::default() }
    }

    #[test]
    fn a_round_trip_is_a_trade() {
        let mut ledger = Ledger::new(&[btc()]);
        let exit = Origin { purpose: Some(Purpose::Stop), ..expecting(610_000) };
        ledger.fill(&fill(1, Side::Buy, 600_010, 10, 24), expecting(600_000), Vec::new);
        ledger.fund(SYMBOL, Amount(-SCALE as i128));
        ledger.fill(&fill(2, Side::Sell, 609_990, 10, 25), exit, Vec::new);
        let trade = &ledger.closed()[0];
        assert_eq!(trade.entry_price(&btc()).to_string(), "6000.10");
        assert_eq!(trade.exit_price(&btc()).to_string(), "6099.90");
        assert_eq!(trade.gross.to_string(), "998.00"); // 9,980 ticks of 10 coins
        assert_eq!(trade.slippage.to_string(), "2.00"); // 10 ticks worse, twice
        assert_eq!(trade.net(), trade.gross - Amount(49) - Amount::whole(1));
        assert_eq!(trade.exit, Some(Purpose::Stop));
    }

    #[test]
    fn a_reversal_ends_one_trade_and_begins_the_next() {
        let mut ledger = Ledger::new(&[btc()]);
        ledger.fill(&fill(1, Side::Buy, 600_000, 10, 0), Origin::default(), Vec::new);
        ledger.fill(&fill(2, Side::Sell, 610_000, 30, 30), Origin::default(), Vec::new);
        assert_eq!(ledger.closed()[0].fees, Amount(10));
        let open: Vec<Trade> = ledger.open().collect();
        assert_eq!(
            (open[0].side, open[0].quantity, open[0].fees),
            (Side::Sell, QtyLots(20), Amount(20))
        );
        assert_eq!(ledger.position(SYMBOL), QtyLots(-20));
    }

    #[test]
    fn a_fill_told_twice_counts_once() {
        let mut ledger = Ledger::new(&[btc()]);
        let fill = fill(1, Side::Buy, 600_000, 10, 7);
        assert!(ledger.fill(&fill, Origin::default(), Vec::new));
        assert!(!ledger.fill(&fill, Origin::default(), Vec::new));
        assert_eq!(ledger.breakdown().fees, Amount(7));
    }

    proptest! {
        /// The ledger and the engine's portfolio see the same fills: their gains agree to the unit,
        /// trade by trade, and the breakdown is all of the gain.
        #[test]
        fn the_breakdown_sums_to_the_engines_gain_exactly(
            events in prop::collection::vec(
                (any::<bool>(), 1..2_000_000_i64, 1..40_i64, -500..5_000_i128, -3..3_i64, -9_000..9_000_i128), 1..80,
            ),
            mark in 1..2_000_000_i64,
        ) {
            let instrument = btc();
            let balance = Amount::whole(1_000_000);
            let mut portfolio = Portfolio::new(balance, 1);
            let mut ledger = Ledger::new(std::slice::from_ref(&instrument));
            let mut nets = Vec::new();
            for (n, (buy, price, lots, fee, off, funding)) in (1..).zip(events) {
                let side = if buy { Side::Buy } else { Side::Sell };
                let fill = fill(n, side, price, lots, fee);
                let applied = portfolio.apply(&instrument, &fill).unwrap();
                nets.extend(applied.closed.map(|trade| trade.net));
                ledger.fill(&fill, expecting((price + off).max(1)), Vec::new);
                portfolio.fund(SYMBOL, Amount(funding));
                ledger.fund(SYMBOL, Amount(funding));
            }
            portfolio.mark(SYMBOL, &instrument, PriceTicks(mark));
            ledger.set_price(SYMBOL, PriceTicks(mark));
            prop_assert_eq!(ledger.breakdown().total(), portfolio.equity() - balance);
            prop_assert_eq!(ledger.position(SYMBOL), portfolio.position(SYMBOL).quantity());
            let wins = nets.iter().filter(|net| **net > Amount::ZERO).count();
            let win_rate = Amount(wins as i128).ratio_of(Amount(nets.len() as i128));
            prop_assert_eq!(ledger.win_rate(), win_rate);
            let closed: Vec<Amount> = ledger.closed().iter().map(Trade::net).collect();
            prop_assert_eq!(closed, nets);
            let trades: Amount = ledger.closed().iter().cloned().chain(ledger.open()).map(|t| t.net()).sum();
            prop_assert_eq!(trades + ledger.late_funding(), ledger.breakdown().total());
        }
    }
}

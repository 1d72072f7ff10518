//! The account and its positions.

use sapphire_engine::Engine;
use sapphire_engine::instrument::{Instrument, PriceTicks, SymbolId};
use sapphire_engine::money::Amount;
use sapphire_engine::money::Ratio;
use sapphire_engine::risk::DrawdownStage;
use sapphire_engine::time::Timestamp;

use super::symbols;
use crate::api::published::CurvePoint;
use crate::api::view;
use crate::report::BuyAndHold;

/// What the account is compared with.
#[derive(Debug)]
pub(super) struct AccountBook {
    hold: BuyAndHold,
    as_of: Option<Timestamp>,
}

impl AccountBook {
    pub(super) fn new(balance: Amount, symbols: usize) -> Self {
        Self { hold: BuyAndHold::new(balance, symbols), as_of: None }
    }

    /// A bar closed: the next point of the curve.
    pub(super) fn observe(
        &mut self,
        at: Timestamp,
        symbol: SymbolId,
        close: PriceTicks,
        engine: &Engine,
    ) -> CurvePoint {
        self.hold.observe(symbol, close);
        self.as_of = Some(at);
        CurvePoint {
            at,
            equity: engine.portfolio().equity(),
            drawdown: engine.losses().drawdown(),
            buy_and_hold: self.hold.value(),
        }
    }

    pub(super) fn summary(&self, engine: &Engine) -> view::PortfolioSummary {
        let (portfolio, losses) = (engine.portfolio(), engine.losses());
        view::PortfolioSummary {
            equity: portfolio.equity().into(),
            wallet_balance: portfolio.wallet_balance().into(),
            cash: portfolio.cash().into(),
            realized_pnl: portfolio.realized().into(),
            unrealized_pnl: portfolio.unrealized().into(),
            fees: portfolio.fees().into(),
            funding: portfolio.funding().into(),
            initial_balance: portfolio.initial().into(),
            high_water_mark: losses.high_water_mark().into(),
            drawdown: losses.drawdown().into(),
            daily_loss: losses.daily_loss().max(Ratio::ZERO).into(),
            drawdown_state: match engine.drawdown_stage() {
                DrawdownStage::Normal => view::DrawdownState::Normal,
                DrawdownStage::Caution => view::DrawdownState::Caution,
                DrawdownStage::Reducing => view::DrawdownState::Reducing,
                DrawdownStage::Halted => view::DrawdownState::Halted,
            },
            buy_and_hold: self.hold.value().into(),
            as_of: self.as_of.map(Into::into),
            verified: all_verified(engine),
        }
    }
}

/// What is open.
pub(super) fn positions(engine: &Engine) -> view::Positions {
    let portfolio = engine.portfolio();
    let position = |(symbol, instrument): (SymbolId, &Instrument)| {
        let shown = engine.symbol_view(symbol)?;
        let side = view::PositionSide::of(shown.position)?;
        let mark = shown.mark.or(shown.entry)?;
        let held = portfolio.position(symbol);
        let quantity = shown.position.abs();
        Some(view::Position {
            symbol: instrument.symbol.to_string(),
            side,
            quantity: instrument.quantity(quantity).into(),
            entry_price: instrument.price(shown.entry.unwrap_or(mark)).into(),
            mark_price: instrument.price(mark).into(),
            unrealized_pnl: portfolio.unrealized_of(symbol).into(),
            realized_pnl: held.realized().into(),
            notional: instrument.notional(mark, quantity).into(),
            stop_price: shown.stop.map(|price| instrument.price(price).into()),
            take_profit_price: shown.take_profit.map(|price| instrument.price(price).into()),
            verified: shown.verified,
            opened_at: held.opened().unwrap_or(engine.now()).into(),
        })
    };
    view::Positions { positions: symbols(engine).filter_map(position).collect() }
}

/// Whether the venue has confirmed every position.
pub(super) fn all_verified(engine: &Engine) -> bool {
    symbols(engine).filter_map(|(symbol, _)| engine.symbol_view(symbol)).all(|shown| shown.verified)
}

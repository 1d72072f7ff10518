use sapphire_engine::ids::{ClientOrderId, OrderId, RunId, TradeId};
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::journal::IntentRecord;
use sapphire_engine::money::Amount;
use sapphire_engine::order::{OrderRequest, OrderType, Purpose, Side};
use sapphire_engine::risk::{Bound, RuleId, RuleResult, RuleValue, Verdict};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::Fill;

/// A tick of a lot is 0.01: whole coins, in ticks of a cent.
pub(super) fn btc() -> Instrument {
    let lot = 100_000_000;
    crate::market::tests::instrument("BTCUSDT", 1_000_000, lot)
}

pub(super) fn fill(trade: u64, side: Side, price: i64, lots: i64, fee: i128) -> Fill {
    Fill {
        symbol: SymbolId(0),
        trade: TradeId(trade),
        order: None,
        side,
        price: PriceTicks(price),
        quantity: QtyLots(lots),
        fee: Amount(fee),
        maker: false,
        at: Timestamp(Span::secs(trade.cast_signed()).0),
    }
}

pub(super) fn fill_of(order: u64, lots: i64) -> Fill {
    Fill { order: Some(OrderId(order)), ..fill(1, Side::Buy, 100, lots, 0) }
}

/// An entry that expires at 5 s.
pub(super) fn intent(order: u64, side: Side, lots: i64, approved: bool) -> IntentRecord {
    let id = OrderId(order);
    let rule = RuleResult {
        rule: RuleId::Leverage,
        input: RuleValue::Count(11),
        limit: RuleValue::Count(10),
        passed: approved,
    };
    IntentRecord {
        request: OrderRequest {
            id,
            client_id: ClientOrderId { run: RunId(1), order: id, attempt: 1 },
            symbol: SymbolId(0),
            side,
            quantity: QtyLots(lots),
            kind: OrderType::Market,
            reduce_only: false,
            close_position: false,
            purpose: Purpose::Entry,
            decision: None,
            expires: Timestamp(Span::secs(5).0),
        },
        verdict: Verdict { approved, bound: Bound::RiskBudget, rules: vec![rule] },
    }
}

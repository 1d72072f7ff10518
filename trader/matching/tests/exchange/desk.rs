//! An exchange with one instrument and one account, and short ways to talk to it.
//!
//! Tick 1, lot 1, one tick of one lot is worth 1: prices and amounts read alike.

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, Symbol, SymbolId};
use sapphire_engine::market::{Bar, DepthUpdate, Level, MarketEvent, Quote, Trade};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Removal, VenueCode, VenueOrderState};
use sapphire_matching::{
    AccountId, ClientId, Event, Exchange, Feed, Listing, NewOrder, OrderNumber, Rules, TriggerBy,
};

pub(crate) const BTC: SymbolId = SymbolId(0);
pub(crate) const ETH: SymbolId = SymbolId(1);

pub(crate) fn instrument(name: &str) -> Instrument {
    Instrument {
        symbol: Symbol::new(name).unwrap(),
        tick: 100_000_000,
        lot: 100_000_000,
        min_quantity: QtyLots(1),
        max_quantity: QtyLots(1_000_000),
        min_notional: Amount::ZERO,
        maker_fee: Ratio::ZERO,
        taker_fee: Ratio::ZERO,
        initial_margin: Ratio::percent(10),
        maintenance_margin: Ratio::percent(5),
        liquidation_fee: Ratio::ZERO,
    }
}

pub(crate) fn rules() -> Rules {
    Rules {
        slippage: Ratio::ZERO,
        funding: None,
        trigger_by: TriggerBy::ContractPrice,
        single_close_position: true,
        patience: Span(100),
    }
}

pub(crate) fn listing(feed: Feed) -> Listing {
    Listing { instrument: instrument("BTCUSDT"), feed }
}

#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) exchange: Exchange,
    pub(crate) account: AccountId,
    pub(crate) now: i64,
    names: u32,
    pub(crate) told: Vec<Event>,
    update: u64,
    trade: u64,
}

/// A fill as (side, price, quantity).
pub(crate) type Deal = (Side, i64, i64);

impl Desk {
    pub(crate) fn with(listings: Vec<Listing>, rules: Rules, deposit: i64) -> Self {
        let mut exchange = Exchange::new(listings, rules).unwrap();
        let account = exchange.open_account(Amount::whole(deposit));
        Self { exchange, account, now: 0, names: 0, told: vec![], update: 1, trade: 0 }
    }

    pub(crate) fn on_bars() -> Self {
        Self::with(vec![listing(Feed::Bars)], rules(), 1_000_000)
    }

    pub(crate) fn on_depth() -> Self {
        Self::with(vec![listing(Feed::Depth)], rules(), 1_000_000)
    }

    pub(crate) fn at(&self) -> Timestamp {
        Timestamp(self.now)
    }

    fn collect(&mut self) {
        self.told.extend(self.exchange.drain_events());
        assert_eq!(self.exchange.imbalance(), Amount::ZERO, "money or lots leaked");
    }

    pub(crate) fn advance(&mut self, by: i64) {
        self.now += by;
        self.exchange.advance(Timestamp(self.now));
        self.collect();
    }

    // Orders.

    pub(crate) fn order(&mut self, side: Side, quantity: i64, kind: OrderType) -> NewOrder {
        self.names += 1;
        NewOrder {
            client: ClientId::new(&format!("order-{}", self.names)).unwrap(),
            symbol: BTC,
            side,
            quantity: QtyLots(quantity),
            kind,
            reduce_only: false,
            close_position: false,
            expires: None,
        }
    }

    pub(crate) fn place(&mut self, order: NewOrder) -> Result<OrderNumber, VenueCode> {
        let before = self.exchange.clone();
        let result = self.exchange.place(self.at(), self.account, &order);
        if result.is_err() {
            let mut untouched = before;
            untouched.advance(self.at());
            assert!(self.exchange == untouched, "a refusal changed the exchange");
        }
        self.collect();
        result
    }

    pub(crate) fn send(&mut self, side: Side, quantity: i64, kind: OrderType) -> NewOrder {
        let order = self.order(side, quantity, kind);
        self.place(order).unwrap();
        order
    }

    pub(crate) fn reducing(&mut self, side: Side, quantity: i64, kind: OrderType) -> NewOrder {
        NewOrder { reduce_only: true, ..self.order(side, quantity, kind) }
    }

    pub(crate) fn closing(&mut self, side: Side, quantity: i64, kind: OrderType) -> NewOrder {
        NewOrder { close_position: true, ..self.order(side, quantity, kind) }
    }

    pub(crate) fn cancel(&mut self, order: &NewOrder) -> Result<(), VenueCode> {
        let result = self.exchange.cancel(self.at(), self.account, order.client);
        self.collect();
        result
    }

    pub(crate) fn state(&self, order: &NewOrder) -> (VenueOrderState, i64) {
        let status = self.exchange.order_status(self.account, order.client).unwrap();
        (status.state, status.filled.0)
    }

    pub(crate) fn position(&self) -> i64 {
        self.exchange.holding(self.account, BTC).unwrap().position.quantity.0
    }

    pub(crate) fn wallet(&self) -> Amount {
        self.exchange.wallet(self.account)
    }

    /// The fills since the last call.
    pub(crate) fn deals(&mut self) -> Vec<Deal> {
        let fills = self.told.iter().filter_map(|event| match event {
            Event::Fill(fill) => Some((fill.side, fill.price.0, fill.quantity.0)),
            _ => None,
        });
        let deals = fills.collect();
        self.told.clear();
        deals
    }

    pub(crate) fn removals(&self) -> Vec<Removal> {
        let removals = self.told.iter().filter_map(|event| match event {
            Event::Removed { removal, .. } => Some(*removal),
            _ => None,
        });
        removals.collect()
    }

    // Bars: each lasts 100.

    pub(crate) fn opens(&mut self, open: i64) {
        self.opens_on(BTC, open);
    }

    pub(crate) fn opens_on(&mut self, symbol: SymbolId, open: i64) {
        self.exchange.bar_opens(self.at(), symbol, PriceTicks(open));
        self.collect();
    }

    /// The open bar ends one before the next one's open.
    pub(crate) fn plays(&mut self, open: i64, high: i64, low: i64, close: i64) {
        self.now += 99;
        self.range(BTC, open, high, low, close);
        self.now += 1;
    }

    pub(crate) fn range(&mut self, symbol: SymbolId, open: i64, high: i64, low: i64, close: i64) {
        let bar = Bar {
            open_time: Timestamp(self.now - 99),
            open: PriceTicks(open),
            high: PriceTicks(high),
            low: PriceTicks(low),
            close: PriceTicks(close),
            volume: QtyLots(1),
            taker_buy_volume: None,
        };
        bar.validate().unwrap();
        self.exchange.bar_range(self.at(), symbol, &bar);
        self.collect();
    }

    /// A whole bar.
    pub(crate) fn bar(&mut self, open: i64, high: i64, low: i64, close: i64) {
        self.opens(open);
        self.plays(open, high, low, close);
    }

    // Depth: every event is one later than the one before, in time and in sequence.

    pub(crate) fn feed(&mut self, event: &MarketEvent<'_>) {
        self.now += 1;
        self.exchange.on_market(self.at(), BTC, event);
        self.collect();
    }

    pub(crate) fn book(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        self.update += 1;
        let (bids, asks) = (levels(bids), levels(asks));
        let event =
            MarketEvent::DepthSnapshot { last_update: self.update, bids: &bids, asks: &asks };
        self.feed(&event);
    }

    pub(crate) fn depth(&mut self, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let previous = self.update;
        self.update += 1;
        self.depth_as(previous, self.update, bids, asks);
    }

    /// A depth update that continues `previous` and ends at `last`.
    pub(crate) fn depth_as(
        &mut self,
        previous: u64,
        last: u64,
        bids: &[(i64, i64)],
        asks: &[(i64, i64)],
    ) {
        let (bids, asks) = (levels(bids), levels(asks));
        self.feed(&MarketEvent::Depth(DepthUpdate {
            first: previous + 1,
            last,
            previous,
            bids: &bids,
            asks: &asks,
        }));
    }

    pub(crate) fn quote_as(&mut self, update: u64, bid: (i64, i64), ask: (i64, i64)) {
        let level =
            |(price, quantity)| Level { price: PriceTicks(price), quantity: QtyLots(quantity) };
        self.feed(&MarketEvent::Quote(Quote { update, bid: level(bid), ask: level(ask) }));
    }

    /// The number of the last update that the book has.
    pub(crate) fn last_update(&self) -> u64 {
        self.update
    }

    pub(crate) fn prints(&mut self, aggressor: Side, price: i64, quantity: i64) {
        self.trade += 1;
        let (id, at) = (self.trade, Timestamp(self.now + 1));
        let (price, quantity) = (PriceTicks(price), QtyLots(quantity));
        self.feed(&MarketEvent::Trade(Trade { id, price, quantity, aggressor, at }));
    }
}

fn levels(pairs: &[(i64, i64)]) -> Vec<Level> {
    pairs.iter().map(|&(p, q)| Level { price: PriceTicks(p), quantity: QtyLots(q) }).collect()
}

pub(crate) const MARKET: OrderType = OrderType::Market;

pub(crate) const fn limit(price: i64, time_in_force: TimeInForce) -> OrderType {
    OrderType::Limit { price: PriceTicks(price), time_in_force }
}

pub(crate) const fn stop(trigger: i64) -> OrderType {
    OrderType::StopMarket { trigger: PriceTicks(trigger) }
}

pub(crate) const fn target(trigger: i64) -> OrderType {
    OrderType::TakeProfitMarket { trigger: PriceTicks(trigger) }
}

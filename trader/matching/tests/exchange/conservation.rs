//! Laws that hold whatever is done: money is conserved, no lot appears or vanishes, how accounts
//! are numbered does not matter, and the same calls give the same state.

use std::collections::BTreeSet;

use proptest::prelude::*;
use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::market::{Bar, DepthUpdate, Level, MarketEvent, Quote, Trade};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{OrderType, Side, TimeInForce};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_matching::{
    AccountId, ClientId, Event, Exchange, Feed, Funding, Listing, NewOrder, OrderNumber, Rules,
    TriggerBy,
};

use crate::desk::instrument;

/// Symbol 0 trades on bars, symbol 1 on depth.
const BARS: SymbolId = SymbolId(0);
const DEPTH: SymbolId = SymbolId(1);
const ACCOUNTS: u32 = 3;

#[derive(Debug, Clone)]
enum Act {
    Order { account: u32, order: Wish },
    Cancel { account: u32, name: u32 },
    Opens { open: i64 },
    Plays { open: i64, up: i64, down: i64 },
    Snapshot { mid: i64, quantity: i64 },
    Update { level: i64, bid: bool, quantity: i64, gap: bool },
    Quote { mid: i64, quantity: i64 },
    Trade { price: i64, quantity: i64, buy: bool },
    Broken,
    Wait { span: i64 },
    Transfer { account: u32, amount: i64 },
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    name: u32,
    depth: bool,
    buy: bool,
    quantity: i64,
    kind: OrderType,
    reduce_only: bool,
    close_position: bool,
}

fn price() -> impl Strategy<Value = i64> {
    80_i64..120
}

fn wish() -> impl Strategy<Value = Wish> {
    let tif = prop::sample::select(vec![
        TimeInForce::Gtc,
        TimeInForce::Ioc,
        TimeInForce::Fok,
        TimeInForce::PostOnly,
    ]);
    let kind = prop_oneof![
        2 => Just(OrderType::Market),
        3 => (price(), tif).prop_map(|(price, time_in_force)| OrderType::Limit {
            price: PriceTicks(price),
            time_in_force
        }),
        1 => price().prop_map(|p| OrderType::StopMarket { trigger: PriceTicks(p) }),
        1 => price().prop_map(|p| OrderType::TakeProfitMarket { trigger: PriceTicks(p) }),
    ];
    (
        0_u32..12,
        any::<bool>(),
        any::<bool>(),
        1_i64..120,
        kind,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(name, depth, buy, quantity, kind, reduce_only, close_position)| Wish {
            name,
            depth,
            buy,
            quantity,
            kind,
            reduce_only,
            close_position,
        })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0..ACCOUNTS, wish()).prop_map(|(account, order)| Act::Order { account, order }),
        1 => (0..ACCOUNTS, 0_u32..12).prop_map(|(account, name)| Act::Cancel { account, name }),
        3 => price().prop_map(|open| Act::Opens { open }),
        3 => (price(), 0_i64..30, 0_i64..30)
            .prop_map(|(open, up, down)| Act::Plays { open, up, down }),
        2 => (price(), 1_i64..60).prop_map(|(mid, quantity)| Act::Snapshot { mid, quantity }),
        4 => (price(), any::<bool>(), 0_i64..60, prop::bool::weighted(0.05))
            .prop_map(|(level, bid, quantity, gap)| Act::Update { level, bid, quantity, gap }),
        4 => (price(), 1_i64..60).prop_map(|(mid, quantity)| Act::Quote { mid, quantity }),
        4 => (price(), 1_i64..60, any::<bool>())
            .prop_map(|(price, quantity, buy)| Act::Trade { price, quantity, buy }),
        1 => Just(Act::Broken),
        2 => (1_i64..300).prop_map(|span| Act::Wait { span }),
        1 => (0..ACCOUNTS, -50_i64..200)
            .prop_map(|(account, amount)| Act::Transfer { account, amount }),
    ]
}

fn exchange(trigger_by: TriggerBy) -> Exchange {
    // Fees and a tick value that need rounding, and leverage that gets accounts liquidated.
    let taxed = |name| Instrument {
        maker_fee: Ratio(-12_345),
        taker_fee: Ratio(43_219),
        liquidation_fee: Ratio(1_234_567),
        tick: 1_700_000,
        initial_margin: Ratio::percent(4),
        maintenance_margin: Ratio::percent(2),
        ..instrument(name)
    };
    let listings = vec![
        Listing { instrument: taxed("BTCUSDT"), feed: Feed::Bars },
        Listing { instrument: taxed("ETHUSDT"), feed: Feed::Depth },
    ];
    let rules = Rules {
        slippage: Ratio(150_000),
        funding: Some(Funding { rate: Ratio(123_457), interval: Span(170) }),
        trigger_by,
        single_close_position: true,
        patience: Span(100),
    };
    Exchange::new(listings, rules).unwrap()
}

struct Play {
    exchange: Exchange,
    /// Which account is which: an act's account by the exchange's.
    ids: Vec<AccountId>,
    now: i64,
    update: u64,
    events: Vec<Event>,
    /// Orders that only reduce.
    reducing: BTreeSet<OrderNumber>,
}

impl Play {
    fn new(trigger_by: TriggerBy, opening_order: &[u32]) -> Self {
        let mut exchange = exchange(trigger_by);
        let mut ids = vec![AccountId(0); opening_order.len()];
        for &account in opening_order {
            ids[account as usize] = exchange.open_account(Amount::whole(20 + i64::from(account)));
        }
        Self { exchange, ids, now: 0, update: 1, events: vec![], reducing: BTreeSet::new() }
    }

    fn act(&mut self, act: &Act) {
        let id = |account: u32| self.ids[account as usize];
        let at = Timestamp(self.now);
        match *act {
            Act::Order { account, order } => {
                let new = NewOrder {
                    client: name(order.name),
                    symbol: if order.depth { DEPTH } else { BARS },
                    side: if order.buy { Side::Buy } else { Side::Sell },
                    quantity: QtyLots(order.quantity),
                    kind: order.kind,
                    reduce_only: order.reduce_only,
                    close_position: order.close_position,
                    expires: None,
                };
                let before = self.exchange.clone();
                let account = id(account);
                match self.exchange.place(at, account, &new) {
                    Ok(number) if new.reduce_only || new.close_position => {
                        self.reducing.insert(number);
                    }
                    Ok(_) => {}
                    Err(_) => {
                        // A refusal leaves no trace.
                        let mut untouched = before;
                        untouched.advance(at);
                        assert!(self.exchange == untouched);
                    }
                }
            }
            Act::Cancel { account, name: which } => {
                let _ = self.exchange.cancel(at, id(account), name(which));
            }
            Act::Opens { open } => self.exchange.bar_opens(at, BARS, PriceTicks(open)),
            Act::Plays { open, up, down } => {
                let bar = Bar {
                    open_time: at,
                    open: PriceTicks(open),
                    high: PriceTicks(open + up),
                    low: PriceTicks(open - down),
                    close: PriceTicks(open - down + (up + down) / 2),
                    volume: QtyLots(1),
                    taker_buy_volume: None,
                };
                self.exchange.bar_range(at, BARS, &bar);
            }
            Act::Snapshot { mid, quantity } => {
                self.update += 1;
                let bids: Vec<_> = (1..6).map(|i| level(mid - i, quantity + i)).collect();
                let asks: Vec<_> = (1..6).map(|i| level(mid + i, quantity + 2 * i)).collect();
                let last_update = self.update;
                let event = MarketEvent::DepthSnapshot { last_update, bids: &bids, asks: &asks };
                self.exchange.on_market(at, DEPTH, &event);
            }
            Act::Update { level: price, bid, quantity, gap } => {
                let previous = self.update + u64::from(gap);
                self.update = previous + 1;
                let levels = [level(price, quantity)];
                let (bids, asks): (&[Level], &[Level]) =
                    if bid { (&levels, &[]) } else { (&[], &levels) };
                let update =
                    DepthUpdate { first: previous + 1, last: self.update, previous, bids, asks };
                self.exchange.on_market(at, DEPTH, &MarketEvent::Depth(update));
            }
            Act::Quote { mid, quantity } => {
                // Every other one is newer than the depth that follows it.
                let update = self.update + 1;
                let (bid, ask) = (level(mid - 1, quantity), level(mid + 1, quantity + 1));
                let quote = Quote { update, bid, ask };
                self.exchange.on_market(at, DEPTH, &MarketEvent::Quote(quote));
            }
            Act::Trade { price, quantity, buy } => {
                let trade = Trade {
                    id: 1,
                    price: PriceTicks(price),
                    quantity: QtyLots(quantity),
                    aggressor: if buy { Side::Buy } else { Side::Sell },
                    at,
                };
                self.exchange.on_market(at, DEPTH, &MarketEvent::Trade(trade));
            }
            Act::Broken => self.exchange.on_market(at, DEPTH, &MarketEvent::Broken),
            Act::Wait { span } => self.now += span,
            Act::Transfer { account, amount } => {
                let account = id(account);
                self.exchange.transfer(account, Amount(i128::from(amount) * 1_000_003));
            }
        }
        self.now += 1;
        self.events.extend(self.exchange.drain_events());
    }

    /// What an account was told, without the numbers that other accounts share in.
    fn told(&self, account: AccountId) -> Vec<Event> {
        let whose = |event: &Event| match event {
            Event::Fill(fill) => fill.account,
            Event::Removed { account, .. } | Event::Funding { account, .. } => *account,
        };
        let anonymous = |event: &Event| {
            let mut event = *event;
            match &mut event {
                Event::Fill(fill) => fill.account = AccountId(0),
                Event::Removed { account, .. } | Event::Funding { account, .. } => {
                    *account = AccountId(0);
                }
            }
            event
        };
        self.events.iter().filter(|event| whose(event) == account).map(anonymous).collect()
    }
}

fn name(number: u32) -> ClientId {
    ClientId::new(&format!("o{number}")).unwrap()
}

fn level(price: i64, quantity: i64) -> Level {
    Level { price: PriceTicks(price), quantity: QtyLots(quantity) }
}

fn trigger_by() -> impl Strategy<Value = TriggerBy> {
    prop::sample::select(vec![TriggerBy::ContractPrice, TriggerBy::MarkPrice])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn money_and_lots_are_conserved(
        acts in prop::collection::vec(act(), 1..120),
        trigger_by in trigger_by(),
    ) {
        let mut play = Play::new(trigger_by, &[0, 1, 2]);
        for act in &acts {
            play.act(act);
            prop_assert_eq!(play.exchange.imbalance(), Amount::ZERO, "after {:?}", act);
        }
        // What an account was told makes its wallet and its positions.
        for (number, &id) in play.ids.iter().enumerate() {
            let opened = Amount::whole(20 + i64::try_from(number).unwrap());
            let transfers: Amount = acts
                .iter()
                .map(|act| match *act {
                    Act::Transfer { account, amount } if account as usize == number => {
                        Amount(i128::from(amount) * 1_000_003)
                    }
                    _ => Amount::ZERO,
                })
                .sum();
            let mut wallet = opened + transfers;
            let mut lots = [0_i64; 2];
            for event in play.told(id) {
                match event {
                    Event::Fill(fill) => {
                        prop_assert!(fill.quantity > QtyLots::ZERO && fill.price.0 > 0);
                        // 1700000 of 1e-8 a tick, one lot is 1: what changed hands, and the fee.
                        let value = Amount(i128::from(fill.price.0 * fill.quantity.0) * 1_700_000);
                        wallet -= Amount(value.0 * i128::from(fill.side.sign())) + fill.fee;
                        let place = fill.symbol.index();
                        lots[place] += fill.side.signed(fill.quantity).0;
                        prop_assert_eq!(fill.position.0, lots[place]);
                    }
                    Event::Funding { amount, .. } => wallet += amount,
                    Event::Removed { .. } => {}
                }
            }
            for symbol in [BARS, DEPTH] {
                let position = play.exchange.holding(id, symbol).unwrap().position;
                prop_assert_eq!(position.quantity.0, lots[symbol.index()]);
                wallet += position.cost;
            }
            prop_assert_eq!(play.exchange.wallet(id), wallet);
        }
    }

    #[test]
    fn how_accounts_are_numbered_does_not_matter(
        acts in prop::collection::vec(act(), 1..120),
        trigger_by in trigger_by(),
        opening in Just(vec![0_u32, 1, 2]).prop_shuffle(),
    ) {
        let mut plain = Play::new(trigger_by, &[0, 1, 2]);
        let mut shuffled = Play::new(trigger_by, &opening);
        for act in &acts {
            plain.act(act);
            shuffled.act(act);
        }
        for account in 0..ACCOUNTS as usize {
            let (one, other) = (plain.ids[account], shuffled.ids[account]);
            prop_assert_eq!(plain.exchange.wallet(one), shuffled.exchange.wallet(other));
            prop_assert_eq!(plain.exchange.equity(one), shuffled.exchange.equity(other));
            prop_assert_eq!(plain.told(one), shuffled.told(other));
        }
    }

    #[test]
    fn the_same_calls_give_the_same_state(
        acts in prop::collection::vec(act(), 1..80),
        trigger_by in trigger_by(),
        cut in 0_usize..80,
    ) {
        let mut play = Play::new(trigger_by, &[0, 1, 2]);
        let mut again = Play::new(trigger_by, &[0, 1, 2]);
        for (place, act) in acts.iter().enumerate() {
            if place == cut {
                again.exchange = again.exchange.clone();
            }
            play.act(act);
            again.act(act);
        }
        prop_assert!(play.exchange == again.exchange);
        prop_assert_eq!(play.events, again.events);
    }

    /// Neither an order that only reduces nor a liquidation ever grows or turns a position.
    #[test]
    fn what_only_reduces_never_adds(
        acts in prop::collection::vec(act(), 1..120),
        trigger_by in trigger_by(),
    ) {
        let mut play = Play::new(trigger_by, &[0, 1, 2]);
        for act in &acts {
            play.act(act);
        }
        for event in &play.events {
            if let Event::Fill(fill) = event
                && fill.order.is_none_or(|order| play.reducing.contains(&order))
            {
                let before = fill.position - fill.side.signed(fill.quantity);
                prop_assert!(fill.position.abs() < before.abs(), "{:?}", fill);
                prop_assert!(fill.position.signum() * before.signum() >= 0, "{:?}", fill);
            }
        }
    }
}

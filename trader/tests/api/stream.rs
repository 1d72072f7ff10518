use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;
use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::time::Timestamp;
use sapphire_trader::api::published::{CurvePoint, FillPoint};
use sapphire_trader::api::view;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::desk::{Desk, LOST, bar, error, order, page, status_number, summary};

#[derive(Debug, Clone)]
struct Event {
    name: String,
    id: u64,
    data: Value,
}

/// Reads blocks, and takes the events and comments out of them.
struct Listener {
    chunks: BoxStream<'static, reqwest::Result<axum::body::Bytes>>,
    text: String,
    comments: usize,
}

impl Listener {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { chunks: response.bytes_stream().boxed(), text: String::new(), comments: 0 }
    }

    async fn open(desk: &Desk) -> Self {
        Self::of(desk.get("/api/stream").await)
    }

    /// Past what a new stream tells of everything.
    async fn settled(desk: &Desk) -> Self {
        let mut listener = Self::open(desk).await;
        // The last of a look.
        listener.expect("risk").await;
        listener
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let lines = block.lines().filter_map(|line| line.split_once(':'));
                let fields: BTreeMap<&str, &str> =
                    lines.map(|(n, v)| (n, v.trim_start())).collect();
                if let Some(comment) = fields.get("") {
                    assert_eq!(*comment, "keep-alive");
                    self.comments += 1;
                    continue;
                }
                return Some(Event {
                    name: fields["event"].to_owned(),
                    id: fields["id"].parse().unwrap(),
                    data: serde_json::from_str(fields["data"]).unwrap(),
                });
            }
            let chunk = self.chunks.next().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn expect(&mut self, name: &str) -> Event {
        let find = async {
            loop {
                let event = self.next().await.expect("the stream ended");
                if event.name == name {
                    return event;
                }
            }
        };
        tokio::time::timeout(LOST, find).await.unwrap_or_else(|_| panic!("no {name}"))
    }

    /// Market events until they have told that many fills.
    async fn markets(&mut self, fills_told: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while fills(&events).len() < fills_told {
            events.push(self.expect("market").await);
        }
        events
    }

    /// Everything that comes within a while.
    async fn within(&mut self, while_: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let collect = async {
            while let Some(event) = self.next().await {
                events.push(event);
            }
        };
        let _ = tokio::time::timeout(while_, collect).await;
        events
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[tokio::test]
async fn a_new_stream_tells_everything_once() {
    let desk = Desk::open().await;
    let mut listener = Listener::open(&desk).await;
    let mut events = Vec::new();
    while events.last().is_none_or(|event: &Event| event.name != "risk") {
        events.push(listener.next().await.unwrap());
    }
    events.extend(listener.within(Duration::from_millis(500)).await);
    let expected = [
        "market",
        "market",
        "status",
        "portfolio",
        "positions",
        "orders",
        "agents",
        "decisions",
        "health",
        "risk",
    ];
    assert_eq!(names(&events), expected);
    for (event, path) in [
        (2, "system-status"),
        (4, "positions"),
        (5, "orders"),
        (6, "agents"),
        (8, "health-metrics"),
        (9, "risk"),
    ] {
        assert_eq!(events[event].data, desk.read(&format!("/api/{path}")).await, "{path}");
    }
    assert!(events[1..].iter().all(|event| event.id == 10), "{events:?}");
}

#[tokio::test]
async fn only_what_changed_is_told() {
    let mut desk = Desk::open().await;
    let mut listener = Listener::settled(&desk).await;
    desk.show_everything();
    assert_eq!(names(&listener.within(Duration::from_millis(600)).await), Vec::<&str>::new());
    desk.publisher().journal_head(11);
    desk.publisher().status(status_number(1));
    assert_eq!(listener.expect("status").await.id, 11);
    assert_eq!(names(&listener.within(Duration::from_millis(400)).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_section_is_told_five_times_a_second_and_the_latest_wins() {
    let mut desk = Desk::open().await;
    let mut listener = Listener::settled(&desk).await;
    let began = Instant::now();
    let mut number = 1;
    let mut events = Vec::new();
    while began.elapsed() < Duration::from_secs(2) {
        desk.publisher().status(status_number(number));
        desk.publisher().portfolio(summary(number.try_into().unwrap()));
        number += 1;
        events.extend(listener.within(Duration::from_millis(5)).await);
    }
    let took = began.elapsed();
    events.extend(listener.within(Duration::from_millis(700)).await);
    let most = (took.as_millis() / 200 + 2) as usize;
    for name in ["status", "portfolio"] {
        let told = events.iter().filter(|event| event.name == name).count();
        assert!((2..=most).contains(&told), "{told} of {name} in {took:?}, out of {number}");
    }
    let last = |name: &str| events.iter().rfind(|event| event.name == name).unwrap().data.clone();
    assert_eq!(last("status")["progress"]["done"], number - 1);
    assert_eq!(last("portfolio")["equity"], format!("{}.00", number - 1));
}

#[tokio::test]
async fn the_portfolio_comes_with_its_newest_point_and_without_its_history() {
    let mut desk = Desk::open().await;
    let mut listener = Listener::open(&desk).await;
    assert_eq!(listener.expect("portfolio").await.data["point"], Value::Null);
    [1, 2].map(point).into_iter().for_each(|point| desk.publisher().equity_point(point));
    desk.publisher().portfolio(summary(10_000));
    let told = listener.expect("portfolio").await.data;
    assert_eq!(told["point"]["equity"], "2.00");
    assert_eq!(told["equity"], "10000.00");
    assert!(told.get("history").is_none());
}

#[tokio::test]
async fn decisions_are_the_newest_ten_and_orders_the_newest_hundred() {
    let mut desk = Desk::open().await;
    let round = |number: u32| view::Round {
        id: format!("r{number}"),
        symbol: "BTCUSD".into(),
        closed_at: Timestamp(0).into(),
        outcome: view::Outcome::Hold,
        approval: None,
        agreeing: 0,
        cast: 0,
        reason: "nobody agreed".into(),
        votes: vec![],
        decision: None,
    };
    let mut listener = Listener::settled(&desk).await;
    let rounds = (1..=40).rev().map(round).collect();
    desk.publisher().decisions(view::Decisions { rounds });
    let orders = (1..=300).rev().map(|n| order(n, view::OrderState::Filled)).collect();
    desk.publisher().orders(view::Orders { orders });
    let told = listener.expect("orders").await.data;
    assert_eq!(told, desk.read("/api/orders?state=all&limit=100").await);
    let told = listener.expect("decisions").await.data;
    let rounds = told["rounds"].as_array().unwrap();
    assert_eq!((rounds.len(), &rounds[0]["id"]), (10, &json!("r40")));
}

fn point(number: i64) -> CurvePoint {
    CurvePoint {
        at: Timestamp(number),
        equity: sapphire_engine::money::Amount::whole(number),
        drawdown: sapphire_engine::money::Ratio::ZERO,
        buy_and_hold: sapphire_engine::money::Amount::ZERO,
    }
}

/// A stream with history is all that the page asks for.
#[tokio::test]
async fn a_stream_with_history_begins_with_what_the_pages_charts_need() {
    let mut desk = Desk::open().await;
    for number in 1..=700 {
        desk.publisher().bar(SymbolId(0), &bar(number));
        desk.publisher().equity_point(point(number));
        if number % 100 == 50 {
            desk.publisher().fill(SymbolId(0), fill_on_bar(number));
        }
    }
    desk.publisher().due_now();
    desk.publisher().portfolio(summary(10_000));
    let mut listener = Listener::of(desk.get("/api/stream?history=true").await);
    let market = listener.expect("market").await.data;
    let whole = desk.read("/api/market?symbol=BTCUSD&points=500").await;
    assert_eq!((&market["bars"], &market["fills"]), (&whole["bars"], &whole["fills"]));
    assert_eq!(market["fills"].as_array().unwrap().len(), 5);
    let portfolio = listener.expect("portfolio").await.data;
    assert_eq!(portfolio, desk.read("/api/portfolio?points=500").await);
    listener.expect("risk").await;

    // What follows goes on where that ended, however much it is.
    for number in 701..=1000 {
        desk.publisher().bar(SymbolId(0), &bar(number));
        desk.publisher().equity_point(point(number));
    }
    desk.publisher().fill(SymbolId(0), fill_on_bar(950));
    desk.publisher().due_now();
    desk.publisher().portfolio(summary(10_001));
    let update = listener.markets(1).await;
    assert_eq!(opens(&update), prices_of_bars(701..=1000));
    let portfolio = listener.expect("portfolio").await.data;
    assert_eq!(
        (&portfolio["point"]["equity"], portfolio.get("history")),
        (&json!("1000.00"), None)
    );
}

/// At full speed a run closes hundreds of bars between two looks, from its first moment on.
#[tokio::test]
async fn a_stream_that_began_before_the_first_bar_tells_every_bar() {
    let mut desk = Desk::open().await;
    let mut listener = Listener::settled(&desk).await;
    (1..=200).for_each(|number| desk.publisher().bar(SymbolId(0), &bar(number)));
    desk.publisher().due_now();
    let update = listener.expect("market").await;
    assert_eq!(opens(&[update]), prices_of_bars(1..=200));
}

#[tokio::test]
async fn the_health_report_is_told_every_ten_seconds_at_most() {
    let mut desk = Desk::open().await;
    let mut listener = Listener::settled(&desk).await;
    let health: view::Health =
        serde_json::from_value(desk.read("/api/health-metrics").await).unwrap();
    for events_total in 1_000..1_004 {
        desk.publisher().health(view::Health { events_total, ..health.clone() });
        assert_eq!(names(&listener.within(Duration::from_millis(250)).await), Vec::<&str>::new());
    }
    assert_eq!(listener.expect("health").await.data["eventsTotal"], 1_003);
}

fn fill_on_bar(number: i64) -> FillPoint {
    FillPoint { at: bar(number).open_time, ..fill(number) }
}

fn fill(number: i64) -> FillPoint {
    FillPoint {
        at: Timestamp(number * 1_000_000),
        side: Side::Buy,
        price: PriceTicks(number),
        quantity: QtyLots(1),
        order: Some(OrderId(1)),
        purpose: Purpose::Entry,
    }
}

/// Numbers of the fills in market events, in the order in which they were told.
fn fills(events: &[Event]) -> Vec<String> {
    let markets = events.iter().filter(|event| event.name == "market");
    let fills = markets.flat_map(|event| event.data["fills"].as_array().unwrap().clone());
    fills.map(|fill| fill["price"].as_str().unwrap().to_owned()).collect()
}

fn opens(events: &[Event]) -> Vec<String> {
    let markets = events.iter().filter(|event| event.name == "market");
    let bars = markets.flat_map(|event| event.data["bars"].as_array().unwrap().clone());
    bars.map(|bar| bar["open"].as_str().unwrap().to_owned()).collect()
}

fn prices_of_bars(numbers: std::ops::RangeInclusive<i64>) -> Vec<String> {
    numbers
        .map(|n| {
            sapphire_engine::money::Amount(6_000_000_000_000 + i128::from(n) * 1_000_000)
                .to_string()
        })
        .collect()
}

fn prices(numbers: std::ops::RangeInclusive<i64>) -> Vec<String> {
    numbers.map(|n| sapphire_engine::money::Amount(i128::from(n) * 1_000_000).to_string()).collect()
}

#[tokio::test]
async fn every_fill_is_told_once_however_many_there_are_between_two_looks() {
    let mut desk = Desk::open().await;
    desk.publisher().fill(SymbolId(0), fill(1));
    desk.publisher().due_now();
    let mut listener = Listener::settled(&desk).await;
    let mut events = Vec::new();
    for number in 2..=120 {
        desk.publisher().journal_head(10 + number as u64);
        desk.publisher().fill(SymbolId(0), fill(number));
        desk.publisher().bar(SymbolId(0), &bar(number));
        desk.publisher().due_now();
        if number % 10 == 0 {
            events.extend(listener.within(Duration::from_millis(70)).await);
        }
    }
    events.extend(listener.markets(119 - fills(&events).len()).await);
    events.extend(listener.within(Duration::from_millis(400)).await);
    assert_eq!(fills(&events), prices(2..=120), "fill 1 was there before the stream");
    let last = &events.iter().rfind(|event| event.name == "market").unwrap().data;
    assert_eq!(last["symbol"], json!("BTCUSD"));
    assert_eq!(opens(&events), prices_of_bars(2..=120), "every bar is told once, in order");
}

#[tokio::test]
async fn a_client_that_comes_back_gets_the_fills_that_it_missed() {
    let mut desk = Desk::open().await;
    let show = |desk: &mut Desk, number: i64| {
        desk.publisher().journal_head(100 + number as u64);
        desk.publisher().fill(SymbolId(0), fill(number));
        desk.publisher().due_now();
        desk.publisher().status(status_number(number as u64));
    };
    show(&mut desk, 1);
    let mut listener = Listener::settled(&desk).await;
    (2..=3).for_each(|number| show(&mut desk, number));
    let events = listener.markets(2).await;
    assert_eq!(fills(&events), prices(2..=3));
    let last_id = events[events.len() - 1].id;
    drop(listener);
    (4..=6).for_each(|number| show(&mut desk, number));
    let again =
        desk.client.get(desk.url("/api/stream")).header("last-event-id", last_id.to_string());
    let mut listener = Listener::of(again.send().await.unwrap());
    assert_eq!(fills(&listener.markets(3).await), prices(4..=6), "none twice, none lost");

    let wrong = desk.client.get(desk.url("/api/stream")).header("last-event-id", "yesterday");
    let message = error(wrong.send().await.unwrap(), 400, "BadRequest").await;
    assert!(message.contains("last-event-id"), "{message}");
}

#[tokio::test]
async fn a_stream_opened_before_the_desk_shows_anything_waits_for_it() {
    let mut desk = Desk::silent(|_| (), page()).await;
    let mut listener = Listener::open(&desk).await;
    assert!(listener.within(Duration::from_millis(300)).await.is_empty());
    desk.show_everything();
    assert_eq!(listener.expect("status").await.data["system"], "quickstart");
}

#[tokio::test]
async fn silence_is_kept_alive() {
    let desk = Desk::open_with(|config| config.keep_alive = Duration::from_millis(400)).await;
    let mut listener = Listener::settled(&desk).await;
    listener.within(Duration::from_millis(2000)).await;
    assert!((2..=6).contains(&listener.comments), "{} in 2 s", listener.comments);
}

#[tokio::test]
async fn streams_are_bounded_by_address_and_in_all() {
    let desk = Desk::open_with(|config| config.max_streams_per_address = 2).await;
    let first = Listener::open(&desk).await;
    let _second = Listener::open(&desk).await;
    let third = desk.get("/api/stream").await;
    assert_eq!(third.headers()["retry-after"], "10");
    let message = error(third, 503, "Unavailable").await;
    assert!(message.contains("2 streams of this address"), "{message}");
    drop(first);
    let began = Instant::now();
    while desk.get("/api/stream").await.status() != 200 {
        assert!(began.elapsed() < LOST, "a closed stream keeps its place");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let desk = Desk::open_with(|config| config.max_streams = 1).await;
    let _only = Listener::open(&desk).await;
    let message = error(desk.get("/api/stream").await, 503, "Unavailable").await;
    assert!(message.contains("1 streams are open"), "{message}");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_dropped_and_nobody_else_suffers() {
    let mut desk =
        Desk::open_with(|config| config.write_timeout = Duration::from_millis(500)).await;
    let mut stuck = TcpStream::connect(desk.address).await.unwrap();
    stuck.write_all(b"GET /api/stream HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut listener = Listener::settled(&desk).await;
    let open = |desk: &Desk| desk.metrics.http.streams.get();
    assert_eq!(open(&desk), 2);
    let began = Instant::now();
    let mut number = 0;
    while open(&desk) == 2 {
        assert!(began.elapsed() < LOST * 2, "the stuck client keeps its place");
        // Notes of a megabyte fill the socket's buffers soon.
        let notes = vec![format!("{number}{}", "x".repeat(1_000_000))];
        desk.publisher().status(view::SystemStatus { notes, ..status_number(number) });
        number += 1;
        listener.within(Duration::from_millis(100)).await;
    }
    desk.publisher().status(status_number(999_999));
    while listener.expect("status").await.data["progress"]["done"] != 999_999 {}
    drop(stuck);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let desk = Desk::open_with(|config| config.shutdown_grace = LOST).await;
    let mut listener = Listener::settled(&desk).await;
    let took = desk.stop().await;
    assert!(took < LOST / 2, "a stream held the server up: {took:?}");
    assert!(tokio::time::timeout(LOST, listener.next()).await.unwrap().is_none());
}

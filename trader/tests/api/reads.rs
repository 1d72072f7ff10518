use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots, SymbolId};
use sapphire_engine::money::{Amount, Ratio};
use sapphire_engine::order::{Purpose, Side};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_trader::api::published::{CurvePoint, FillPoint};
use sapphire_trader::api::view;
use serde_json::json;

use crate::desk::{Desk, bar, error, order, page, status, summary};

#[tokio::test]
async fn the_status_is_what_the_desk_shows() {
    let desk = Desk::open().await;
    let body = desk.read("/api/system-status").await;
    assert_eq!(body, serde_json::to_value(status()).unwrap());
    assert_eq!(body["phase"], "Running");
    assert_eq!(body["progress"]["fraction"], "0.25");
    assert_eq!(body["startedWallTime"], "1970-01-01T00:00:00.000Z");
    let report = &body["report"];
    assert_eq!((&report["text"], &report["sharpe"]), (&json!("Equity 10,000"), &json!("1.2")));
    let gain = json!({ "title": "Result", "wide": false, "facts": [{ "name": "Gain", "value": "+95.11" }] });
    assert_eq!(report["sections"], json!([gain]));
}

#[tokio::test]
async fn a_new_value_is_read_at_once_and_an_old_one_never_again() {
    let mut desk = Desk::open().await;
    for equity in 1..20 {
        desk.publisher().portfolio(summary(equity));
        let body = desk.read("/api/portfolio").await;
        assert_eq!(body["equity"], format!("{equity}.00"));
    }
}

#[tokio::test]
async fn a_section_that_was_not_shown_yet_is_unavailable_not_empty() {
    let desk = Desk::silent(|_| (), page()).await;
    for path in ["/api/system-status", "/api/portfolio", "/api/market?symbol=BTCUSD", "/api/orders"]
    {
        let response = desk.get(path).await;
        assert_eq!(response.headers()["retry-after"], "1");
        let message = error(response, 503, "Unavailable").await;
        assert!(message.contains("starting") && message.contains("/readyz"), "{message}");
    }
}

fn point(hour: i64) -> CurvePoint {
    CurvePoint {
        at: Timestamp(Span::hours(hour).0),
        equity: Amount::whole(10_000 + hour),
        drawdown: Ratio::percent(1),
        buy_and_hold: Amount::whole(9_000),
    }
}

#[tokio::test]
async fn the_curve_is_thinned_to_what_was_asked_for() {
    let mut desk = Desk::open().await;
    (0..1000).for_each(|hour| desk.publisher().equity_point(point(hour)));
    desk.publisher().portfolio(summary(10_999));
    for (query, points) in [("", 500), ("?points=10", 10), ("?points=4096", 1000)] {
        let body = desk.read(&format!("/api/portfolio{query}")).await;
        let history = body["history"].as_array().unwrap();
        assert_eq!(history.len(), points, "{query}");
        assert_eq!(history[0]["equity"], "10000.00");
        let newest = json!({
            "t": "1970-02-11T15:00:00.000Z", "equity": "10999.00", "drawdown": "0.01",
            "buyAndHold": "9000.00"
        });
        assert_eq!(history[points - 1], newest);
    }
}

#[tokio::test]
async fn a_point_alone_is_news_of_the_portfolio() {
    let mut desk = Desk::open().await;
    desk.publisher().equity_point(point(1));
    desk.publisher().portfolio(summary(10_000));
    assert_eq!(desk.read("/api/portfolio").await["history"].as_array().unwrap().len(), 1);
}

fn fill(hour: i64) -> FillPoint {
    FillPoint {
        at: Timestamp(Span::hours(hour).0),
        side: Side::Sell,
        price: PriceTicks(6_000_000),
        quantity: QtyLots(5),
        order: Some(OrderId(12)),
        purpose: Purpose::Exit,
    }
}

/// The desk tells its stops while it publishes its positions: the two must not tell two stops.
#[tokio::test]
async fn a_moved_stop_is_shown_at_once() {
    let mut desk = Desk::open().await;
    desk.publisher().stops(SymbolId(0), vec![(OrderId(13), PriceTicks(5_900_000))]);
    let body = desk.read("/api/market?symbol=BTCUSD").await;
    assert_eq!(body["stops"], json!([{ "price": "59000.00", "orderId": "o13" }]));
}

#[tokio::test]
async fn a_market_has_the_newest_bars_and_the_fills_on_them() {
    let mut desk = Desk::open().await;
    for hour in 0..10 {
        desk.publisher().bar(SymbolId(0), &bar(hour));
        desk.publisher().fill(SymbolId(0), fill(hour));
    }
    desk.publisher().stops(SymbolId(0), vec![(OrderId(13), PriceTicks(5_900_000))]);
    desk.publisher().due_now();
    let body = desk.read("/api/market?symbol=BTCUSD&points=3").await;
    let expected = json!({
        "symbol": "BTCUSD",
        "barInterval": "1h",
        "bars": [
            { "t": "1970-01-01T07:00:00.000Z", "open": "60000.07", "high": "60001.07", "low": "59999.07",
              "close": "60000.17", "volume": "2.50" },
            { "t": "1970-01-01T08:00:00.000Z", "open": "60000.08", "high": "60001.08", "low": "59999.08",
              "close": "60000.18", "volume": "2.50" },
            { "t": "1970-01-01T09:00:00.000Z", "open": "60000.09", "high": "60001.09", "low": "59999.09",
              "close": "60000.19", "volume": "2.50" },
        ],
        "fills": [
            { "t": "1970-01-01T07:00:00.000Z", "side": "Sell", "price": "60000.00", "quantity": "0.05",
              "orderId": "o12", "purpose": "Exit" },
            { "t": "1970-01-01T08:00:00.000Z", "side": "Sell", "price": "60000.00", "quantity": "0.05",
              "orderId": "o12", "purpose": "Exit" },
            { "t": "1970-01-01T09:00:00.000Z", "side": "Sell", "price": "60000.00", "quantity": "0.05",
              "orderId": "o12", "purpose": "Exit" },
        ],
        "stops": [{ "price": "59000.00", "orderId": "o13" }],
    });
    assert_eq!(body, expected);
    let other = desk.read("/api/market?symbol=ETHUSD").await;
    assert_eq!(other["bars"], json!([]), "the other symbol's market is its own");
}

#[tokio::test]
async fn memory_for_a_market_is_bounded() {
    let mut desk = Desk::open().await;
    for hour in 0..5000 {
        desk.publisher().bar(SymbolId(0), &bar(hour));
        desk.publisher().fill(SymbolId(0), fill(hour));
    }
    desk.publisher().due_now();
    let body = desk.read("/api/market?symbol=BTCUSD&points=2000").await;
    assert_eq!(body["bars"].as_array().unwrap().len(), 2000);
    assert_eq!(body["fills"].as_array().unwrap().len(), 1000);
}

#[tokio::test]
async fn orders_are_filtered_and_cut_the_newest_first() {
    let mut desk = Desk::open().await;
    let state = |number: u64| match number % 3 {
        0 => view::OrderState::Accepted,
        1 => view::OrderState::Filled,
        _ => view::OrderState::Unknown,
    };
    let orders = (1..=300).rev().map(|number| order(number, state(number))).collect();
    desk.publisher().orders(view::Orders { orders });
    for (query, count, first) in [
        ("", 100, "o300"),
        ("?state=all", 100, "o300"),
        ("?limit=500", 300, "o300"),
        ("?state=open&limit=500", 200, "o300"),
        ("?state=open&limit=1", 1, "o300"),
    ] {
        let body = desk.read(&format!("/api/orders{query}")).await;
        let orders = body["orders"].as_array().unwrap();
        assert_eq!((orders.len(), &orders[0]["id"]), (count, &json!(first)), "{query}");
        if query.contains("open") {
            assert!(orders.iter().all(|order| order["state"] != "Filled"));
        }
    }
}

#[tokio::test]
async fn an_orders_fields_are_the_contracts() {
    let mut desk = Desk::open().await;
    desk.publisher().orders(view::Orders { orders: vec![order(1, view::OrderState::Filled)] });
    let body = desk.read("/api/orders").await;
    let mut names: Vec<_> = body["orders"][0].as_object().unwrap().keys().cloned().collect();
    names.sort();
    let contract = [
        "averagePrice",
        "clientOrderId",
        "closePosition",
        "createdAt",
        "decisionId",
        "filledQuantity",
        "id",
        "pending",
        "price",
        "purpose",
        "quantity",
        "reason",
        "reduceOnly",
        "side",
        "state",
        "stopPrice",
        "symbol",
        "type",
        "updatedAt",
    ];
    assert_eq!(names, contract);
}

#[tokio::test]
async fn a_lineage_is_the_journals() {
    let desk = Desk::open().await;
    let body = desk.read("/api/why/d7").await;
    assert_eq!((&body["id"], &body["kind"]), (&json!("d7"), &json!("Decision")));
    assert_eq!(body["lineage"][0]["record"], json!({ "id": 7 }));
}

#[tokio::test]
async fn a_head_request_has_the_same_head_and_no_body() {
    let desk = Desk::open().await;
    let response = desk.client.head(desk.url("/api/risk")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(response.bytes().await.unwrap().is_empty());
}

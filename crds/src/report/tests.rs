use super::*;
use rstest::rstest;
use serde_json::{Value, json};

fn full() -> Value {
    json!({
        "revision": "desk-5f7d9c",
        "role": "Leader",
        "epoch": 7,
        "reconciled": true,
        "policy": {
            "name": "cautious",
            "generation": 3,
            "hash": "0".repeat(64),
            "acknowledgedAt": "2026-11-21T06:00:00Z",
        },
        "ending": false,
        "tradingState": "Active",
        "equity": "100234.12345678",
        "drawdown": "0.0125",
        "flat": false,
        "exposedSymbols": ["BTCUSDT", "ETHUSDT"],
        "openOrders": 4,
        "journalHead": {"sequence": 4711, "hash": "f".repeat(64)},
        "agents": [
            {"name": "trend", "weight": "0.4", "canaryWeight": "0.1", "brier": "0",
             "scored": 12, "lastOpinionAt": "2026-11-21T05:59:00Z"},
            {"name": "vpin", "weight": "0.6", "scored": 0},
        ],
    })
}

fn with(path: &str, value: Value) -> String {
    let mut report = full();
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = report.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    report.to_string()
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let report = Report::read(&full().to_string()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&report.write().unwrap()).unwrap(), full());
    assert_eq!(Report::read(&report.write().unwrap()).unwrap(), report);
}

#[test]
fn the_least_that_a_starting_pod_can_say_is_enough() {
    let least = json!({
        "revision": "desk-1", "role": "Standby", "reconciled": false,
        "tradingState": "Halted", "flat": false,
    });
    assert!(!Report::read(&least.to_string()).unwrap().proves_flat());
}

#[test]
fn what_a_newer_trader_adds_is_passed_over() {
    let text = with("/latencyHistogram", json!({"p99": ["1ms"]}));
    assert_eq!(Report::read(&text).unwrap(), Report::read(&full().to_string()).unwrap());
    assert!(Report::read(&with("/agents/0/mood", json!("good"))).is_ok());
}

#[rstest]
#[case::a_word_of_nobodys("/role", json!("King"))]
#[case::no_state("/tradingState", json!(null))]
#[case::a_number_for_money("/equity", json!(100.5))]
#[case::money_without_end("/equity", json!("9".repeat(400)))]
#[case::no_number("/drawdown", json!("NaN"))]
#[case::a_weight_above_all("/agents/0/weight", json!("1.5"))]
#[case::a_weight_below_nothing("/agents/0/weight", json!("-0.5"))]
#[case::an_agent_twice("/agents/1/name", json!("trend"))]
#[case::a_name_that_is_none("/agents/1/name", json!("../../etc"))]
#[case::a_name_with_colours("/policy/name", json!("\u{1b}[31mred"))]
#[case::a_hash_that_is_none("/policy/hash", json!("0xff"))]
#[case::a_negative_generation("/policy/generation", json!(-1))]
#[case::a_generation_beyond("/policy/generation", json!(9_223_372_036_854_775_808_u64))]
#[case::a_time_before_time("/policy/acknowledgedAt", json!("-000044-03-15T12:00:00Z"))]
#[case::a_time_of_no_clock("/policy/acknowledgedAt", json!("1969-12-31T23:59:59Z"))]
#[case::words_for_a_time("/agents/0/lastOpinionAt", json!("yesterday"))]
#[case::a_negative_epoch("/epoch", json!(-1))]
#[case::orders_below_none("/openOrders", json!(-1))]
#[case::orders_beyond("/openOrders", json!(3_000_000_000_u64))]
#[case::a_journal_before_its_beginning("/journalHead/sequence", json!(-7))]
#[case::scores_below_none("/agents/0/scored", json!(-1))]
#[case::a_symbol_twice("/exposedSymbols", json!(["BTCUSDT", "BTCUSDT"]))]
#[case::a_symbol_that_is_none("/exposedSymbols", json!(["btc/usdt"]))]
#[case::too_many_symbols("/exposedSymbols", json!((10..61).map(|n| format!("S{n}")).collect::<Vec<_>>()))]
#[case::too_many_agents("/agents", json!((0..201).map(|n| json!({"name": format!("a{n}")})).collect::<Vec<_>>()))]
#[case::flat_with_positions("/flat", json!(true))]
#[case::a_text_for_a_truth("/flat", json!("false"))]
#[case::too_long("/padding", json!("x".repeat(MAX_BYTES)))]
fn a_report_that_cannot_be_is_refused(#[case] path: &str, #[case] value: Value) {
    let error = Report::read(&with(path, value)).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
}

#[rstest]
#[case("")]
#[case("null")]
#[case("[]")]
#[case("{}")]
#[case("{\"flat\": true, \"flat\": false}")]
fn what_is_no_report_is_refused(#[case] text: &str) {
    assert!(Report::read(text).is_err());
}

#[test]
fn a_member_said_twice_is_refused() {
    let text = full().to_string().replacen("\"flat\":false", "\"flat\":false,\"flat\":true", 1);
    assert!(matches!(Report::read(&text), Err(ReportError::Unreadable(_))));
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!("{{\"x\": {}", "[".repeat(30_000));
    assert!(matches!(Report::read(&deep), Err(ReportError::Unreadable(_))));
}

#[test]
fn nothing_is_written_that_could_not_be_read() {
    let mut report = Report::read(&full().to_string()).unwrap();
    report.flat = true;
    assert!(matches!(report.write(), Err(ReportError::Impossible(_))));
}

#[rstest]
#[case("Leader", true, true)]
#[case("Leader", false, false)]
#[case("Standby", true, false)]
#[case("Quiesced", true, false)]
fn only_a_leader_that_knows_proves_flat(
    #[case] role: &str,
    #[case] reconciled: bool,
    #[case] proves: bool,
) {
    let mut report = full();
    report["exposedSymbols"] = json!([]);
    report["flat"] = json!(true);
    report["role"] = json!(role);
    report["reconciled"] = json!(reconciled);
    assert_eq!(Report::read(&report.to_string()).unwrap().proves_flat(), proves);
}

#[rstest]
#[case("/role", json!("Quiesced"), true)]
#[case("/revision", json!("desk-other"), true)]
#[case("/epoch", json!(8), true)]
#[case("/reconciled", json!(false), true)]
#[case("/policy/generation", json!(4), true)]
#[case("/ending", json!(true), true)]
#[case("/tradingState", json!("Reducing"), true)]
#[case("/exposedSymbols", json!([]), true)]
#[case("/agents/0/canaryWeight", json!("0.2"), true)]
#[case("/equity", json!("1"), false)]
#[case("/drawdown", json!("0.5"), false)]
#[case("/openOrders", json!(5), false)]
#[case("/journalHead/sequence", json!(4712), false)]
#[case("/agents/0/brier", json!("0.1"), false)]
fn what_matters_is_told_at_once(#[case] path: &str, #[case] value: Value, #[case] urgent: bool) {
    let earlier = Report::read(&full().to_string()).unwrap();
    let later = Report::read(&with(path, value)).unwrap();
    assert_ne!(earlier, later);
    assert_eq!(later.differs_urgently(&earlier), urgent);
}

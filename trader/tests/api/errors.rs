use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::desk::{Desk, error};

#[rstest]
#[case("/nothing", "/api/openapi.json")]
#[case("/api/nothing", "/api/openapi.json")]
#[case("/api/why/d8", "no d8")]
#[case("/api/market?symbol=DOGEUSD", "BTCUSD, ETHUSD")]
#[tokio::test]
async fn what_there_is_not_is_named(#[case] path: &str, #[case] said: &str) {
    let desk = Desk::open().await;
    let message = error(desk.get(path).await, 404, "NotFound").await;
    assert!(message.contains(said), "{message}");
}

#[rstest]
#[case("/api/portfolio?points=1", "choose 2 to 4096")]
#[case("/api/portfolio?points=4097", "choose 2 to 4096")]
#[case("/api/portfolio?points=-1", "points")]
#[case("/api/portfolio?points=many", "points")]
#[case("/api/portfolio?points=", "points")]
#[case("/api/portfolio?points=3&points=4", "duplicate field `points`")]
#[case("/api/portfolio?point=3", "unknown field `point`, expected `points`")]
#[case("/api/market", "missing field `symbol`")]
#[case("/api/market?symbol=BTCUSD&points=0", "choose 1 to 2000")]
#[case("/api/market?symbol=BTCUSD&points=2001", "choose 1 to 2000")]
#[case("/api/orders?state=closed", "unknown variant `closed`, expected `open` or `all`")]
#[case("/api/orders?limit=501", "choose 1 to 500")]
#[case("/api/decisions?limit=0", "choose 1 to 200")]
#[case("/api/risk?verbose=1", "unknown field `verbose`")]
#[case("/api/system-status?x", "unknown field `x`")]
#[case("/api/stream?x=1", "unknown field `x`")]
#[case("/api/why/d7?x=1", "unknown field `x`")]
#[case("/api/why/7", "`7` is no id")]
#[case("/api/why/o-1", "o12 (order)")]
#[tokio::test]
async fn a_query_that_cannot_be_read_says_why(#[case] path: &str, #[case] said: &str) {
    let desk = Desk::open().await;
    let message = error(desk.get(path).await, 400, "BadRequest").await;
    assert!(message.contains(said), "{message}");
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_says_what_to_run() {
    let desk = Desk::open().await;
    let message = error(desk.get("/api/why/d666").await, 503, "Unavailable").await;
    assert!(
        message.contains("record 3 does not match") && message.contains("journal verify"),
        "{message}"
    );
}

#[rstest]
#[case(Method::POST, "/api/risk", "GET,HEAD")]
#[case(Method::DELETE, "/api/orders", "GET,HEAD")]
#[case(Method::GET, "/api/commands/halt", "POST")]
#[case(Method::PUT, "/", "GET,HEAD")]
#[tokio::test]
async fn a_wrong_method_says_which_are_right(
    #[case] method: Method,
    #[case] path: &str,
    #[case] allowed: &str,
) {
    let desk = Desk::open().await;
    let response = desk.client.request(method, desk.url(path)).send().await.unwrap();
    assert_eq!(response.headers()["allow"], allowed);
    let message = error(response, 405, "MethodNotAllowed").await;
    assert!(message.contains("allow"), "{message}");
}

#[rstest]
#[case("halt", "{", 400, "BadRequest", "is not JSON")]
#[case("halt", "", 400, "BadRequest", "is not JSON")]
#[case("halt", r#"{"reason":"x"} trailing"#, 400, "BadRequest", "trailing characters")]
#[case("halt", r#"{"reason":"x","flaten":true}"#, 422, "Unprocessable", "unknown field `flaten`")]
#[case("halt", "{}", 422, "Unprocessable", "missing field `reason`")]
#[case("halt", "[]", 422, "Unprocessable", "is not a command")]
#[case("halt", r#"{"reason":7}"#, 422, "Unprocessable", "invalid type")]
#[case("halt", r#"{"reason":"x","flatten":"yes"}"#, 422, "Unprocessable", "expected a boolean")]
#[case("halt", r#"{"reason":"x","reason":"y"}"#, 422, "Unprocessable", "duplicate field")]
#[case("halt", r#"{"reason":"  "}"#, 422, "Unprocessable", "`reason` is empty")]
#[case("halt", r#"{"reason":"a\u001b[2J"}"#, 422, "Unprocessable", "control characters")]
#[case("halt", r#"{"reason":"x","who":""}"#, 422, "Unprocessable", "`who` is empty")]
#[case("resume", "{}", 422, "Unprocessable", "missing field `reason`")]
#[case("close", "{}", 422, "Unprocessable", "missing field `symbol`")]
#[case("close", r#"{"symbol":"DOGEUSD"}"#, 404, "NotFound", "BTCUSD, ETHUSD")]
#[case("cancel", r#"{"orderId":"12"}"#, 422, "Unprocessable", "such as o12")]
#[case("cancel", r#"{"orderId":"d12"}"#, 422, "Unprocessable", "such as o12")]
#[case("cancel", r#"{"orderId":12}"#, 422, "Unprocessable", "invalid type")]
#[case("pause", "{}", 422, "Unprocessable", "either a `symbol` or an `agent`")]
#[case(
    "pause",
    r#"{"symbol":"BTCUSD","agent":"trend"}"#,
    422,
    "Unprocessable",
    "either a `symbol` or"
)]
#[case("unpause", r#"{"agent":"nobody"}"#, 404, "NotFound", "trend, vpin")]
#[tokio::test]
async fn a_body_that_is_no_command_says_why_and_reaches_nobody(
    #[case] command: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] said: &str,
) {
    let desk = Desk::open().await;
    let sent = desk.command(command).header("content-type", "application/json").body(body);
    let message = error(sent.send().await.unwrap(), status, code).await;
    assert!(message.contains(said), "{message}");
    assert!(desk.inbox.as_ref().unwrap().try_recv().is_err(), "the desk heard of it");
}

#[tokio::test]
async fn words_that_are_too_long_are_refused_by_character() {
    let desk = Desk::open().await;
    let sent = desk.command("halt").json(&json!({ "reason": "ü".repeat(501) }));
    let message = error(sent.send().await.unwrap(), 422, "Unprocessable").await;
    assert!(message.contains("501 characters: at most 500"), "{message}");
}

#[rstest]
#[case(Some("text/plain"))]
#[case(Some("application/x-www-form-urlencoded"))]
#[case(None)]
#[tokio::test]
async fn only_json_is_a_command(#[case] media_type: Option<&str>) {
    let desk = Desk::open().await;
    let mut sent = desk.command("halt").body(r#"{"reason":"x"}"#);
    if let Some(media_type) = media_type {
        sent = sent.header("content-type", media_type);
    }
    let message = error(sent.send().await.unwrap(), 415, "UnsupportedMediaType").await;
    assert!(message.contains("application/json"), "{message}");
}

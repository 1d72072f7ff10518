use std::time::Duration;

use rstest::rstest;
use sapphire_trader::api::view::{Phase, SystemStatus};
use serde_json::{Value, json};

use crate::desk::{Desk, error, page, status};

#[tokio::test]
async fn a_desk_that_beats_is_alive_and_one_that_stalls_is_not() {
    let desk = Desk::open_with(|config| config.stalled_after = Duration::from_secs(1)).await;
    desk.publisher.as_ref().unwrap().beat();
    assert_eq!(desk.read("/healthz").await, json!({ "status": "ok" }));
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let message = error(desk.get("/healthz").await, 503, "Unavailable").await;
    assert!(message.contains("silent") && message.contains("restart"), "{message}");
    desk.publisher.as_ref().unwrap().beat();
    assert_eq!(desk.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn a_desk_thread_that_panics_is_dead_and_one_that_finishes_is_not() {
    let mut desk = Desk::open().await;
    let publisher = desk.publisher.take().unwrap();
    let thread = std::thread::spawn(move || {
        let _owned = publisher;
        panic!("a defect");
    });
    assert!(thread.join().is_err());
    let message = error(desk.get("/healthz").await, 503, "Unavailable").await;
    assert!(message.contains("died"), "{message}");

    let mut desk = Desk::open_with(|config| config.stalled_after = Duration::from_millis(50)).await;
    desk.publisher.take().unwrap().finish();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(desk.get("/healthz").await.status(), 200);
    assert_eq!(desk.get("/api/risk").await.status(), 200, "what it showed stays readable");
}

#[rstest]
#[case(Phase::Starting, 503, "starting")]
#[case(Phase::Running, 200, "ready")]
#[case(Phase::Finished, 200, "ready")]
#[case(Phase::Stopping, 503, "stopping")]
#[case(Phase::Failed, 503, "failed")]
#[tokio::test]
async fn readiness_follows_the_phase(#[case] phase: Phase, #[case] code: u16, #[case] word: &str) {
    let mut desk = Desk::open().await;
    desk.publisher().status(SystemStatus { phase, ..status() });
    let answer = desk.get("/readyz").await;
    assert_eq!(answer.status(), code);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["status"], word);
    assert_eq!(body["reason"].is_null(), code == 200, "{body}");
}

#[tokio::test]
async fn a_desk_that_has_shown_nothing_is_starting() {
    let desk = Desk::silent(|_| (), page()).await;
    let answer = desk.get("/readyz").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["status"], "starting");
    assert_eq!(desk.get("/healthz").await.status(), 200, "which no restart would help");
}

#[tokio::test]
async fn requests_are_measured_by_route_and_strangers_make_no_series() {
    let desk = Desk::open().await;
    desk.get("/api/why/d7").await;
    desk.get("/api/why/d8").await;
    desk.get("/stranger-1").await;
    desk.get("/stranger-2").await;
    desk.raw("BREW /pot HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let answer = desk.get("/metrics").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4");
    let text = answer.text().await.unwrap();
    let count = |labels: &str| {
        let series = format!("sapphire_http_request_duration_seconds_count{{{labels}}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned)
    };
    let one = Some("1".to_owned());
    assert_eq!(count(r#"method="GET",route="/api/why/{id}",status="200""#), one, "{text}");
    assert_eq!(count(r#"method="GET",route="/api/why/{id}",status="404""#), one);
    assert_eq!(count(r#"method="GET",route="unmatched",status="404""#), Some("2".to_owned()));
    assert_eq!(count(r#"method="other",route="unmatched",status="404""#), one);
    assert!(!text.contains("stranger") && !text.contains("BREW"));
}

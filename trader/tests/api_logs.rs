//! What the API logs of a request. In a process of its own: which lines a subscriber sees depends on
//! who else in the process has met the same line before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The desk serves the API's other tests too.
#![allow(dead_code, unused_imports)]

#[path = "api/desk.rs"]
mod desk;

use std::sync::{Arc, LazyLock, Mutex};

use desk::Desk;
use serde_json::json;

#[tokio::test]
async fn every_line_of_a_request_has_its_id_and_no_line_has_the_token() {
    let log = Log::collect();
    let desk = Desk::impatient(|_| ()).await;
    let secret = desk.token.reveal().to_owned();
    let halt = desk.command("halt").header("x-correlation-id", "seen-1");
    halt.json(&json!({ "reason": "drill" })).send().await.unwrap();
    let wrong = desk.client.get(desk.url("/api/risk?secret=in-query"));
    wrong.header("x-correlation-id", "seen-2").bearer_auth("guess-guess").send().await.unwrap();
    let read = desk.client.get(desk.url("/api/risk")).header("x-correlation-id", "seen-3");
    read.send().await.unwrap();
    let text = log.text();
    let ours: Vec<_> = text.lines().filter(|line| line.contains("sapphire_trader::api")).collect();
    for id in ["seen-1", "seen-2", "seen-3"] {
        assert!(ours.iter().any(|l| l.contains(id) && l.contains("answered")), "{id} in\n{text}");
    }
    let of_requests = |line: &&&str| !line.contains("sapphire_trader::api::server");
    assert!(ours.iter().filter(of_requests).all(|line| line.contains("correlation_id=")), "{text}");
    assert!(text.contains("a wrong token was presented"));
    for hidden in [secret.as_str(), "guess-guess", "in-query", "Bearer "] {
        assert!(!text.contains(hidden), "{hidden} was logged:\n{text}");
    }
}

#[tokio::test]
async fn whoever_asks_too_often_does_not_fill_the_log() {
    let log = Log::collect();
    let desk = Desk::impatient(|_| ()).await;
    while desk.get("/api/orders?limit=1").await.status() != 429 {}
    let text = log.text();
    let refused: Vec<_> = text.lines().filter(|line| line.contains("status=429")).collect();
    assert!(!refused.is_empty() && refused.iter().all(|l| l.contains("DEBUG")), "{refused:?}");
}

/// What this process logs, libraries' words included, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects from the first call on. One log for all tests: a subscriber of one thread would
    /// miss lines, because another thread's silence about a line is remembered for all.
    fn collect() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            let writer = log.clone();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .init();
            log
        });
        &LOG
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

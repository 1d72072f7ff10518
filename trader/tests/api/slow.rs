//! Clients that take their time, and requests that are none.

use std::time::{Duration, Instant};

use sapphire_trader::api::{BindError, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::{Desk, LOST};

/// Reads to the end, and says how long that took.
async fn closed(mut socket: TcpStream) -> (String, Duration) {
    let began = Instant::now();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LOST, socket.read_to_end(&mut answer)).await;
    // A reset is an end too.
    let _ = read.expect("the server holds the connection for ever");
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[tokio::test]
async fn a_head_that_never_ends_is_not_waited_for() {
    let desk = Desk::open_with(|config| config.header_timeout = Duration::from_millis(300)).await;
    let mut socket = TcpStream::connect(desk.address).await.unwrap();
    socket.write_all(b"GET /api/risk HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await.unwrap();
    let (mut reader, mut writer) = socket.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let began = Instant::now();
    let mut answer = Vec::new();
    let end = tokio::time::timeout(LOST, reader.read_to_end(&mut answer)).await;
    assert!(end.is_ok(), "dripping bytes kept the connection open");
    assert!(began.elapsed() < Duration::from_secs(5));
    drip.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let desk = Desk::open_with(|config| config.header_timeout = Duration::from_millis(300)).await;
    let socket = TcpStream::connect(desk.address).await.unwrap();
    let (answer, took) = closed(socket).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    let mut socket = TcpStream::connect(desk.address).await.unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let (answer, took) = closed(socket).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(took < Duration::from_secs(5), "after an answer too: {took:?}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let desk = Desk::open_with(|config| config.body_timeout = Duration::from_millis(300)).await;
    let mut socket = TcpStream::connect(desk.address).await.unwrap();
    let head = format!(
        "POST /api/commands/halt HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{{\"rea",
        desk.token.reveal()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let (answer, took) = closed(socket).await;
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("\"RequestTimeout\""),
        "{answer}"
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_head_beyond_all_measure_is_refused() {
    let desk = Desk::open().await;
    let long =
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}\r\n\r\n", "a".repeat(40_000));
    let answer = desk.raw(&long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many: String = (0..500).map(|n| format!("x-{n}: 1\r\n")).collect();
    let answer = desk.raw(&format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n")).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let target = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(40_000));
    let answer = desk.raw(&target).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(desk.get("/healthz").await.status(), 200, "and the server goes on");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let desk = Desk::open().await;
    for junk in ["\u{16}\u{3}\u{1}TLS hello\r\n\r\n", "GET\r\n\r\n", "hello\r\n\r\n"] {
        let answer = desk.raw(junk).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let smuggled = "POST /api/commands/halt HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\
                    transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /api/risk HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = desk.raw(smuggled).await;
    assert!(!answer.contains("HTTP/1.1 200"), "{answer}");
    assert_eq!(desk.get("/healthz").await.status(), 200, "and the server goes on");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let desk = Desk::open_with(|config| config.max_connections = 2).await;
    let first = TcpStream::connect(desk.address).await.unwrap();
    let _second = TcpStream::connect(desk.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = tokio::spawn(desk.client.get(desk.url("/healthz")).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!asked.is_finished(), "there was no place");
    drop(first);
    let answer = tokio::time::timeout(LOST, asked).await.expect("no place became free");
    assert_eq!(answer.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn half_open_connections_of_one_address_keep_nobody_out() {
    let desk = Desk::open_with(|config| {
        config.max_connections = 8;
        config.max_connections_per_address = 4;
        config.header_timeout = LOST * 2;
    })
    .await;
    let mut flood = Vec::new();
    for _ in 0..32 {
        let mut socket = TcpStream::connect(desk.address).await.unwrap();
        socket.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
        flood.push(socket);
    }
    let probe = tokio::time::timeout(LOST, desk.get("/healthz")).await;
    assert_eq!(probe.expect("it was kept out").status(), 200);
    let (answer, _) = closed(flood.remove(0)).await;
    assert!(answer.is_empty(), "the oldest made room: {answer}");
    let mut newest = flood.pop().unwrap();
    newest.write_all(b"connection: close\r\n\r\n").await.unwrap();
    let (answer, _) = closed(newest).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "the newest kept its place: {answer}");
}

#[tokio::test]
async fn a_port_in_use_says_what_to_do() {
    let desk = Desk::open().await;
    let error = bind(desk.address).await.unwrap_err();
    assert!(matches!(error, BindError::InUse { .. }));
    let words = error.to_string();
    let next = format!("--listen 127.0.0.1:{}", desk.address.port() + 1);
    assert!(words.contains(&desk.address.to_string()) && words.contains(&next), "{words}");
    let elsewhere = bind("203.0.113.1:8080".parse().unwrap()).await.unwrap_err().to_string();
    assert!(elsewhere.contains("no address of this machine"), "{elsewhere}");
}

#[tokio::test]
async fn the_server_stops_within_its_grace_whoever_hangs_on() {
    let desk = Desk::open().await;
    let _idle = TcpStream::connect(desk.address).await.unwrap();
    let mut half = TcpStream::connect(desk.address).await.unwrap();
    half.write_all(b"GET /api/risk HTTP/1.1\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let address = desk.address;
    let took = desk.stop().await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(TcpStream::connect(address).await.is_err(), "it still listens");
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_server_stops() {
    let desk = Desk::impatient(|config| config.shutdown_grace = LOST).await;
    let asked = desk.command("resume").json(&serde_json::json!({ "reason": "x" })).send();
    let asked = tokio::spawn(asked);
    tokio::time::sleep(Duration::from_millis(100)).await;
    desk.stop().await;
    assert_eq!(asked.await.unwrap().unwrap().status(), 503, "told, not cut");
}

use std::num::NonZeroU32;

use sapphire_trader::api::ApiConfig;

use crate::desk::{Desk, error};

fn at_most(limit: u32) -> impl FnOnce(&mut ApiConfig) {
    move |config| config.requests_per_minute = NonZeroU32::new(limit)
}

#[tokio::test]
async fn the_61st_request_of_a_minute_waits() {
    let desk = Desk::open().await;
    for number in 1..=60 {
        assert_eq!(desk.get("/api/risk").await.status(), 200, "request {number}");
    }
    let refused = desk.get("/api/risk").await;
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=65).contains(&wait), "{wait}");
    let message = error(refused, 429, "TooManyRequests").await;
    assert!(message.contains("60 requests a minute") && message.contains("token"), "{message}");
    let metrics = desk.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("sapphire_http_requests_rate_limited_total 1"));
}

#[tokio::test]
async fn a_token_lifts_the_limit() {
    let desk = Desk::open_with(at_most(2)).await;
    for _ in 0..20 {
        let request = desk.client.get(desk.url("/api/risk")).bearer_auth(desk.token.reveal());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(desk.get("/api/risk").await.status(), 200, "and uses nothing up");
}

#[tokio::test]
async fn the_limit_can_be_switched_off() {
    let desk = Desk::open_with(|config| config.requests_per_minute = None).await;
    for _ in 0..100 {
        assert_eq!(desk.get("/api/risk").await.status(), 200);
    }
}

#[tokio::test]
async fn the_pages_files_and_the_probes_do_not_count() {
    let desk = Desk::open_with(at_most(1)).await;
    for path in ["/", "/assets/index-4f3c0b1A.js", "/healthz", "/readyz", "/metrics"] {
        for _ in 0..3 {
            assert_eq!(desk.get(path).await.status(), 200, "{path}");
        }
    }
    assert_eq!(desk.get("/api/risk").await.status(), 200);
    assert_eq!(desk.get("/api/risk").await.status(), 429);
}

#[tokio::test]
async fn refused_and_unknown_requests_count_too() {
    let desk = Desk::open_with(at_most(3)).await;
    assert_eq!(desk.get("/api/nothing").await.status(), 404);
    assert_eq!(desk.get("/api/risk?x=1").await.status(), 400);
    let bare = desk.client.post(desk.url("/api/commands/halt")).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert_eq!(desk.get("/api/risk").await.status(), 429);
}

/// The page asks for its stream, and for nothing else.
#[tokio::test]
async fn the_page_opens_while_a_script_of_the_same_address_uses_its_requests_up() {
    let desk = Desk::open().await;
    while desk.get("/api/risk").await.status() != 429 {}
    assert_eq!(desk.get("/").await.status(), 200);
    assert_eq!(desk.get("/api/stream?history=true").await.status(), 200);
}

#[tokio::test]
async fn streams_have_a_limit_of_their_own() {
    let desk = Desk::open_with(at_most(2)).await;
    assert_eq!(desk.get("/api/stream").await.status(), 200);
    assert_eq!(desk.get("/api/stream").await.status(), 200);
    let refused = desk.get("/api/stream").await;
    assert!(refused.headers().contains_key("retry-after"));
    let message = error(refused, 429, "TooManyRequests").await;
    assert!(message.contains("2 streams a minute"), "{message}");
    assert_eq!(desk.get("/api/risk").await.status(), 200, "requests are counted apart");
}

#[tokio::test]
async fn a_forwarded_address_is_not_believed_by_default() {
    let desk = Desk::open_with(at_most(2)).await;
    let ask = |from: &'static str| {
        desk.client.get(desk.url("/api/risk")).header("x-forwarded-for", from).send()
    };
    assert_eq!(ask("1.1.1.1").await.unwrap().status(), 200);
    assert_eq!(ask("2.2.2.2").await.unwrap().status(), 200);
    assert_eq!(ask("3.3.3.3").await.unwrap().status(), 429);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_caller_has_its_own_limit() {
    let desk = Desk::open_with(|config| {
        at_most(1)(config);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let ask = |from: &'static str| {
        desk.client.get(desk.url("/api/risk")).header("x-forwarded-for", from).send()
    };
    assert_eq!(ask("1.1.1.1").await.unwrap().status(), 200);
    assert_eq!(ask("2.2.2.2").await.unwrap().status(), 200);
    assert_eq!(
        ask("9.9.9.9, 2.2.2.2").await.unwrap().status(),
        429,
        "the left is the caller's own"
    );
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_refused_by_its_length_and_by_its_bytes() {
    let desk = Desk::open().await;
    let body = format!(r#"{{"reason":"{}"}}"#, "x".repeat(64 * 1024));
    let whole = desk.command("halt").header("content-type", "application/json").body(body.clone());
    let message = error(whole.send().await.unwrap(), 413, "BodyTooLarge").await;
    assert!(message.contains("64 KiB"), "{message}");

    let pieces: Vec<Result<String, std::io::Error>> =
        body.as_bytes().chunks(8192).map(|c| Ok(String::from_utf8_lossy(c).into_owned())).collect();
    let chunked = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let chunked = desk.command("halt").header("content-type", "application/json").body(chunked);
    error(chunked.send().await.unwrap(), 413, "BodyTooLarge").await;

    let read = desk.client.get(desk.url("/api/risk")).body(body).send().await.unwrap();
    error(read, 413, "BodyTooLarge").await;
    assert!(desk.inbox.as_ref().unwrap().try_recv().is_err());
}

#[tokio::test]
async fn a_body_of_just_64_kib_is_read() {
    let desk = Desk::open().await;
    let padding = " ".repeat(64 * 1024 - 2);
    let sent = desk.command("halt").header("content-type", "application/json");
    let response = sent.body(format!("{{{padding}}}")).send().await.unwrap();
    let message = error(response, 422, "Unprocessable").await;
    assert!(message.contains("missing field `reason`"), "{message}");
}

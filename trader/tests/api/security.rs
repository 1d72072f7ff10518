use reqwest::Method;
use rstest::rstest;
use sapphire_trader::api::ApiConfig;
use serde_json::json;

use crate::desk::{Desk, error};

#[rstest]
#[case("/", 200)]
#[case("/assets/index-4f3c0b1A.js", 200)]
#[case("/api/risk", 200)]
#[case("/metrics", 200)]
#[case("/api/commands/halt", 405)]
#[case("/nothing", 404)]
#[case("/api/risk?x=1", 400)]
#[tokio::test]
async fn every_answer_is_dressed(#[case] path: &str, #[case] status: u16) {
    let desk = Desk::open().await;
    let response = desk.get(path).await;
    assert_eq!(response.status(), status);
    let headers = response.headers();
    let policy = headers["content-security-policy"].to_str().unwrap();
    for directive in [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.split("; ").any(|given| given == directive), "{policy} lacks {directive}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["x-frame-options"], "DENY");
    assert_eq!(headers["referrer-policy"], "no-referrer");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert!(headers["permissions-policy"].to_str().unwrap().contains("camera=()"));
    assert!(headers.contains_key("x-correlation-id"));
    for banner in ["server", "x-powered-by", "via"] {
        assert!(!headers.contains_key(banner), "{banner} tells what runs here");
    }
}

#[tokio::test]
async fn data_are_never_kept_by_a_cache() {
    let desk = Desk::open().await;
    for path in ["/api/portfolio", "/api/system-status", "/nothing"] {
        assert_eq!(desk.get(path).await.headers()["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn a_correlation_id_is_taken_over_or_made() {
    let desk = Desk::open().await;
    let ask = |id: &'static str| {
        desk.client.get(desk.url("/api/risk")).header("x-correlation-id", id).send()
    };
    let given = ask("req.1_A-z").await.unwrap();
    assert_eq!(given.headers()["x-correlation-id"], "req.1_A-z");
    let long = "x".repeat(65);
    for bad in ["two words", "a;b", "", Box::leak(long.into_boxed_str())] {
        let made = ask(bad).await.unwrap();
        let made = made.headers()["x-correlation-id"].to_str().unwrap();
        assert!(made != bad && !made.is_empty() && made.len() <= 64, "{made}");
    }
    let (first, second) = (desk.get("/api/risk").await, desk.get("/api/risk").await);
    assert_ne!(first.headers()["x-correlation-id"], second.headers()["x-correlation-id"]);
}

#[rstest]
#[case::rebound("GET /api/risk HTTP/1.1\r\nhost: evil.example\r\n\r\n", "403")]
#[case::rebound_page("GET / HTTP/1.1\r\nhost: evil.example:8080\r\n\r\n", "403")]
#[case::absolute("GET http://evil.example/api/risk HTTP/1.1\r\nhost: localhost\r\n\r\n", "403")]
#[case::none("GET /api/risk HTTP/1.0\r\n\r\n", "403")]
#[case::by_name("GET /api/risk HTTP/1.1\r\nhost: localhost:9999\r\n\r\n", "200")]
#[case::by_ipv6("GET /api/risk HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n", "200")]
#[case::listed("GET /api/risk HTTP/1.1\r\nhost: desk.example\r\n\r\n", "200")]
#[tokio::test]
async fn a_loopback_server_answers_only_under_its_names(
    #[case] request: &str,
    #[case] status: &str,
) {
    let desk = Desk::open_with(|config| config.allowed_hosts = vec!["desk.example".into()]).await;
    let answer = desk.raw(request).await;
    assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    if status == "403" {
        assert!(
            answer.contains("\"code\":\"Forbidden\"") && answer.contains("allowed hosts"),
            "{answer}"
        );
    }
}

#[rstest]
#[case::strange_one_second("host: localhost\r\nhost: evil.example")]
#[case::twice_the_same("host: localhost\r\nhost: localhost")]
#[tokio::test]
async fn a_request_with_two_host_headers_is_refused(#[case] hosts: &str) {
    let desk = Desk::open().await;
    let answer = desk.raw(&format!("GET /api/risk HTTP/1.1\r\n{hosts}\r\n\r\n")).await;
    assert_eq!(answer.split(' ').nth(1), Some("400"), "{answer}");
    assert!(answer.contains("\"code\":\"BadRequest\"") && answer.contains("`host`"), "{answer}");
}

#[rstest]
#[case("halt")]
#[case("resume")]
#[case("close")]
#[case("cancel")]
#[case("pause")]
#[case("unpause")]
#[tokio::test]
async fn no_command_goes_without_the_token(#[case] name: &str) {
    let desk = Desk::open().await;
    let url = desk.url(&format!("/api/commands/{name}"));
    let bare = desk.client.post(&url).json(&json!({ "reason": "x" })).send().await.unwrap();
    assert!(bare.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    let message = error(bare, 401, "Unauthorized").await;
    assert!(message.contains("authorization: Bearer"), "{message}");
    assert!(message.contains("a link that ends in #token="), "{message}");
    let wrong = desk.client.post(&url).bearer_auth("0".repeat(64)).json(&json!({ "reason": "x" }));
    let message = error(wrong.send().await.unwrap(), 401, "Unauthorized").await;
    assert!(message.contains("a link that ends in #token="), "{message}");
    let basic = desk.client.post(&url).basic_auth("user", Some("pass")).json(&json!({}));
    error(basic.send().await.unwrap(), 401, "Unauthorized").await;
    assert!(desk.inbox.as_ref().unwrap().try_recv().is_err(), "the desk heard of it");
}

#[tokio::test]
async fn an_unauthorised_body_is_not_even_looked_at() {
    let desk = Desk::open().await;
    let request = desk.client.post(desk.url("/api/commands/halt")).body("not json");
    error(request.send().await.unwrap(), 401, "Unauthorized").await;
}

#[tokio::test]
async fn a_read_with_a_wrong_token_is_refused_and_one_of_another_scheme_is_not() {
    let desk = Desk::open().await;
    let wrong = desk.client.get(desk.url("/api/risk")).bearer_auth("wrong").send().await.unwrap();
    error(wrong, 401, "Unauthorized").await;
    let proxied = desk.client.get(desk.url("/api/risk")).basic_auth("user", Some("pass"));
    assert_eq!(proxied.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn without_a_token_of_its_own_the_server_takes_no_commands() {
    let desk = Desk::open_with(|config| config.token = None).await;
    let sent = desk.command("halt").json(&json!({ "reason": "x" })).send().await.unwrap();
    let message = error(sent, 403, "Forbidden").await;
    assert!(message.contains("without a token"), "{message}");
}

#[tokio::test]
async fn wrong_tokens_are_limited_and_the_right_one_never_is() {
    let desk = Desk::open().await;
    let ask = |token: String| desk.client.get(desk.url("/api/risk")).bearer_auth(token).send();
    for guess in 0..10 {
        error(ask(format!("guess-{guess}")).await.unwrap(), 401, "Unauthorized").await;
    }
    let wrong = ask("guess-10".to_owned()).await.unwrap();
    assert!(wrong.headers().contains_key("retry-after"));
    let message = error(wrong, 429, "TooManyRequests").await;
    assert!(message.contains("wrong tokens"), "{message}");
    let right = ask(desk.token.reveal().to_owned()).await.unwrap();
    assert_eq!(right.status(), 200, "others' guesses are not its holder's");
    assert_eq!(desk.get("/api/risk").await.status(), 200, "without a token it may still read");
}

fn with_cors(config: &mut ApiConfig) {
    config.cors_origins = vec!["https://desk.example".parse().unwrap()];
}

#[rstest]
#[case("https://desk.example", true)]
#[case("https://evil.example", false)]
#[case("http://desk.example", false)]
#[case("null", false)]
#[tokio::test]
async fn only_listed_origins_may_read(#[case] origin: &str, #[case] allowed: bool) {
    let desk = Desk::open_with(with_cors).await;
    let response =
        desk.client.get(desk.url("/api/risk")).header("origin", origin).send().await.unwrap();
    let named = response.headers().get("access-control-allow-origin");
    assert_eq!(named.map(|value| value.to_str().unwrap()), allowed.then_some(origin));
    let preflight = desk.client.request(Method::OPTIONS, desk.url("/api/commands/halt"));
    let preflight = preflight
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let response = preflight.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().contains_key("access-control-allow-origin"), allowed);
}

#[tokio::test]
async fn by_default_no_other_origin_may_read() {
    let desk = Desk::open().await;
    let request = desk.client.get(desk.url("/api/risk")).header("origin", "https://desk.example");
    let response = request.send().await.unwrap();
    let mut names = response.headers().keys();
    assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
}

#[tokio::test]
async fn a_listed_origin_can_read_why_it_was_refused() {
    let desk = Desk::open_with(with_cors).await;
    let request =
        desk.client.get(desk.url("/api/risk?x=1")).header("origin", "https://desk.example");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "https://desk.example");
    error(response, 400, "BadRequest").await;
}

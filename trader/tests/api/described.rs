use std::collections::BTreeSet;
use std::path::Path;

use sapphire_trader::api::description;
use serde_json::Value;

use crate::desk::Desk;

/// The contract's routes.
const ROUTES: [&str; 21] = [
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /api/openapi.json",
    "GET /api/system-status",
    "GET /api/health-metrics",
    "GET /api/portfolio",
    "GET /api/market",
    "GET /api/positions",
    "GET /api/orders",
    "GET /api/agents",
    "GET /api/decisions",
    "GET /api/risk",
    "GET /api/why/{id}",
    "GET /api/stream",
    "POST /api/commands/halt",
    "POST /api/commands/resume",
    "POST /api/commands/close",
    "POST /api/commands/cancel",
    "POST /api/commands/pause",
    "POST /api/commands/unpause",
];

fn described() -> Value {
    serde_json::from_str(&description().unwrap()).unwrap()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let description = described();
    let mut routes = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(routes, ROUTES.map(str::to_owned).into());
}

#[test]
fn every_route_says_what_it_is_and_what_comes_back() {
    let description = described();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{place}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{place}");
            for (status, response) in responses {
                let words = response["description"].as_str().unwrap_or_default();
                assert!(!words.is_empty(), "{place}: {status} is not described");
            }
            let needs_token = operation["security"].to_string().contains("token");
            assert_eq!(needs_token, path.starts_with("/api/commands/"), "{place}");
        }
    }
}

#[test]
fn every_schema_that_is_named_is_there() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("$ref", Value::String(target)) => {
                            found.insert(target.clone());
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => (),
        }
    }
    let description = described();
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    assert!(found.len() > 20);
    for target in found {
        let pointer = target.trim_start_matches('#');
        assert!(description.pointer(pointer).is_some(), "{target} leads nowhere");
    }
}

#[tokio::test]
async fn every_described_read_is_answered() {
    let desk = Desk::open().await;
    for route in ROUTES.iter().filter_map(|route| route.strip_prefix("GET ")) {
        let query = if route == "/api/market" { "?symbol=BTCUSD" } else { "" };
        let path = route.replace("{id}", "d7") + query;
        assert_eq!(desk.get(&path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn the_server_serves_its_description() {
    let desk = Desk::open().await;
    assert_eq!(desk.read("/api/openapi.json").await, described());
}

/// `make docs` writes it anew.
#[test]
fn the_reference_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/openapi.json");
    let said = description().unwrap() + "\n";
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &said).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == said,
        "docs/reference/openapi.json is not what the code says: run `make docs`"
    );
}

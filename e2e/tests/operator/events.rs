//! What is told of a desk in events.

use k8s_openapi::api::events::v1::Event;
use sapphire_e2e::{Case, until};

/// What is told in events, a line each: `REASON: words`.
pub(crate) async fn events(case: &Case<'_>) -> String {
    let events = case.api::<Event>().list(&Default::default()).await.unwrap().items;
    let line = |event: Event| {
        format!("{}: {}\n", event.reason.unwrap_or_default(), event.note.unwrap_or_default())
    };
    events.into_iter().map(line).collect()
}

/// Waits until an event says so.
pub(crate) async fn told(case: &Case<'_>, words: &str) {
    until(words, || async { events(case).await.contains(words).then_some(()) }).await;
}

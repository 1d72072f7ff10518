//! From an event to the trace of the reconcile that told it.

use k8s_openapi::api::events::v1::Event;
use sapphire_crds::names::annotations::TRACE_ID;
use sapphire_e2e::until;

use crate::collector::Collector;
use crate::desk::{kubectl, ready};
use crate::plane::case;

#[tokio::test]
async fn an_event_leads_to_its_trace() {
    let case = case("traces").await;
    ready(&case, "").await;
    kubectl(&case, &["set", "image", "deployment/desk-trader", "trader=evil:1"]).await;
    let trace = until("an event with a trace", || async {
        let events = case.api::<Event>().list(&Default::default()).await.unwrap();
        let drift = events.items.into_iter().find(|e| e.reason.as_deref() == Some("DriftRepaired"));
        drift?.metadata.annotations?.remove(TRACE_ID)
    })
    .await;
    let collector = Collector::shared();
    let spans = until("the collector to have its spans", || async {
        let spans = collector.of_trace(&trace);
        spans.iter().any(|span| !span.has_parent).then_some(spans)
    })
    .await;
    assert!(spans.iter().all(|span| span.service == "sapphire-operator"), "{spans:?}");
    let reconcile = spans.iter().find(|span| !span.has_parent).unwrap();
    assert_eq!(reconcile.name, "reconcile");
    assert_eq!(reconcile.attributes["controller"], "system");
    assert_eq!(reconcile.attributes["object"], format!("{}/desk", case.namespace()));
    assert!(reconcile.attributes.contains_key("outcome"), "{reconcile:?}");
    let repaired = spans.iter().any(|span| {
        span.name == "apply" && span.attributes.get("kind").is_some_and(|k| k == "Deployment")
    });
    assert!(repaired, "{spans:?}");
}

//! With nothing to do the operator writes nothing.

use std::time::Duration;

use sapphire_e2e::audit::Request;

use crate::desk::{apply, kubectl, ready, system, wait};
use crate::plane::{OPERATOR, case, plane};

/// What the operator wrote in a namespace.
fn writes(requests: Vec<Request>, namespace: &str) -> Vec<Request> {
    let ours = |request: &Request| {
        request.is_write() && request.user == OPERATOR && request.namespace == namespace
    };
    requests.into_iter().filter(ours).collect()
}

#[tokio::test]
async fn reconciles_without_a_change_write_nothing() {
    let case = case("quiet").await;
    ready(&case, "").await;
    let audit = plane().await.audit();
    // Agents follow the system's status.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mark = audit.mark(&case.client()).await.unwrap();
    for number in 0..10 {
        let label = format!("round={number}");
        for kind in ["tradingsystem/desk", "tradingagent/one", "riskpolicy/careful"] {
            kubectl(&case, &["label", "--overwrite", kind, &label]).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let written = writes(audit.since(&case.client(), mark).await.unwrap(), case.namespace());
    assert!(written.is_empty(), "{written:#?}");
}

#[tokio::test]
async fn a_change_is_written_once() {
    let case = case("once").await;
    ready(&case, "").await;
    let audit = plane().await.audit();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mark = audit.mark(&case.client()).await.unwrap();
    apply(&case, &system("  podOverrides: {serviceAccountAnnotations: {a: b}}")).await;
    wait(&case, "Ready", "True").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let written = writes(audit.since(&case.client(), mark).await.unwrap(), case.namespace());
    let children: Vec<&str> = written
        .iter()
        .filter(|request| !request.resource.ends_with("/status") && request.resource != "events")
        .map(|request| request.resource.as_str())
        .collect();
    assert!(
        children.iter().filter(|resource| **resource == "serviceaccounts").count() == 1,
        "{children:?}"
    );
    assert!(written.iter().all(|request| !request.is_forbidden()), "{written:#?}");
}

//! Desks that scenarios apply, and what is asked of them.

use std::path::Path;

use sapphire_e2e::{Case, until};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// The text of an example.
pub(crate) fn example(name: &str) -> String {
    std::fs::read_to_string(Path::new(EXAMPLES).join(name)).unwrap()
}

/// kubectl in the case's namespace; what it said.
pub(crate) async fn kubectl(case: &Case<'_>, arguments: &[&str]) -> String {
    let arguments = [&["-n", case.namespace()], arguments].concat();
    case.cluster().kubectl(&arguments).await.unwrap().ok().unwrap()
}

/// Applies the paper desk of the examples, and waits for it as the README says.
pub(crate) async fn paper_desk(case: &Case<'_>) {
    let (policies, desk) = (format!("{EXAMPLES}/policies"), format!("{EXAMPLES}/paper-desk"));
    kubectl(case, &["apply", "-f", &policies, "-f", &desk]).await;
    kubectl(case, &["wait", "--for=condition=Ready", "tsys/paper-desk", "--timeout=60s"]).await;
}

/// Applies the live desk of the examples on the venue's test network, and waits for its core: a pod a role.
pub(crate) async fn clustered_desk(case: &Case<'_>) {
    let desk = example("live-desk/system.yaml")
        .replace("live: true", "live: false")
        .replace("network: Mainnet", "network: Testnet");
    case.apply(&desk).await.unwrap().ok().unwrap();
    for tier in ["small", "medium"] {
        case.apply(&example(&format!("agents/{tier}.yaml"))).await.unwrap().ok().unwrap();
    }
    condition(case, "tsys/live-desk", "CoreAvailable", "True").await;
}

/// Names and uids of the pods that trade. (A migration comes and goes.)
pub(crate) async fn trading_pods(case: &Case<'_>) -> Vec<String> {
    let ours =
        "app.kubernetes.io/managed-by=sapphire-operator,app.kubernetes.io/component!=migration";
    let uids = r#"jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}"#;
    let said = kubectl(case, &["get", "pods", "-l", ours, "-o", uids]).await;
    let mut pods: Vec<String> = said.lines().map(str::to_owned).collect();
    pods.sort();
    pods
}

/// Waits until the operator has seen what is asked for just now: it works, and not by memory.
pub(crate) async fn reconciles(case: &Case<'_>, system: &str, word: &str) {
    let note = format!("sapphiretrade.xyz/reconcile-now={word}");
    let system = format!("tsys/{system}");
    kubectl(case, &["annotate", "--overwrite", &system, &note]).await;
    until(&format!("{word} to be handled"), || async {
        let handled = "jsonpath={.status.handled.reconcileNow}";
        (kubectl(case, &["get", &system, "-o", handled]).await == word).then_some(())
    })
    .await;
}

/// Waits until a condition of an object is so, at its present generation; its reason and message.
pub(crate) async fn condition(
    case: &Case<'_>,
    object: &str,
    named: &str,
    status: &str,
) -> (String, String) {
    until(&format!("{object}: {named}={status}"), || async {
        let said = kubectl(case, &["get", object, "-o", "json"]).await;
        let object: serde_json::Value = serde_json::from_str(&said).unwrap();
        let generation = &object["metadata"]["generation"];
        let conditions = object["status"]["conditions"].as_array()?;
        let found = conditions.iter().find(|condition| condition["type"] == named)?;
        let word = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (word("status") == status && found["observedGeneration"] == *generation)
            .then(|| (word("reason"), word("message")))
    })
    .await
}

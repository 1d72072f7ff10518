//! Definitions of another release than the operator's: it says so and does no harm.

use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desks::{condition, example, kubectl, paper_desk, trading_pods};
use crate::installation::{DEFINITIONS, Installation};
use sapphire_e2e::until;

/// The chart sapphire-crds as another release would have it, in a folder.
fn chart_of(release: &str, change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let definitions = Path::new(DEFINITIONS);
    for part in ["", "templates"] {
        for entry in std::fs::read_dir(definitions.join(part)).unwrap().flatten() {
            if entry.path().is_file() {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let note = "sapphiretrade.xyz/crds-version: ";
                let text =
                    text.replace(&format!("{note}\"0.1.0\""), &format!("{note}\"{release}\""));
                let to = folder.path().join(part).join(entry.file_name());
                std::fs::write(to, change(&text)).unwrap();
            }
        }
    }
    folder
}

async fn define(installation: &Installation, chart: &Path) {
    let chart = chart.to_str().unwrap();
    let install = ["upgrade", "--install", "sapphire-crds", chart, "--wait"];
    installation.helm(&install).await.ok().unwrap();
}

/// What every operator that runs says at /metrics, one after the other.
async fn metrics(installation: &Installation) -> String {
    let mut said = String::new();
    for pod in installation.operator_pods().await {
        let log = installation.log(&pod);
        let Some(rest) = log.split("\"address\":\"").nth(1) else { continue };
        let address = rest.split('"').next().unwrap();
        // One that leaves answers no more.
        let Ok(mut stream) = TcpStream::connect(address).await else { continue };
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.unwrap();
        stream.read_to_string(&mut said).await.unwrap();
    }
    said
}

#[tokio::test]
async fn under_older_definitions_no_pod_is_made_or_restarted_until_they_are_upgraded() {
    let installation = Installation::nothing().await;
    define(&installation, Path::new(DEFINITIONS)).await;
    installation.operator(&[]).await.ok().unwrap();
    let case = installation.case("older").await;
    paper_desk(&case).await;
    let pods = trading_pods(&case).await;

    // As when only the operator was upgraded.
    let older = chart_of("0.0.9", str::to_owned);
    define(&installation, older.path()).await;
    installation.operator(&["--set", "podAnnotations.restarted=now"]).await.ok().unwrap();
    until("words about it", || async {
        installation.logs().contains("the chart sapphire-crds is of release 0.0.9").then_some(())
    })
    .await;
    until("the metric", || async {
        let said = metrics(&installation).await;
        said.contains("sapphire_operator_crds_version_skew -1").then_some(())
    })
    .await;

    // What is there is kept as it is.
    kubectl(&case, &["delete", "service", "paper-desk-api"]).await;
    until("the Service to come back", || async {
        let said =
            kubectl(&case, &["get", "service", "--ignore-not-found", "paper-desk-api"]).await;
        (!said.is_empty()).then_some(())
    })
    .await;
    let limits = r#"{"spec": {"limits": {"maxDrawdown": "0.11"}}}"#;
    kubectl(&case, &["patch", "rpol/balanced", "--type=merge", "-p", limits]).await;
    until("the limit to be delivered", || async {
        let said = kubectl(&case, &["get", "configmap", "paper-desk-policy", "-o", "yaml"]).await;
        said.contains("0.11").then_some(())
    })
    .await;
    // What would restart it waits, and so does a new desk.
    let change = r#"{"spec": {"trader": {"resources": {"limits": {"memory": "1Gi"}}}}}"#;
    kubectl(&case, &["patch", "tsys/paper-desk", "--type=merge", "-p", change]).await;
    let (reason, message) = condition(&case, "tsys/paper-desk", "Stalled", "True").await;
    assert_eq!(reason, "CrdsOutdated", "{message}");
    assert!(message.contains("0.0.9") && message.contains("helm upgrade"), "{message}");
    assert_eq!(trading_pods(&case).await, pods);

    define(&installation, Path::new(DEFINITIONS)).await;
    condition(&case, "tsys/paper-desk", "Ready", "True").await;
    assert_ne!(trading_pods(&case).await, pods, "now the change is rolled out");
}

#[tokio::test]
async fn under_newer_definitions_it_goes_on_with_what_it_knows_and_leaves_the_rest_alone() {
    let installation = Installation::nothing().await;
    // A release that knows one more way to delete a desk.
    let newer = chart_of("9.0.0", |text| {
        text.replace("- Orphan\n", "- Orphan\n                - Hibernate\n")
    });
    define(&installation, newer.path()).await;
    installation.operator(&[]).await.ok().unwrap();
    until("words about it", || async {
        installation.logs().contains("the chart sapphire-crds is of release 9.0.0").then_some(())
    })
    .await;
    assert!(metrics(&installation).await.contains("sapphire_operator_crds_version_skew 1"));
    let case = installation.case("newer").await;
    paper_desk(&case).await;
    let pods = trading_pods(&case).await;

    let unknown = example("paper-desk/system.yaml")
        .replace("name: paper-desk", "name: future-desk")
        .replace("deletionPolicy: Orphan", "deletionPolicy: Hibernate");
    case.apply(&unknown).await.unwrap().ok().unwrap();
    let (reason, message) = condition(&case, "tsys/future-desk", "Stalled", "True").await;
    assert_eq!(reason, "OperatorOutdated", "{message}");
    assert!(message.contains("Hibernate") && message.contains("9.0.0"), "{message}");
    assert_eq!(
        trading_pods(&case).await,
        pods,
        "nothing is made of it, and its neighbour trades on"
    );
}

#[tokio::test]
async fn a_second_release_over_the_same_namespaces_is_refused() {
    let installation = Installation::nothing().await;
    installation.kubectl(&["create", "namespace", "research"]).await;
    installation.operator(&[]).await.ok().unwrap();
    let second = |release: &'static str, values: &'static str| {
        let chart = crate::installation::OPERATOR;
        let home = ["--namespace", "second", "--dry-run=server"];
        [&["install", release, chart][..], &home, &["--set", values]].concat()
    };
    for values in ["replicas=1", "watchNamespaces={research}"] {
        let said = installation.helm(&second("second", values)).await.refused().unwrap();
        let words = "release sapphire in namespace sapphire-system works in all namespaces already";
        assert!(said.contains(words) && said.contains("watchNamespaces"), "{said}");
    }
    // With namespaces of its own each has its place.
    installation.operator(&["--set", "watchNamespaces={default}"]).await.ok().unwrap();
    installation.helm(&second("second", "watchNamespaces={research}")).await.ok().unwrap();
    let both = "watchNamespaces={research,default}";
    let said = installation.helm(&second("second", both)).await.refused().unwrap();
    assert!(said.contains("works in default already"), "{said}");
    let said = installation.helm(&second("second", "replicas=1")).await.refused().unwrap();
    assert!(said.contains("works in default already"), "{said}");
}

#[tokio::test]
async fn who_has_rights_in_one_namespace_only_installs_there_without_bindings() {
    let installation = Installation::nothing().await;
    installation.kubectl(&["create", "namespace", "team"]).await;
    let binding = ["create", "rolebinding", "lead", "--clusterrole=admin", "--user=lead"];
    installation.kubectl(&[&["-n", "team"][..], &binding].concat()).await;
    // The API server takes a moment to know who may do what.
    until("the lead's rights", || async {
        let list = ["list", "--namespace", "team", "--kube-as-user", "lead"];
        installation.helm(&list).await.ok().ok()
    })
    .await;
    let values = "rbac.create=false,rbac.aggregate=false,watchNamespaces={team},\
                  admissionPolicies.ownLease=false,admissionPolicies.refuseDeletion=false";
    let chart = crate::installation::OPERATOR;
    let release = ["upgrade", "--install", "mine", chart, "--namespace", "team", "--set", values];
    let said = installation.helm(&[&release[..], &["--kube-as-user", "lead"]].concat()).await;
    said.ok().unwrap();
}

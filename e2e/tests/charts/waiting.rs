//! Ready means ready, to whoever waits: kubectl, Helm, GitOps tools that go by kstatus.

use std::path::Path;

use crate::desks::example;
use crate::installation::Installation;

const CHART: &str = "apiVersion: v2\nname: desk\nversion: 0.1.0\n";

/// A chart whose templates are a desk's manifests.
fn chart(folder: &Path, manifests: &str) {
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    std::fs::write(folder.join("Chart.yaml"), CHART).unwrap();
    std::fs::write(folder.join("templates/desk.yaml"), manifests).unwrap();
}

#[tokio::test]
async fn helm_waits_for_a_desk_of_its_release_and_fails_where_it_does_not_become_ready() {
    let installation = Installation::of(&[]).await;
    let case = installation.case("helm-waits").await;
    let folder = tempfile::tempdir().unwrap();
    let desk = [
        example("paper-desk/recordings.yaml"),
        example("paper-desk/system.yaml"),
        example("paper-desk/agents.yaml"),
    ]
    .join("\n---\n");
    chart(folder.path(), &desk);
    let path = folder.path().to_str().unwrap();
    let install =
        ["upgrade", "--install", "desk", path, "-n", case.namespace(), "--wait", "--timeout=8s"];
    // Its policy is missing.
    let said = installation.helm(&install).await.refused().unwrap();
    assert!(said.contains("paper-desk") && said.contains("InProgress"), "{said}");
    let get = |what: &'static str| {
        let namespace = case.namespace().to_owned();
        let installation = &installation;
        async move {
            installation.kubectl(&["-n", &namespace, "get", "tsys/paper-desk", "-o", what]).await
        }
    };
    let reason = "jsonpath={.status.conditions[?(@.type=='Reconciling')].reason}";
    assert_eq!(get(reason).await, "PolicyMissing");

    chart(folder.path(), &format!("{desk}\n---\n{}", example("policies/balanced.yaml")));
    let install =
        ["upgrade", "--install", "desk", path, "-n", case.namespace(), "--wait", "--timeout=60s"];
    installation.helm(&install).await.ok().unwrap();
    // Helm said so, and so it is: nobody waits here.
    let ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
    assert_eq!(get(ready).await, "True");
    let wait = [
        "-n",
        case.namespace(),
        "wait",
        "--for=condition=Ready",
        "tagent,rpol",
        "--all",
        "--timeout=10s",
    ];
    installation.kubectl(&wait).await;
}

//! Installed, upgraded, rolled back, uninstalled, installed again: desks do not notice.

use rstest::rstest;
use sapphire_e2e::{Tool, until};

use crate::desks::{paper_desk, reconciles, trading_pods};
use crate::installation::{HOME, Installation};

#[rstest]
#[case::helm_4(Tool::Helm)]
#[case::helm_3(Tool::Helm3)]
#[tokio::test]
async fn from_nothing_through_upgrade_and_rollback_to_uninstalled_and_back(#[case] helm: Tool) {
    let installation = Installation::nothing_by(helm).await;
    let said = installation.definitions().await.ok().unwrap();
    assert!(said.contains("kubectl explain tsys.spec"), "{said}");
    let said = installation.operator(&[]).await.ok().unwrap();
    for words in ["Sapphire 0.1.0 works in all namespaces", "kubectl apply -f examples/policies"] {
        assert!(said.contains(words), "{said}");
    }
    assert!(!said.contains("not defined here yet"), "{said}");
    assert_eq!(installation.operator_pods().await.len(), 2);
    let case = installation.case("lifecycle").await;
    paper_desk(&case).await;
    let pods = trading_pods(&case).await;
    assert_eq!(pods.len(), 1);

    // An upgrade replaces the operators and nothing else.
    let before = installation.operator_pods().await;
    installation.operator(&["--set", "log.level=debug"]).await.ok().unwrap();
    let after = leads_anew(&installation, &before).await;
    reconciles(&case, "paper-desk", "upgraded").await;
    assert_eq!(trading_pods(&case).await, pods);

    let rollback = ["rollback", "sapphire", "1", "--namespace", HOME, "--wait", "--timeout=60s"];
    installation.helm(&rollback).await.ok().unwrap();
    leads_anew(&installation, &after).await;
    reconciles(&case, "paper-desk", "rolled-back").await;
    assert_eq!(trading_pods(&case).await, pods);
    let history =
        installation.helm(&["history", "sapphire", "--namespace", HOME]).await.ok().unwrap();
    assert!(history.contains("Rollback to 1"), "{history}");

    // Without an operator the desk trades on.
    let uninstall = ["uninstall", "sapphire", "--namespace", HOME, "--wait"];
    installation.helm(&uninstall).await.ok().unwrap();
    let said = installation.helm(&["uninstall", "sapphire-crds"]).await.ok().unwrap();
    assert!(said.contains("kept due to the resource policy"), "{said}");
    until("the operators to go", || async {
        installation.operator_pods().await.is_empty().then_some(())
    })
    .await;
    let left = installation
        .kubectl(&[
            "get",
            "clusterrole,clusterrolebinding,validatingadmissionpolicy",
            "-l",
            "app.kubernetes.io/name=sapphire-operator",
            "-o",
            "name",
        ])
        .await;
    assert_eq!(left, "", "nothing of the operator is left");
    assert_eq!(trading_pods(&case).await, pods);
    let kinds = installation.kubectl(&["get", "crd", "-o", "name"]).await;
    assert_eq!(kinds.lines().count(), 3, "{kinds}");

    // Back again, it adopts what it finds.
    installation.definitions().await.ok().unwrap();
    installation.operator(&[]).await.ok().unwrap();
    reconciles(&case, "paper-desk", "adopted").await;
    assert_eq!(trading_pods(&case).await, pods);
}

/// Waits until none of the former operators is left and a new one leads; the new ones.
async fn leads_anew(installation: &Installation, former: &[String]) -> Vec<String> {
    until("new operators", || async {
        let pods = installation.operator_pods().await;
        let holder = installation
            .kubectl(&[
                "-n",
                HOME,
                "get",
                "lease",
                "sapphire-operator",
                "-o",
                "jsonpath={.spec.holderIdentity}",
            ])
            .await;
        let new = !pods.is_empty() && pods.iter().all(|pod| !former.contains(pod));
        (new && pods.contains(&holder)).then_some(pods)
    })
    .await
}

#[tokio::test]
async fn without_the_definitions_the_operator_says_what_is_missing_and_finds_them_when_they_come() {
    let installation = Installation::nothing().await;
    let said = installation.operator(&[]).await.ok().unwrap();
    assert!(said.contains("install the chart sapphire-crds"), "{said}");
    let pod = installation.operator_pods().await.remove(0);
    until("words about it", || async {
        installation.log(&pod).contains("install the chart sapphire-crds").then_some(())
    })
    .await;
    installation.definitions().await.ok().unwrap();
    let case = installation.case("late-definitions").await;
    paper_desk(&case).await;
}

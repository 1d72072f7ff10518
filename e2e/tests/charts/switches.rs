//! Every switch, on and off: what appears, what goes, and that the API server takes it.

use rstest::rstest;

use crate::conformance::conforms;
use crate::rendering::{documents, template};

/// Kinds and names of what is rendered.
async fn objects(values: &[&str]) -> Vec<String> {
    let rendered = documents(&template(values).await.ok().unwrap());
    let name = |document: &serde_json::Value| {
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        format!("{} {}", word(&document["kind"]), word(&document["metadata"]["name"]))
    };
    rendered.iter().map(name).collect()
}

#[rstest]
#[case::budget("podDisruptionBudget.enabled", true, &["PodDisruptionBudget sapphire"])]
#[case::network_policy("networkPolicy.enabled", true, &["NetworkPolicy sapphire"])]
#[case::service_monitor("serviceMonitor.enabled", false, &["ServiceMonitor sapphire"])]
#[case::prometheus_rule("prometheusRule.enabled", false, &["PrometheusRule sapphire"])]
#[case::aggregation("rbac.aggregate", true, &["ClusterRole sapphire-view", "ClusterRole sapphire-edit"])]
#[case::own_lease("admissionPolicies.ownLease", true, &[
    "ValidatingAdmissionPolicy sapphire-own-lease",
    "ValidatingAdmissionPolicyBinding sapphire-own-lease",
])]
#[case::namespace_protection("namespaceProtection.enabled", false, &[
    "ValidatingAdmissionPolicy sapphire-exposed-namespace",
    "ValidatingAdmissionPolicyBinding sapphire-exposed-namespace",
])]
#[case::deletion("admissionPolicies.refuseDeletion", true, &[
    "ValidatingAdmissionPolicy sapphire-policy-in-use",
    "ValidatingAdmissionPolicy sapphire-refuse-deletion",
    "ValidatingAdmissionPolicyBinding sapphire-policy-in-use",
    "ValidatingAdmissionPolicyBinding sapphire-refuse-deletion",
])]
#[tokio::test]
async fn a_switch_brings_its_objects_and_no_others(
    #[case] switch: &str,
    #[case] by_default: bool,
    #[case] brings: &[&str],
) {
    let default = objects(&[]).await;
    let on = objects(&["--set", &format!("{switch}=true")]).await;
    let off = objects(&["--set", &format!("{switch}=false")]).await;
    assert_eq!(if by_default { &on } else { &off }, &default);
    let mut brought: Vec<&String> = on.iter().filter(|object| !off.contains(object)).collect();
    brought.sort();
    let mut expected: Vec<&str> = brings.to_vec();
    expected.sort_unstable();
    assert_eq!(brought, expected);
    assert!(off.iter().all(|object| on.contains(object)), "{off:?}");
}

#[tokio::test]
async fn rules_and_account_can_be_somebody_elses() {
    let own = objects(&[
        "--set",
        "rbac.create=false,serviceAccount.create=false,serviceAccount.name=mine",
    ])
    .await;
    assert!(
        own.iter().all(|object| !object.contains("Role") && !object.starts_with("ServiceAccount")),
        "{own:?}"
    );
    let unnamed = template(&["--set", "serviceAccount.create=false"]).await.refused().unwrap();
    assert!(unnamed.contains("serviceAccount.name is needed"), "{unnamed}");
}

#[tokio::test]
async fn with_namespaces_to_work_in_there_is_a_role_in_each_and_no_wider_right() {
    let rendered =
        documents(&template(&["--set", "watchNamespaces={one,two}"]).await.ok().unwrap());
    let of = |kind: &str| -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        rendered
            .iter()
            .filter(|document| document["kind"] == kind)
            .map(|document| {
                (text(&document["metadata"]["namespace"]), text(&document["metadata"]["name"]))
            })
            .collect()
    };
    for kind in ["Role", "RoleBinding"] {
        let found = of(kind);
        for namespace in ["one", "two"] {
            assert!(found.contains(&(namespace.into(), "sapphire".into())), "{found:?}");
        }
    }
    // Definitions belong to no namespace; to read their version is all that is asked of them.
    let bindings: Vec<String> =
        of("ClusterRoleBinding").into_iter().map(|(_, name)| name).collect();
    assert_eq!(bindings, ["sapphire-definitions"]);
}

/// Labels that a Prometheus selects by reach the object.
#[rstest]
#[case("serviceMonitor")]
#[case("prometheusRule")]
#[tokio::test]
async fn additional_labels_are_added(#[case] switch: &str) {
    let values = format!("{switch}.enabled=true,{switch}.additionalLabels.release=prometheus");
    let rendered = documents(&template(&["--set", &values]).await.ok().unwrap());
    let labelled: Vec<_> = rendered
        .iter()
        .filter(|document| document["metadata"]["labels"]["release"] == "prometheus")
        .collect();
    assert_eq!(labelled.len(), 1, "{labelled:?}");
}

/// What conforms under all of these is taken whatever the switches.
#[rstest]
#[case::as_it_comes(&[])]
#[case::everything(&[
    "--set", "serviceMonitor.enabled=true,prometheusRule.enabled=true,namespaceProtection.enabled=true,serviceMonitor.additionalLabels.a=b",
    "--set", "imagePullSecrets[0].name=regcred,priorityClassName=system-cluster-critical",
    "--set", "podLabels.team=desk,podAnnotations.note=x,nodeSelector.disk=ssd,serviceAccount.annotations.a=b",
    "--set-json", "tolerations=[{\"key\":\"a\",\"operator\":\"Exists\"}]",
    "--set-json", "affinity={\"nodeAffinity\":{}}",
])]
#[case::nothing(&[
    "--set", "podDisruptionBudget.enabled=false,networkPolicy.enabled=false,rbac.create=false",
    "--set", "admissionPolicies.ownLease=false,admissionPolicies.refuseDeletion=false,replicas=0",
])]
#[case::in_namespaces(&["--set", "watchNamespaces={default,kube-public}"])]
#[tokio::test]
async fn what_is_rendered_conforms(#[case] values: &[&str]) {
    conforms(&template(values).await.ok().unwrap()).await;
}

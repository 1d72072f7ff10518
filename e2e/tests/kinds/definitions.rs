//! The definitions themselves.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;

use super::cluster;

#[tokio::test]
async fn our_kinds_are_accepted_without_a_warning_and_served() {
    let cluster = cluster().await;
    let said = sapphire_e2e::definitions::install(cluster).await.unwrap();
    assert_eq!(said.err, "", "kubectl warns");
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client().await.unwrap());
    for ours in sapphire_crds::custom_resource_definitions() {
        let name = ours.metadata.name.unwrap();
        let stored = definitions.get(&name).await.unwrap();
        let conditions = stored.status.unwrap().conditions.unwrap();
        // NonStructuralSchema and KubernetesAPIApprovalPolicyConformant appear where something is odd.
        let odd: Vec<_> = conditions
            .iter()
            .filter(|c| {
                !matches!((&*c.type_, &*c.status), ("Established" | "NamesAccepted", "True"))
            })
            .collect();
        assert!(odd.is_empty(), "{name}: {odd:?}");
    }
    let said = cluster.kubectl(&["api-resources", "--categories=sapphire", "-o", "name"]).await;
    let mut kinds: Vec<String> = said.unwrap().ok().unwrap().lines().map(str::to_owned).collect();
    kinds.sort();
    let ours = ["riskpolicies", "tradingagents", "tradingsystems"];
    assert_eq!(kinds, ours.map(|kind| format!("{kind}.sapphiretrade.xyz")));
}

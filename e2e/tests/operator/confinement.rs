//! A trader's pod writes the Lease that bears its own name, and no other.

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, until};
use serde_json::json;

use crate::desk::{apply, kubectl, ready};
use crate::plane::{HOME, case};
use crate::reports::trader;

fn lease(name: &str, holder: &str) -> Lease {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"holderIdentity": holder}}))
        .unwrap()
}

/// A client with the token that the kubelet mounts into the desk's trader, and the pod's name.
async fn trader_client(case: &Case<'_>) -> (Client, String) {
    let (pod, _) = trader(case).await;
    let kubeconfig = case.cluster().pod_kubeconfig(case.namespace(), &pod).await.unwrap();
    (client_of(&kubeconfig).await.unwrap(), pod)
}

/// How the API server refused it; panics where it did not.
fn refusal<T: std::fmt::Debug>(outcome: Result<T, kube::Error>) -> String {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 403 || status.code == 422 => {
            status.message.clone()
        }
        other => panic!("it was not refused: {other:?}"),
    }
}

const OURS: &str = "writes the Lease that bears its own name";

#[tokio::test]
async fn a_traders_pod_writes_its_own_lease_and_no_other() {
    let case = case("confined").await;
    ready(&case, "").await;
    let (client, pod) = trader_client(&case).await;
    let leases: Api<Lease> = Api::namespaced(client, case.namespace());
    let post = PostParams::default();
    // The policy acts a moment after it was installed.
    until("the policy to act", || async {
        match leases.create(&post, &lease("another", "thief")).await {
            Err(kube::Error::Api(status)) if status.message.contains(OURS) => Some(()),
            Ok(_) => {
                kubectl(&case, &["delete", "lease", "another"]).await;
                None
            }
            Err(_) => None,
        }
    })
    .await;
    let mut own = leases.create(&post, &lease(&pod, &pod)).await.unwrap();
    own.spec.as_mut().unwrap().holder_identity = Some("still me".into());
    leases.replace(&pod, &post, &own).await.unwrap();

    // Leases of others: there already, by update; not there yet, by create.
    let theirs: Api<Lease> = case.api();
    for name in ["desk-trader-other-pod", "sapphire-operator"] {
        let said = refusal(leases.create(&post, &lease(name, "thief")).await);
        assert!(said.contains(OURS), "{said}");
        let mut object = theirs.create(&post, &lease(name, "owner")).await.unwrap();
        object.spec.as_mut().unwrap().holder_identity = Some("thief".into());
        let said = refusal(leases.replace(name, &post, &object).await);
        assert!(said.contains(OURS), "{said}");
        let patch = Patch::Merge(json!({"spec": {"holderIdentity": "thief"}}));
        refusal(leases.patch(name, &PatchParams::default(), &patch).await);
        refusal(leases.delete(name, &Default::default()).await);
        let now = theirs.get(name).await.unwrap().spec.unwrap().holder_identity;
        assert_eq!(now.as_deref(), Some("owner"));
    }
    // The operator's own is in a namespace in which the pod has no right at all.
    let (client, _) = trader_client(&case).await;
    let home: Api<Lease> = Api::namespaced(client, HOME);
    refusal(home.create(&post, &lease("sapphire-operator", "thief")).await);
}

#[tokio::test]
async fn a_token_that_names_no_pod_writes_no_lease() {
    let case = case("no-pod").await;
    ready(&case, "").await;
    let cluster = case.cluster();
    let kubeconfig =
        cluster.service_account_kubeconfig(case.namespace(), "desk-trader").await.unwrap();
    let leases: Api<Lease> =
        Api::namespaced(client_of(&kubeconfig).await.unwrap(), case.namespace());
    until("the policy to refuse it", || async {
        match leases.create(&PostParams::default(), &lease("any", "thief")).await {
            Err(kube::Error::Api(status)) if status.message.contains(OURS) => Some(()),
            Ok(_) => {
                kubectl(&case, &["delete", "lease", "any"]).await;
                None
            }
            Err(_) => None,
        }
    })
    .await;
}

#[tokio::test]
async fn accounts_that_the_operator_did_not_make_are_not_meant() {
    let case = case("not-meant").await;
    ready(&case, "").await;
    // One of them is even called as a trader's.
    for name in ["leader-election", "their-trader"] {
        let namespace = case.namespace();
        let account = format!(
            "
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {name}}}
rules: [{{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}
subjects: [{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}]
"
        );
        apply(&case, &account).await;
        let kubeconfig = case.cluster().service_account_kubeconfig(namespace, name).await.unwrap();
        let leases: Api<Lease> = Api::namespaced(client_of(&kubeconfig).await.unwrap(), namespace);
        let post = PostParams::default();
        let own = format!("lock-of-{name}");
        let mut object = until("the right to arrive", || async {
            leases.create(&post, &lease(&own, name)).await.ok()
        })
        .await;
        object.spec.as_mut().unwrap().holder_identity = Some("next".into());
        leases.replace(&own, &post, &object).await.unwrap();
    }
}

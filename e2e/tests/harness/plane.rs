//! The shared control plane.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{ConfigMap, Node, ServiceAccount};
use kube::Api;
use sapphire_e2e::cluster::client_of;
use sapphire_e2e::{Case, ControlPlane, failure};

#[tokio::test]
async fn a_control_plane_answers_and_has_a_node() {
    let plane = ControlPlane::shared().await.unwrap();
    let case = Case::new(plane.cluster(), "answers").await.unwrap();
    let version = case.client().apiserver_version().await.unwrap();
    assert_eq!((&*version.major, &*version.minor), ("1", "36"));
    let nodes: Api<Node> = Api::all(case.client());
    assert_eq!(nodes.list(&Default::default()).await.unwrap().items.len(), 1);
    let said = plane.cluster().kubectl(&["version"]).await.unwrap().ok().unwrap();
    assert!(said.contains("Server Version: v1.36.4"), "{said}");
}

#[tokio::test]
async fn a_service_accounts_kubeconfig_has_its_rights_and_no_other() {
    let plane = ControlPlane::shared().await.unwrap();
    let case = Case::new(plane.cluster(), "rights").await.unwrap();
    let account = serde_json::json!({ "metadata": { "name": "reader" } });
    let account: ServiceAccount = serde_json::from_value(account).unwrap();
    case.api().create(&Default::default(), &account).await.unwrap();
    let role = ["create", "role", "reader", "--verb=list", "--resource=configmaps"];
    let bind = [
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        &format!("--serviceaccount={}:reader", case.namespace()),
    ];
    for command in [&role[..], &bind[..]] {
        let said = plane.cluster().kubectl(&[command, &["-n", case.namespace()]].concat()).await;
        said.unwrap().ok().unwrap();
    }

    let file =
        plane.cluster().service_account_kubeconfig(case.namespace(), "reader").await.unwrap();
    let client = client_of(&file).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), case.namespace());
    // The authorizer learns of a new role by a watch.
    for attempt in 0.. {
        match maps.list(&Default::default()).await {
            Ok(_) => break,
            Err(error) => assert!(attempt < 100, "{error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let refused = maps.delete("any", &Default::default()).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
    let everywhere: Api<ConfigMap> = Api::all(client.clone());
    assert!(everywhere.list(&Default::default()).await.is_err());
}

/// What was kept of a case.
fn kept(case: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(failure::place()).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(case))
}

#[tokio::test]
async fn logs_and_objects_are_kept_of_a_test_that_panics_and_of_no_other() {
    let plane = ControlPlane::shared().await.unwrap();
    let passes = Case::new(plane.cluster(), "passes").await.unwrap();
    drop(passes);
    assert_eq!(kept("passes"), None);

    let fails = tokio::spawn(async {
        let _case = Case::new(plane.cluster(), "fails").await.unwrap();
        panic!("as this test wants it");
    });
    fails.await.unwrap_err();
    let folder = kept("fails").unwrap();
    let api_server = std::fs::read_to_string(folder.join("logs/kube-apiserver.log")).unwrap();
    assert!(api_server.contains("v1.36.4"));
    let maps = std::fs::read_to_string(folder.join("objects/configmaps.yaml")).unwrap();
    assert!(maps.contains("kind: List"), "{maps}");
    std::fs::remove_dir_all(folder).unwrap();
}

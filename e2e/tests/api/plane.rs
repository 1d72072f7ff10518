//! The control plane itself.

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use sapphire_e2e::{Case, ControlPlane};

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

//! An API server that is away, or hangs.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use sapphire_e2e::{ControlPlane, Parts};
use tokio::time::timeout;

#[tokio::test]
async fn an_api_server_dies_hangs_and_comes_back_with_what_it_knew() {
    let plane = ControlPlane::start(Parts::Api).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(plane.cluster().client().await.unwrap());
    let map = serde_json::json!({ "metadata": { "name": "kept" } });
    maps.create(&Default::default(), &serde_json::from_value(map).unwrap()).await.unwrap();

    plane.kill_api_server().unwrap();
    maps.get("kept").await.unwrap_err();
    plane.start_api_server().await.unwrap();
    maps.get("kept").await.unwrap();

    plane.pause_api_server().unwrap();
    // What it was about to answer when the signal came may still arrive.
    let _ = timeout(Duration::from_secs(1), maps.get("kept")).await;
    let asked = timeout(Duration::from_secs(1), maps.get("kept")).await;
    assert!(asked.is_err(), "answered: {asked:?}");
    plane.resume_api_server().await.unwrap();
    maps.get("kept").await.unwrap();
}

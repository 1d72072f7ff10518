//! The API server's record.

use k8s_openapi::api::core::v1::ConfigMap;
use sapphire_e2e::{Case, ControlPlane};

#[tokio::test]
async fn writes_are_counted_by_who_made_them_and_reads_of_people_are_not() {
    let plane = ControlPlane::shared().await.unwrap();
    let case = Case::new(plane.cluster(), "audited").await.unwrap();
    let maps = case.api::<ConfigMap>();
    let client = case.client();
    let start = plane.audit().mark(&client).await.unwrap();
    let map = serde_json::json!({ "metadata": { "name": "one" } });
    maps.create(&Default::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    maps.get("one").await.unwrap();
    maps.delete("one", &Default::default()).await.unwrap();
    maps.delete("another", &Default::default()).await.unwrap_err();

    let requests = plane.audit().since(&client, start).await.unwrap();
    let ours: Vec<_> = requests
        .iter()
        .filter(|request| request.user == "test" && request.namespace == case.namespace())
        .map(|request| (&*request.verb, &*request.resource, &*request.name, request.code))
        .collect();
    let expected = [
        ("create", "configmaps", "one", 201),
        ("delete", "configmaps", "one", 200),
        ("delete", "configmaps", "another", 404),
    ];
    assert_eq!(ours, expected);
    let now = plane.audit().mark(&client).await.unwrap();
    let later = plane.audit().since(&client, now).await.unwrap();
    assert!(later.iter().all(|request| request.namespace != case.namespace()), "{later:?}");
}

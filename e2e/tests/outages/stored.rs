//! Objects that were stored under another schema: each is told of itself, and no other notices.

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sapphire_crds::{TradingSystem, custom_resource_definitions};
use sapphire_e2e::{Case, ControlPlane, Parts, definitions};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::run;
use sapphire_operator::reconcile::kind::Kind;
use serde_json::{Value, json};

use crate::desk::{POLICY, RECORDINGS, apply, kubectl, names, system};
use crate::plane::{settings, until};

/// Definitions as an earlier release may have had them: they let everything through.
async fn loosen(plane: &ControlPlane) {
    let api: Api<CustomResourceDefinition> = Api::all(plane.cluster().client().await.unwrap());
    for definition in custom_resource_definitions() {
        let mut loose = serde_json::to_value(&definition).unwrap();
        let schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
        *loose.pointer_mut(schema).unwrap() =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let rules = "/spec/versions/0/schema/openAPIV3Schema";
        for (of, member) in [
            (rules, "x-kubernetes-validations"),
            // They name fields that the schema does not know any more.
            ("/spec/versions/0", "selectableFields"),
            ("/spec/versions/0/subresources", "scale"),
        ] {
            if let Some(Value::Object(members)) = loose.pointer_mut(of) {
                members.remove(member);
            }
        }
        let force = PatchParams::apply("kubectl").force();
        let name = definition.metadata.name.unwrap();
        api.patch(&name, &force, &Patch::Apply(loose)).await.unwrap();
    }
    let established = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"];
    plane.cluster().kubectl(&established).await.unwrap().ok().unwrap();
}

fn desk(name: &str, spec: &str) -> String {
    format!(
        "---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {{name: {name}}}
spec: {spec}
"
    )
}

/// What its event says.
async fn told(case: &Case<'_>, kind: &str, name: &str) -> String {
    let events = case.api::<Event>();
    until(&format!("what is wrong with {kind} {name}"), || async {
        let events = events.list(&Default::default()).await.unwrap();
        let told = events.items.into_iter().find(|event| {
            let about = event.regarding.as_ref();
            let is = about.is_some_and(|about| {
                about.kind.as_deref() == Some(kind) && about.name.as_deref() == Some(name)
            });
            is && event.reason.as_deref() == Some("Undecodable")
        });
        told?.note
    })
    .await
}

#[tokio::test]
async fn an_object_of_another_schema_is_told_of_itself_and_disturbs_no_other() {
    let plane = ControlPlane::start(Parts::Api).await.unwrap();
    loosen(&plane).await;
    let case = Case::new(plane.cluster(), "stored").await.unwrap();
    let account = kubectl(&case, &["create", "serviceaccount", "default"]).await;
    assert!(account.contains("created"));
    let objects = [
        desk("unreadable", "{symbols: all, barInterval: 7}"),
        desk("empty", "{}"),
        "---\n".to_owned() + RECORDINGS,
        "---\n".to_owned() + POLICY,
        "---\n".to_owned() + &system(""),
        "---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: RiskPolicy
metadata: {name: unreadable}
spec: {limits: 5}
---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingAgent
metadata: {name: unreadable}
spec: {strategy: none}
"
        .to_owned(),
    ];
    apply(&case, &objects.concat()).await;
    // Today's schema; what is stored stays.
    definitions::install(plane.cluster()).await.unwrap();
    let client = case.client();
    let settings = settings(case.namespace());
    let address = settings.listen;
    let operator = tokio::spawn(async move {
        run(client, settings, Terms::default(), std::future::pending()).await.unwrap();
    });
    for (kind, name) in [
        ("TradingSystem", "unreadable"),
        ("TradingSystem", "empty"),
        ("TradingAgent", "unreadable"),
        ("RiskPolicy", "unreadable"),
    ] {
        let note = told(&case, kind, name).await;
        assert!(note.contains("cannot be read") && note.contains("apply it again"), "{note}");
    }
    until("the other desk's Deployment", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
    let counted = || async {
        let metrics = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
        metrics.text().await.unwrap()
    };
    let metrics = counted().await;
    for (kind, count) in [("TradingSystem", 2), ("TradingAgent", 1), ("RiskPolicy", 1)] {
        assert!(metrics.contains(&line(kind, count)), "{} in {metrics}", line(kind, count));
    }
    // Mended, it is an object like any other.
    kubectl(&case, &["delete", "tsys", "empty", "--timeout=30s"]).await;
    let mended = system("").replace("name: desk", "name: unreadable");
    let mended = mended.split("---").next().unwrap().to_owned();
    apply(&case, &mended).await;
    until("no TradingSystem to be unreadable", || async {
        counted().await.contains(&line("TradingSystem", 0)).then_some(())
    })
    .await;
    let systems = case.api::<TradingSystem>();
    until("the mended desk to have a status", || async {
        systems.get("unreadable").await.unwrap().status.map(drop)
    })
    .await;
    operator.abort();
}

fn line(kind: &str, count: u32) -> String {
    format!("sapphire_operator_undecodable_objects{{kind=\"{kind}\"}} {count}")
}

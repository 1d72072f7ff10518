//! Objects that were stored under another schema: each is told of itself, and no other notices.

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use sapphire_crds::conditions::{ConditionType, Conditions, Reason};
use sapphire_crds::names::annotations::HALTED_BY_HAND;
use sapphire_crds::values::ObjectName;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem, custom_resource_definitions};
use sapphire_e2e::{Case, ControlPlane, Parts, definitions, ports, until};
use sapphire_operator::election::Terms;
use sapphire_operator::operator::run;
use sapphire_operator::reconcile::kind::Kind;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::desk::{POLICY, RECORDINGS, apply, event, kubectl, limits, names, system, wait};
use crate::plane::settings;

/// Definitions as an earlier release may have had them: they let everything through.
async fn loosen(plane: &ControlPlane) {
    let api: Api<CustomResourceDefinition> = Api::all(plane.cluster().client().await.unwrap());
    for definition in custom_resource_definitions() {
        let mut loose = serde_json::to_value(&definition).unwrap();
        for part in ["spec", "status"] {
            let schema = format!("/spec/versions/0/schema/openAPIV3Schema/properties/{part}");
            *loose.pointer_mut(&schema).unwrap() =
                json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        }
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
        desk("unreadable", "{symbols: all, barInterval: 7, riskPolicyRef: {name: bold}}"),
        desk("empty", "{}"),
        "---\n".to_owned() + RECORDINGS,
        "---\n".to_owned() + POLICY,
        "---\n".to_owned() + &POLICY.replace("careful", "bold"),
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
    let mut settings = settings(case.namespace());
    settings.listen = format!("127.0.0.1:{}", ports::free()).parse().unwrap();
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
    // What it refers to is in use all the same.
    let policies = case.api::<RiskPolicy>();
    until("the policy to know who uses it", || async {
        let status = policies.get("bold").await.unwrap().status?;
        (status.systems.iter().map(ObjectName::as_str).eq(["unreadable"])).then_some(())
    })
    .await;
    kubectl(&case, &["delete", "rpol", "bold", "--wait=false"]).await;
    until("the policy's deletion to wait", || async {
        let status = policies.get("bold").await.unwrap().status?;
        let reconciling = status.conditions.get(ConditionType::Reconciling)?;
        (reconciling.reason == Reason::InUse.as_str()).then_some(())
    })
    .await;
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
    until("the policy that nobody names any more to go", || async {
        policies.get_opt("bold").await.unwrap().is_none().then_some(())
    })
    .await;
    operator.abort();
}

/// The reason for which an object is Stalled.
async fn stalled<K>(case: &Case<'_>, name: &str, reason: Reason) -> String
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let resource = ApiResource::erase::<K>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(case.client(), case.namespace(), &resource);
    until(&format!("{} {name} to be Stalled ({reason})", resource.kind), || async {
        let object = api.get(name).await.unwrap();
        let conditions = object.data.pointer("/status/conditions")?.clone();
        let conditions: Conditions = serde_json::from_value(conditions).unwrap();
        let stalled = conditions.get(ConditionType::Stalled)?.clone();
        let is = stalled.status == "True" && stalled.reason == reason.as_str();
        is.then_some(stalled.message)
    })
    .await
}

/// Changes a limit, and waits until the desk's pods have it.
async fn limits_are_brought(case: &Case<'_>, max_drawdown: &str) {
    let patch = json!({"spec": {"limits": {"maxDrawdown": max_drawdown}}}).to_string();
    kubectl(case, &["patch", "rpol", "careful", "--type=merge", "-p", &patch]).await;
    until("the limit to be delivered", || async {
        let told = kubectl(case, &["get", "configmap", "desk-policy", "-o", "yaml"]).await;
        told.contains(max_drawdown).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_cannot_be_read_any_more_stays_part_of_its_desk() {
    let plane = ControlPlane::start(Parts::Api).await.unwrap();
    loosen(&plane).await;
    let case = Case::new(plane.cluster(), "downgraded").await.unwrap();
    let (client, settings) = (case.client(), settings(case.namespace()));
    let operator = tokio::spawn(async move {
        run(client, settings, Terms::default(), std::future::pending()).await.unwrap();
    });
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    let deployment = ["get", "deployment", "desk-trader", "--ignore-not-found", "-o"];
    let generation = || async {
        let asked = [&deployment[..], &["jsonpath={.metadata.generation}"]].concat();
        kubectl(&case, &asked).await
    };
    until("the Deployment", || async { (!generation().await.is_empty()).then_some(()) }).await;
    let before = generation().await;
    let revisions = names(&case, Kind::ControllerRevision).await;

    // As a later release may have left it.
    let patch = |status: &'static str| {
        ["patch", "tagent", "three", "--subresource=status", "--type=merge", "-p", status]
    };
    kubectl(&case, &patch(r#"{"status": {"canary": "of a later release"}}"#)).await;
    let words = stalled::<TradingAgent>(&case, "three", Reason::Undecodable).await;
    assert!(words.contains("canary") || words.contains("later release"), "{words}");

    // A limit reaches the pod, and the pod stays as it is.
    limits_are_brought(&case, "0.07").await;
    assert_eq!(generation().await, before);
    assert_eq!(names(&case, Kind::ControllerRevision).await, revisions);

    // Only what would be rendered anew waits.
    let change = r#"{"spec": {"barInterval": "5m"}}"#;
    kubectl(&case, &["patch", "tsys", "desk", "--type=merge", "-p", change]).await;
    let words = stalled::<TradingSystem>(&case, "desk", Reason::Undecodable).await;
    assert!(words.contains("TradingAgent three cannot be read"), "{words}");
    limits_are_brought(&case, "0.06").await;
    assert_eq!(generation().await, before);
    assert_eq!(names(&case, Kind::ControllerRevision).await, revisions);
    kubectl(&case, &patch(r#"{"status": {"canary": null}}"#)).await;
    until("the change to reach the pod", || async { (generation().await != before).then_some(()) })
        .await;
    assert_eq!(names(&case, Kind::ControllerRevision).await.len(), revisions.len() + 1);

    // A limit reaches what runs of a desk that itself cannot be read any more.
    let later = r#"{"spec": {"barInterval": 7}}"#;
    kubectl(&case, &["patch", "tsys", "desk", "--type=merge", "-p", later]).await;
    stalled::<TradingSystem>(&case, "desk", Reason::Undecodable).await;
    limits_are_brought(&case, "0.05").await;

    // The limits of a policy that cannot be read any more stay as the pods have them.
    let later = r#"{"spec": {"onHalt": "Sleep"}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", later]).await;
    stalled::<RiskPolicy>(&case, "careful", Reason::Undecodable).await;
    // Its state is read all the same, and who loosens or deletes them is set back.
    let limits = ["get", "configmap", "desk-policy", "--ignore-not-found", "-o", "yaml"];
    let halted = r#"{"spec": {"tradingState": "Halted"}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", halted]).await;
    let loose = kubectl(&case, &["get", "configmap", "desk-policy", "-o", "json"]).await;
    let loose: Value = serde_json::from_str(&loose).unwrap();
    let loose = loose["data"]["policy.yaml"].as_str().unwrap().replace("0.05", "0.99");
    let loose = json!({"data": {"policy.yaml": loose}}).to_string();
    let as_it_was = || async {
        let told = kubectl(&case, &limits).await;
        (told.contains("tradingState: Halted") && told.contains("maxDrawdown: \"0.05\""))
            .then_some(())
    };
    until("the halt", as_it_was).await;
    kubectl(&case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", &loose]).await;
    until("what was loosened to be set back", as_it_was).await;
    kubectl(&case, &["delete", "configmap", "desk-policy"]).await;
    until("what was deleted to come back", as_it_was).await;

    // What an operator that never read it wrote does not outlive what the policy says.
    let state = |state: &str| {
        let edit = json!({"spec": {"tradingState": state}}).to_string();
        let case = &case;
        async move { kubectl(case, &["patch", "rpol", "careful", "--type=merge", "-p", &edit]).await }
    };
    let says = |words: [&'static str; 2]| {
        let case = &case;
        move || async move {
            let told = kubectl(case, &limits).await;
            words.iter().all(|word| told.contains(word)).then_some(())
        }
    };
    let (active, halted) = ("tradingState: Active", "tradingState: Halted");
    let known = "maxDrawdown: \"0.05\"";
    state("Active").await;
    until("the halt to be lifted", says([active, known])).await;
    let start = || {
        let (client, settings) = (case.client(), self::settings(case.namespace()));
        tokio::spawn(async move {
            run(client, settings, Terms::default(), std::future::pending()).await.unwrap();
        })
    };
    let stop = |operator: JoinHandle<()>| async {
        operator.abort();
        let _ = operator.await;
    };
    stop(operator).await;
    let operator = start();
    state("Halted").await;
    until("the halt", says([halted, known])).await;
    state("Active").await;
    until("the halt to be lifted again", says([active, known])).await;
    // A file beside them is nobody's word for them.
    let config_map = ["patch", "configmap", "desk-policy", "--type=merge", "-p"];
    let note = [&config_map[..], &[r#"{"data": {"notes.txt": "call Jane"}}"#]].concat();
    kubectl(&case, &note).await;
    state("Reducing").await;
    until("the state", says(["tradingState: Reducing", known])).await;
    state("Active").await;
    until("the state again", says([active, known])).await;

    // An operator that never read it halts, rather than take somebody else's word for what it said.
    stop(operator).await;
    kubectl(&case, &[&config_map[..], &[&loose]].concat()).await;
    let operator = start();
    until("the desk to be halted", || async {
        let told = kubectl(&case, &limits).await;
        (told.contains(halted) && !told.contains("0.99")).then_some(())
    })
    .await;
    // Who halts it by hand then is heard all the same.
    stop(operator).await;
    let hand = "kind: RiskPolicy\nmetadata: {name: careful}\nspec: {tradingState: Halted}\n";
    let hand = json!({"data": {"policy.yaml": hand}}).to_string();
    kubectl(&case, &[&config_map[..], &[&hand]].concat()).await;
    let operator = start();
    event(&case, "HaltedByHand").await;
    let mended = r#"{"spec": {"onHalt": "CancelOnly"}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", mended]).await;
    until("the limits to be read again", says([halted, known])).await;
    let lifted = format!("{HALTED_BY_HAND}-");
    kubectl(&case, &["annotate", "tsys", "desk", &lifted]).await;
    until("the halt to be lifted by hand", says([active, known])).await;
    stop(operator).await;
}

fn line(kind: &str, count: u32) -> String {
    format!("sapphire_operator_undecodable_objects{{kind=\"{kind}\"}} {count}")
}

/// Of its last word the state alone could be read, and that counts.
#[tokio::test]
async fn the_halt_of_a_policy_that_could_not_be_decoded_outlives_it() {
    let plane = ControlPlane::start(Parts::Api).await.unwrap();
    loosen(&plane).await;
    let case = Case::new(plane.cluster(), "undecodable-gone").await.unwrap();
    let (client, settings) = (case.client(), settings(case.namespace()));
    let operator = tokio::spawn(async move {
        run(client, settings, Terms::default(), std::future::pending()).await.unwrap();
    });
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    until("the Deployment", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
    let halted = limits(&case).await.replace("tradingState: Active", "tradingState: Halted");
    let later = r#"{"spec": {"onHalt": "Sleep", "tradingState": "Halted"}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", later]).await;
    stalled::<RiskPolicy>(&case, "careful", Reason::Undecodable).await;
    until("the halt", || async { (limits(&case).await == halted).then_some(()) }).await;
    kubectl(&case, &["delete", "rpol", "careful", "--wait=false"]).await;
    let force = r#"{"metadata": {"finalizers": null}}"#;
    kubectl(&case, &["patch", "rpol", "careful", "--type=merge", "-p", force]).await;
    until("the desk to miss its policy", || async {
        let (reason, _) = wait(&case, "Ready", "False").await;
        (reason == "PolicyMissing").then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(limits(&case).await, halted, "no machine lifts a halt");
    operator.abort();
    let _ = operator.await;
}

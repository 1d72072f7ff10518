//! Objects and fields that belong to others.

use sapphire_e2e::{Case, until};
use sapphire_operator::reconcile::kind::Kind;

use crate::agents;
use crate::desk::{
    POLICY, RECORDINGS, apply, assert_linted, assert_statuses, event, kubectl, names, ready,
    system, volumes, wait, wait_for,
};
use crate::events::{events, told};
use crate::plane::case;

#[tokio::test]
async fn a_deployment_of_somebody_else_is_not_touched() {
    let case = case("not-ours").await;
    kubectl(&case, &["create", "deployment", "desk-trader", "--image=theirs:1"]).await;
    apply(&case, &format!("{POLICY}---{}", system(""))).await;
    volumes(&case).await;
    let (reason, message) = wait(&case, "Stalled", "True").await;
    assert_eq!(reason, "NotOurs");
    event(&case, "NotOurs").await;
    assert!(message.contains("Deployment") && message.contains("desk-trader"), "{message}");
    let image = [
        "get",
        "deployment",
        "desk-trader",
        "-o",
        "jsonpath={.spec.template.spec.containers[*].image}",
    ];
    assert_eq!(kubectl(&case, &image).await, "theirs:1");
    // The others do not wait for it.
    assert_eq!(names(&case, Kind::Service).await, ["desk-api"]);
    assert_statuses(&case).await;

    kubectl(&case, &["delete", "deployment", "desk-trader"]).await;
    kubectl(&case, &["annotate", "tradingsystem", "desk", "sapphiretrade.xyz/reconcile-now=1"])
        .await;
    until("our own Deployment", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_trader_that_a_former_desk_left_running_is_told_and_left_alone() {
    let case = case("left-behind").await;
    let orphan = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: desk-trader-0123456789
  labels: {app.kubernetes.io/managed-by: sapphire-operator, sapphiretrade.xyz/system: desk}
spec:
  selector: {matchLabels: {app: former}}
  template:
    metadata: {labels: {app: former}}
    spec: {containers: [{name: trader, image: 'former:1'}]}
";
    apply(&case, orphan).await;
    ready(&case, "").await;
    let told = event(&case, "LeftBehind").await;
    assert!(told.contains("kubectl delete deployment desk-trader-0123456789 once"), "{told}");
    let all = events(&case).await;
    assert!(!all.contains("desk-trader runs"), "{all}");
    let there = names(&case, Kind::Deployment).await;
    assert_eq!(there, ["desk-trader", "desk-trader-0123456789"]);
}

#[tokio::test]
async fn a_field_that_somebody_declares_is_shown_and_not_fought_over() {
    let case = case("declared").await;
    ready(&case, "").await;
    let declared = "
apiVersion: v1
kind: Service
metadata: {name: desk-api}
spec: {selector: {sapphiretrade.xyz/component: theirs}, ports: [{name: http, port: 8080, targetPort: 9}]}
";
    let arguments = [
        "-n",
        case.namespace(),
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=gitops",
        "-f",
        "-",
    ];
    case.cluster().kubectl_with(&arguments, declared).await.unwrap().ok().unwrap();
    let (reason, message) = wait(&case, "Reconciling", "True").await;
    assert_eq!(reason, "FieldConflict", "{message}");
    assert!(message.contains("gitops") && message.contains("targetPort"), "{message}");
    assert_statuses(&case).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let port = ["get", "service", "desk-api", "-o", "jsonpath={.spec.ports[0].targetPort}"];
    assert_eq!(kubectl(&case, &port).await, "9");
}

/// A list is merged by its keys: beside a changed one ours cannot be, and the API server refuses the two.
#[rstest::rstest]
#[case::replaced("json", r#"[{"op": "replace", "path": "/spec/ports/0/port", "value": 9090}]"#)]
#[case::written_over("merge", r#"{"spec": {"ports": [{"port": 9221}]}}"#)]
#[tokio::test]
async fn a_port_that_somebody_changed_by_hand_is_set_back(#[case] form: &str, #[case] edit: &str) {
    let case = case("ports").await;
    ready(&case, "").await;
    let ports = ["get", "service", "desk-api", "-o"];
    let ports = [&ports[..], &["jsonpath={.spec.ports[*]['name','port']}"]].concat();
    let before = kubectl(&case, &ports).await;
    kubectl(&case, &["patch", "service", "desk-api", "--type", form, "--patch", edit]).await;
    until("the port that the desk wants", || async {
        (kubectl(&case, &ports).await == before).then_some(())
    })
    .await;
    told(&case, "was changed by hand and is set back").await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

/// A desk where a quota leaves no room for what it counts.
async fn confined(case: &Case<'_>, hard: &str) {
    kubectl(case, &["create", "quota", "full", &format!("--hard={hard}=0")]).await;
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", system(""))).await;
    volumes(case).await;
}

#[tokio::test]
async fn a_quota_that_leaves_no_room_for_pods_is_told_in_its_own_words() {
    let case = case("quota").await;
    confined(&case, "pods").await;
    let message = wait_for(&case, "CoreAvailable", "False", "QuotaExceeded").await;
    assert!(message.contains("exceeded quota: full"), "{message}");
    assert!(message.contains("desk-trader"), "{message}");
    assert_statuses(&case).await;

    // Once there is room, it goes on by itself.
    kubectl(&case, &["delete", "quota", "full"]).await;
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_quota_that_leaves_no_room_for_a_child_is_told_and_stops_no_other_child() {
    let case = case("no-services").await;
    confined(&case, "services").await;
    let message = wait_for(&case, "Ready", "False", "QuotaExceeded").await;
    assert!(message.contains("exceeded quota: full") && message.contains("Service"), "{message}");
    assert!(message.contains("raise the quota"), "{message}");
    until("the child that there is room for", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
    assert_linted(&case).await;
}

#[tokio::test]
async fn what_was_taken_off_a_revision_is_put_back_on_it() {
    let case = case("bare-revision").await;
    let _traders = agents::desk(&case, "").await;
    let of_agent = agents::status(&case, "one").await.revision.unwrap().to_string();
    let of_desk = names(&case, Kind::ControllerRevision).await;
    let of_desk = of_desk.into_iter().find(|name| name.starts_with("desk-")).unwrap();
    for revision in [of_agent, of_desk] {
        let found = |with: &'static str| {
            let (case, revision) = (&case, &revision);
            async move {
                let form = format!("jsonpath={{.metadata.{with}}}");
                kubectl(case, &["get", "controllerrevision", revision, "-o", &form]).await
            }
        };
        let before = (found("labels").await, found("annotations").await, found("uid").await);
        for (verb, what) in [
            ("label", "sapphiretrade.xyz/system-"),
            ("annotate", "sapphiretrade.xyz/inputs-"),
            ("label", "app.kubernetes.io/managed-by-"),
        ] {
            kubectl(&case, &[verb, "--overwrite", "controllerrevision", &revision, what]).await;
            until(&format!("{revision} as before `{what}`"), || async {
                let now = (found("labels").await, found("annotations").await, found("uid").await);
                (now == before).then_some(())
            })
            .await;
        }
    }
    wait(&case, "Ready", "True").await;
    assert_statuses(&case).await;
}

#[tokio::test]
async fn a_revision_that_somebody_else_made_is_not_believed() {
    let case = case("their-revision").await;
    let manifests = system("  deletionPolicy: Orphan\n");
    apply(&case, &format!("{RECORDINGS}---{POLICY}---{manifests}")).await;
    volumes(&case).await;
    wait(&case, "Ready", "True").await;
    let revision = names(&case, Kind::ControllerRevision).await.remove(0);
    kubectl(&case, &["delete", "tsys", "desk"]).await;
    until("nothing of the desk to be left", || async {
        let left = kubectl(&case, &["get", "controllerrevisions,deployments", "-o", "name"]).await;
        left.is_empty().then_some(())
    })
    .await;
    let theirs = format!(
        "
apiVersion: apps/v1
kind: ControllerRevision
metadata:
  name: {revision}
  labels: {{app.kubernetes.io/managed-by: sapphire-operator}}
revision: 1
data: {{inputs: {{}}, image: \"theirs:1\", builder: none, rendered: []}}
"
    );
    apply(&case, &theirs).await;
    apply(&case, &manifests).await;
    let message = wait_for(&case, "Stalled", "True", "NotOurs").await;
    assert!(message.contains(&revision) && message.contains("delete it"), "{message}");
    assert!(names(&case, Kind::Deployment).await.is_empty());
    assert_statuses(&case).await;

    kubectl(&case, &["delete", "controllerrevision", &revision]).await;
    kubectl(&case, &["annotate", "tsys", "desk", "sapphiretrade.xyz/reconcile-now=1"]).await;
    volumes(&case).await;
    until("our own Deployment", || async {
        (names(&case, Kind::Deployment).await == ["desk-trader"]).then_some(())
    })
    .await;
}

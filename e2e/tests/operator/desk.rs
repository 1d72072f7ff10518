//! A desk to try things on.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DynamicObject, ListParams};
use sapphire_crds::conditions::ConditionType;
use sapphire_crds::trading_system::RolloutStatus;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};
use sapphire_e2e::{Case, until};
use sapphire_operator::reconcile::conditions::lint;
use sapphire_operator::reconcile::kind::Kind;

use crate::plane::{is_operator, plane};

pub(crate) const POLICY: &str = "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: RiskPolicy
metadata: {name: careful}
spec: {}
";

/// What gives each role of a desk a pod of its own, as lines of its spec.
pub(crate) const BACKENDS: &str = "  storage: {postgres: {secretRef: {name: postgres, key: url}}}
  bus: {redis: {secretRef: {name: redis, key: url}}}
";

/// An embedded paper desk and its agents; `more` are lines of the system's spec.
pub(crate) fn system(more: &str) -> String {
    let agents: String = ["one", "two", "three"]
        .map(|name| {
            format!(
                "---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingAgent
metadata: {{name: {name}}}
spec: {{systemRef: {{name: desk}}, strategy: {{trendMomentum: {{}}}}, authority: {{consensus: {{}}}}}}
"
            )
        })
        .concat();
    format!(
        "
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingSystem
metadata: {{name: desk}}
spec:
  venue:
    paper:
      balance: \"100000\"
      data: {{file: {{path: btc.csv.gz, volume: {{claimName: recordings}}}}}}
      instruments:
        - {{symbol: BTCUSD, tickSize: \"0.01\", lotSize: \"0.00001\", makerFee: \"0.0002\", takerFee: \"0.0004\"}}
  symbols: {{list: [BTCUSD]}}
  barInterval: 1h
  riskPolicyRef: {{name: careful}}
{more}
{agents}"
    )
}

/// The same with an agent that trades by itself, and alone, a symbol of its own.
pub(crate) fn with_maker(system: &str) -> String {
    let volume = "volume: {claimName: recordings}";
    let one = format!("data: {{file: {{path: btc.csv.gz, {volume}}}}}");
    let two =
        ["BTCUSD", "ETHUSD"].map(|symbol| format!("{{symbol: {symbol}, path: x.csv, {volume}}}"));
    let instrument = |symbol: &str| format!("        - {{symbol: {symbol}, tickSize");
    let of_its_own = system
        .replace(&one, &format!("data: {{files: [{}]}}", two.join(", ")))
        .replace(
            &instrument("BTCUSD"),
            &format!(
                "{}: \"0.01\", lotSize: \"0.001\", makerFee: \"0\", takerFee: \"0\"}}\n{}",
                instrument("ETHUSD"),
                instrument("BTCUSD")
            ),
        )
        .replace("list: [BTCUSD]", "list: [BTCUSD, ETHUSD]")
        .replace("authority: {consensus: {}}", "authority: {consensus: {symbols: [BTCUSD]}}");
    format!("{of_its_own}{MAKER}")
}

const MAKER: &str = "---
apiVersion: sapphiretrade.xyz/v1alpha1
kind: TradingAgent
metadata: {name: maker}
spec:
  systemRef: {name: desk}
  strategy: {trendMomentum: {}}
  authority: {delegated: {symbols: [ETHUSD], quantity: \"1\", maxNotional: \"10\"}}
";

/// The volume with recordings that every desk here names, bound by hand: there is no provisioner.
pub(crate) const RECORDINGS: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: recordings}
spec: {accessModes: [ReadOnlyMany], resources: {requests: {storage: 1Gi}}}
";

/// Applies a whole desk and waits until it is ready.
pub(crate) async fn ready(case: &Case<'_>, more: &str) {
    apply(case, &format!("{RECORDINGS}---{POLICY}---{}", system(more))).await;
    volumes(case).await;
    wait(case, "Ready", "True").await;
}

/// Binds the desk's claims to volumes.
pub(crate) async fn volumes(case: &Case<'_>) {
    bind(case, &["recordings", "desk-data"]).await;
}

/// Binds each claim to a volume of its own.
pub(crate) async fn bind(case: &Case<'_>, claims: &[&str]) {
    for claim in claims {
        let volume = serde_json::json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": format!("{}-{claim}", case.namespace())},
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                "claimRef": {"namespace": case.namespace(), "name": claim},
                "hostPath": {"path": "/tmp"}, "persistentVolumeReclaimPolicy": "Retain",
            },
        });
        apply(case, &volume.to_string()).await;
    }
}

pub(crate) async fn apply(case: &Case<'_>, manifests: &str) {
    case.apply(manifests).await.unwrap().ok().unwrap();
}

/// kubectl in the case's namespace; what it said.
pub(crate) async fn kubectl(case: &Case<'_>, arguments: &[&str]) -> String {
    let arguments = [&["-n", case.namespace()], arguments].concat();
    case.cluster().kubectl(&arguments).await.unwrap().ok().unwrap()
}

/// Waits until the desk's condition is so; its reason and message.
pub(crate) async fn wait(case: &Case<'_>, condition: &str, answer: &str) -> (String, String) {
    let of: ConditionType = condition.parse().unwrap();
    let systems = case.api::<TradingSystem>();
    until(&format!("{condition}={answer}"), || async {
        let system = systems.get("desk").await.unwrap();
        let current = system.metadata.generation;
        let status = system.status?;
        let found = status.conditions.get(of)?;
        (found.status == answer && found.observed_generation == current)
            .then(|| (found.reason.clone(), found.message.clone()))
    })
    .await
}

/// Waits until the desk's condition is so for this reason; its message.
pub(crate) async fn wait_for(
    case: &Case<'_>,
    condition: &str,
    answer: &str,
    because: &str,
) -> String {
    until(&format!("{condition}={answer} ({because})"), || async {
        let (reason, message) = wait(case, condition, answer).await;
        (reason == because).then_some(message)
    })
    .await
}

/// What `status.rollout` says once it is as `so` wants it.
pub(crate) async fn rollout(
    case: &Case<'_>,
    what: &str,
    so: impl Fn(&RolloutStatus) -> bool,
) -> RolloutStatus {
    let systems = case.api::<TradingSystem>();
    until(what, || async {
        let status = systems.get("desk").await.unwrap().status?;
        status.rollout.filter(|rollout| so(rollout))
    })
    .await
}

/// The linter over all statuses of the namespace, once every object has one; and nothing that the operator
/// asked for there was more than the chart's rules allow.
pub(crate) async fn assert_statuses(case: &Case<'_>) {
    assert_rights(case).await;
    assert_linted(case).await;
}

/// The linter alone, where a request is refused on purpose.
pub(crate) async fn assert_linted(case: &Case<'_>) {
    let statuses = until("every object to have a status of what it asks for", || async {
        let all = ListParams::default();
        let mut statuses = Vec::new();
        for object in case.api::<TradingSystem>().list(&all).await.unwrap() {
            let status = object.status?;
            statuses.push((object.metadata, status.observed_generation, status.conditions));
        }
        for object in case.api::<TradingAgent>().list(&all).await.unwrap() {
            let status = object.status?;
            statuses.push((object.metadata, status.observed_generation, status.conditions));
        }
        for object in case.api::<RiskPolicy>().list(&all).await.unwrap() {
            let status = object.status?;
            statuses.push((object.metadata, status.observed_generation, status.conditions));
        }
        // Between an edit and the operator's answer to it a status is behind, and says of what.
        let current =
            statuses.iter().all(|(metadata, observed, _)| *observed == metadata.generation);
        current.then_some(statuses)
    })
    .await;
    let mut faults = Vec::new();
    for (metadata, observed, conditions) in statuses {
        let found = lint(metadata.generation.unwrap_or(0), observed, &conditions);
        let name = metadata.name.unwrap_or_default();
        faults.extend(found.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Everything that the operator asked for in the namespace was within its rights.
async fn assert_rights(case: &Case<'_>) {
    let all = plane().await.audit().of_namespace(&case.client(), case.namespace()).await.unwrap();
    let refused: Vec<_> = all
        .into_iter()
        .filter(|request| is_operator(&request.user) && request.is_forbidden())
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// The names of the operator's objects of a kind, sorted.
pub(crate) async fn names(case: &Case<'_>, kind: Kind) -> Vec<String> {
    let api: Api<DynamicObject> =
        Api::namespaced_with(case.client(), case.namespace(), &kind.resource());
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=sapphire-operator");
    let mut names: Vec<String> =
        api.list(&ours).await.unwrap().into_iter().filter_map(|o| o.metadata.name).collect();
    names.sort();
    names
}

/// The uids of the pods that a selector finds and that are not on their way out.
pub(crate) async fn staying(case: &Case<'_>, selector: &str) -> BTreeSet<String> {
    let pods = case.api::<Pod>().list(&ListParams::default().labels(selector)).await.unwrap().items;
    let stays = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
    pods.into_iter().filter(stays).filter_map(|pod| pod.metadata.uid).collect()
}

/// The uid of an object.
pub(crate) async fn uid(case: &Case<'_>, kind: Kind, name: &str) -> String {
    let api: Api<DynamicObject> =
        Api::namespaced_with(case.client(), case.namespace(), &kind.resource());
    api.get(name).await.unwrap().metadata.uid.unwrap()
}

/// The limits that the pods of the desk have.
pub(crate) async fn limits(case: &Case<'_>) -> String {
    let limits = case.api::<ConfigMap>().get_opt("desk-policy").await.unwrap();
    let data = limits.and_then(|limits| limits.data);
    data.and_then(|mut data| data.remove("policy.yaml")).unwrap_or_default()
}

/// Writes a halt where the desk's pods read it, as is the way while no operator is there.
pub(crate) async fn halt_by_hand(case: &Case<'_>) {
    let written = limits(case).await;
    let halted = written.replace("tradingState: Active", "tradingState: Halted");
    assert_ne!(written, halted, "{written}");
    let patch = serde_json::json!({"data": {"policy.yaml": halted}}).to_string();
    kubectl(case, &["patch", "configmap", "desk-policy", "--type=merge", "-p", &patch]).await;
}

/// The words of an event with this reason, once there is one.
pub(crate) async fn event(case: &Case<'_>, reason: &str) -> String {
    until(reason, || async {
        let events = case.api::<Event>().list(&Default::default()).await.unwrap().items;
        let of = |event: &Event| event.reason.as_deref() == Some(reason);
        events.into_iter().find(of).and_then(|event| event.note)
    })
    .await
}

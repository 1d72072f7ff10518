//! The chart's rules against what the operator asks for, as the API server recorded it.

use std::collections::BTreeSet;

use sapphire_e2e::audit::Request;
use sapphire_e2e::{Case, until};
use serde_json::Value;

use crate::desks::{clustered_desk, condition, example, kubectl, paper_desk};
use crate::installation::{HOME, Installation};
use crate::rendering::{documents, template};

const ACCOUNT: &str = "system:serviceaccount:sapphire-system:sapphire";
/// The kinds that ServiceMonitors come with.
const MONITORING: &str = include_str!("monitoring.yaml");

/// Group, resource and verb.
type Right = (String, String, String);

/// Rights that this scenario does not use, by verb and `resource.group`, and why the operator has them.
const RARELY: [(&str, &[&str], &str); 8] = [
    (
        "delete",
        &[
            "serviceaccounts.",
            "services.",
            "pods.",
            "deployments.apps",
            "poddisruptionbudgets.policy",
            "networkpolicies.networking.k8s.io",
            "roles.rbac.authorization.k8s.io",
            "rolebindings.rbac.authorization.k8s.io",
            "servicemonitors.monitoring.coreos.com",
        ],
        "a child that the desk, or a later release, has no more is collected",
    ),
    (
        "patch",
        &[
            "tradingsystems.sapphiretrade.xyz",
            "tradingagents.sapphiretrade.xyz",
            "riskpolicies.sapphiretrade.xyz",
        ],
        "finalizers",
    ),
    ("get", &["pods."], "a migration pod whose labels were taken off"),
    ("get", &["replicasets.apps"], "a pod that seems older than its desk's Deployment"),
    ("get", &["namespaces."], "a desk that is not proven flat when it is deleted; this one is"),
    (
        "get",
        &[
            "tradingsystems.sapphiretrade.xyz",
            "tradingagents.sapphiretrade.xyz",
            "riskpolicies.sapphiretrade.xyz",
        ],
        "an object that cannot be read is looked at as it is stored",
    ),
    (
        "update",
        &[
            "tradingsystems/finalizers.sapphiretrade.xyz",
            "tradingagents/finalizers.sapphiretrade.xyz",
            "riskpolicies/finalizers.sapphiretrade.xyz",
        ],
        "where owner references are enforced (OpenShift), who sets one that blocks deletion needs it",
    ),
    ("create", &["tradingsystems/report.sapphiretrade.xyz"], "held to be granted on to traders"),
];

/// What the rendered roles allow.
fn granted(rendered: &str) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    let strings = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let ours = |role: &&Value| {
        let name = role["metadata"]["name"].as_str().unwrap_or_default();
        // Those that are added to the cluster's own roles are people's.
        role["rules"].is_array() && !name.ends_with("-view") && !name.ends_with("-edit")
    };
    for role in documents(rendered).iter().filter(ours) {
        for rule in role["rules"].as_array().unwrap() {
            for group in strings(&rule["apiGroups"]) {
                for resource in strings(&rule["resources"]) {
                    for verb in strings(&rule["verbs"]) {
                        rights.insert((group.clone(), resource.clone(), verb));
                    }
                }
            }
        }
    }
    rights
}

async fn requests(installation: &Installation) -> Vec<Request> {
    let audit = installation.plane().audit();
    let client = installation.client().await;
    let all = audit.since(&client, sapphire_e2e::audit::Mark::default()).await.unwrap();
    all.into_iter().filter(|request| request.user == ACCOUNT).collect()
}

/// What a request needed. An apply that creates is a patch, and needs both.
fn rights(request: Request) -> Vec<Right> {
    let creates = request.verb == "patch" && request.code == 201;
    let verbs = [Some(request.verb), creates.then(|| "create".to_owned())];
    let right = |verb| (request.group.clone(), request.resource.clone(), verb);
    verbs.into_iter().flatten().map(right).collect()
}

fn assert_none_forbidden(requests: &[Request]) {
    let refused: Vec<_> = requests.iter().filter(|request| request.is_forbidden()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Takes off the label by which children are watched, and waits until it is back: what the watch does not
/// know is looked up.
async fn hide_children(case: &Case<'_>) {
    let kinds = "serviceaccounts,roles,rolebindings,configmaps,persistentvolumeclaims,services,deployments,\
                 networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,servicemonitors,controllerrevisions";
    let label = "app.kubernetes.io/managed-by";
    let ours = format!("{label}=sapphire-operator");
    let names = ["get", kinds, "-l", &ours, "-o", "name"];
    let before = kubectl(case, &names).await;
    kubectl(case, &["label", kinds, "-l", &ours, &format!("{label}-")]).await;
    until("the labels to be back", || async {
        (kubectl(case, &names).await == before).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_rule_of_the_chart_is_used_and_nothing_is_asked_for_without_one() {
    let installation = Installation::nothing().await;
    installation
        .cluster()
        .kubectl_with(&["apply", "-f", "-"], MONITORING)
        .await
        .unwrap()
        .ok()
        .unwrap();
    installation.definitions().await.ok().unwrap();
    installation.operator(&[]).await.ok().unwrap();
    let case = installation.case("rights").await;
    paper_desk(&case).await;
    clustered_desk(&case).await;
    kubectl(&case, &["wait", "--for=create", "servicemonitor/live-desk", "--timeout=30s"]).await;

    hide_children(&case).await;

    // Changes, so often that old revisions go; children that are no longer wanted.
    for megabytes in 600..613 {
        let change = format!(
            r#"{{"spec": {{"trader": {{"resources": {{"limits": {{"memory": "{megabytes}Mi"}}}}}}}}}}"#
        );
        kubectl(&case, &["patch", "tsys/paper-desk", "--type=merge", "-p", &change]).await;
        condition(&case, "tsys/paper-desk", "Ready", "True").await;
    }
    let scaled = r#"{"spec": {"api": {"autoscaling": null, "replicas": 2}}}"#;
    kubectl(&case, &["patch", "tsys/live-desk", "--type=merge", "-p", scaled]).await;
    kubectl(&case, &["wait", "--for=delete", "hpa/live-desk-api", "--timeout=30s"]).await;

    // A desk that goes, and a leader that goes.
    kubectl(&case, &["delete", "tsys/paper-desk", "--timeout=60s"]).await;
    let leader =
        ["-n", HOME, "get", "lease", "sapphire-operator", "-o", "jsonpath={.spec.holderIdentity}"];
    let former = installation.kubectl(&leader).await;
    installation.kubectl(&["-n", HOME, "delete", "pod", &former]).await;
    until("another leader", || async {
        let holder = installation.kubectl(&leader).await;
        (!holder.is_empty() && holder != former).then_some(())
    })
    .await;
    condition(&case, "tsys/live-desk", "CoreAvailable", "True").await;
    assert_none_forbidden(&requests(&installation).await);

    // A watch is recorded at its end.
    installation.kubectl(&["-n", HOME, "scale", "deployment/sapphire", "--replicas=0"]).await;
    until("the operators to go", || async {
        installation.operator_pods().await.is_empty().then_some(())
    })
    .await;
    let used: BTreeSet<Right> =
        requests(&installation).await.into_iter().flat_map(rights).collect();
    let granted = granted(&template(&[]).await.ok().unwrap());
    let rarely: BTreeSet<Right> = RARELY
        .iter()
        .flat_map(|(verb, resources, _)| resources.iter().map(move |resource| (verb, resource)))
        .map(|(verb, resource)| {
            let (resource, group) = resource.split_once('.').unwrap();
            (group.to_owned(), resource.to_owned(), (*verb).to_owned())
        })
        .collect();
    let idle: Vec<&Right> =
        granted.iter().filter(|right| !used.contains(*right) && !rarely.contains(*right)).collect();
    assert!(idle.is_empty(), "rights that nothing uses: {idle:#?}\nused: {used:#?}");
    let unknown: Vec<&Right> = rarely.iter().filter(|right| !granted.contains(*right)).collect();
    assert!(unknown.is_empty(), "listed as rarely used, and not granted: {unknown:#?}");
}

#[tokio::test]
async fn in_namespaces_of_its_own_it_works_with_their_roles_only() {
    let installation = Installation::nothing().await;
    installation.definitions().await.ok().unwrap();
    let (ours, theirs) = (installation.case("ours").await, installation.case("theirs").await);
    let namespaces = format!("watchNamespaces={{{}}}", ours.namespace());
    let said = installation.operator(&["--set", &namespaces]).await.ok().unwrap();
    assert!(said.contains(&format!("works in {}", ours.namespace())), "{said}");
    for policy in ["balanced"] {
        let policy = example(&format!("policies/{policy}.yaml"));
        theirs.apply(&policy).await.unwrap().ok().unwrap();
    }
    theirs.apply(&example("paper-desk/system.yaml")).await.unwrap().ok().unwrap();
    paper_desk(&ours).await;
    let status = ["get", "tsys/paper-desk", "-o", "jsonpath={.status.conditions}"];
    assert_eq!(kubectl(&theirs, &status).await, "", "another operator's, or nobody's");

    let requests = requests(&installation).await;
    assert_none_forbidden(&requests);
    let elsewhere: Vec<_> = requests
        .iter()
        .filter(|request| {
            request.namespace != ours.namespace()
                && request.namespace != HOME
                && request.resource != "customresourcedefinitions"
                && !request.resource.is_empty()
        })
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    let bound =
        ["auth", "can-i", "list", "tradingsystems.sapphiretrade.xyz", "-A", "--as", ACCOUNT];
    let said = installation.cluster().kubectl(&bound).await.unwrap();
    assert_eq!(said.out.trim(), "no");
}

//! What the charts render, and which values they take.

use std::collections::BTreeSet;

use rstest::rstest;
use sapphire_e2e::command::{Outcome, run};
use sapphire_e2e::{Cluster, ControlPlane, executables};
use tokio::process::Command;

use crate::installation::{DEFINITIONS, HOME, OPERATOR};

pub(crate) async fn cluster() -> &'static Cluster {
    ControlPlane::shared().await.unwrap().cluster()
}

/// `helm template` of the operator's chart.
pub(crate) async fn template(values: &[&str]) -> Outcome {
    let arguments = ["template", "sapphire", OPERATOR, "--namespace", HOME];
    cluster().await.helm(&[&arguments, values].concat()).await.unwrap()
}

/// Every object of a rendering.
pub(crate) fn documents(yaml: &str) -> Vec<serde_json::Value> {
    let documents = yaml.split("\n---").map(|text| text.trim_start_matches("---"));
    documents
        .map(|text| serde_saphyr::from_str::<serde_json::Value>(text).unwrap())
        .filter(|document| !document.is_null())
        .collect()
}

#[tokio::test]
async fn both_charts_pass_the_strict_linter() {
    let said = cluster().await.helm(&["lint", "--strict", DEFINITIONS, OPERATOR]).await.unwrap();
    let said = said.ok().unwrap();
    assert!(said.contains("2 chart(s) linted, 0 chart(s) failed"), "{said}");
    assert!(!said.contains("[WARNING]"), "{said}");
}

#[rstest]
#[case::a_name_that_is_none("replica=3", "replica")]
#[case::an_image("image.repo=x", "repo")]
#[case::the_traders_image("traderImage.digets=x", "digets")]
#[case::a_pull_policy("image.pullPolicy=Sometimes", "pullPolicy")]
#[case::a_digest("image.digest=sha256:short", "digest")]
#[case::a_number("replicas=two", "replicas")]
#[case::no_operator_at_a_time("maxConcurrentRollouts=0", "maxConcurrentRollouts")]
#[case::too_many_at_a_time("concurrency=1000", "concurrency")]
#[case::a_namespace("watchNamespaces={Bad_Name}", "watchNamespaces")]
#[case::a_log_format("log.format=xml", "format")]
#[case::a_log_level("log.level=loud", "level")]
#[case::a_list_of_levels("log.level=info\\,kube=loud", "level")]
#[case::a_log_word("log.lvl=info", "lvl")]
#[case::a_collector("tracing.url=http://a:1", "url")]
#[case::a_collectors_address("tracing.endpoint=collector:4318", "endpoint")]
#[case::an_account("serviceAccount.creat=true", "creat")]
#[case::rules("rbac.enabled=true", "enabled")]
#[case::policies("admissionPolicies.ownLeases=true", "ownLeases")]
#[case::a_budget("podDisruptionBudget.enable=true", "enable")]
#[case::a_network_policy("networkPolicy.enable=true", "enable")]
#[case::a_monitor("serviceMonitor.labels.a=b", "labels")]
#[case::a_monitors_interval("serviceMonitor.interval=soon", "interval")]
#[case::a_rule("prometheusRule.labels.a=b", "labels")]
#[case::a_word_for_a_switch("prometheusRule.enabled=often", "enabled")]
#[case::a_steps_deadline("stepDeadline=soon", "stepDeadline")]
#[case::a_deadline("deletion.flattenDeadline=soon", "flattenDeadline")]
#[case::another_deadline("deletion.deadline=5m", "deadline")]
#[case::protection("namespaceProtection.enable=true", "enable")]
#[case::resources("resources.request.cpu=1", "request")]
#[case::a_resource("resources.requests.cpuu=1", "cpuu")]
#[case::pull_secrets("imagePullSecrets[0].secret=x", "secret")]
#[case::a_toleration("tolerations[0].kye=x", "kye")]
#[case::affinity("affinity.nodeAffinty.x=1", "nodeAffinty")]
#[case::a_repository("traderImage.repository=My/Image", "repository")]
#[case::a_tag("image.tag=a:b", "tag")]
#[case::the_traders_digest("traderImage.digest=short", "digest")]
#[tokio::test]
async fn a_slip_in_the_values_is_refused_by_name(#[case] value: &str, #[case] named: &str) {
    let said = template(&["--set", value]).await.refused().unwrap();
    assert!(said.contains("values don't meet the specifications of the schema"), "{said}");
    assert!(said.contains(named), "{said}");
}

#[rstest]
#[case::a_dot("a.desk", "a-desk-metrics")]
#[case::a_digit("2desks", "sapphire-2desks-metrics")]
#[tokio::test]
async fn any_name_that_helm_takes_is_turned_into_one_that_a_service_can_bear(
    #[case] release: &str,
    #[case] service: &str,
) {
    let arguments = ["template", release, OPERATOR, "--namespace", HOME];
    let rendered = cluster().await.helm(&arguments).await.unwrap().ok().unwrap();
    let rendered = documents(&rendered);
    let found = rendered.iter().find(|document| document["kind"] == "Service").unwrap();
    assert_eq!(found["metadata"]["name"], service);
}

#[tokio::test]
async fn the_definitions_take_no_value() {
    let arguments = ["template", "sapphire-crds", DEFINITIONS, "--set", "keep=false"];
    let said = cluster().await.helm(&arguments).await.unwrap().refused().unwrap();
    assert!(said.contains("keep"), "{said}");
}

#[tokio::test]
async fn every_value_of_the_schema_is_in_values_yaml_and_conversely() {
    let read = |name: &str| std::fs::read_to_string(format!("{OPERATOR}/{name}")).unwrap();
    let values: serde_json::Value = serde_saphyr::from_str(&read("values.yaml")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let mut schema = schema["properties"].as_object().unwrap().clone();
    // Helm's own, of charts that have this one as a part.
    schema.remove("global");
    let mut differences = Vec::new();
    compare("", &values, &schema, &mut differences);
    assert!(differences.is_empty(), "{differences:#?}");
}

fn compare(
    path: &str,
    values: &serde_json::Value,
    schema: &serde_json::Map<String, serde_json::Value>,
    differences: &mut Vec<String>,
) {
    let values = values.as_object().unwrap();
    for name in values.keys().filter(|name| !schema.contains_key(*name)) {
        differences.push(format!("{path}{name} is not in the schema"));
    }
    for (name, of) in schema {
        let Some(value) = values.get(name) else {
            differences.push(format!("{path}{name} is not in values.yaml"));
            continue;
        };
        if of["type"] == "object" && of["additionalProperties"] == false {
            let below = of["properties"].as_object().unwrap();
            compare(&format!("{path}{name}."), value, below, differences);
        }
    }
}

#[tokio::test]
async fn the_operator_is_confined_and_no_rule_reaches_secrets() {
    let rendered = documents(&template(&[]).await.ok().unwrap());
    let deployment = rendered.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        assert!(container[probe]["httpGet"]["path"].is_string(), "{probe}");
    }
    assert!(container["resources"]["limits"]["memory"].is_string());
    for document in rendered.iter().filter(|document| document["rules"].is_array()) {
        for rule in document["rules"].as_array().unwrap() {
            let text = rule.to_string();
            assert!(!text.contains("secrets") && !text.contains('*'), "{text}");
        }
    }
}

/// What the chart sets is what the operator reads, and all that it reads can be set.
#[tokio::test]
async fn the_operators_environment_is_what_its_help_names() {
    let program = executables::find("sapphire-operator", "scripts/operator-builds.sh").unwrap();
    let mut command = Command::new(program);
    command.args(["run", "--help"]);
    let help = run(command, "").await.unwrap().ok().unwrap();
    let mut read: BTreeSet<&str> =
        help.split("[env: ").skip(1).filter_map(|rest| rest.split('=').next()).collect();
    // The port is the chart's own.
    assert!(read.remove("SAPPHIRE_LISTEN"), "{help}");
    let values = ["--set", "tracing.endpoint=http://collector:4318"];
    let rendered = documents(&template(&values).await.ok().unwrap());
    let deployment = rendered.iter().find(|document| document["kind"] == "Deployment").unwrap();
    let variables = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let variables = variables.as_array().unwrap().iter();
    let set: BTreeSet<&str> = variables.filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(set, read);
}

#[tokio::test]
async fn a_digest_wins_over_the_tag_and_a_registry_comes_first() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let rendered = template(&[
        "--set",
        "image.registry=registry.example,image.tag=1.2.3,traderImage.registry=other.example",
        "--set",
        &format!("image.digest={digest}"),
    ])
    .await
    .ok()
    .unwrap();
    assert!(rendered.contains(&format!("registry.example/sapphire-operator@{digest}")));
    assert!(rendered.contains("other.example/sapphire-trader:0.1.0"), "{rendered}");
}

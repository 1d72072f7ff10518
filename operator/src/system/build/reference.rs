//! docs/reference/pods.md, from the builders themselves: what a role's pod is given.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::render;
use crate::agent;
use crate::agent::release::own_part;
use crate::agent::release::tests::release;
use crate::reconcile::desired::Desired;
use crate::reconcile::kind::Kind;
use crate::system::examples::{agent as example, clustered, system, valid};

const INTRODUCTION: &str = "# The pods of a desk

What the operator gives each role: arguments of the image's entry point, environment, mounts, ports and probes. Written
from the builders by `make docs`, for a desk called `desk`, an agent called `one` and a revision with the hash
`0123456789`. `podOverrides` come on top: their variables win.

All pods run as user 65532 with a read-only root, no capabilities and the runtime's seccomp profile; what they write to
`/tmp` is gone with them. Only roles that ask the API server have a token.
";

/// A title, what it is for, and the children that hold its pod.
fn roles() -> Vec<(&'static str, Value)> {
    let aster = json!({"venue": {"paper": null, "aster": {
        "network": "Mainnet", "credentials": {"secretName": "keys"}}}, "live": true});
    let embedded = render(&valid(system(json!({}))), "sapphire-trader:1", "0123456789").unwrap();
    let desk = render(&valid(clustered(aster)), "sapphire-trader:1", "0123456789").unwrap();
    let part = own_part(&example("one", json!({"consensus": {}})));
    let released = release(json!({}), "sapphire-trader:1");
    let agents =
        agent::build::render("one", &part, &released, "sapphire-trader:1", "0123456789").unwrap();
    vec![
        ("The whole desk in one pod", pod(&embedded, "trader")),
        ("Trader, over PostgreSQL and Redis, with real money", pod(&desk, "trader")),
        ("Coordinator", pod(&desk, "coordinator")),
        ("Readers", pod(&desk, "api")),
        ("Agent", pod(&agents, "agent")),
        ("Migration", pod(&desk, "migration")),
    ]
}

fn pod(children: &[Desired], component: &str) -> Value {
    let found = children.iter().find_map(|child| {
        let path = match child.kind {
            Kind::Pod => "/spec",
            Kind::Deployment => "/spec/template/spec",
            _ => return None,
        };
        let labels = child.content.pointer("/metadata/labels")?;
        let is_it = labels.get(crate::labels::COMPONENT)? == component;
        is_it.then(|| child.content.pointer(path)).flatten()
    });
    found.unwrap_or_else(|| panic!("a pod of {component}")).clone()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Where a variable's value comes from.
fn source(variable: &Value) -> String {
    let of = |path: &str| variable.pointer(path).map(text);
    if let Some(field) = of("/valueFrom/fieldRef/fieldPath") {
        return format!("the pod's `{field}`");
    }
    match (of("/valueFrom/secretKeyRef/name"), of("/valueFrom/secretKeyRef/key")) {
        (Some(name), Some(key)) => format!("key `{key}` of Secret `{name}`"),
        _ => format!("`{}`", of("/value").unwrap_or_default()),
    }
}

fn volume(pod: &Value, name: &Value) -> String {
    let found = list(pod, "volumes").iter().find(|volume| volume.get("name") == Some(name));
    let of = |path: &str| found.and_then(|volume| volume.pointer(path)).map(text);
    let kinds = [
        ("/configMap/name", "ConfigMap"),
        ("/secret/secretName", "Secret"),
        ("/persistentVolumeClaim/claimName", "PersistentVolumeClaim"),
    ];
    let named = kinds.iter().find_map(|(path, kind)| Some(format!("{kind} `{}`", of(path)?)));
    named.unwrap_or_else(|| {
        format!("empty, at most {}", of("/emptyDir/sizeLimit").unwrap_or_default())
    })
}

fn described(title: &str, pod: &Value) -> String {
    let container = &pod["containers"][0];
    let args: Vec<String> = list(container, "args").iter().map(text).collect();
    let mut said = format!("\n## {title}\n\n```\nsapphire-trader {}\n```\n\n", args.join(" "));
    said.push_str("| variable | value |\n|---|---|\n");
    for variable in list(container, "env") {
        writeln!(said, "| `{}` | {} |", text(&variable["name"]), source(variable)).unwrap();
    }
    said.push_str("\n| mounted at | what |\n|---|---|\n");
    for mount in list(container, "volumeMounts") {
        let access = if mount.get("readOnly") == Some(&json!(true)) { ", read only" } else { "" };
        let what = volume(pod, &mount["name"]);
        writeln!(said, "| `{}` | {what}{access} |", text(&mount["mountPath"])).unwrap();
    }
    said.push('\n');
    for port in list(container, "ports") {
        writeln!(said, "- Port `{}`: {}.", text(&port["name"]), text(&port["containerPort"]))
            .unwrap();
    }
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let Some(asked) = container.get(probe) else { continue };
        let number = |name: &str| asked.get(name).map_or_else(|| "0".to_owned(), text);
        writeln!(
            said,
            "- {probe}: `{}` every {} s, {} failures, first after {} s, {} s each.",
            text(&asked["httpGet"]["path"]),
            number("periodSeconds"),
            number("failureThreshold"),
            number("initialDelaySeconds"),
            number("timeoutSeconds"),
        )
        .unwrap();
    }
    let amounts = |name: &str| {
        let amounts = container["resources"].get(name).and_then(Value::as_object);
        let mut amounts: Vec<String> = amounts
            .into_iter()
            .flatten()
            .map(|(what, amount)| format!("{what} {}", text(amount)))
            .collect();
        amounts.sort();
        amounts.join(", ")
    };
    writeln!(said, "- Requests: {}. Limits: {}.", amounts("requests"), amounts("limits")).unwrap();
    let token = if pod["automountServiceAccountToken"] == json!(true) { "with" } else { "without" };
    writeln!(
        said,
        "- ServiceAccount `{}`, {token} a token; {} s to leave.",
        text(&pod["serviceAccountName"]),
        text(&pod["terminationGracePeriodSeconds"])
    )
    .unwrap();
    said
}

#[test]
fn the_reference_says_what_pods_are_given() {
    let mut said = INTRODUCTION.to_owned();
    for (title, pod) in roles() {
        said.push_str(&described(title, &pod));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/pods.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &said).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == said, "docs/reference/pods.md is not what the code says: run `make docs`");
}

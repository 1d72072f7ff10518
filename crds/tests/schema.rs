//! The CRDs are such that an API server takes them: structural, bounded, and with rules that it can
//! afford and people can act on.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use sapphire_crds::custom_resource_definitions;
use serde_json::Value;

/// Calls `see` with the path and schema of every node of every kind.
fn nodes(see: &mut impl FnMut(&str, &Value)) {
    for definition in custom_resource_definitions() {
        let kind = definition.spec.names.kind.clone();
        descend(&kind, &schema(&definition), see);
    }
}

fn schema(definition: &CustomResourceDefinition) -> Value {
    let version = definition.spec.versions.first().unwrap();
    let schema = version.schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
    serde_json::to_value(schema).unwrap()
}

fn descend(path: &str, node: &Value, see: &mut impl FnMut(&str, &Value)) {
    see(path, node);
    for (name, member) in node["properties"].as_object().into_iter().flatten() {
        descend(&format!("{path}.{name}"), member, see);
    }
    for keyword in ["items", "additionalProperties"] {
        if node[keyword].is_object() {
            descend(&format!("{path}[]"), &node[keyword], see);
        }
    }
}

fn is_int_or_string(node: &Value) -> bool {
    node["x-kubernetes-int-or-string"] == true
}

#[test]
fn every_node_is_structural() {
    nodes(&mut |path, node| {
        for keyword in ["$ref", "oneOf", "anyOf", "allOf", "not", "definitions", "uniqueItems"] {
            assert!(node.get(keyword).is_none(), "{path} has {keyword}");
        }
        assert!(node["type"].is_string() || is_int_or_string(node), "{path} has no one type");
        assert_ne!(node["additionalProperties"], false, "{path} forbids what is pruned anyway");
        let known = ["int32", "int64", "date-time", "double"];
        if let Some(format) = node["format"].as_str() {
            assert!(known.contains(&format), "{path} has the format {format}");
        }
    });
}

#[test]
fn everything_that_can_grow_has_a_bound() {
    nodes(&mut |path, node| match node["type"].as_str() {
        Some("array") => assert!(node["maxItems"].is_u64(), "{path} has no maxItems"),
        Some("string") => assert!(
            node["maxLength"].is_u64() || node["enum"].is_array() || node["format"] == "date-time",
            "{path} has no maxLength"
        ),
        Some("object") if node["additionalProperties"].is_object() => {
            assert!(node["maxProperties"].is_u64(), "{path} has no maxProperties");
        }
        Some("integer") if path.contains(".spec.") && !path.ends_with("Seconds") => assert!(
            node["minimum"].is_number() && node["maximum"].is_number(),
            "{path} has no range"
        ),
        _ => {}
    });
}

#[test]
fn every_list_says_how_it_merges() {
    nodes(&mut |path, node| {
        if node["type"] != "array" {
            return;
        }
        let of_objects = node["items"]["type"] == "object";
        match node["x-kubernetes-list-type"].as_str() {
            Some("atomic") => {}
            Some("set") => assert!(!of_objects, "{path} is a set of objects"),
            Some("map") => {
                let required = node["items"]["required"].as_array().unwrap();
                for key in node["x-kubernetes-list-map-keys"].as_array().unwrap() {
                    assert!(required.contains(key), "{path} may lack its key {key}");
                }
            }
            other => panic!("{path} has the list type {other:?}"),
        }
    });
}

#[test]
fn everything_is_described() {
    nodes(&mut |path, node| {
        let given = ["apiVersion", "kind", "metadata"].iter().any(|own| path.ends_with(own));
        let item = path.ends_with("[]");
        // A condition's status is Kubernetes' own word.
        let known = path.contains(".conditions") || given || item;
        let description = node["description"].as_str().unwrap_or_default();
        assert!(known || !description.is_empty(), "{path} is not described");
    });
}

#[test]
fn only_replicas_and_what_nobody_has_looked_at_have_a_default_in_the_schema() {
    let mut defaulted = Vec::new();
    nodes(&mut |path, node| {
        if node.get("default").is_some() {
            defaulted.push(path.to_owned());
        }
    });
    defaulted.sort();
    let statuses = ["RiskPolicy.status", "TradingAgent.status", "TradingSystem.status"];
    assert_eq!(
        defaulted,
        [&statuses[..1], &["TradingAgent.spec.replicas"], &statuses[1..]].concat()
    );
}

#[test]
fn nothing_but_quantities_may_be_null() {
    nodes(&mut |path, node| {
        let status = path.matches('.').count() == 1 && path.ends_with(".status");
        if node["nullable"] == true {
            assert!(is_int_or_string(node) || status, "{path} may be null");
        }
    });
}

#[test]
fn every_rule_is_affordable_and_tells_the_remedy() {
    nodes(&mut |path, node| {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            // The API server multiplies what nested loops could cost at most; all lists are bounded,
            // so two deep is cheap and three is not.
            let text = rule["rule"].as_str().unwrap();
            let loops = [".all(", ".exists(", ".exists_one(", ".filter(", ".map("];
            let depth: usize = loops.iter().map(|name| text.matches(name).count()).sum();
            assert!(depth <= 2, "{path}: {text}");
            let message = rule["message"].as_str().or(rule["messageExpression"].as_str()).unwrap();
            assert_eq!(message.matches("; ").count(), 1, "{path}: what; remedy in: {message}");
            // What a message puts in is estimated too, and joining a list counts as without bound.
            assert!(!message.contains(".join("), "{path}: {message}");
            assert!(message.len() <= 2048 && !message.contains('\n'), "{path}: {message}");
        }
    });
}

#[test]
fn every_rule_points_at_a_field_that_exists() {
    nodes(&mut |path, node| {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let Some(field) = rule["fieldPath"].as_str() else {
                continue;
            };
            let target =
                field.split('.').skip(1).try_fold(node, |node, name| node["properties"].get(name));
            assert!(target.is_some(), "{path}: no {field}");
        }
    });
}

#[test]
fn the_definitions_have_the_names_that_people_type() {
    let names: Vec<_> = custom_resource_definitions()
        .into_iter()
        .map(|definition| {
            let names = definition.spec.names;
            (names.plural, names.short_names.unwrap(), names.categories.unwrap())
        })
        .collect();
    let sapphire = vec!["sapphire".to_owned()];
    let expected =
        [("tradingsystems", "tsys"), ("tradingagents", "tagent"), ("riskpolicies", "rpol")];
    let expected = expected
        .map(|(plural, short)| (plural.to_owned(), vec![short.to_owned()], sapphire.clone()));
    assert_eq!(names, expected);
}

#[test]
fn agents_scale_and_all_kinds_have_a_status() {
    for definition in custom_resource_definitions() {
        let version = &definition.spec.versions[0];
        let subresources = version.subresources.as_ref().unwrap();
        assert!(subresources.status.is_some());
        let scales = subresources.scale.is_some();
        assert_eq!(scales, definition.spec.names.kind == "TradingAgent");
        assert_eq!(
            (version.name.as_str(), version.served, version.storage),
            ("v1alpha1", true, true)
        );
    }
}

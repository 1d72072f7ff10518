//! Where two states of an object differ.

use serde::Serialize;
use serde_json::Value;

/// A place where two states differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Change {
    /// Where, as `spec.barInterval` or `containers[trader].image`.
    pub(super) path: String,
    /// What is there. Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Value>,
    /// What would be. Absent: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Value>,
}

/// All places where `after` differs from `before`, in their order.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                compare(step(&path, name), old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if named(old) && named(new) => {
            let of =
                |items: &'_ [Value], name: &str| items.iter().find(|i| i["name"] == name).cloned();
            let mut names: Vec<&str> = Vec::new();
            for name in old.iter().chain(new).filter_map(|item| item["name"].as_str()) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            for name in names {
                let (old, new) = (of(old, name), of(new, name));
                compare(format!("{path}[{name}]"), old.as_ref(), new.as_ref(), found);
            }
        }
        _ => found.push(Change { path, from: before.cloned(), to: after.cloned() }),
    }
}

fn named(items: &[Value]) -> bool {
    items.iter().all(|item| item.get("name").is_some_and(Value::is_string))
}

fn step(path: &str, name: &str) -> String {
    // A name with a dot in it would read as two.
    match (path.is_empty(), name.contains('.')) {
        (_, true) => format!("{path}[{name}]"),
        (true, false) => name.to_owned(),
        (false, false) => format!("{path}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"a": 1}), json!({"a": 1}), &[])]
    #[case(json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), &["a.b: 1 2"])]
    #[case(json!({"a": 1}), json!({"b": 1}), &["a: 1 -", "b: - 1"])]
    #[case(json!({"l": [{"name": "x", "v": 1}, {"name": "y"}]}), json!({"l": [{"name": "y"}, {"name": "x", "v": 2}]}),
        &["l[x].v: 1 2"])]
    #[case(json!({"l": [1, 2]}), json!({"l": [1]}), &["l: [1,2] [1]"])]
    #[case(json!({"m": {"a.b/c": 1}}), json!({"m": {}}), &["m[a.b/c]: 1 -"])]
    fn every_place_is_named(#[case] before: Value, #[case] after: Value, #[case] said: &[&str]) {
        let shown = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        let found = changes(&before, &after).into_iter();
        let found: Vec<String> =
            found.map(|c| format!("{}: {} {}", c.path, shown(c.from), shown(c.to))).collect();
        assert_eq!(found, said);
    }
}

//! Whether an object already is as we want it.
//!
//! The API server fills in defaults, and others may add fields of their own. So the question is
//! whether everything that we would apply is there, not whether nothing else is.

use serde_json::Value;

/// Members by which the items of a list are told apart, as server-side apply does for the lists that
/// we write.
const KEYS: [&str; 4] = ["name", "mountPath", "uid", "containerPort"];

/// The first place where `live` is not as `desired` has it, as a path; `None` where it is.
pub fn difference(desired: &Value, live: &Value) -> Option<String> {
    let mut path = Vec::new();
    compare(desired, Some(live), &mut path).then(|| path.join(""))
}

/// True where they differ; `path` then leads there.
fn compare(desired: &Value, live: Option<&Value>, path: &mut Vec<String>) -> bool {
    let Some(live) = live else {
        // The API server leaves out what is empty.
        return !is_empty(desired);
    };
    match (desired, live) {
        (Value::Object(members), Value::Object(there)) => members.iter().any(|(name, member)| {
            within(path, format!(".{name}"), |path| compare(member, there.get(name), path))
        }),
        (Value::Array(items), Value::Array(there)) => lists(items, there, path),
        (desired, live) => desired != live && !(is_amount(path) && same_amount(desired, live)),
    }
}

fn lists(items: &[Value], there: &[Value], path: &mut Vec<String>) -> bool {
    let key = KEYS.into_iter().find(|key| items.iter().all(|item| item.get(key).is_some()));
    match key {
        Some(key) if !items.is_empty() => items.iter().any(|item| {
            let id = item.get(key);
            let live = there.iter().find(|live| live.get(key) == id);
            let id =
                id.map_or_else(String::new, |id| id.as_str().map_or(id.to_string(), str::to_owned));
            within(path, format!("[{id}]"), |path| compare(item, live, path))
        }),
        _ if items.len() != there.len() => true,
        _ => items.iter().zip(there).enumerate().any(|(index, (item, live))| {
            within(path, format!("[{index}]"), |path| compare(item, Some(live), path))
        }),
    }
}

fn within(
    path: &mut Vec<String>,
    step: String,
    test: impl FnOnce(&mut Vec<String>) -> bool,
) -> bool {
    path.push(step);
    let differs = test(path);
    if !differs {
        path.pop();
    }
    differs
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_i64() == Some(0),
    }
}

fn is_amount(path: &[String]) -> bool {
    path.iter().rev().skip(1).take(1).any(|step| step == ".requests" || step == ".limits")
}

fn same_amount(one: &Value, other: &Value) -> bool {
    matches!((amount(one), amount(other)), (Some(one), Some(other)) if one == other)
}

/// A quantity in units of 1e-9, so that `1024Mi` equals `1Gi` and `0.5` equals `500m`.
fn amount(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let scale: i128 = match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => 1_000_000_000,
        "k" => 1_000_000_000_000,
        "M" => 10i128.pow(15),
        "G" => 10i128.pow(18),
        "T" => 10i128.pow(21),
        "P" => 10i128.pow(24),
        "E" => 10i128.pow(27),
        "Ki" => 1_000_000_000 << 10,
        "Mi" => 1_000_000_000 << 20,
        "Gi" => 1_000_000_000 << 30,
        "Ti" => 1_000_000_000 << 40,
        "Pi" => 1_000_000_000 << 50,
        "Ei" => 1_000_000_000 << 60,
        exponent => 10i128
            .checked_pow(exponent.strip_prefix(['e', 'E'])?.parse::<u32>().ok()?.checked_add(9)?)?,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()? };
    let fraction = if part.is_empty() { 0 } else { part.parse::<i128>().ok()? };
    let places = 10i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let fraction = fraction.checked_mul(scale)?.checked_div(places)?;
    whole.checked_mul(scale)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn defaults_and_what_others_added_make_no_difference() {
        let desired = json!({"spec": {"template": {"spec": {
            "containers": [{"name": "trader", "image": "a", "env": [{"name": "A", "value": ""}]}],
            "nodeSelector": {}}}}});
        let live = json!({"spec": {"replicas": 1, "template": {"spec": {
            "containers": [
                {"name": "mesh", "image": "b"},
                {"name": "trader", "image": "a", "env": [{"name": "A"}], "imagePullPolicy": "Always"}],
            "restartPolicy": "Always"}}}});
        assert_eq!(difference(&desired, &live), None);
    }

    #[rstest]
    #[case(json!({"a": 1}), json!({"a": 2}), ".a")]
    #[case(json!({"a": {"b": true}}), json!({"a": {}}), ".a.b")]
    #[case(json!({"c": [{"name": "x", "v": 1}]}), json!({"c": [{"name": "x", "v": 2}]}), ".c[x].v")]
    #[case(json!({"c": [{"name": "x", "v": 1}]}), json!({"c": [{"name": "y", "v": 1}]}), ".c[x]")]
    #[case(json!({"args": ["run", "-f"]}), json!({"args": ["run"]}), ".args")]
    #[case(json!({"args": ["run"]}), json!({"args": ["stop"]}), ".args[0]")]
    #[case(json!({"limits": {"cpu": "1"}}), json!({"limits": {"cpu": "2"}}), ".limits.cpu")]
    fn a_difference_is_found_and_named(
        #[case] desired: Value,
        #[case] live: Value,
        #[case] path: &str,
    ) {
        assert_eq!(difference(&desired, &live).as_deref(), Some(path));
    }

    #[rstest]
    #[case("1024Mi", "1Gi")]
    #[case("0.5", "500m")]
    #[case("1e3", "1k")]
    #[case("2000m", "2")]
    #[case(".5", "500m")]
    fn quantities_are_compared_by_what_they_amount_to(#[case] one: &str, #[case] other: &str) {
        let wrap = |amount: &str| json!({"resources": {"limits": {"memory": amount}}});
        assert_eq!(difference(&wrap(one), &wrap(other)), None);
        assert!(difference(&json!({"text": one}), &json!({"text": other})).is_some());
    }
}

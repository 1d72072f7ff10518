//! A change of what shapes pods, in words that a person would use.

use serde_json::Value;

use super::desired::Desired;
use super::kind::Kind;

/// The first difference between two renderings, in words: "trader: memory limit from 1Gi to 2Gi".
/// `None` where they are equal.
pub fn first_difference(before: &[Desired], after: &[Desired]) -> Option<String> {
    let (component, words) = differences(before, after).next()?;
    Some(format!("{component}: {words}"))
}

/// Why pods restart that are to be as `after`, in words. Parts that differ in the same are named together:
/// "migration, trader: image from a:1 to a:2". Pods that differ in no more than their revision restart along with these.
pub fn restarts(before: &[Desired], after: &[Desired]) -> String {
    let mut all: Vec<(Vec<String>, String)> = Vec::new();
    for (component, words) in differences(before, after) {
        match all.iter_mut().find(|(_, known)| *known == words) {
            Some((components, _)) if components.contains(&component) => {}
            Some((components, _)) => components.push(component),
            None => all.push((vec![component], words)),
        }
    }
    if all.is_empty() {
        return "another revision of the same pods".into();
    }
    let is_named = |component: &String| all.iter().any(|(named, _)| named.contains(component));
    let mut along: Vec<String> = revised(before, after).filter(|new| !is_named(new)).collect();
    along.dedup();
    let said = all.iter().map(|(parts, words)| format!("{}: {words}", parts.join(", ")));
    let along = (!along.is_empty()).then(|| format!("{}: along with that", along.join(", ")));
    said.chain(along).collect::<Vec<_>>().join("; ")
}

/// What the Deployments are for whose pods are other ones, if only by their revision.
fn revised<'a>(before: &'a [Desired], after: &'a [Desired]) -> impl Iterator<Item = String> + 'a {
    let template = |child: &Desired| child.content.pointer("/spec/template").cloned();
    let workloads = after.iter().filter(|new| new.kind == Kind::Deployment);
    let revised = workloads.filter(move |new| {
        let is_same = |old: &&Desired| old.kind == new.kind && role(old) == role(new);
        before.iter().find(is_same).is_some_and(|old| template(old) != template(new))
    });
    revised.map(|new| component(&new.content))
}

/// The first difference of each object, by what the object is for.
fn differences<'a>(
    before: &'a [Desired],
    after: &'a [Desired],
) -> impl Iterator<Item = (String, String)> + 'a {
    let is_same = |old: &Desired, new: &Desired| old.kind == new.kind && role(old) == role(new);
    let found = after.iter().filter_map(move |new| {
        let words = match before.iter().find(|old| is_same(old, new)) {
            None => format!("{} {} is new", new.kind.name(), new.name),
            Some(old) => {
                let mut path = Vec::new();
                let (from, to) = differ(&old.content, &new.content, &mut path)?;
                format!("{} from {from} to {to}", subject(&path))
            }
        };
        Some((component(&new.content), words))
    });
    let gone = before.iter().filter(move |old| !after.iter().any(|new| is_same(old, new)));
    found.chain(
        gone.map(|old| (component(&old.content), format!("{} {} goes", old.kind.name(), old.name))),
    )
}

/// What an object is for. Names of revisioned objects end in the revision's hash, so they cannot tell.
fn role(child: &Desired) -> (String, String) {
    let agent = label(&child.content, crate::labels::AGENT);
    (component(&child.content), agent)
}

fn component(content: &Value) -> String {
    label(content, crate::labels::COMPONENT)
}

fn label(content: &Value, name: &str) -> String {
    let labels = content.pointer("/metadata/labels");
    let value = labels.and_then(|labels| labels.get(name)).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// Members that differ with every revision and mean nothing to people.
fn is_noise(path: &[String]) -> bool {
    path.last().is_some_and(|last| last == crate::labels::REVISION || last == "SAPPHIRE_REVISION")
        || path.first().is_some_and(|first| first == "metadata")
        || path.iter().any(|step| step == "configMap")
}

fn differ(before: &Value, after: &Value, path: &mut Vec<String>) -> Option<(String, String)> {
    if before == after || is_noise(path) {
        return None;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut names: Vec<&String> = new.keys().chain(old.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| {
                let none = Value::Null;
                let (old, new) = (old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none));
                step(path, name, |path| differ(old, new, path))
            })
        }
        (Value::Array(old), Value::Array(new)) if is_named(old) && is_named(new) => {
            let of = |items: &[Value], name: &str| {
                items.iter().find(|item| text(item, "name") == name).cloned().unwrap_or(Value::Null)
            };
            let mut names: Vec<String> =
                new.iter().chain(old).map(|item| text(item, "name")).collect();
            names.dedup();
            names.iter().find_map(|name| {
                step(path, name, |path| differ(&of(old, name), &of(new, name), path))
            })
        }
        (Value::String(old), Value::String(new)) if path.first().is_some_and(|at| at == "data") => {
            match (manifest(old), manifest(new)) {
                (Some(old), Some(new)) => differ(&old, &new, path),
                _ => Some((shown(before), shown(after))),
            }
        }
        (old, new) => Some((shown(old), shown(new))),
    }
}

/// What a file of a ConfigMap says, where it is one of our manifests, or several by their names.
fn manifest(text: &str) -> Option<Value> {
    let mut all: Vec<Value> = serde_saphyr::from_multiple(text).ok()?;
    if !all.iter().all(Value::is_object) {
        return None;
    }
    if all.len() == 1 {
        return all.pop();
    }
    for object in &mut all {
        object["name"] = object["metadata"]["name"].clone();
    }
    Some(Value::Array(all))
}

fn step<T>(
    path: &mut Vec<String>,
    name: &str,
    go: impl FnOnce(&mut Vec<String>) -> Option<T>,
) -> Option<T> {
    path.push(name.to_owned());
    let found = go(path);
    if found.is_none() {
        path.pop();
    }
    found
}

fn is_named(items: &[Value]) -> bool {
    items.iter().all(|item| item.get("name").is_some())
}

fn text(item: &Value, name: &str) -> String {
    item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Values in an event are for the eye: manifests of a desk are not.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        }
        // A variable, whose name the path says.
        value => match value.get("value").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        },
    };
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some(line), None) if line.chars().count() <= 80 => line.to_owned(),
        _ => "one text".into(),
    }
}

/// What a path speaks of.
fn subject(path: &[String]) -> String {
    let steps: Vec<&str> = path.iter().map(String::as_str).collect();
    match steps.as_slice() {
        [.., "resources", "limits", what] => format!("{what} limit"),
        [.., "resources", "requests", what] => format!("{what} request"),
        [.., "image"] => "image".into(),
        steps if steps.contains(&"args") => "arguments".into(),
        steps if steps.contains(&"tolerations") => "tolerations".into(),
        [.., "env", name] | [.., "env", name, "value"] => format!("variable {name}"),
        [.., "nodeSelector", label] => format!("node selector {label}"),
        [.., "priorityClassName"] => "priority class".into(),
        ["data", file] => format!("manifest {file}"),
        ["data", _, "spec", rest @ ..] => rest.join("."),
        ["data", _, agent, "spec", rest @ ..] => format!("{agent}'s {}", rest.join(".")),
        ["data", _, rest @ ..] => rest.join("."),
        ["spec", "template", "spec", rest @ ..] | ["spec", "template", rest @ ..] => rest.join("."),
        rest => rest.join("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::Replicas;
    use crate::reconcile::kind::Kind;
    use rstest::rstest;
    use serde_json::json;

    fn trader(name: &str, container: Value) -> Desired {
        let mut container = container;
        container["name"] = "trader".into();
        Desired {
            kind: Kind::Deployment,
            name: name.into(),
            content: json!({
                "metadata": {"labels": {crate::labels::COMPONENT: "trader", crate::labels::REVISION: name}},
                "spec": {"template": {"spec": {"containers": [container]}}},
            }),
            replicas: Replicas::None,
        }
    }

    #[rstest]
    #[case(json!({"resources": {"limits": {"memory": "1Gi"}}}), json!({"resources": {"limits": {"memory": "2Gi"}}}),
        "trader: memory limit from 1Gi to 2Gi")]
    #[case(json!({"image": "a:1"}), json!({"image": "a:2"}), "trader: image from a:1 to a:2")]
    #[case(json!({"env": []}), json!({"env": [{"name": "A", "value": "b"}]}),
        "trader: variable A from nothing to b")]
    #[case(json!({"args": ["run"]}), json!({"args": ["run", "--x"]}), "trader: arguments from run to run --x")]
    fn a_difference_is_told_in_words(
        #[case] before: Value,
        #[case] after: Value,
        #[case] words: &str,
    ) {
        let told = first_difference(&[trader("a", before)], &[trader("b", after)]);
        assert_eq!(told.as_deref(), Some(words));
    }

    fn manifests(period: u32) -> Desired {
        let text = format!(
            "metadata:\n  name: fast\nspec:\n  strategy:\n    emaCross:\n      fastPeriod: {period}\n"
        );
        Desired {
            kind: Kind::ConfigMap,
            name: format!("desk-{period}"),
            content: json!({
                "metadata": {"labels": {crate::labels::COMPONENT: "agent"}},
                "data": {"agent.yaml": text},
            }),
            replicas: Replicas::None,
        }
    }

    #[test]
    fn a_difference_within_a_manifest_is_told_by_its_field() {
        let told = first_difference(&[manifests(12)], &[manifests(10)]);
        assert_eq!(told.as_deref(), Some("agent: strategy.emaCross.fastPeriod from 12 to 10"));
    }

    #[test]
    fn a_difference_within_one_of_several_manifests_is_told_with_its_name() {
        let of = |paused: bool| {
            let text = format!(
                "metadata: {{name: slow}}\nspec: {{paused: false}}\n---\n\
                 metadata: {{name: fast}}\nspec: {{paused: {paused}}}\n"
            );
            let mut one = manifests(1);
            one.content["data"]["agent.yaml"] = text.into();
            one
        };
        let told = first_difference(&[of(false)], &[of(true)]);
        assert_eq!(told.as_deref(), Some("agent: fast's paused from false to true"));
    }

    #[test]
    fn all_that_restarts_is_told_by_its_reasons() {
        let of = |component: &str, image: &str, memory: &str| {
            let container = json!({"image": image, "resources": {"limits": {"memory": memory}}});
            let mut part = trader("a", container);
            part.content["metadata"]["labels"][crate::labels::COMPONENT] = component.into();
            part
        };
        let before = ["migration", "trader", "api"].map(|part| of(part, "a:1", "1Gi"));
        let after =
            [of("migration", "a:2", "1Gi"), of("trader", "a:2", "1Gi"), of("api", "a:1", "2Gi")];
        assert_eq!(
            restarts(&before, &after),
            "migration, trader: image from a:1 to a:2; api: memory limit from 1Gi to 2Gi"
        );
        assert_eq!(restarts(&before, &before), "another revision of the same pods");
        let revised = |part: &str, revision: &str, memory: &str| {
            let mut part = of(part, "a:1", memory);
            let labels = &mut part.content["spec"]["template"]["metadata"]["labels"];
            labels[crate::labels::REVISION] = revision.into();
            part
        };
        let before = ["trader", "coordinator", "api"].map(|part| revised(part, "a", "1Gi"));
        let after = [
            revised("trader", "b", "2Gi"),
            revised("coordinator", "b", "1Gi"),
            revised("api", "a", "1Gi"),
        ];
        assert_eq!(
            restarts(&before, &after),
            "trader: memory limit from 1Gi to 2Gi; coordinator: along with that"
        );
    }

    #[test]
    fn another_hash_alone_is_no_difference() {
        let same = json!({"image": "a"});
        assert_eq!(first_difference(&[trader("a", same.clone())], &[trader("b", same)]), None);
    }

    #[test]
    fn what_comes_and_what_goes_is_told() {
        let one = [trader("a", json!({}))];
        assert_eq!(first_difference(&[], &one).as_deref(), Some("trader: Deployment a is new"));
        assert_eq!(first_difference(&one, &[]).as_deref(), Some("trader: Deployment a goes"));
    }
}

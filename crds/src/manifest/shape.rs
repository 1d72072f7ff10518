//! Holds a document against its kind's schema, as the API server does, but tells every fault at once
//! and with its place.
//!
//! Written here rather than taken from a JSON-schema library, because a library knows neither
//! Kubernetes' own keywords (list types, int-or-string, pruned nulls) nor places, and its messages
//! name no remedy. A test holds the CRDs to the keywords that are understood here.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value as Json};
use serde_saphyr::Location;

use super::Faults;
use super::document::{Document, may_be_secret};
use super::fault::FaultCode;
use super::suggestion::remedy;
use super::yaml::{Content, Node};
use crate::values::Format;

/// Walks `document` along `schema`; the faults of the whole tree go into `faults`.
pub(super) fn check(document: &Document<'_>, schema: &Json, faults: &mut Faults) {
    let mut walk = Walk { document, faults };
    walk.node(schema, &document.root, document.root.referenced, "");
}

/// The document as the API server would keep it: without unknown fields, and without nulls where the
/// schema has no null.
pub(super) fn pruned(schema: &Json, content: &Content) -> Json {
    match content {
        Content::Map(members) if !keeps_unknown(schema) => {
            let kept = members.iter().filter_map(|(key, node)| {
                let member = member_schema(schema, &key.value)?;
                let absent = node.value == Content::Null && !is_nullable(member);
                (!absent).then(|| (key.value.clone(), pruned(member, &node.value)))
            });
            Json::Object(kept.collect::<Map<_, _>>())
        }
        Content::List(items) => {
            let schema = schema.get("items").unwrap_or(&Json::Null);
            items.iter().map(|item| pruned(schema, &item.value)).collect()
        }
        other => other.to_json(),
    }
}

fn member_schema<'s>(schema: &'s Json, name: &str) -> Option<&'s Json> {
    let declared = schema.get("properties").and_then(|members| members.get(name));
    declared.or_else(|| schema.get("additionalProperties"))
}

fn keeps_unknown(schema: &Json) -> bool {
    flag(schema, "x-kubernetes-preserve-unknown-fields")
}

fn is_nullable(schema: &Json) -> bool {
    flag(schema, "nullable")
}

fn flag(schema: &Json, keyword: &str) -> bool {
    schema.get(keyword) == Some(&Json::Bool(true))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

struct Walk<'w, 'f> {
    document: &'w Document<'f>,
    faults: &'w mut Faults,
}

impl Walk<'_, '_> {
    fn fault(
        &mut self,
        at: Location,
        path: &str,
        content: Option<&Content>,
        code: FaultCode,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (message, remedy) = (message.into(), remedy.into());
        let fault = self.document.fault_at(at, path, content, code, message, remedy);
        self.faults.push(fault);
    }

    fn node(&mut self, schema: &Json, node: &Node, at: Location, path: &str) {
        let content = &node.value;
        if *content == Content::Null && is_nullable(schema) {
            return;
        }
        if flag(schema, "x-kubernetes-int-or-string") {
            return match content {
                Content::Text(_) => self.text(schema, content, at, path),
                Content::Number(number) if number.is_u64() || number.is_i64() => {}
                _ => self.wrong_type(schema, "a text or a whole number", content, at, path),
            };
        }
        let declared = schema.get("type").and_then(Json::as_str).unwrap_or_default();
        match (declared, content) {
            ("object", Content::Map(_)) => self.map(schema, content, at, path),
            ("array", Content::List(_)) => self.list(schema, content, at, path),
            ("string", Content::Text(_)) => self.text(schema, content, at, path),
            ("integer", Content::Number(number)) if !number.is_f64() => {
                self.number(schema, content, at, path);
            }
            ("integer", Content::Number(number)) if is_beyond_integers(number) => {
                let remedy = format!(
                    "write a whole number {}",
                    range(schema).unwrap_or("of fewer digits".into())
                );
                let message = "is out of range";
                self.fault(at, path, Some(content), FaultCode::OutOfRange, message, remedy);
            }
            ("number", Content::Number(_)) => self.number(schema, content, at, path),
            ("boolean", Content::Bool(_)) | ("", _) => {}
            ("object", _) => self.wrong_type(schema, "a map", content, at, path),
            ("array", _) => self.wrong_type(schema, "a list", content, at, path),
            ("string", _) => self.wrong_type(schema, "a text", content, at, path),
            ("integer", _) => self.wrong_type(schema, "a whole number", content, at, path),
            ("boolean", _) => self.wrong_type(schema, "true or false", content, at, path),
            (_, _) => self.wrong_type(schema, declared, content, at, path),
        }
    }

    fn wrong_type(
        &mut self,
        schema: &Json,
        expected: &str,
        content: &Content,
        at: Location,
        path: &str,
    ) {
        let written = content.to_json().to_string();
        let format = schema.get("pattern").and_then(Json::as_str).and_then(Format::of_pattern);
        let remedy = match (content, expected) {
            (_, "a text") if schema.get("enum").is_some() => {
                format!("write one of {}", words(schema).join(", "))
            }
            (Content::Number(_) | Content::Bool(_), "a text") => match format {
                Some(format) if !format.admits(&written) => format.remedy.to_owned(),
                _ if may_be_secret(path) => "put it in quotes".into(),
                _ => format!("put it in quotes: \"{written}\""),
            },
            (Content::Text(text), "a whole number") if text.parse::<i64>().is_ok() => {
                format!("remove the quotes: {text}")
            }
            (Content::Text(text), "true or false") if matches!(text.as_str(), "true" | "false") => {
                format!("remove the quotes: {text}")
            }
            (_, "a list") => "write a list, such as [A, B], or one \"- \" line an item".into(),
            (_, "a map") => "write fields below it, or {} for none".into(),
            _ => format!("write {expected}"),
        };
        let message = format!("is {}, where {expected} is expected", content.type_name());
        self.fault(at, path, Some(content), FaultCode::WrongType, message, remedy);
    }

    fn map(&mut self, schema: &Json, content: &Content, at: Location, path: &str) {
        if keeps_unknown(schema) {
            return;
        }
        for (key, node) in content.members() {
            let path = join(path, &key.value);
            match member_schema(schema, &key.value) {
                None => self.unknown(schema, key.referenced, &path, &key.value),
                Some(member) if node.value == Content::Null && !is_nullable(member) => {}
                Some(member) => self.node(member, node, key.referenced, &path),
            }
        }
        self.required(schema, content, at, path);
        if let Some(most) = bound(schema, "maxProperties")
            && content.members().len() as u64 > most
        {
            let message =
                format!("has {} entries, at most {most} are allowed", content.members().len());
            self.fault(at, path, None, FaultCode::OutOfRange, message, "remove some");
        }
    }

    fn unknown(&mut self, schema: &Json, at: Location, path: &str, name: &str) {
        let known: Vec<&str> = schema
            .get("properties")
            .and_then(Json::as_object)
            .map(|members| members.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let otherwise = if known.is_empty() {
            "remove it: there are no settings here".to_owned()
        } else {
            format!("remove it, or write one of {}", known.join(", "))
        };
        let remedy = remedy(name, &known, &otherwise);
        self.fault(at, path, None, FaultCode::UnknownField, "is not a field here", remedy);
    }

    fn required(&mut self, schema: &Json, content: &Content, at: Location, path: &str) {
        let required = schema.get("required").and_then(Json::as_array);
        for name in required.into_iter().flatten().filter_map(Json::as_str) {
            let present = content.get(name).is_some_and(|node| node.value != Content::Null);
            if present {
                continue;
            }
            let purpose = member_schema(schema, name)
                .and_then(|member| member.get("description"))
                .and_then(Json::as_str)
                .unwrap_or_default();
            let purpose = purpose.lines().next().unwrap_or_default();
            let purpose = purpose.split_once(". ").map_or(purpose, |(first, _)| first);
            let remedy = match purpose.trim_end_matches('.') {
                "" => format!("add {name}"),
                purpose => format!("add {name}: {}", lower_first(purpose)),
            };
            let path = join(path, name);
            self.fault(at, &path, None, FaultCode::Missing, "is missing", remedy);
        }
    }

    fn list(&mut self, schema: &Json, content: &Content, at: Location, path: &str) {
        let items = content.items();
        let (least, most) = (bound(schema, "minItems"), bound(schema, "maxItems"));
        let count = items.len() as u64;
        if most.is_some_and(|most| count > most) || least.is_some_and(|least| count < least) {
            let message = format!("has {count} items, {} allowed", span(least, most));
            let remedy = if count == 0 { "add one" } else { "change their number" };
            self.fault(at, path, None, FaultCode::OutOfRange, message, remedy);
        }
        if let Some(schema) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.node(schema, item, item.referenced, &format!("{path}[{index}]"));
            }
        }
        self.distinct(schema, items, path);
    }

    /// Items of a set differ; items of a map-list differ in their keys.
    fn distinct(&mut self, schema: &Json, items: &[Node], path: &str) {
        let list_type = schema.get("x-kubernetes-list-type").and_then(Json::as_str);
        let keys: Vec<&str> = schema
            .get("x-kubernetes-list-map-keys")
            .and_then(Json::as_array)
            .map(|keys| keys.iter().filter_map(Json::as_str).collect())
            .unwrap_or_default();
        let mut first = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let identity = match list_type {
                Some("set") => item.value.to_json().to_string(),
                Some("map") => {
                    let parts = keys.iter().map(|key| {
                        let value = item.value.get(key).map(|node| node.value.to_json());
                        format!("{key} {}", value.unwrap_or_default())
                    });
                    parts.collect::<Vec<_>>().join(", ")
                }
                _ => return,
            };
            if let Some(earlier) = first.insert(identity.clone(), index) {
                let message = format!("has the same {identity} as {path}[{earlier}]");
                let message = match list_type {
                    Some("set") => format!("is the same as {path}[{earlier}]"),
                    _ => message,
                };
                self.fault(
                    item.referenced,
                    &format!("{path}[{index}]"),
                    Some(&item.value),
                    FaultCode::Duplicate,
                    message,
                    "remove one of them",
                );
            }
        }
    }

    fn text(&mut self, schema: &Json, content: &Content, at: Location, path: &str) {
        let text = content.as_text().unwrap_or_default();
        if schema.get("enum").is_some() {
            let words = words(schema);
            if !words.contains(&text) {
                let otherwise = format!("write one of {}", words.join(", "));
                let remedy = remedy(text, &words, &otherwise);
                let message = "is none of the words it may be";
                self.fault(at, path, Some(content), FaultCode::WrongValue, message, remedy);
            }
            return;
        }
        let length = text.chars().count() as u64;
        let (least, most) = (bound(schema, "minLength"), bound(schema, "maxLength"));
        let pattern = schema.get("pattern").and_then(Json::as_str);
        if let Some(format) = pattern.and_then(Format::of_pattern) {
            if !format.admits(text) {
                let message = format!("is not {}", format.what);
                self.fault(at, path, Some(content), FaultCode::WrongValue, message, format.remedy);
            }
        } else if most.is_some_and(|most| length > most)
            || least.is_some_and(|least| length < least)
        {
            let message = format!("has {length} characters, {} allowed", span(least, most));
            self.fault(
                at,
                path,
                Some(content),
                FaultCode::OutOfRange,
                message,
                "change its length",
            );
        } else if let Some(pattern) = pattern
            && !regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
        {
            let message = "is not written as it must be";
            let remedy = format!("match {pattern}");
            self.fault(at, path, Some(content), FaultCode::WrongValue, message, remedy);
        }
    }

    fn number(&mut self, schema: &Json, content: &Content, at: Location, path: &str) {
        let Content::Number(number) = content else {
            return;
        };
        let value = number.as_f64().unwrap_or(f64::NAN);
        let (least, most) = (limit(schema, "minimum"), limit(schema, "maximum"));
        if least.is_some_and(|least| value < least) || most.is_some_and(|most| value > most) {
            let range = range(schema).unwrap_or_default();
            self.fault(
                at,
                path,
                Some(content),
                FaultCode::OutOfRange,
                "is out of range",
                format!("write a number {range}"),
            );
        }
    }
}

/// The words that a text may be.
fn words(schema: &Json) -> Vec<&str> {
    let words = schema.get("enum").and_then(Json::as_array);
    words.into_iter().flatten().filter_map(Json::as_str).collect()
}

fn limit(schema: &Json, keyword: &str) -> Option<f64> {
    schema.get(keyword).and_then(Json::as_f64)
}

/// The numbers that are allowed, after the word `number`; none where all are.
fn range(schema: &Json) -> Option<String> {
    match (limit(schema, "minimum"), limit(schema, "maximum")) {
        (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
        (Some(least), None) => Some(format!("of at least {least}")),
        (None, Some(most)) => Some(format!("of at most {most}")),
        (None, None) => None,
    }
}

/// Whether it is a whole number that no integer holds: as such it is read as a fraction.
fn is_beyond_integers(number: &Number) -> bool {
    number.as_f64().is_some_and(|value| number.is_f64() && value.fract() == 0.0)
}

fn bound(schema: &Json, keyword: &str) -> Option<u64> {
    schema.get(keyword).and_then(Json::as_u64)
}

fn span(least: Option<u64>, most: Option<u64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most} are"),
        (Some(least), None) => format!("at least {least} are"),
        (None, Some(most)) => format!("at most {most} are"),
        (None, None) => "any number is".into(),
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        // "MACD" stays, "Width" does not.
        Some(first) if !letters.as_str().starts_with(|c: char| c.is_uppercase()) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::CustomResourceExt;

    /// What this module or the rules' evaluator acts on, and annotations.
    const UNDERSTOOD: [&str; 24] = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "nullable",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];

    fn assert_understood(schema: &Json) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            assert!(UNDERSTOOD.contains(&keyword.as_str()), "{keyword} in {schema}");
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(assert_understood),
                "items" | "additionalProperties" => assert_understood(value),
                _ => {}
            }
        }
    }

    #[test]
    fn the_definitions_use_no_keyword_that_is_not_checked_here() {
        for definition in crate::custom_resource_definitions() {
            assert_understood(&crate::manifest::object::schema_of(&definition));
        }
    }

    #[test]
    fn every_pattern_of_the_definitions_that_people_meet_has_a_remedy() {
        fn patterns(schema: &Json, into: &mut Vec<String>) {
            if let Some(pattern) = schema.get("pattern").and_then(Json::as_str) {
                into.push(pattern.to_owned());
            }
            let members = schema.get("properties").and_then(Json::as_object);
            members.into_iter().flatten().for_each(|(_, member)| patterns(member, into));
            for keyword in ["items", "additionalProperties"] {
                schema.get(keyword).into_iter().for_each(|inner| patterns(inner, into));
            }
        }
        for definition in
            [crate::TradingSystem::crd(), crate::TradingAgent::crd(), crate::RiskPolicy::crd()]
        {
            let schema = crate::manifest::object::schema_of(&definition);
            let mut found = Vec::new();
            patterns(&schema["properties"]["spec"], &mut found);
            assert!(!found.is_empty());
            for pattern in found {
                assert!(Format::of_pattern(&pattern).is_some(), "{pattern}");
            }
        }
    }
}

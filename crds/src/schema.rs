//! Turns a derived JSON schema into one that the API server takes as structural.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool, ValidationRule,
};
use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value};

use crate::values::Format;

/// A schema default is normally a note in the description, because the API server would write it into
/// every stored object and a later release could then never change it, nor tell it from a choice. A
/// field that bears this mark keeps it.
pub(crate) const KEEP_DEFAULT: &str = "x-sapphire-keep-default";

/// Makes a derived schema structural, in place, with all of its subschemas.
///
/// - An optional field is a field that may be absent, not one that may be null.
/// - Defaults move into the description; [`KEEP_DEFAULT`] exempts a field.
/// - The format `uint32`, which the API server does not know, becomes a bound.
/// - `additionalProperties: false` goes: the API server prunes and reports unknown fields by itself.
pub(crate) fn structural(schema: &mut Schema) {
    transform_subschemas(&mut structural, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    drop_null(object);
    unwrap_lines(object);
    tell_words(object);
    note_default(object);
    if object.get("format") == Some(&Value::from("uint32")) {
        object.remove("format");
        object.entry("maximum").or_insert(u32::MAX.into());
    }
    if object.get("additionalProperties") == Some(&Value::Bool(false)) {
        object.remove("additionalProperties");
    }
}

/// Puts a rule in the place of each pattern of amounts and times: of a pattern the API server tells the
/// expression, of a rule its words.
///
/// Of quantities only a volume's size: they may be numbers, too, so that the API server knows no bound of them,
/// and as many rules as there are CPUs and memories would cost more than it grants.
pub(crate) fn say_units(schema: &mut JSONSchemaProps) {
    for (name, member) in schema.properties.iter_mut().flatten() {
        let dear = member.x_kubernetes_int_or_string == Some(true) && name != "size";
        let format = member.pattern.as_deref().and_then(Format::of_pattern);
        if let Some(format) = format.filter(|format| format.has_unit() && !dear) {
            member.pattern = None;
            member.x_kubernetes_validations.get_or_insert_default().push(ValidationRule {
                rule: format.rule(),
                message: Some(format.words()),
                ..ValidationRule::default()
            });
        }
        say_units(member);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        say_units(items);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(members)) = &mut schema.additional_properties {
        say_units(members);
    }
}

/// A comment's line ends are the source's; `kubectl explain` and the reference wrap by themselves.
fn unwrap_lines(object: &mut Map<String, Value>) {
    if let Some(Value::String(description)) = object.get_mut("description") {
        let paragraphs = description.split("\n\n");
        let unwrapped: Vec<String> = paragraphs.map(|text| text.replace('\n', " ")).collect();
        *description = unwrapped.join("\n\n");
    }
}

/// What each word of an enum means, into the description: the structural form keeps the words alone.
fn tell_words(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else {
        return;
    };
    let told: Vec<String> = choices
        .iter()
        .filter_map(|choice| {
            let word = choice.get("const")?.as_str()?;
            let meaning = choice.get("description")?.as_str()?.replace('\n', " ");
            Some(format!("{word}: {meaning}"))
        })
        .collect();
    if !told.is_empty() {
        let description = object.get("description").and_then(Value::as_str).unwrap_or_default();
        let told = format!("{description} {}", told.join(" "));
        object.insert("description".into(), told.trim_start().into());
    }
}

fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(variants)) = object.get("enum") {
        let kept: Vec<Value> = variants.iter().filter(|v| !v.is_null()).cloned().collect();
        object.insert("enum".into(), Value::Array(kept));
    }
    let Some(Value::Array(choices)) = object.get("anyOf") else {
        return;
    };
    let is_null = |choice: &Value| choice.get("type") == Some(&Value::from("null"));
    let present: Vec<&Value> = choices.iter().filter(|choice| !is_null(choice)).collect();
    if let [Value::Object(only)] = present.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (keyword, value) in only {
            // The field's own description says more than its type's.
            object.entry(keyword).or_insert(value);
        }
    }
}

fn note_default(object: &mut Map<String, Value>) {
    if object.remove(KEEP_DEFAULT).is_some() {
        return;
    }
    let Some(default) = object.remove("default") else {
        return;
    };
    let written = match &default {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => default.to_string(),
        // Of a structure each member tells its own.
        _ => return,
    };
    let description = object.get("description").and_then(Value::as_str).unwrap_or_default();
    let noted = format!("{description} Default: {written}.");
    object.insert("description".into(), noted.trim_start().into());
}

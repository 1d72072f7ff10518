//! What is generated from the types: the chart of the definitions, and the reference of the API.
//!
//! `cargo run -p sapphire-crds` writes these files, and a test fails where one differs from the types.

mod chart;
mod reference;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::custom_resource_definitions;

/// A file that is generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Relative to the repository's root.
    pub path: String,
    /// The whole of it.
    pub text: String,
}

/// Why nothing can be generated; the types would have to be such that no definition can be written.
#[derive(Debug, thiserror::Error)]
#[error("a definition cannot be written as {format}: {cause}")]
pub struct GenerationError {
    format: &'static str,
    cause: String,
}

impl GenerationError {
    fn of(format: &'static str) -> impl Fn(&dyn std::fmt::Display) -> Self {
        move |cause| Self { format, cause: cause.to_string() }
    }
}

/// All files.
///
/// # Errors
/// None for the types as they are; see [`GenerationError`].
pub fn files() -> Result<Vec<GeneratedFile>, GenerationError> {
    let definitions = definitions()?;
    let mut files = chart::files(&definitions)?;
    files.push(reference::file(&definitions));
    Ok(files)
}

/// The definitions as one stream of YAML, for `kubectl apply -f -`.
///
/// # Errors
/// As [`files`].
pub fn stream() -> Result<String, GenerationError> {
    let documents = definitions()?;
    let documents = documents.iter().map(yaml).collect::<Result<Vec<_>, _>>()?;
    Ok(documents.concat())
}

fn definitions() -> Result<Vec<Value>, GenerationError> {
    let definitions = custom_resource_definitions().into_iter();
    definitions
        .map(|definition| {
            let mut value = serde_json::to_value(definition)
                .map_err(|error| GenerationError::of("JSON")(&error))?;
            write_bounds_as_integers(&mut value);
            Ok(sorted(value))
        })
        .collect()
}

/// One document, with the line that begins it.
fn yaml(value: &Value) -> Result<String, GenerationError> {
    let text = serde_saphyr::to_string(value);
    let text = text.map_err(|error| GenerationError::of("YAML")(&error))?;
    Ok(format!("---\n{}\n", text.trim_end()))
}

/// With its members by name at every depth, whichever order the map keeps: any crate in the build can
/// switch that order with a feature of serde_json.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().collect();
            members.into_iter().map(|(name, member)| (name, sorted(member))).collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        scalar => scalar,
    }
}

/// Bounds are floats in the schema's type: `maximum: 50.0` where a person would write `50`.
fn write_bounds_as_integers(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(write_bounds_as_integers),
        Value::Array(items) => items.iter_mut().for_each(write_bounds_as_integers),
        Value::Number(number) => {
            let integer = number.as_f64().map(|float| format!("{float:.0}"));
            if let Some(Ok(integer)) = integer.map(|text| text.parse::<i64>()) {
                *value = integer.into();
            }
        }
        _ => {}
    }
}

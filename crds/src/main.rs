//! Writes the CRDs as YAML: to standard output, or with `--out DIR` a file a kind.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use sapphire_crds::custom_resource_definitions;
use serde_json::Value;

const USAGE: &str = "usage: sapphire-crds [--out DIR]";

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sapphire-crds: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<(), String> {
    let directory = match arguments.as_slice() {
        [] => None,
        [flag, directory] if flag == "--out" => Some(PathBuf::from(directory)),
        _ => return Err(USAGE.to_owned()),
    };
    for definition in custom_resource_definitions() {
        let yaml = to_yaml(&definition)?;
        match &directory {
            None => write!(std::io::stdout(), "---\n{yaml}").map_err(|error| error.to_string())?,
            Some(directory) => {
                let file = directory.join(format!("{}.yaml", definition.spec.names.plural));
                std::fs::create_dir_all(directory)
                    .and_then(|()| std::fs::write(&file, yaml))
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
            }
        }
    }
    Ok(())
}

fn to_yaml(definition: &CustomResourceDefinition) -> Result<String, String> {
    let mut value = serde_json::to_value(definition).map_err(|error| error.to_string())?;
    write_bounds_as_integers(&mut value);
    serde_saphyr::to_string(&value).map_err(|error| error.to_string())
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

//! The binary writes the definitions for the charts.

#![allow(clippy::unwrap_used)] // as in tests, in what they share

use std::process::{Command, Output};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use sapphire_crds::custom_resource_definitions;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sapphire-crds")).args(arguments).output().unwrap()
}

#[test]
fn the_printed_yaml_reads_back_as_the_definitions() {
    let output = run(&[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let read: Vec<CustomResourceDefinition> = serde_saphyr::from_multiple(&text).unwrap();
    assert_eq!(read, custom_resource_definitions());
}

#[test]
fn each_definition_is_small_enough_to_be_applied() {
    // kubectl keeps what it applied in an annotation, and annotations may hold 256 KiB.
    for definition in custom_resource_definitions() {
        let size = serde_json::to_string(&definition).unwrap().len();
        assert!(size < 200 * 1024, "{} has {size} bytes", definition.spec.names.kind);
    }
}

#[test]
fn out_writes_a_file_a_kind() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("templates");
    assert!(run(&["--out", target.to_str().unwrap()]).status.success());
    for definition in custom_resource_definitions() {
        let file = target.join(format!("{}.yaml", definition.spec.names.plural));
        let text = std::fs::read_to_string(file).unwrap();
        let read: CustomResourceDefinition = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, definition);
    }
}

#[test]
fn what_is_not_understood_is_said_with_the_usage() {
    let output = run(&["--ouput", "x"]);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("usage: sapphire-crds"));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = run(&["--out", file.path().to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write"));
}

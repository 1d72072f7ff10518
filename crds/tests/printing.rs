//! The binary writes what is generated; what is in the repository is what it would write.

#![allow(clippy::unwrap_used)] // as in tests, in what they share

use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use sapphire_crds::names::annotations;
use sapphire_crds::{custom_resource_definitions, generated};

fn run(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sapphire-crds"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap()
}

fn repository() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_repository_holds_what_the_types_say() {
    for file in generated::files().unwrap() {
        let there = std::fs::read_to_string(repository().join(&file.path)).unwrap_or_default();
        assert!(there == file.text, "{} is not of these types: run `make docs`", file.path);
    }
}

#[test]
fn the_charts_templates_are_the_definitions_and_no_others() {
    let templates = repository().join("charts/sapphire-crds/templates");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            // Helm would take these for a template's.
            assert!(!text.contains("{{") && !text.contains("}}"), "{}", path.display());
            found.push(serde_saphyr::from_str::<CustomResourceDefinition>(&text).unwrap());
        }
    }
    assert_eq!(found.len(), 3);
    for mut definition in found {
        let annotations = definition.metadata.annotations.as_mut().unwrap();
        assert_eq!(annotations.remove("helm.sh/resource-policy").unwrap(), "keep");
        definition.metadata.labels = None;
        assert!(custom_resource_definitions().contains(&definition));
    }
}

#[test]
fn every_definition_says_its_release() {
    for definition in custom_resource_definitions() {
        let annotations = definition.metadata.annotations.unwrap();
        assert_eq!(annotations[annotations::CRDS_VERSION], sapphire_crds::RELEASE);
    }
}

#[test]
fn the_printed_yaml_reads_back_as_the_definitions() {
    let output = run(&["--print"], &repository());
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
fn every_file_is_written_below_the_root() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("elsewhere");
    assert!(run(&["--root", root.to_str().unwrap()], directory.path()).status.success());
    for file in generated::files().unwrap() {
        assert_eq!(std::fs::read_to_string(root.join(&file.path)).unwrap(), file.text);
    }
}

#[test]
fn outside_of_the_repository_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&[], directory.path());
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("pass --root DIR"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn what_is_not_understood_is_said_with_the_usage() {
    let output = run(&["--ouput", "x"], &repository());
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("usage: sapphire-crds"));
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = run(&["--root", file.path().to_str().unwrap()], &repository());
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot write"));
}

//! The command line, as a person or a pod meets it.

#![allow(clippy::unwrap_used)] // as in tests, in what they share

use std::process::{Command, Output};

fn operator(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sapphire-operator"));
    // Nothing of this machine: neither its variables nor its kubeconfig.
    command.env_clear().env("HOME", "/nonexistent").args(arguments).output().unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn all_slips_are_told_at_once() {
    let output = operator(&["run", "--namespaces", "Trading", "--listen", "8080"]);
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(said.contains("--namespaces: \"Trading\" is no namespace"), "{said}");
    assert!(said.contains("--listen: \"8080\" is no address with a port"), "{said}");
}

#[test]
fn a_flag_that_is_none_is_refused_with_the_one_that_is_meant() {
    let output = operator(&["run", "--namespace", "trading"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--namespaces"), "{}", err(&output));
}

#[test]
fn without_a_cluster_it_says_where_it_looked() {
    let output = operator(&["run", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    let said = err(&output);
    assert!(said.contains("cannot find the API server") && said.contains("KUBECONFIG"), "{said}");
}

/// An exit code of 1 says that something would change.
#[test]
fn a_diff_that_cannot_be_told_is_no_difference() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().display().to_string();
    let ends = |arguments: &[&str], words: &str| {
        let output = operator(&[&["diff", "-f", &folder], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{}", err(&output));
        assert!(err(&output).contains("sapphire-operator diff: "), "{}", err(&output));
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    };
    // There is no API server to ask.
    ends(&[], "cannot find the API server");
    ends(&["--log-level", "a=b=c"], "LOG_LEVEL");
}

#[test]
fn every_flag_is_explained_with_its_variable() {
    let output = operator(&["run", "--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    for (flag, variable) in [
        ("--namespaces", "SAPPHIRE_NAMESPACES"),
        ("--trader-image", "SAPPHIRE_TRADER_IMAGE"),
        ("--listen", "SAPPHIRE_LISTEN"),
        ("--lease-namespace", "POD_NAMESPACE"),
        ("--max-concurrent-rollouts", "SAPPHIRE_MAX_CONCURRENT_ROLLOUTS"),
    ] {
        assert!(help.contains(flag) && help.contains(variable), "{flag}: {help}");
    }
}

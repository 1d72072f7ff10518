//! Good and bad manifests, and what is said of the bad ones.
//!
//! - `good`: every object is accepted, by the local run as by the API server.
//! - `bad`: every document is refused, by the local run as by the API server. (What only YAML or the
//!   kind shows is refused by kubectl.)
//! - `conflicts`: every object is accepted by itself; a local run refuses them together.
//! - `transitions`: pairs of an object as it was and as it would be, each accepted by itself; the change
//!   from one to the other is `allowed`, or `refused` by the API server. (A local run starts anew.)
//!
//! What is said stands beside each in a `.snap`; `INSTA_UPDATE=always` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sapphire_crds::manifest::{
    Checked, FaultCode, ManifestFaults, Request, check, check_change, load,
};
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem, custom_resource_definitions};
use serde_json::Value;

const REQUEST: Request<'static> = Request {
    system: None,
    strategies: &["vpin", "emaCross"],
    venues: &["paper.data.file", "paper.data.files"],
};

/// Manifests of a part of the corpus, relative to the crate, so that faults read the same anywhere.
fn manifests(part: &str) -> Vec<PathBuf> {
    let directory = Path::new("corpus").join(part);
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.starts_with("# Shows: "), "{} says not what it shows", file.display());
    }
    files
}

fn bad() -> Vec<(PathBuf, ManifestFaults)> {
    let faults = |file: PathBuf| match check(&[&file]) {
        Ok(_) => panic!("{} was accepted", file.display()),
        Err(faults) => (file, faults),
    };
    manifests("bad").into_iter().map(faults).collect()
}

fn conflicts() -> Vec<(PathBuf, ManifestFaults)> {
    let faults = |file: PathBuf| match load(&[&file], REQUEST) {
        Ok(_) => panic!("{} was accepted", file.display()),
        Err(faults) => (file, faults),
    };
    manifests("conflicts").into_iter().map(faults).collect()
}

fn assert_said(file: &Path, said: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(Path::new("..").join(file.parent().unwrap()));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(file.file_stem().unwrap().to_str().unwrap(), said);
    });
}

#[test]
fn good_manifests_are_accepted() {
    for file in manifests("good") {
        match check(&[&file]) {
            Ok(objects) => assert!(objects > 0, "{} holds none of ours", file.display()),
            Err(faults) => panic!("{faults}"),
        }
    }
}

#[test]
fn bad_manifests_are_refused_with_every_fault_named() {
    for (file, faults) in bad() {
        assert_said(&file, &faults.to_string());
    }
}

#[test]
fn every_document_of_a_bad_manifest_is_bad() {
    for (file, faults) in bad() {
        // After a text stops being YAML nobody can tell documents; each faulty one tells itself.
        let named: BTreeSet<usize> = faults.into_iter().filter_map(|f| f.document).collect();
        let text = std::fs::read_to_string(&file).unwrap();
        let written = text.split("\n---\n").count();
        assert_eq!(named.len(), written, "{}", file.display());
    }
}

#[test]
fn objects_at_odds_are_accepted_one_by_one_and_refused_together() {
    for (file, faults) in conflicts() {
        if let Err(single) = check(&[&file]) {
            panic!("{single}");
        }
        assert_said(&file, &faults.to_string());
    }
}

/// What is said of each pair of a manifest of transitions.
fn transitions(file: &Path) -> Vec<Result<(), ManifestFaults>> {
    fn change<K: Checked>(old: &str, new: &str) -> Result<(), ManifestFaults> {
        let read = |text| serde_saphyr::from_str::<K>(text).unwrap();
        check_change(&read(old), &read(new))
    }
    check(&[file]).unwrap_or_else(|faults| panic!("{faults}"));
    let text = std::fs::read_to_string(file).unwrap();
    let documents: Vec<&str> = text.split("\n---\n").collect();
    assert!(documents.len().is_multiple_of(2), "{}", file.display());
    let pairs = documents.chunks(2);
    pairs
        .map(|pair| match pair[0] {
            text if text.contains("kind: TradingSystem") => change::<TradingSystem>(text, pair[1]),
            text if text.contains("kind: TradingAgent") => change::<TradingAgent>(text, pair[1]),
            text => {
                assert!(text.contains("kind: RiskPolicy"), "{text}");
                change::<RiskPolicy>(text, pair[1])
            }
        })
        .collect()
}

#[test]
fn changes_that_are_allowed_are_accepted() {
    for file in manifests("transitions/allowed") {
        for change in transitions(&file) {
            change.unwrap_or_else(|faults| panic!("{}: {faults}", file.display()));
        }
    }
}

#[test]
fn changes_that_are_refused_say_the_remedy() {
    for file in manifests("transitions/refused") {
        let said: Vec<String> = transitions(&file)
            .into_iter()
            .map(|change| match change {
                Err(faults) => faults.to_string(),
                Ok(()) => panic!("{} holds a change that was accepted", file.display()),
            })
            .collect();
        assert_said(&file, &said.join("\n"));
    }
}

#[test]
fn every_fault_says_where_what_and_what_to_do() {
    for (_, faults) in bad().into_iter().chain(conflicts()) {
        for fault in &faults {
            assert!(!fault.message.is_empty() && !fault.remedy.is_empty(), "{fault}");
            assert!(!fault.to_string().contains('\n'), "{fault}");
            let whole_file = fault.code == FaultCode::NotFound && fault.document.is_none();
            assert!(whole_file || fault.line.is_some(), "{fault} has no line");
        }
    }
}

#[test]
fn no_fault_repeats_a_secret() {
    let path = Path::new("corpus/bad/secrets-stay-hidden.yaml");
    let faults = check(&[path]).unwrap_err();
    let said = format!("{faults}{}", serde_json::to_string(&faults).unwrap());
    assert!(!said.contains("SECRET") && !said.contains("1234567890"), "{said}");
}

#[test]
fn every_kind_of_fault_is_in_the_corpus() {
    let mut seen: BTreeSet<FaultCode> = BTreeSet::new();
    for (_, faults) in bad().into_iter().chain(conflicts()) {
        seen.extend(faults.into_iter().map(|fault| fault.code));
    }
    seen.insert(check(&[Path::new("corpus/nowhere.yaml")]).unwrap_err().as_slice()[0].code);
    let all = [
        FaultCode::Unreadable,
        FaultCode::NotYaml,
        FaultCode::UnknownKind,
        FaultCode::UnknownField,
        FaultCode::Missing,
        FaultCode::WrongType,
        FaultCode::WrongValue,
        FaultCode::OutOfRange,
        FaultCode::Duplicate,
        FaultCode::Rule,
        FaultCode::NotFound,
        FaultCode::Conflict,
        FaultCode::Unsupported,
    ];
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn every_rule_of_the_schemas_is_broken_by_a_bad_manifest() {
    let mut said = String::new();
    let refused = manifests("transitions/refused");
    let refused = refused.iter().flat_map(|file| transitions(file)).filter_map(Result::err);
    for faults in bad().into_iter().map(|(_, faults)| faults).chain(refused) {
        for fault in &faults {
            said.push_str(&format!("{}; {}\n", fault.message, fault.remedy));
        }
    }
    let mut rules = 0;
    for definition in custom_resource_definitions() {
        visit(&serde_json::to_value(&definition).unwrap(), &mut |node| {
            for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
                rules += 1;
                let expected = match (&rule["message"], &rule["messageExpression"]) {
                    (Value::String(message), _) => message.clone(),
                    // The words after the value that the expression puts in.
                    (_, Value::String(expression)) => {
                        expression.rsplit(" + '").next().unwrap().trim_end_matches('\'').to_owned()
                    }
                    _ => panic!("{rule} has no message"),
                };
                assert!(said.contains(&expected), "no bad manifest breaks: {rule}");
            }
        });
    }
    assert!(rules > 30, "{rules} rules");
}

fn visit(node: &Value, see: &mut impl FnMut(&Value)) {
    see(node);
    match node {
        Value::Object(members) => members.values().for_each(|member| visit(member, see)),
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        _ => {}
    }
}

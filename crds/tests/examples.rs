//! The examples are the first manifests that anyone reads; they load as they are.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

use std::collections::BTreeSet;
use std::path::PathBuf;

use sapphire_crds::manifest::{Desk, Request, load};

const STRATEGIES: &[&str] = &[
    "trendMomentum",
    "marketPrediction",
    "volumeMicrostructure",
    "vpin",
    "strategyOptimisation",
    "emaCross",
];

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn example(name: &str) -> Desk {
    together(&[name], STRATEGIES, &["paper.data.file", "paper.data.files"])
}

fn together(names: &[&str], strategies: &[&str], venues: &[&str]) -> Desk {
    let paths: Vec<PathBuf> = names.iter().map(|name| examples().join(name)).collect();
    let request = Request { system: None, strategies, venues };
    load(&paths, request).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn the_quickstart_is_a_desk_of_five_voters() {
    let desk = example("quickstart");
    let symbols = desk.symbols();
    assert_eq!(symbols.len(), 1);
    assert_eq!(desk.voters(&symbols[0]).count(), 5);
    assert!(desk.delegate(&symbols[0]).is_none());
    assert_eq!(desk.sources.len(), 3);
    assert!(desk.policy_file.ends_with("quickstart/policy.yaml"));
    let data = desk.market_data();
    assert!(data[0].path.is_file(), "{}", data[0].path.display());
}

#[test]
fn the_futures_stream_votes_on_one_symbol_and_delegates_the_other() {
    let desk = example("futures-stream");
    let (btc, eth) = ("BTCUSDT".parse().unwrap(), "ETHUSDT".parse().unwrap());
    assert_eq!(desk.voters(&btc).count(), 3);
    assert_eq!(desk.voters(&eth).count(), 0);
    let delegate = desk.delegate(&eth).unwrap();
    assert_eq!(delegate.metadata.name.as_deref(), Some("eth-cross"));
    assert_eq!(desk.market_data().len(), 2);
}

#[test]
fn the_paper_desk_runs_without_a_cluster_too() {
    let desk = together(&["policies", "paper-desk"], STRATEGIES, &["paper.data.file"]);
    assert_eq!(desk.policy.metadata.name.as_deref(), Some("balanced"));
    assert_eq!(desk.agents.len(), 3);
    let data = desk.market_data();
    assert!(data[0].path.is_file(), "{}", data[0].path.display());
    assert_eq!(desk.ignored, ["PersistentVolumeClaim recordings", "Pod recordings-loader"]);
}

#[test]
fn the_live_desk_has_all_that_it_refers_to() {
    let strategies: Vec<&str> = STRATEGIES.iter().copied().chain(["languageModel"]).collect();
    let directories = ["backends", "policies", "secrets", "live-desk", "agents"];
    let desk = together(&directories, &strategies, &["aster"]);
    assert!(desk.system.spec.live);
    assert_eq!(desk.policy.metadata.name.as_deref(), Some("cautious"));
    let symbol = "ETHUSDT".parse().unwrap();
    assert_eq!(desk.voters(&symbol).count(), 6);
    for secret in ["Secret aster", "Secret postgres", "Secret redis", "Secret language-model"] {
        assert!(desk.ignored.iter().any(|object| object == secret), "{secret}");
    }
    let tiers: BTreeSet<String> =
        desk.agents.iter().map(|agent| format!("{:?}", agent.spec.tier)).collect();
    assert_eq!(tiers.len(), 3, "{tiers:?}");
}

#[test]
fn no_secret_of_an_example_could_be_a_real_one() {
    for file in ["secrets/aster.yaml", "secrets/language-model.yaml"] {
        let text = std::fs::read_to_string(examples().join(file)).unwrap();
        let data = text.split("stringData:").nth(1).unwrap();
        let values = data.lines().filter(|line| !line.trim_start().starts_with('#'));
        for value in values.filter_map(|line| line.split_once(": ")).map(|(_, value)| value) {
            assert_eq!(value, "replace-me", "{file}");
        }
    }
}

/// Applied again, as a change of the desk is, a Secret's shape would take the place of the keys.
#[test]
fn what_is_applied_again_and_again_holds_no_key() {
    for directory in ["paper-desk", "live-desk", "agents", "policies"] {
        for entry in std::fs::read_dir(examples().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains("kind: Secret"), "{}", path.display());
        }
    }
}

/// Whoever tries one desk after the other in a namespace must not find an agent of the first in the
/// second's way: an agent cannot change its system.
#[test]
fn desks_for_a_cluster_can_stand_side_by_side() {
    let mut names = BTreeSet::new();
    for directory in ["paper-desk", "live-desk", "agents", "policies", "backends", "secrets"] {
        for entry in std::fs::read_dir(examples().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            for document in std::fs::read_to_string(&path).unwrap().split("\n---\n") {
                let object: serde_json::Value = serde_saphyr::from_str(document).unwrap();
                let name = format!("{} {}", object["kind"], object["metadata"]["name"]);
                assert!(names.insert(name.clone()), "{name} twice, in {}", path.display());
            }
        }
    }
    assert!(names.len() > 20, "{names:?}");
}

#[test]
fn every_example_is_on_the_page() {
    let page = std::fs::read_to_string(examples().join("README.md")).unwrap();
    for entry in std::fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!path.is_dir() || page.contains(&format!("]({name})")), "{name} is not listed");
    }
}

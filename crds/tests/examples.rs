//! The examples are the first manifests that anyone reads; they load as they are.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

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

fn example(name: &str) -> Desk {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let request = Request {
        system: None,
        strategies: STRATEGIES,
        venues: &["paper.data.file", "paper.data.files"],
    };
    load(&[path], request).unwrap_or_else(|faults| panic!("{faults}"))
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

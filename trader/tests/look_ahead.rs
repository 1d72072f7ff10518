//! No decision knows the future: whatever comes after a bar, everything up to it stays as it was.
//! And one symbol's broken feed is not another's.

// Clippy knows test functions, not what they call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::path::Path;
use std::sync::Arc;

use rstest::rstest;
use sapphire_crds::manifest::{Request, load};
use sapphire_engine::instrument::{PriceTicks, SymbolId};
use sapphire_engine::journal::Record;
use sapphire_engine::market::Bar;
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::VenueReport;
use sapphire_trader::config::{Environment, Plan};
use sapphire_trader::desk::{Assembly, Desk, OnHalted, backtest};
use sapphire_trader::market::Recording;
use sapphire_trader::store::MemoryJournal;

fn assembly(example: &str) -> Assembly {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
    let strategies = sapphire_agents::Strategy::catalogue().map(|strategy| strategy.name());
    let venues = ["paper.data.file", "paper.data.files"];
    let request = Request { system: None, strategies: &strategies, venues: &venues };
    let manifests = load(&[path], request).unwrap();
    let plan = Plan::of(&manifests, &Environment::default()).unwrap();
    Assembly::read(plan, |_| ()).unwrap()
}

/// The records of a backtest, the first one (which names the data) aside.
fn records(assembly: &Assembly, outage: Option<(SymbolId, Timestamp)>) -> Vec<(Timestamp, Record)> {
    let started = assembly.started(0).unwrap();
    let run = sapphire_engine::ids::RunId(1); // the same, though the data differ
    let mut parts = assembly.parts(run, started.config.policy.clone()).unwrap();
    if let Some((symbol, from)) = outage {
        parts.feed = parts.feed.with_outage(symbol, from, None);
    }
    let mut desk = Desk::open(parts, started, MemoryJournal::new(run), ()).unwrap();
    backtest(&mut desk, OnHalted::Resume).unwrap();
    let stored = desk.journal().records().skip(1);
    stored.map(|stored| (stored.at, stored.record().unwrap())).collect()
}

fn with_bars(assembly: &Assembly, bars: Vec<Bar>) -> Assembly {
    let symbol = assembly.recordings[0].symbol();
    let interval = assembly.plan.engine.bar_interval;
    let recording = Recording::of_bars(symbol, interval, bars).unwrap();
    Assembly { plan: assembly.plan.clone(), recordings: vec![Arc::new(recording)] }
}

/// A crash, a rally, or the same bars with their prices swapped about.
fn another_future(bars: &mut [Bar], kind: usize) {
    for (place, bar) in bars.iter_mut().enumerate() {
        let factor = match kind {
            0 => 60,
            1 => 170,
            _ => 90 + i64::try_from(place * 7 % 21).unwrap(),
        };
        let scaled = |price: PriceTicks| PriceTicks((price.0 * factor / 100).max(1));
        (bar.open, bar.high) = (scaled(bar.open), scaled(bar.high));
        (bar.low, bar.close) = (scaled(bar.low), scaled(bar.close));
    }
}

#[rstest]
#[case(800)]
#[case(1501)]
#[case(2203)]
fn another_future_changes_no_past_decision(#[case] known: usize, #[values(0, 1, 2)] kind: usize) {
    let quickstart = assembly("quickstart");
    let bars = quickstart.recordings[0].bars().unwrap()[..2600].to_vec();
    let mut changed = bars.clone();
    another_future(&mut changed[known..], kind);
    let now = changed[known].open_time;
    let past = |assembly: &Assembly| -> Vec<(Timestamp, Record)> {
        records(assembly, None).into_iter().filter(|(at, _)| *at < now).collect()
    };
    let (as_it_was, otherwise) =
        (past(&with_bars(&quickstart, bars)), past(&with_bars(&quickstart, changed)));
    let decisions = as_it_was.iter().filter(|(_, r)| matches!(r, Record::Decision(_))).count();
    assert!(decisions > 5, "a past without decisions shows nothing: {decisions}");
    let differs = as_it_was.iter().zip(&otherwise).find(|(was, is)| was != is);
    assert!(differs.is_none(), "{differs:?}");
    assert_eq!(as_it_was.len(), otherwise.len());
}

#[test]
fn the_future_does_change_the_future() {
    let quickstart = assembly("quickstart");
    let bars = quickstart.recordings[0].bars().unwrap()[..2600].to_vec();
    let mut changed = bars.clone();
    another_future(&mut changed[1500..], 0);
    assert_ne!(
        records(&with_bars(&quickstart, bars), None),
        records(&with_bars(&quickstart, changed), None)
    );
}

#[test]
fn one_symbols_broken_feed_leaves_the_other_to_trade() {
    let streams = assembly("futures-stream");
    let breaks = streams.recordings[0].quality().first.unwrap() + Span::secs(5);
    let (broken, other) = (SymbolId(0), SymbolId(1));
    let records = records(&streams, Some((broken, breaks)));
    let fills = |symbol: SymbolId| {
        let fill = |(_, record): &&(Timestamp, Record)| match record {
            Record::Venue(VenueReport::Fill(fill)) => fill.symbol == symbol,
            _ => false,
        };
        records.iter().filter(fill).count()
    };
    assert!(fills(other) > 0, "the other symbol went on");
    let enters = |(at, record): &(Timestamp, Record)| match record {
        Record::Intent(intent) => {
            let request = &intent.request;
            request.symbol == broken && intent.verdict.approved && *at > breaks
        }
        _ => false,
    };
    assert!(!records.iter().any(enters), "nothing is entered blindly");
    let told = |(_, record): &(Timestamp, Record)| match record {
        Record::Alert(alert) => alert.symbol == Some(broken),
        _ => false,
    };
    assert!(records.iter().any(told), "people are told");
}

//! The report of a real run agrees with the engine's own accounts.
#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;

use sapphire_agents::Strategy;
use sapphire_crds::manifest::{Request, load};
use sapphire_engine::money::Amount;
use sapphire_engine::order::OrderState;
use sapphire_trader::config::{Environment, Plan};
use sapphire_trader::desk::{Assembly, Desk, OnHalted, Reporter, backtest};
use sapphire_trader::report::Surroundings;
use sapphire_trader::store::MemoryJournal;

fn assembly(example: &str) -> Assembly {
    let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
    let strategies = Strategy::catalogue().map(|strategy| strategy.name());
    let venues = ["paper.data.file", "paper.data.files"];
    let request = Request { system: None, strategies: &strategies, venues: &venues };
    let manifests = load(&[manifests], request).unwrap();
    let plan = Plan::of(&manifests, &Environment::default()).unwrap();
    Assembly::read(plan, |_| {}).unwrap()
}

/// Bars with funding, stops and a position left open; and a stream, whose fills walk the book.
#[rstest::rstest]
#[case("quickstart")]
#[case("futures-stream")]
fn every_unit_of_a_real_runs_gain_is_explained(#[case] example: &str) {
    let assembly = assembly(example);
    let started = assembly.started(0).unwrap();
    let (run, policy) = (started.config.run, started.config.policy.clone());
    let parts = assembly.parts(run, policy).unwrap();
    let reporter = Reporter::new(&started);
    let mut desk = Desk::open(parts, started, MemoryJournal::new(run), reporter).unwrap();
    backtest(&mut desk, OnHalted::Resume).unwrap();
    let report = desk.witness().report(desk.engine(), &Surroundings::default());
    let portfolio = desk.engine().portfolio();

    let parts = &report.breakdown;
    assert_eq!(parts.unexplained, Amount::ZERO);
    assert_eq!(parts.gain, portfolio.equity() - report.performance.initial_balance);
    assert_eq!((parts.fees, parts.funding), (portfolio.fees(), portfolio.funding()));
    let voters: Amount = report.voters.iter().map(|voter| voter.gain).sum();
    let open: Amount = report.symbols.iter().filter_map(|symbol| symbol.open).map(|o| o.gain).sum();
    assert_eq!(voters + open, parts.gain);
    assert!(report.trades.count > 0 && report.bars > 0);

    // Orders that work at the end are all that the report counts as working.
    let working = OrderState::ALL.iter().filter(|state| state.is_working());
    let working: u64 = working.filter_map(|state| report.orders.get(&state.to_string())).sum();
    assert_eq!(working, desk.engine().working_orders().count() as u64);
}

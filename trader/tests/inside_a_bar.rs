//! Inside a bar nobody knows the order of prices; what a desk makes of that must neither flatter nor
//! frighten it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use rstest::rstest;
use sapphire_crds::manifest::{Request, load};
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::journal::Record;
use sapphire_engine::policy::TradingState;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Fill, VenueReport};
use sapphire_trader::config::{Environment, Plan};
use sapphire_trader::desk::{Assembly, Desk, OnHalted, backtest};
use sapphire_trader::store::MemoryJournal;

/// Hourly bars: down for twenty, up for twenty, then one that opens where the last closed and falls to
/// `low`, then flat.
fn bars(low: i64) -> String {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    let down = (0..20).map(|i| (1000 - i, 999 - i));
    let up = (0..20).map(|i| (981 + 2 * i, 983 + 2 * i));
    let flat = (0..10).map(|_| (low, low));
    for (hour, (open, close)) in down.chain(up).chain([(1021, low)]).chain(flat).enumerate() {
        let (day, hour) = (1 + hour / 24, hour % 24);
        let (high, low) = (open.max(close) + 1, open.min(close) - 1);
        writeln!(text, "2024-01-{day:02}T{hour:02}:00:00Z,{open},{high},{low},{close},100")
            .unwrap();
    }
    text
}

fn desk(
    report: &str,
    symbols: &[&str],
    limits: &str,
    exits: &str,
    low: i64,
) -> Vec<(Timestamp, Record)> {
    let folder = tempfile::tempdir().unwrap();
    let (mut files, mut instruments, mut agents) = (String::new(), String::new(), String::new());
    for symbol in symbols {
        std::fs::write(folder.path().join(format!("{symbol}.csv")), bars(low)).unwrap();
        writeln!(files, "          - {{symbol: {symbol}, path: {symbol}.csv}}").unwrap();
        writeln!(
            instruments,
            "        - {{symbol: {symbol}, tickSize: '0.01', lotSize: '0.001', makerFee: '0', takerFee: '0'}}"
        )
        .unwrap();
        writeln!(
            agents,
            "---\napiVersion: sapphiretrade.xyz/v1alpha1\nkind: TradingAgent\nmetadata: {{name: ema-{}}}\nspec:\n  \
             systemRef: {{name: bars}}\n  strategy: {{emaCross: {{fast: 3, slow: 8}}}}\n  authority: {{delegated: \
             {{symbols: [{symbol}], quantity: '40', maxNotional: '150000', ordersPerSecond: 5, exits: {exits}}}}}",
            symbol.to_lowercase()
        )
        .unwrap();
    }
    let manifest = format!(
        "apiVersion: sapphiretrade.xyz/v1alpha1\nkind: TradingSystem\nmetadata: {{name: bars}}\nspec:\n  venue:\n    \
         paper:\n      balance: '100000'\n      data:\n        files:\n{files}      instruments:\n{instruments}      \
         latency: {{submit: 0ms, report: {report}, jitter: 0ms}}\n  symbols: {{all: {{}}}}\n  barInterval: 1h\n  \
         riskPolicyRef: {{name: bars}}\n---\napiVersion: sapphiretrade.xyz/v1alpha1\nkind: RiskPolicy\nmetadata: \
         {{name: bars}}\nspec:\n  limits: {limits}\n  onHalt: Flatten\n{agents}"
    );
    let path = folder.path().join("desk.yaml");
    std::fs::write(&path, manifest).unwrap();
    let strategies = sapphire_agents::Strategy::catalogue().map(|strategy| strategy.name());
    let venues = ["paper.data.file", "paper.data.files"];
    let request = Request { system: None, strategies: &strategies, venues: &venues };
    let manifests = load(&[path], request).unwrap_or_else(|faults| panic!("{faults}"));
    let plan = Plan::of(&manifests, &Environment::default()).unwrap();
    let assembly = Assembly::read(plan, |_| ()).unwrap();
    let started = assembly.started(0).unwrap();
    let run = sapphire_engine::ids::RunId(1);
    let parts = assembly.parts(run, started.config.policy.clone()).unwrap();
    let mut desk = Desk::open(parts, started, MemoryJournal::new(run), ()).unwrap();
    backtest(&mut desk, OnHalted::Resume).unwrap();
    let stored = desk.journal().records().skip(1);
    stored.map(|stored| (stored.at, stored.record().unwrap())).collect()
}

fn fills(records: &[(Timestamp, Record)], symbol: SymbolId) -> Vec<Fill> {
    let fill = |(_, record): &(Timestamp, Record)| match record {
        Record::Venue(VenueReport::Fill(fill)) if fill.symbol == symbol => Some(*fill),
        _ => None,
    };
    records.iter().filter_map(fill).collect()
}

#[rstest]
fn what_one_symbols_close_decides_never_meets_the_bar_of_another_that_closes_with_it(
    #[values("0ms", "30ms")] report: &str,
) {
    // Both crash in one bar. The first one's close halts the desk, which then flattens both.
    let limits = "{maxDrawdown: '0.10', maxDailyLoss: '0.10'}";
    let records = desk(report, &["AAA", "BBB"], limits, "None", 606);
    let halted = records.iter().find_map(|(at, record)| match record {
        Record::TradingState { state: TradingState::Halted, .. } => Some(*at),
        _ => None,
    });
    let halted = halted.expect("the crash halts the desk");
    for symbol in [SymbolId(0), SymbolId(1)] {
        let fills = fills(&records, symbol);
        let after: Vec<_> = fills.iter().filter(|fill| fill.at >= halted).collect();
        assert!(!after.is_empty(), "both are flattened");
        for fill in after {
            assert_eq!(fill.price.0, 60_600, "at the next open, not at a price of the past");
        }
    }
}

#[rstest]
fn a_stop_that_worked_inside_a_bar_is_no_loss_at_its_close(#[values("0ms", "20ms")] report: &str) {
    // Held to the close, the position would have lost 16 %.
    let limits = "{maxDrawdown: '0.10', maxDailyLoss: '0.10'}";
    let records = desk(report, &["AAA"], limits, "Policy", 606);
    let stopped =
        fills(&records, SymbolId(0)).iter().any(|fill| (90_000..102_000).contains(&fill.price.0));
    assert!(stopped, "the stop filled at its trigger, far above the close");
    let restrained = records.iter().any(|(_, record)| {
        matches!(record, Record::TradingState { state, .. } if *state > TradingState::Active)
    });
    assert!(!restrained);
}

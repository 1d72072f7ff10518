//! docs/benchmarks.md.

use std::fmt::Write;

use crate::case::Case;
use crate::hot::Function;
use crate::machine::Machine;
use crate::measured::{Finding, Measured, Unit};
use crate::reference::Reference;

/// Where, when and what of.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) commit: String,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    /// Load averages, before and after.
    pub(crate) load: (String, String),
}

const HEAD: &str = "\
# Benchmarks

Written by `make bench DATA=DIR`. The rows are the first five of the design's table of figures; what each
measures and where its desk is stands below. Each figure is a median; its spread is the least and the
greatest of the runs.

";

/// The design's words on a row: its name, at least, aim.
const ROWS: [(&str, &str, &str); 5] = [
    ("backtest, 45,031 one-minute bars, one delegated agent", "1 M bars/s", "5 M bars/s"),
    ("the same bars, five agents and consensus", "200 k bars/s", "1 M bars/s"),
    ("real ticks and book updates, with orders", "1 M events/s", "4 M events/s"),
    (
        "market event → durable intent → paper venue, p99",
        "200 µs chained, 5 ms durable",
        "50 µs chained, floor + 20 % durable",
    ),
    ("start to ready; memory of a trader", "1 s; 100 MB", "0.3 s; 40 MB"),
];

const METHOD: &str = "\
## How it was measured

- Each case runs in a process of its own, a release build. *Peak* is the most memory of that process that was
  ever resident (`VmHWM`): decoding, data and journal included, and of row 5 the trader's.
- Rows 1 to 3 time the desk from its first record to its last; the data are decoded before. The desk is the
  one that `backtest` and `run` drive: feed, paper venue, engine with every rule of the gate, agents. Journal
  *off* makes every record and drops it. *Chained* writes each record's bytes and chains them by SHA-256; only
  the head remains: what `backtest` does. *Kept* holds the bytes in memory and writes them to SQLite at the end:
  what `backtest --journal` does.
- Row 1 (`trader/benches/desks/ema-cross.yaml`) is void, and the program fails, unless crosses, fills, fees and
  final equity are those of `trader/benches/reference/ema_cross.py`, to the last of eight decimals, and no rule
  denied and no limit bound anything. `bare_loop.py` beside it is the same rule in plain Python, without gate,
  journal or venue, for comparison.
- Row 2 (`five-agents.yaml`) has the quickstart's five strategies, its consensus, its latencies, its limits and
  its exits. Its halts are resumed at once, as `backtest --resume-halts` does.
- Row 3 (`stream.yaml`) takes every depth update, quote and trade of two futures through books, venue and
  engine, with bars of one second; bitcoin by consensus of three, ether by one delegated agent.
- Row 4 (`intent.yaml`): the clock starts when the desk takes in the trade that closes a one-second bar, and
  stops when the paper venue has the order: book, bar, snapshot, agent, sizing, gate, record, hash and commit
  lie between. The floor is a write of the same bytes and an `fdatasync` in the same directory, after each
  order: what the disk alone took at that moment. Percentiles are of each run's orders.
- Row 5 starts the binary with `examples/quickstart` and an empty journal and asks `/readyz` every millisecond
  until it answers 200. The memory after all data is that of a desk that has traded its two years and goes on
  showing them.
- Hot functions: Criterion's `cargo bench -p sapphire-engine` and `-p sapphire-matching`; the time of one
  event, update or record.
- What a shared machine does to absolute figures it does to their neighbours too: the ratios say more.
";

/// The page.
pub(crate) fn render(
    surroundings: &Surroundings,
    reference: &Reference,
    findings: &[Finding],
    hot: &[Function],
) -> String {
    let mut page = HEAD.to_owned();
    // Writing to a string cannot fail.
    let _ = write_surroundings(&mut page, surroundings);
    let _ = write_table(&mut page, findings);
    let _ = write_hot(&mut page, hot);
    let _ = write_ratios(&mut page, reference, findings);
    page.push_str(METHOD);
    page
}

/// The part of a former page that another program wrote.
pub(crate) fn of_others(former: &str) -> &str {
    former.find("\n<!-- operator -->").map_or("", |begin| &former[begin..])
}

fn write_surroundings(page: &mut String, at: &Surroundings) -> std::fmt::Result {
    let Machine { processor, cores, memory_kib, kernel } = &at.machine;
    writeln!(page, "| | |\n|---|---|")?;
    writeln!(
        page,
        "| machine | {processor}, {cores} cores, {} GiB, Linux {kernel} |",
        memory_kib >> 20
    )?;
    writeln!(page, "| commit | {} |", at.commit)?;
    writeln!(page, "| date | {} |", at.date)?;
    let (before, after) = &at.load;
    writeln!(page, "| load average before and after | {before} and {after}, of {cores} cores |\n")
}

fn write_table(page: &mut String, findings: &[Finding]) -> std::fmt::Result {
    for (number, (name, least, aim)) in (1_u8..).zip(ROWS) {
        writeln!(page, "## {number}. {name}\n\nAt least {least}; aim {aim}.\n")?;
        writeln!(page, "| what | journal | figure | median | spread | peak |")?;
        writeln!(page, "|---|---|---|---|---|---|")?;
        for finding in findings.iter().filter(|finding| finding.case.row() == number) {
            let journal = finding.case.journal().map_or("", crate::speed::Journal::title);
            let (title, peak) = (finding.case.title(), finding.peak());
            for (place, series) in finding.measured.series.iter().enumerate() {
                let (title, journal, peak) =
                    if place == 0 { (title, journal, peak.as_str()) } else { ("", "", "") };
                let (what, shown, spread) = (&series.what, series.shown(), series.spread());
                writeln!(page, "| {title} | {journal} | {what} | {shown} | {spread} | {peak} |")?;
            }
        }
        writeln!(page)?;
    }
    Ok(())
}

fn write_hot(page: &mut String, hot: &[Function]) -> std::fmt::Result {
    if hot.is_empty() {
        return Ok(());
    }
    writeln!(page, "## Hot functions\n")?;
    writeln!(page, "| function | median | 95 % confidence | rate |\n|---|---|---|---|")?;
    hot.iter().try_for_each(|function| writeln!(page, "{}", function.line()))?;
    writeln!(page)
}

fn write_ratios(
    page: &mut String,
    reference: &Reference,
    findings: &[Finding],
) -> std::fmt::Result {
    let named = |name: &str| findings.iter().find(|finding| finding.case.name() == name);
    let figure = |name: &str| {
        let series = named(name)?.measured.series.first()?;
        Some(series.median())
    };
    let facts = |name: &str| named(name).map(|finding| &finding.measured);
    writeln!(page, "## What the desks did, and ratios\n")?;
    let speed = reference.speed();
    writeln!(page, "- The reference finds {}; so does the desk.", reference.found())?;
    writeln!(page, "- The rule alone, in plain Python: {} ({}).", speed.shown(), speed.spread())?;
    if let (Some(off), Some(journal)) = (figure("ema-cross"), figure("ema-cross-journal")) {
        let (desk, kept) =
            (Unit::Times.show(off / speed.median()), Unit::Times.show(off / journal));
        writeln!(
            page,
            "- Row 1 without a journal runs at {desk} the bare Python loop's speed; the chained journal makes it {kept} slower."
        )?;
        writeln!(
            page,
            "- A bar costs {} without a journal, {} with it.",
            nanos(off),
            nanos(journal)
        )?;
    }
    if let (Some(short), Some(long)) = (figure("ema-cross"), figure("ema-cross-tenfold")) {
        let flat = Unit::Times.show(short / long);
        writeln!(page, "- Over ten times the data a bar costs {flat} as much: {}.", nanos(long))?;
    }
    if let (Some(off), Some(journal)) = (figure("five-agents"), figure("five-agents-journal")) {
        writeln!(
            page,
            "- Row 2: a bar costs {} without a journal, {} with it: {}.",
            nanos(off),
            nanos(journal),
            Unit::Times.show(off / journal)
        )?;
    }
    for (name, words) in [("five-agents", "Row 2"), ("stream", "Row 3")] {
        if let Some(measured) = facts(name) {
            writeln!(page, "- {words}: {}.", traded(measured))?;
        }
    }
    if let Some(measured) = facts(Case::Intent(crate::speed::Journal::Sqlite).name()) {
        let (orders, bytes) = (measured.fact("orders"), measured.fact("bytes"));
        writeln!(
            page,
            "- Row 4: {orders} orders; a commit holds {bytes} bytes of records on average."
        )?;
    }
    writeln!(page)
}

fn nanos(per_second: f64) -> String {
    Unit::Seconds.show(1.0 / per_second)
}

fn traded(measured: &Measured) -> String {
    let [orders, denied, fills, records] =
        ["orders", "denied", "fills", "records"].map(|name| measured.fact(name));
    let why = match measured.fact("denials") {
        "" => String::new(),
        rules => format!(" ({rules})"),
    };
    let halts = match measured.fact("halts") {
        "0" => String::new(),
        halts => format!(", {halts} halts resumed"),
    };
    format!(
        "{orders} orders sent, {denied} intents denied{why}, {fills} fills, {records} records a run{halts}"
    )
}

//! The operator's part of docs/benchmarks.md.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::found::{Found, Times};
use crate::{Arguments, Failure, desks, process};

/// What begins the part, and where it ends.
const BEGIN: &str = "<!-- operator -->";
const END: &str = "<!-- /operator -->";

const METHOD: &str = "\
- A control plane of its own for each round: etcd, API server, controller manager, scheduler and kwok, which
  plays nodes and pods, on the same cores as the operator and the client that creates the desks. So the times
  to Ready are those of all of them together; memory and CPU are the operator's alone, a release build.
- Each desk is one pod with its journal on a volume and three agents, all under one RiskPolicy. No pod reports:
  kwok's run nothing.
- *Last child applied*: from the first create of a desk to the last write of a child that the operator counts.
  *All Ready*: to the sight of the last desk's Ready by a watch. A desk is brought about in one look, and pods of
  the first start while children of the last are written, on the same cores.
- *The same children, by a client alone*: a control plane of its own without an operator, where one client creates
  the desks and, for each, what the operator made for the first: with no status, no event, no finalizer, and nothing
  to read. What Kubernetes' own controllers make of Deployments, Services and claims comes to it as to the operator.
  So that is what this machine's control plane needs at least, and what *last child applied* is to be compared with.
- Writes are those that the API server recorded of the operator's account, its leader's Lease left out.
- *Spec to child*: from the API server's answer to an edit that changes a pod to a watch's sight of the changed
  Deployment, one edit after the other, each on another desk. Between lie a revision, a status and a ConfigMap.
  *Settled*: no desk and no Deployment has changed for a second. *In a row*: at the sight of the Deployment
  before, while the pods of the last few edits are still being replaced.
- Takeover: from the signal to the Lease's next holder, who already knows all objects.
";

/// Renders the part.
pub(crate) fn render(
    arguments: &Arguments,
    load: &str,
    rounds: &[Found],
) -> Result<String, Failure> {
    let mut part = format!("{BEGIN}\n## The operator\n\nWritten by `make bench-operator`.\n\n");
    writeln!(part, "| | |\n|---|---|")?;
    writeln!(part, "| machine | {} |", process::machine()?)?;
    writeln!(part, "| commit | {} |", arguments.commit)?;
    writeln!(part, "| date | {} |", arguments.date)?;
    writeln!(part, "| load average before | {load} |\n")?;
    write!(part, "| what | at least | aim |")?;
    rounds.iter().try_for_each(|found| write!(part, " {} systems |", found.systems))?;
    writeln!(part, "\n|---|---|---|{}", "---|".repeat(rounds.len()))?;
    for (what, least, aim, figure) in ROWS {
        write!(part, "| {what} | {least} | {aim} |")?;
        rounds.iter().try_for_each(|found| write!(part, " {} |", figure(found)))?;
        writeln!(part)?;
    }
    writeln!(part, "\nAgents a system: {}.\n\n{METHOD}{END}", desks::AGENTS)?;
    Ok(part)
}

type Row = (&'static str, &'static str, &'static str, fn(&Found) -> String);

/// The design's figures where it has some.
const ROWS: [Row; 16] = [
    ("all created, by the client", "", "", |found| seconds(found.created)),
    ("last child applied", "60 s at 1,000", "30 s", |found| seconds(found.applied)),
    ("the same children, by a client alone", "", "", |found| seconds(found.floor)),
    ("all Ready", "30 s at 100", "15 s", |found| seconds(found.ready)),
    ("writes of children a system", "", "", |found| each(found.writes.children, found)),
    ("writes of statuses a system, its agents' included", "", "", |found| {
        each(found.writes.statuses, found)
    }),
    ("events a system", "", "", |found| each(found.writes.events, found)),
    ("writes while idle", "0", "0", |found| {
        format!("{} in {:.0?}", found.idle.writes, found.idle.period)
    }),
    ("CPU while idle, of one core", "", "", |found| {
        let share = found.idle.cpu.as_secs_f64() / found.idle.period.as_secs_f64();
        format!("{:.2} %", share * 100.0)
    }),
    ("spec to child, settled, p50", "", "", |found| millis(found.edits.settled.at(50))),
    ("spec to child, settled, p99", "250 ms", "100 ms", |found| p99(&found.edits.settled)),
    ("spec to child, in a row, p50", "", "", |found| millis(found.edits.in_a_row.at(50))),
    ("spec to child, in a row, p99", "250 ms", "100 ms", |found| p99(&found.edits.in_a_row)),
    ("memory a system", "100 KB", "50 KB", |found| {
        let (before, after) = found.memory;
        format!(
            "{:.0} KiB ({:.0} MiB, {:.0} MiB without a desk)",
            found.memory_a_system(),
            before.max(after) as f64 / 1024.0,
            before as f64 / 1024.0
        )
    }),
    ("takeover after SIGTERM", "1 s", "1 s", |found| seconds(found.takeover.told)),
    ("takeover after a kill", "20 s", "17 s", |found| seconds(found.takeover.killed)),
];

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

fn p99(times: &Times) -> String {
    format!("{} of {}", millis(times.at(99)), times.0.len())
}

fn each(writes: usize, found: &Found) -> String {
    format!("{:.1}", writes as f64 / found.systems as f64)
}

/// Puts the part where the former one is, or at the end.
pub(crate) fn write(path: &Path, part: &str) -> Result<(), Failure> {
    let page = std::fs::read_to_string(path)?;
    let page = match (page.find(BEGIN), page.find(END)) {
        (Some(begin), Some(end)) if begin < end => {
            let rest = page[end + END.len()..].trim_start_matches('\n');
            format!("{}{part}{rest}", &page[..begin])
        }
        _ => format!("{}\n\n{part}", page.trim_end()),
    };
    std::fs::write(path, page)?;
    Ok(())
}

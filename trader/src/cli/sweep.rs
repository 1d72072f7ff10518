//! `backtest --sweep`: every combination of values, in parallel.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sapphire_crds::manifest::{Desk as Manifests, ManifestFaults, check_object};
use serde::Serialize;

use super::console::{self, Output};
use super::desk;
use super::failure::Failure;
use crate::config::{Environment, Plan, replace};
use crate::desk::{Assembly, Halts, OnHalted};
use crate::report::{Report, count, minute, money, number, or_dash, percent};

/// A name, and the values that it takes in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sweep {
    name: String,
    values: Vec<String>,
}

impl FromStr for Sweep {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, values) = text.split_once('=').ok_or("write NAME=A,B,C")?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if name.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err("write NAME=A,B,C, without empty values".to_owned());
        }
        Ok(Self { name: name.trim().to_owned(), values })
    }
}

/// One combination: names with values.
type Setting = Vec<(String, String)>;

/// What a combination came to.
struct Outcome {
    report: Report,
    halts: Halts,
}

impl Outcome {
    /// Whether a halt ended it, and when the last one was.
    fn halted(&self) -> String {
        let last = self.halts.halts.last().map(|(at, _)| minute(*at)).unwrap_or_default();
        match (self.halts.ended, self.halts.halts.len()) {
            (true, _) => format!("halted {last}"),
            (false, 0) => String::new(),
            (false, 1) => format!("resumed {last}"),
            (false, times) => format!("resumed {times} times, last {last}"),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'r> {
    parameters: BTreeMap<&'r str, &'r str>,
    halted: bool,
    /// The last halt's moment, ended or resumed.
    halted_at: Option<String>,
    #[serde(flatten)]
    report: &'r Report,
}

/// Runs every combination and shows what each came to.
pub(super) fn run(
    sweeps: &[Sweep],
    manifests: &Manifests,
    assembly: &Assembly,
    on_halted: OnHalted,
    output: Output,
) -> Result<(), Failure> {
    refuse_twice(sweeps).map_err(Failure::input)?;
    let settings = combinations(sweeps);
    // All plans first: a wrong name is told before an hour of work, not after it.
    let assemblies = settings
        .iter()
        .map(|setting| assemble(setting, manifests, assembly))
        .collect::<Result<Vec<_>, _>>()?;
    let bar = console::progress("sweeping", assemblies.len() as u64);
    let results = in_parallel(&assemblies, |assembly| {
        let done = super::backtest::run(assembly, on_halted);
        bar.inc(1);
        done.map(|done| Outcome { report: done.report, halts: done.halts })
    });
    bar.finish_and_clear();
    let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    match output {
        Output::Json => {
            let rows: Vec<_> = settings.iter().zip(&results).map(row).collect();
            console::print_json(&rows)
        }
        Output::Table => {
            console::print(&table(sweeps, &settings, &results))?;
            ended_by_halts(&results).iter().try_for_each(|words| console::print(words))
        }
    }
}

fn row<'r>((setting, outcome): (&'r Setting, &'r Outcome)) -> Row<'r> {
    let parameters = setting.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let halted_at = outcome.halts.halts.last().map(|(at, _)| at.to_string());
    let (halted, report) = (outcome.halts.ended, &outcome.report);
    Row { parameters: parameters.collect(), halted, halted_at, report }
}

/// Of two lists for one name only the last would count.
fn refuse_twice(sweeps: &[Sweep]) -> Result<(), String> {
    for (place, Sweep { name, values }) in sweeps.iter().enumerate() {
        if let Some(earlier) = sweeps[..place].iter().find(|earlier| earlier.name == *name) {
            let all = [earlier.values.as_slice(), values].concat().join(",");
            return Err(format!("--sweep {name} is given twice: write --sweep {name}={all}"));
        }
    }
    Ok(())
}

fn combinations(sweeps: &[Sweep]) -> Vec<Setting> {
    sweeps.iter().fold(vec![Setting::new()], |settings, sweep| {
        let with = |setting: &Setting, value: &String| {
            let mut setting = setting.clone();
            setting.push((sweep.name.clone(), value.clone()));
            setting
        };
        settings
            .iter()
            .flat_map(|setting| {
                sweep.values.iter().map(|value| with(setting, value)).collect::<Vec<_>>()
            })
            .collect()
    })
}

fn assemble(
    setting: &Setting,
    manifests: &Manifests,
    assembly: &Assembly,
) -> Result<Assembly, Failure> {
    let (original, mut manifests) = (manifests, manifests.clone());
    for (name, value) in setting {
        replace(&mut manifests, name, value).map_err(Failure::input)?;
    }
    // After all of them: two values may be right together, though each alone is not.
    check(original, &manifests).map_err(|faults| {
        let setting: Vec<_> =
            setting.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Failure::input(format!("--sweep {}: {faults}", setting.join(" ")))
    })?;
    let environment = Environment::of_process().map_err(Failure::input)?;
    let plan = Plan::of(&manifests, &environment).map_err(Failure::input)?;
    let (new, old) = (&plan.engine, &assembly.plan.engine);
    let same_data = plan.data == assembly.plan.data
        && new.bar_interval == old.bar_interval
        && new.instruments == old.instruments;
    if same_data { Ok(assembly.with_plan(plan)) } else { desk::read(plan) }
}

/// Holds what a combination changed against schemas and rules, as the manifests were.
fn check(original: &Manifests, changed: &Manifests) -> Result<(), ManifestFaults> {
    if changed.policy != original.policy {
        check_object(&changed.policy)?;
    }
    if changed.system != original.system {
        check_object(&changed.system)?;
    }
    let agents = changed.agents.iter().zip(&original.agents);
    agents.filter(|(agent, before)| agent != before).try_for_each(|(agent, _)| check_object(agent))
}

/// Does `work` on every item, with a thread for each processor, and keeps the order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(items.len());
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let take = || {
            let mut mine = Vec::new();
            while let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some(item) = items.get(index)
            {
                mine.push((index, work(item)));
            }
            mine
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn table(sweeps: &[Sweep], settings: &[Setting], outcomes: &[Outcome]) -> String {
    let mut rows = vec![
        sweeps
            .iter()
            .map(|sweep| sweep.name.clone())
            .chain(
                ["return", "max drawdown", "Sharpe", "trades", "win rate", "fees", "equity", ""]
                    .map(str::to_owned),
            )
            .collect::<Vec<_>>(),
    ];
    for (setting, outcome) in settings.iter().zip(outcomes) {
        let report = &outcome.report;
        let performance = &report.performance;
        let figures = [
            or_dash(performance.total_return, percent),
            or_dash(performance.max_drawdown, |fall| percent(fall.depth)),
            or_dash(performance.sharpe, number),
            count(report.trades.count),
            or_dash(report.trades.win_rate, percent),
            money(report.breakdown.fees),
            money(performance.final_equity),
            outcome.halted(),
        ];
        rows.push(setting.iter().map(|(_, value)| value.clone()).chain(figures).collect());
    }
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Why halts ended runs, and how many each.
fn ended_by_halts(outcomes: &[Outcome]) -> Vec<String> {
    let mut reasons = BTreeMap::new();
    for halts in outcomes.iter().map(|outcome| &outcome.halts).filter(|halts| halts.ended) {
        let reason = halts.halts.last().map_or("", |(_, reason)| reason.as_str());
        *reasons.entry(reason).or_insert(0_usize) += 1;
    }
    let of = outcomes.len();
    let words = |(reason, runs)| {
        format!("{runs} of {of} ended at a halt: {reason}; --resume-halts goes on")
    };
    reasons.into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_comes_once_in_order() {
        let sweeps: Vec<Sweep> = ["a.b=1,2", "c.d=x,y"].map(|text| text.parse().unwrap()).to_vec();
        let told: Vec<String> = combinations(&sweeps)
            .iter()
            .map(|setting| setting.iter().map(|(_, value)| value.as_str()).collect())
            .collect();
        assert_eq!(told, ["1x", "1y", "2x", "2y"]);
    }

    #[test]
    fn results_keep_the_order_of_their_items() {
        let items: Vec<u64> = (0..100).collect();
        assert_eq!(in_parallel(&items, |n| n * 2), items.iter().map(|n| n * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_sweep_without_values_is_refused() {
        for wrong in ["a.b", "a.b=", "=1", "a.b=1,,2"] {
            assert!(wrong.parse::<Sweep>().is_err(), "{wrong}");
        }
    }
}

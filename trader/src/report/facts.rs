//! The report as facts with names: what every rendering for people shows, in one order.

use super::figures::{Drawdown, Report, Restriction, SymbolFigures};
use super::shown::{count, counted, duration, gain, minute, money, number, or_dash, percent};
use crate::market::Quality;
use sapphire_engine::money::Amount;
use sapphire_engine::order::Side;
use sapphire_engine::time::Span;

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub name: String,
    pub value: String,
}

/// Facts that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub title: &'static str,
    /// Whether its lines need the full width.
    pub wide: bool,
    pub facts: Vec<Fact>,
}

fn fact(name: impl Into<String>, value: impl Into<String>) -> Fact {
    Fact { name: name.into(), value: value.into() }
}

/// All sections that have something to say. Narrow ones come in pairs.
pub(crate) fn sections(report: &Report) -> Vec<Section> {
    let section = |title, wide, facts| Section { title, wide, facts };
    let all = [
        section("Result", false, result(report)),
        section("Risk", false, risk(report)),
        section("Trades", false, trades(report)),
        section("What the gain is made of", false, breakdown(report)),
        section("Gain by voter", false, voters(report)),
        section("Orders and denials", false, orders(report)),
        section("Still open", true, open(report)),
        section("Restricted", true, restrictions(report)),
        section("Data", true, data(report)),
        section("Run", true, run(report)),
    ];
    all.into_iter().filter(|section| !section.facts.is_empty()).collect()
}

/// One line that says it all.
pub(crate) fn headline(report: &Report) -> String {
    let performance = &report.performance;
    format!(
        "{}: {} in {}, drawdown {}, buy and hold {}",
        report.system,
        or_dash(performance.total_return, percent),
        counted(report.trades.count, "trade"),
        or_dash(performance.max_drawdown, |fall| percent(fall.depth)),
        or_dash(report.buy_and_hold.total_return, percent),
    )
}

fn result(report: &Report) -> Vec<Fact> {
    let performance = &report.performance;
    vec![
        fact("Initial balance", money(performance.initial_balance)),
        fact("Final equity", money(performance.final_equity)),
        fact("Gain", gain(performance.gain)),
        fact("Return", or_dash(performance.total_return, percent)),
        fact("Return a year", or_dash(performance.annual_return, percent)),
        fact("Buy and hold", or_dash(report.buy_and_hold.total_return, percent)),
        fact("Turnover", money(performance.turnover)),
    ]
}

fn risk(report: &Report) -> Vec<Fact> {
    let performance = &report.performance;
    let depth = |fall: Option<Drawdown>| or_dash(fall, |fall| percent(fall.depth));
    let mut facts = vec![fact("Maximum drawdown", depth(performance.max_drawdown))];
    if let Some(fall) = performance.max_drawdown.filter(|fall| fall.depth.0 > 0) {
        facts.push(fact("Peak before it", minute(fall.peak)));
        facts.push(fact("Deepest at", minute(fall.trough)));
    }
    facts.extend([
        fact("Drawdown of buy and hold", depth(report.buy_and_hold.max_drawdown)),
        fact("Volatility a year", or_dash(performance.volatility, percent)),
        fact("Sharpe", or_dash(performance.sharpe, number)),
        fact("Sortino", or_dash(performance.sortino, number)),
        fact("Time with a position", or_dash(performance.exposure, percent)),
    ]);
    facts
}

fn trades(report: &Report) -> Vec<Fact> {
    let trades = &report.trades;
    let held = trades.average_seconds.map(Span::secs);
    vec![
        fact("Closed trades", count(trades.count)),
        fact("Won", or_dash(trades.win_rate, percent)),
        fact("Average win", or_dash(trades.average_win, gain)),
        fact("Average loss", or_dash(trades.average_loss, gain)),
        fact("Profit factor", or_dash(trades.profit_factor, number)),
        fact("Best", or_dash(trades.best, gain)),
        fact("Worst", or_dash(trades.worst, gain)),
        fact("Average time held", or_dash(held, duration)),
    ]
}

fn breakdown(report: &Report) -> Vec<Fact> {
    let parts = &report.breakdown;
    let mut facts: Vec<Fact> =
        gain_parts(report).into_iter().map(|(name, part)| fact(name, gain(part))).collect();
    facts.push(fact("= gain", gain(parts.gain)));
    if parts.transfers != Amount::ZERO {
        facts.push(fact("Transfers (no gain)", gain(parts.transfers)));
    }
    facts
}

/// The parts of the gain with the sign in which they count; they sum to it exactly.
pub(super) fn gain_parts(report: &Report) -> Vec<(&'static str, Amount)> {
    let parts = &report.breakdown;
    let mut all = vec![
        ("Price moves", parts.price),
        ("Slippage", -parts.slippage),
        ("Fees", -parts.fees),
        ("Funding", parts.funding),
    ];
    if parts.unexplained != Amount::ZERO {
        all.push(("UNEXPLAINED", parts.unexplained));
    }
    all
}

fn voters(report: &Report) -> Vec<Fact> {
    let voters = report.voters.iter().map(|voter| {
        let name = voter.agent.as_deref().unwrap_or("no agent");
        fact(name, gain(voter.gain))
    });
    voters.collect()
}

fn orders(report: &Report) -> Vec<Fact> {
    let states = report.orders.iter().map(|(state, orders)| fact(state, count(*orders)));
    let denials =
        report.denials.iter().map(|(rule, times)| fact(format!("Denied by {rule}"), count(*times)));
    let denied: u64 = report.orders.get("Denied").copied().unwrap_or_default();
    let several = report.denials.values().sum::<u64>() > denied;
    let note = several.then(|| fact("(several rules may deny one intent)", ""));
    states.chain(denials).chain(note).collect()
}

fn open(report: &Report) -> Vec<Fact> {
    let open = report.symbols.iter().filter_map(|figures| {
        let open = figures.open?;
        let mark = or_dash(open.mark, |price| price.to_string());
        let side = if open.side == Side::Buy { "long" } else { "short" };
        let position = format!("{} {side} {}", figures.symbol, open.quantity);
        Some(fact(position, format!("{} at {mark}", gain(open.gain))))
    });
    open.collect()
}

/// The first of them: a desk that flutters is told in a line.
fn restrictions(report: &Report) -> Vec<Fact> {
    const SHOWN: usize = 6;
    let all = &report.restrictions;
    let mut facts: Vec<Fact> = all.iter().take(SHOWN).map(restriction).collect();
    if all.len() > SHOWN {
        let more = format!("and {} more", all.len() - SHOWN);
        facts.push(fact(more, "all are in the JSON"));
    }
    facts
}

pub(super) fn restriction(restriction: &Restriction) -> Fact {
    let until = or_dash(restriction.to, minute);
    let name = format!("{} to {until}", minute(restriction.from));
    fact(
        name,
        format!("{:?} ({:?}): {}", restriction.state, restriction.source, restriction.reason),
    )
}

fn data(report: &Report) -> Vec<Fact> {
    let told = report.symbols.iter().filter_map(|SymbolFigures { symbol, data, .. }| {
        let data = data.as_ref()?;
        Some(fact(symbol.to_string(), quality(&data.quality)))
    });
    told.collect()
}

/// `20,111 rows; 5 out of order (first: line 812, 2019-09-13T10:00:00.000Z), 3 off the tick (…)`.
pub(super) fn quality(quality: &Quality) -> String {
    let oddities: Vec<String> = quality
        .oddities()
        .map(|(oddity, times, first)| {
            let first = first.map(|first| format!(" (first: {first})")).unwrap_or_default();
            format!("{} {}{first}", count(times), oddity.words())
        })
        .chain(quality.notes.iter().cloned())
        .collect();
    let oddities = if oddities.is_empty() { "nothing odd".to_owned() } else { oddities.join(", ") };
    format!("{}; {oddities}", counted(quality.rows, "row"))
}

fn run(report: &Report) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(period) = report.period {
        let (from, to) = (minute(period.from), minute(period.to));
        let length = duration(period.to - period.from);
        facts.push(fact("Period", format!("{from} to {to}, {length}")));
    }
    let bars = format!("{} of {}", count(report.bars), report.bar_interval);
    facts.push(fact("Bars", bars));
    if let Some(ending) = &report.ending {
        facts.push(fact("Ended", ending));
    }
    if let Some(speed) = report.speed {
        let text = format!(
            "{:.2} s, {:.0} bars/s, {:.0} events/s",
            speed.seconds, speed.bars_per_second, speed.events_per_second
        );
        facts.push(fact("Took", text));
    }
    let engine = format!("{}, engine {}", report.run_id, report.engine);
    facts.push(fact("Run", engine));
    if let Some(head) = report.journal {
        facts.push(fact("Journal", format!("{} records, head", count(head.sequence))));
        facts.push(fact("", head.hash.to_string()));
    }
    facts
}

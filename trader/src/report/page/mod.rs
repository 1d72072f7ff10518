//! The report as one page: no other file, no other host, light and dark, from a phone's width up.

mod chart;

use std::fmt::Write;

use sapphire_engine::money::{Amount, SCALE};
use sapphire_engine::order::Side;
use sapphire_engine::time::Timestamp;

use self::chart::{Bar, Dot, Line, Plot, Unit, bars, figure};
use super::curve::float;
use super::facts::{Section, gain_parts, sections};
use super::figures::{Report, RoundTrip};
use super::shown::{
    NONE, closed_by, count, counted, gain, minute, money, number, or_dash, percent,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Trades in the page's table; the CSV has them all.
const TRADES: usize = 200;

/// Renders the page.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = escaped(&report.system);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title}: report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    html.push_str(&header(report));
    html.push_str(&curves(report));
    html.push_str(&prices(report));
    html.push_str(&breakdowns(report));
    html.push_str(&cards(report));
    html.push_str(&trades(report));
    let _ = write!(html, "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n");
    html
}

fn header(report: &Report) -> String {
    let performance = &report.performance;
    let figures = [
        ("Return", or_dash(performance.total_return, percent)),
        ("Buy and hold", or_dash(report.buy_and_hold.total_return, percent)),
        ("Maximum drawdown", or_dash(performance.max_drawdown, |fall| percent(fall.depth))),
        ("Sharpe", or_dash(performance.sharpe, number)),
        ("Closed trades", count(report.trades.count)),
        ("Won", or_dash(report.trades.win_rate, percent)),
    ];
    let period = or_dash(report.period, |period| {
        format!("{} to {} UTC", minute(period.from), minute(period.to))
    });
    let mut html = format!(
        "<header><h1>{}</h1><p>{period} · {} of {}</p><dl class=\"figures\">",
        escaped(&report.system),
        counted(report.bars, "bar"),
        report.bar_interval,
    );
    for (name, value) in figures {
        let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    html.push_str("</dl></header>\n");
    html
}

/// An amount in its own units.
#[allow(clippy::cast_precision_loss)]
fn units(amount: Amount) -> f64 {
    float(amount) / SCALE as f64
}

fn curves(report: &Report) -> String {
    let points = &report.charts.points;
    let equity: Vec<(Timestamp, f64)> = points.iter().map(|p| (p.at, units(p.equity))).collect();
    let hold: Vec<(Timestamp, f64)> = points.iter().map(|p| (p.at, units(p.hold))).collect();
    let falls = |curve: &[(Timestamp, f64)]| {
        let mut peak = units(report.performance.initial_balance);
        let fall = |&(at, value): &(Timestamp, f64)| {
            peak = peak.max(value);
            (at, value / peak - 1.0)
        };
        curve.iter().map(fall).collect::<Vec<_>>()
    };
    let (fall, hold_fall) = (falls(&equity), falls(&hold));
    let figure_of = |title: &str, summary, area, unit, desk, hold| {
        figure(&Plot {
            title: title.to_owned(),
            summary,
            lines: vec![
                Line { class: "equity", name: "desk", points: desk },
                Line { class: "hold", name: "buy and hold", points: hold },
            ],
            dots: Vec::new(),
            area,
            unit,
        })
    };
    let performance = &report.performance;
    let summary = format!(
        "Equity from {} to {}; buying and holding ends at {}.",
        money(performance.initial_balance),
        money(performance.final_equity),
        money(report.buy_and_hold.final_equity),
    );
    let depth = |fall: Option<super::figures::Drawdown>| or_dash(fall, |fall| percent(fall.depth));
    let fall_summary = format!(
        "Drawdown: at most {}; of buying and holding {}.",
        depth(performance.max_drawdown),
        depth(report.buy_and_hold.max_drawdown),
    );
    figure_of("Equity", summary, false, Unit::Money, equity, hold)
        + &figure_of("Drawdown", fall_summary, true, Unit::Percent, fall, hold_fall)
}

fn prices(report: &Report) -> String {
    let charts = &report.charts;
    let mut html = String::new();
    for (index, (instrument, line)) in charts.instruments.iter().zip(&charts.prices).enumerate() {
        let fills = charts.fills.iter().filter(|fill| fill.symbol.index() == index);
        let dots: Vec<Dot> = fills
            .map(|fill| Dot {
                at: fill.at,
                value: instrument.price_f64(fill.price),
                class: if fill.side == Side::Buy { "buy" } else { "sell" },
            })
            .collect();
        let fills = counted(dots.len() as u64, "fill");
        let price = |&(at, price)| (at, instrument.price_f64(price));
        let mut lines =
            vec![Line { class: "price", name: "price", points: line.iter().map(price).collect() }];
        if !dots.is_empty() {
            lines.push(Line { class: "buy", name: "bought, below", points: Vec::new() });
            lines.push(Line { class: "sell", name: "sold, above", points: Vec::new() });
        }
        html.push_str(&figure(&Plot {
            title: format!("{} with {fills}", instrument.symbol),
            summary: format!(
                "The price of {}, and where the desk's {fills} were.",
                instrument.symbol
            ),
            lines,
            dots,
            area: false,
            unit: Unit::Money,
        }));
    }
    html
}

fn breakdowns(report: &Report) -> String {
    let mut parts: Vec<Bar> = gain_parts(report)
        .into_iter()
        .map(|(name, part)| Bar { name: name.into(), value: units(part), shown: gain(part) })
        .collect();
    let all = report.breakdown.gain;
    parts.push(Bar { name: "= gain".into(), value: units(all), shown: gain(all) });
    let voters: Vec<Bar> = report
        .voters
        .iter()
        .map(|voter| Bar {
            name: voter.agent.clone().unwrap_or_else(|| "no agent".into()),
            value: units(voter.gain),
            shown: format!(
                "{} <small>{}</small>",
                gain(voter.gain),
                counted(voter.trades, "trade")
            ),
        })
        .collect();
    format!(
        "<div class=\"pair\">{}{}</div>\n",
        bars("What the gain is made of", &parts),
        bars("Gain by voter", &voters)
    )
}

/// The facts that no chart shows.
fn cards(report: &Report) -> String {
    let mut html = String::from("<div class=\"cards\">");
    let drawn = ["What the gain is made of", "Gain by voter"];
    for Section { title, wide, facts } in sections(report) {
        if drawn.contains(&title) {
            continue;
        }
        let class = if wide { " class=\"wide\"" } else { "" };
        let _ = write!(html, "<section{class}><h2>{title}</h2><dl>");
        for fact in facts {
            let (name, value) = (escaped(&fact.name), escaped(&fact.value));
            let _ = write!(html, "<div><dt>{name}</dt><dd>{value}</dd></div>");
        }
        html.push_str("</dl></section>");
    }
    html.push_str("</div>\n");
    html
}

fn trades(report: &Report) -> String {
    let all = &report.round_trips;
    if all.is_empty() {
        return "<section><h2>Trades</h2><p>None.</p></section>\n".into();
    }
    let shown = &all[all.len().saturating_sub(TRADES)..];
    let which = if shown.len() < all.len() {
        format!("the last {TRADES} of {}; the CSV has them all", count(all.len() as u64))
    } else {
        counted(all.len() as u64, "trade")
    };
    let mut html = format!(
        "<details><summary><h2>Trades</h2> {which}</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Trades\"><table class=\"trades\"><thead><tr>"
    );
    let columns = [
        "Opened", "Closed", "Symbol", "Side", "Quantity", "Entry", "Exit", "Fees", "Funding",
        "Slippage", "Net", "By",
    ];
    for name in columns {
        let _ = write!(html, "<th scope=\"col\">{name}</th>");
    }
    html.push_str("</tr></thead><tbody>");
    shown.iter().rev().for_each(|trade| html.push_str(&row(trade)));
    html.push_str("</tbody></table></div></details>\n");
    html
}

fn row(trade: &RoundTrip) -> String {
    let side = match trade.side {
        Side::Buy => "long",
        Side::Sell => "short",
    };
    let by = match (trade.exit, trade.closed) {
        (Some(purpose), _) => closed_by(purpose),
        (None, Some(_)) => "liquidation".into(),
        (None, None) => "still open".into(),
    };
    let class = if trade.net < Amount::ZERO { "loss" } else { "gain" };
    let cells = [
        minute(trade.opened),
        trade.closed.map_or_else(|| NONE.into(), minute),
        trade.symbol.to_string(),
        side.into(),
        trade.quantity.to_string(),
        money(trade.entry_price),
        money(trade.exit_price),
        money(trade.fees),
        gain(trade.funding),
        money(trade.slippage),
    ];
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr>{cells}<td class=\"{class}\">{}</td><td>{by}</td></tr>", gain(trade.net))
}

/// Text that HTML takes as text.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

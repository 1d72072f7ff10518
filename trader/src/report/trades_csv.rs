//! Trades as CSV, for spreadsheets and notebooks.

use std::io::Write;

use sapphire_engine::order::Side;

use super::figures::Report;

const HEADER: [&str; 16] = [
    "symbol",
    "side",
    "opened",
    "closed",
    "quantity",
    "entry_price",
    "exit_price",
    "gross",
    "fees",
    "funding",
    "slippage",
    "net",
    "exit",
    "decision",
    "agents",
    "open",
];

/// Writes a line a trade: closed ones in the order of their ends, then those that are open.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(HEADER)?;
    for trade in &report.round_trips {
        let side = match trade.side {
            Side::Buy => "Long",
            Side::Sell => "Short",
        };
        csv.write_record([
            trade.symbol.as_str(),
            side,
            &trade.opened.to_string(),
            &trade.closed.map(|at| at.to_string()).unwrap_or_default(),
            &trade.quantity.to_string(),
            &trade.entry_price.to_string(),
            &trade.exit_price.to_string(),
            &trade.gross.to_string(),
            &trade.fees.to_string(),
            &trade.funding.to_string(),
            &trade.slippage.to_string(),
            &trade.net.to_string(),
            &trade.exit.map(|purpose| purpose.to_string()).unwrap_or_default(),
            &trade.decision.map(|decision| format!("d{decision}")).unwrap_or_default(),
            &trade.agents.join(" "),
            if trade.closed.is_none() { "true" } else { "false" },
        ])?;
    }
    csv.flush()
}

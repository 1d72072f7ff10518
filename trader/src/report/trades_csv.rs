//! Trades as CSV, for spreadsheets and notebooks.

use std::io::Write;

use sapphire_engine::order::Side;

use super::figures::Report;
use super::shown::closed_by;

/// The columns, and what they mean; docs/reference/report.md is written from here.
pub(super) const COLUMNS: [(&str, &str); 16] = [
    ("symbol", "The instrument."),
    ("side", "`Long` or `Short`."),
    ("opened", "The first fill, in event time, UTC."),
    ("closed", "The last fill; empty while the trade is open."),
    ("quantity", "All that was bought (long) or sold (short), in base currency."),
    ("entry_price", "Average price of the entries."),
    (
        "exit_price",
        "Average price of the exits; of an open trade, what is left counts at the last price.",
    ),
    ("gross", "Gain by price, in quote currency, before fees and funding."),
    ("fees", "Fees paid; negative is a rebate."),
    ("funding", "Funding received; negative was paid."),
    (
        "slippage",
        "What the fills cost beyond the prices expected of them; negative is better than expected. It is \
         part of `gross` already: never subtract it again.",
    ),
    ("net", "`gross - fees + funding`."),
    (
        "exit",
        "What closed it: `exit` (a decision), `reversal` (an entry on the other side), `stop`, \
         `take-profit` or `flatten` (a halt, a person's order, a stop that could not stand); empty for a \
         liquidation, or while it is open.",
    ),
    (
        "decision",
        "The decision that opened it: `sapphire-trader why d12` tells the lineage of d12.",
    ),
    ("agents", "Who agreed on that decision, separated by spaces."),
    ("open", "`true` while it is open."),
];

/// Writes a line a trade: closed ones in the order of their ends, then those that are open.
///
/// # Errors
/// When the writer fails.
pub fn write(report: &Report, to: impl Write) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(COLUMNS.map(|(name, _)| name))?;
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
            &trade.exit.map(closed_by).unwrap_or_default(),
            &trade.decision.map(|decision| format!("d{decision}")).unwrap_or_default(),
            &trade.agents.join(" "),
            if trade.closed.is_none() { "true" } else { "false" },
        ])?;
    }
    csv.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_engine::order::Purpose;
    use std::path::Path;

    #[test]
    fn an_entry_that_closes_is_a_reversal() {
        assert_eq!(closed_by(Purpose::Entry), "reversal");
        assert_eq!(closed_by(Purpose::TakeProfit), "take-profit");
    }

    /// `make docs` writes it anew.
    #[test]
    fn the_reference_of_the_report_is_what_the_code_says() {
        let mut said = "# The files of a report\n\nWhat `--report DIR` writes; the columns are written from \
                        the code by `make docs`.\n\n\
                        - `report.html`: one page, without any other file.\n\
                        - `report.json`: the same figures, exact: amounts and ratios are decimal strings, \
                        times RFC 3339 in UTC.\n\
                        - `trades.csv`: a line a trade, closed ones in the order of their ends, then those \
                        that are open.\n\n\
                        ## trades.csv\n\n| column | meaning |\n|---|---|\n"
            .to_owned();
        for (name, meaning) in COLUMNS {
            said.push_str(&format!("| `{name}` | {meaning} |\n"));
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/report.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(&path, &said).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == said,
            "docs/reference/report.md is not what the code says: run `make docs`"
        );
    }
}

//! What a run amounts to: a projection of its journal and its prices.
//!
//! A [`ReportBuilder`] is told of every record and every closed bar and can sum up at any time;
//! the [`Report`] is data (its JSON is exact), and is shown as a table ([`boxed`], [`plain`]), as one
//! page that needs no other file ([`page`]) and as a CSV of trades ([`trades_csv`]).

mod attribution;
mod builder;
mod buy_and_hold;
mod curve;
mod facts;
mod figures;
mod ledger;
mod order_count;
mod page;
mod running_sharpe;
pub(crate) mod shown;
mod summary;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod thinned;
pub mod trades_csv;

pub use builder::{ReportBuilder, Standing};
pub use buy_and_hold::BuyAndHold;
pub(crate) use facts::{headline, sections};
pub use figures::Report;
pub use page::page;
pub(crate) use shown::{count, minute, money, number, or_dash, percent};
pub use summary::{Surroundings, TradingRecord};
pub use table::{boxed, plain};

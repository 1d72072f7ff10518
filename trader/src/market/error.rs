//! Why recorded data cannot be traded on: always with the file, and with the line where one is at
//! fault.

use std::path::{Path, PathBuf};

use sapphire_engine::instrument::Symbol;
use sapphire_engine::time::Span;

/// A recording that was refused.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
pub struct DataError {
    /// The file.
    pub path: PathBuf,
    /// The line at fault, from 1, of the decompressed text.
    pub line: Option<u64>,
    /// What is wrong, and what to do.
    pub problem: Problem,
}

impl DataError {
    pub(super) fn new(path: &Path, line: impl Into<Option<u64>>, problem: Problem) -> Self {
        Self { path: path.to_owned(), line: line.into(), problem }
    }
}

/// What is wrong with a recording, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The system's word on opening it.
    #[error("cannot be opened: {0}")]
    Open(std::io::Error),
    /// The system's word on reading it.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// Nothing in it.
    #[error("holds no data: give a file of bars (CSV) or of a raw stream (JSON lines)")]
    Empty,
    /// The compressed stream stops before its end.
    #[error("the gzip stream ends too early: the file is incomplete, fetch it again")]
    GzipTruncated,
    /// The compressed stream is damaged.
    #[error("the gzip stream is damaged ({0}): fetch the file again")]
    GzipDamaged(String),
    /// Bytes that no text has.
    #[error("is neither gzip nor text: give bars as CSV or a raw stream as JSON lines")]
    NotText,
    /// A line beyond all reason.
    #[error("the line is longer than {} MiB: this is no recording of bars or of a stream", super::source::LONGEST_LINE >> 20)]
    LongLine,
    /// The last line has no line end.
    #[error(
        "the file stops in the middle of a line: fetch it again or, if it is whole, add a line end"
    )]
    CutOff,
    /// No line names the columns.
    #[error(
        "no line among the first {0} names the columns open, high, low and close: add a header such as `timestamp,open,high,low,close,volume`"
    )]
    NoHeader(u64),
    /// A column that must be there is not.
    #[error("the header has no column for {meaning}: name one {names}")]
    NoColumn {
        /// What it should hold.
        meaning: &'static str,
        /// Names that are understood.
        names: &'static str,
    },
    /// A row of another width than the header.
    #[error("{found} fields where the header has {expected}: the line is damaged or cut off")]
    Fields {
        /// Fields found.
        found: usize,
        /// Fields expected.
        expected: usize,
    },
    /// Text where a number belongs; NaN and infinities included.
    #[error(
        "{column} is `{text}`, not a number that can be read: write a plain decimal such as 8051.25, of at most 30 digits, or remove the row"
    )]
    NotANumber {
        /// The column's meaning.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A price that no price can be.
    #[error(
        "{column} is {text}: a price must be above zero, and at least half a tick; correct or remove the row"
    )]
    NotPositive {
        /// The column's meaning.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A quantity below zero.
    #[error("{column} is {text}: it cannot be negative; correct or remove the row")]
    Negative {
        /// The column's meaning.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// A number beyond what an instrument's integers hold, or beyond any real price or quantity.
    #[error(
        "{column} is {text}, beyond what can be represented (and beyond prices of 10¹² and quantities of 10¹⁵): check the tick and lot size, or correct the row"
    )]
    TooLarge {
        /// The column's meaning.
        column: &'static str,
        /// What stands there.
        text: String,
    },
    /// Prices of a bar that contradict one another.
    #[error(
        "the high is not the highest price of the bar, or the low not the lowest: correct or remove the row"
    )]
    Inconsistent,
    /// A time that cannot be read.
    #[error(
        "`{0}` is no time: use RFC 3339, `2017-07-01 11-AM`, or seconds, ms, µs or ns since 1970"
    )]
    NoTime(String),
    /// Data of another symbol.
    #[error(
        "is of {found}, but the TradingSystem trades {expected} on this file: name a file of {expected} in its \
         venue.paper.data, or write {found} in its symbols and venue.paper.instruments"
    )]
    OtherSymbol {
        /// What the file says.
        found: String,
        /// Whose it should be.
        expected: Symbol,
    },
    /// Rows neither oldest first nor newest first.
    #[error(
        "the rows are in neither order ({against} of {steps} steps go against the rest, the first here): sort the file by time"
    )]
    NeitherOrder {
        /// Steps against the direction of most.
        against: u64,
        /// Steps in all.
        steps: u64,
    },
    /// Bars of another length than the desk's.
    #[error(
        "bars are {found} apart, but barInterval is {expected}: set barInterval to {found}, or give a file of {expected} bars"
    )]
    Interval {
        /// The most common distance of two bars.
        found: Span,
        /// The desk's.
        expected: Span,
    },
    /// A bar that opens before the one before it has closed.
    #[error(
        "the bar opens {after} after the one before, which lasts {interval}: remove one of them"
    )]
    Overlap {
        /// Distance of the two opens.
        after: Span,
        /// A bar's length.
        interval: Span,
    },
    /// A time too far from the one before.
    #[error(
        "nothing for {} days before this row{}: correct or remove whichever of the two has a wrong time, or give the later data as a file of their own",
        .gap.0 / Span::hours(24).0,
        .before.map(|line| format!(" (after line {line})")).unwrap_or_default()
    )]
    Leap {
        /// Time without a row.
        gap: Span,
        /// The line of the row before it in time.
        before: Option<u64>,
    },
    /// A stream's line that is not `<receive time> <JSON>`.
    #[error("is not `<receive time in ns> <JSON message>`")]
    NotAStreamLine,
    /// A stream's line whose JSON cannot be understood.
    #[error("{message} (column {column}): the line is damaged; fetch the file again or remove it")]
    Json {
        /// What the parser says.
        message: String,
        /// Where in the JSON.
        column: usize,
    },
}

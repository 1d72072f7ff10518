//! What is odd about a recording without making it useless: counted, reported, traded through.

use std::collections::BTreeMap;

use sapphire_engine::instrument::{Instrument, PriceTicks};
use sapphire_engine::time::{Span, Timestamp};
use serde::Serialize;

use super::stamp::rfc3339_or_null;

/// A recording without a row for longer is none: one of its times is wrong.
pub(super) const LONGEST_GAP: Span = Span::hours(366 * 24);

/// Kinds of oddity, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Oddity {
    /// [`Quality::jumps`].
    Jumps,
    /// [`Quality::missing`].
    Missing,
    /// [`Quality::sequence_gaps`].
    SequenceGaps,
    /// [`Quality::contradictions`].
    Contradictions,
    /// [`Quality::duplicates`].
    Duplicates,
    /// [`Quality::out_of_order`].
    OutOfOrder,
    /// [`Quality::off_tick`].
    OffTick,
    /// [`Quality::below_lot`].
    BelowLot,
    /// [`Quality::unsynchronised`].
    Unsynchronised,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Jumps,
        Self::Missing,
        Self::SequenceGaps,
        Self::Contradictions,
        Self::Duplicates,
        Self::OutOfOrder,
        Self::OffTick,
        Self::BelowLot,
        Self::Unsynchronised,
    ];

    /// What was counted, after its number: `5 out of order`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Jumps => "jumped 30 % or more",
            Self::Missing => "missing",
            Self::SequenceGaps => "sequence gaps",
            Self::Contradictions => "contradict another of the same time",
            Self::Duplicates => "duplicate",
            Self::OutOfOrder => "out of order",
            Self::OffTick => "off the tick",
            Self::BelowLot => "below a lot",
            Self::Unsynchronised => "before a snapshot",
        }
    }

    /// What was made of it, and what a person may do.
    #[must_use]
    pub const fn treatment(self) -> &'static str {
        match self {
            Self::Jumps => {
                "traded on as they stand: look whether these prices are real, and correct or remove the \
                 rows if not"
            }
            Self::Missing => "nothing is put in their place, and nothing has to be done",
            Self::SequenceGaps => {
                "the book is unknown from there to the next snapshot; nothing has to be done"
            }
            Self::Contradictions => {
                "the first is kept: look which of them is right, and remove the others"
            }
            Self::Duplicates => "the first is kept, and nothing has to be done",
            Self::OutOfOrder => "sorted by time, and nothing has to be done",
            Self::OffTick => "rounded to the nearest tick, and nothing has to be done",
            Self::BelowLot | Self::Unsynchronised => "dropped, and nothing has to be done",
        }
    }

    /// Whether a person should look at it: everything else is set right without changing what happened.
    #[must_use]
    pub const fn is_suspicious(self) -> bool {
        matches!(self, Self::Jumps | Self::Contradictions)
    }

    /// Whether it is a fault at all: updates before a first snapshot are in every recording of a stream.
    const fn is_fault(self) -> bool {
        !matches!(self, Self::Unsynchronised)
    }
}

/// Where something odd was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The line in the file, from 1; none of data that are in memory.
    pub line: Option<u64>,
    /// Event time.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub at: Option<Timestamp>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.line, self.at) {
            (Some(line), Some(at)) => write!(f, "line {line}, {at}"),
            (Some(line), None) => write!(f, "line {line}"),
            (None, Some(at)) => at.fmt(f),
            (None, None) => f.write_str("an unknown place"),
        }
    }
}

/// The quality of one symbol's recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quality {
    /// Bars or messages that were read, those that were then dropped included.
    pub rows: u64,
    /// First moment.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub first: Option<Timestamp>,
    /// Last moment; of bars, the last close.
    #[serde(serialize_with = "rfc3339_or_null")]
    pub last: Option<Timestamp>,
    /// Prices off the tick: each was rounded to the nearest one, half up.
    pub off_tick: u64,
    /// Bars that have the open time of another one and are not equal to it; the first in the file is kept.
    pub contradictions: u64,
    /// Rows that say again what was said: an equal bar, a trade whose number does not rise, an update that is
    /// already in the book.
    pub duplicates: u64,
    /// Rows that go against the file's order. Bars are sorted; a message of a stream that was
    /// received before the one above it counts as received with it.
    pub out_of_order: u64,
    /// Bars that are not there, between the first and the last.
    pub missing: u64,
    /// The longest time without a bar or message, in nanoseconds.
    #[serde(rename = "longestGapNanos")]
    pub longest_gap: Span,
    /// Bars and trades with a price 30 % or more away from the last price before.
    pub jumps: u64,
    /// Times that depth updates were lost: the feed is broken from there to the next snapshot.
    pub sequence_gaps: u64,
    /// Depth updates that belong to no snapshot and were dropped; those before a first one are no
    /// fault.
    pub unsynchronised: u64,
    /// Trades below one lot, which were dropped.
    pub below_lot: u64,
    /// Messages of kinds that are not traded on.
    pub ignored: u64,
    /// Where each kind of oddity was seen first.
    pub firsts: BTreeMap<Oddity, Place>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

impl Quality {
    /// Counts a price that jumped from the last one.
    pub(super) fn see_price(&mut self, last: Option<PriceTicks>, prices: &[PriceTicks]) {
        if last.is_some_and(|last| prices.iter().any(|&price| is_jump(last, price))) {
            self.jumps += 1;
        }
    }

    /// Extends the period and the longest gap to `at`, which is not before the last moment.
    pub(super) fn see_moment(&mut self, at: Timestamp) {
        if let Some(last) = self.last {
            self.longest_gap = self.longest_gap.max(at - last);
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
    }

    /// Notes it when so many prices are off the tick that the tick must be wrong.
    pub(super) fn note_ticks(&mut self, instrument: &Instrument) {
        if self.off_tick > self.rows / 10 {
            let tick = instrument.price(PriceTicks(1));
            self.notes
                .push(format!("many prices are off the tick: is the tick size {tick} right?"));
        }
    }

    /// How often a kind of oddity was seen.
    #[must_use]
    pub const fn count(&self, oddity: Oddity) -> u64 {
        match oddity {
            Oddity::Jumps => self.jumps,
            Oddity::Missing => self.missing,
            Oddity::SequenceGaps => self.sequence_gaps,
            Oddity::Contradictions => self.contradictions,
            Oddity::Duplicates => self.duplicates,
            Oddity::OutOfOrder => self.out_of_order,
            Oddity::OffTick => self.off_tick,
            Oddity::BelowLot => self.below_lot,
            Oddity::Unsynchronised => self.unsynchronised,
        }
    }

    /// What was seen, with how often and where first.
    pub fn oddities(&self) -> impl Iterator<Item = (Oddity, u64, Option<Place>)> {
        let all = Oddity::ALL.into_iter().map(|oddity| (oddity, self.count(oddity)));
        all.filter(|(_, count)| *count > 0)
            .map(|(oddity, count)| (oddity, count, self.firsts.get(&oddity).copied()))
    }

    /// Remembers this place for every kind that was counted since the last call: its first.
    #[inline]
    pub(super) fn remember(&mut self, line: Option<u64>, at: Timestamp) {
        let kinds = Oddity::ALL.into_iter().filter(|oddity| self.count(*oddity) > 0).count();
        if kinds == self.firsts.len() {
            return;
        }
        for oddity in Oddity::ALL {
            if self.count(oddity) > 0 {
                self.firsts.entry(oddity).or_insert(Place { line, at: Some(at) });
            }
        }
    }

    /// Whether nothing is odd.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.notes.is_empty() && self.oddities().all(|(oddity, ..)| !oddity.is_fault())
    }
}

/// Whether `price` is 30 % or more away from `last`.
fn is_jump(last: PriceTicks, price: PriceTicks) -> bool {
    let change = i128::from(price.0) - i128::from(last.0);
    change.abs() * 100 >= i128::from(last.0) * 30
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(100, 130, true)]
    #[case(100, 129, false)]
    #[case(100, 70, true)]
    #[case(100, 71, false)]
    fn thirty_per_cent_is_a_jump(#[case] last: i64, #[case] price: i64, #[case] jump: bool) {
        assert_eq!(is_jump(PriceTicks(last), PriceTicks(price)), jump);
    }
}

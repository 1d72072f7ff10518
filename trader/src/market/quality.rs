//! What is odd about a recording without making it useless: counted, reported, traded through.

use sapphire_engine::instrument::{Instrument, PriceTicks};
use sapphire_engine::time::{Span, Timestamp};
use serde::Serialize;

use super::stamp::rfc3339_or_null;

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
    /// Rows that say again what was said: a bar of the same open time (the first in the file is
    /// kept), a trade whose number does not rise, an update that is already in the book.
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

    /// Whether nothing is odd.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let counts = [
            self.off_tick,
            self.duplicates,
            self.out_of_order,
            self.missing,
            self.jumps,
            self.sequence_gaps,
            self.below_lot,
        ];
        counts.iter().all(|&count| count == 0) && self.notes.is_empty()
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

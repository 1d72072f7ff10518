//! Several recordings as one feed, in event time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use sapphire_engine::instrument::SymbolId;
use sapphire_engine::market::{Bar, MarketEvent};
use sapphire_engine::time::{Span, Timestamp};

use super::FeedEvent;
use super::bars::close_time;
use super::recording::{Recording, Tape};

/// Which of several events of one moment comes first: what ends before what begins, so that nobody
/// opens a bar without having seen the one before close. A bar without a moment to spare plays as
/// soon as it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Happens,
    Opens,
    Plays,
}

/// The shortest moment there is.
const MOMENT: Span = Span(1);

/// Where a symbol's next event stands: by time, then rank, then the symbol's place.
type Key = Reverse<(Timestamp, Rank, u16)>;

/// A time without data, by script.
#[derive(Debug, Clone, Copy)]
struct Outage {
    from: Timestamp,
    until: Option<Timestamp>,
    /// Events `first..resume` of the recording are lost.
    first: usize,
    resume: usize,
}

/// What a symbol says next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    /// The recording's event of this index.
    Recorded(usize),
    /// The scripted break, and its end.
    Breaks,
    Returns,
    /// That there is no more.
    Ends,
    /// Nothing.
    Silent,
}

#[derive(Debug, Clone)]
struct Track {
    recording: Arc<Recording>,
    outage: Option<Outage>,
    cursor: Cursor,
    /// How long before its close a bar plays.
    lead: Span,
    last: Timestamp,
}

impl Track {
    fn new(
        recording: Arc<Recording>,
        lead: Span,
        outage: Option<(Timestamp, Option<Timestamp>)>,
    ) -> Self {
        let count = recorded_len(&recording);
        let last = count.checked_sub(1).and_then(|index| recorded_at(&recording, lead, index));
        let outage = outage.map(|(from, until)| Outage {
            from,
            until,
            first: index_at(&recording, lead, from),
            resume: until.map_or(count, |until| index_at(&recording, lead, until)),
        });
        let last = last.map_or(Timestamp(0), |(at, _)| at);
        let mut track = Self { recording, outage, cursor: Cursor::Silent, lead, last };
        track.cursor = track.cursor_at(0);
        track
    }

    /// The recording's event of this index, or what stands in its place.
    #[inline]
    fn cursor_at(&self, index: usize) -> Cursor {
        match &self.outage {
            Some(outage) if index == outage.first => Cursor::Breaks,
            _ if index == recorded_len(&self.recording) => Cursor::Ends,
            _ => Cursor::Recorded(index),
        }
    }

    /// What comes after the next event.
    #[inline]
    fn following(&self) -> Cursor {
        match self.cursor {
            Cursor::Recorded(index) => self.cursor_at(index + 1),
            // A feed that never comes back does not say that it ended, either.
            Cursor::Breaks => match &self.outage {
                Some(Outage { until: Some(_), .. }) => Cursor::Returns,
                _ => Cursor::Silent,
            },
            Cursor::Returns => {
                let resume = self.outage.map_or(0, |outage| outage.resume);
                if resume == recorded_len(&self.recording) {
                    Cursor::Ends
                } else {
                    Cursor::Recorded(resume)
                }
            }
            Cursor::Ends | Cursor::Silent => Cursor::Silent,
        }
    }

    /// When the next event happens.
    #[inline]
    fn due(&self) -> Option<(Timestamp, Rank)> {
        let scripted = |at| Some((at, Rank::Happens));
        match self.cursor {
            Cursor::Recorded(index) => recorded_at(&self.recording, self.lead, index),
            Cursor::Breaks => scripted(self.outage?.from),
            Cursor::Returns => scripted(self.outage?.until?),
            Cursor::Ends => {
                let returned = self.outage.and_then(|outage| outage.until);
                scripted(returned.map_or(self.last, |until| until.max(self.last)))
            }
            Cursor::Silent => None,
        }
    }

    /// Events in all.
    fn len(&self) -> u64 {
        let recorded = recorded_len(&self.recording) as u64;
        match &self.outage {
            None => recorded + 1,
            Some(Outage { first, until: None, .. }) => *first as u64 + 1,
            Some(Outage { first, resume, .. }) => recorded - (resume - first) as u64 + 3,
        }
    }
}

/// Events of a recording: a bar is three, its open, its range and its close.
#[inline]
fn recorded_len(recording: &Recording) -> usize {
    match &recording.tape {
        Tape::Bars { bars, .. } => 3 * bars.len(),
        Tape::Stream(tape) => tape.len(),
    }
}

#[inline]
fn recorded_at(recording: &Recording, lead: Span, index: usize) -> Option<(Timestamp, Rank)> {
    match &recording.tape {
        Tape::Bars { interval, bars } => {
            let bar = bars.get(index / 3)?;
            Some(match index % 3 {
                0 => (bar.open_time, Rank::Opens),
                1 => (play_time(bar, *interval, lead), Rank::Plays),
                _ => (close_time(bar, *interval), Rank::Happens),
            })
        }
        Tape::Stream(tape) => tape.at(index).map(|at| (at, Rank::Happens)),
    }
}

/// When a bar's range is played: `lead` before its close, never before its open.
#[inline]
fn play_time(bar: &Bar, interval: Span, lead: Span) -> Timestamp {
    Timestamp(close_time(bar, interval).0.saturating_sub(lead.0)).max(bar.open_time)
}

/// Where the first event at or after a moment is.
fn index_at(recording: &Recording, lead: Span, at: Timestamp) -> usize {
    match &recording.tape {
        Tape::Bars { interval, bars } => {
            let opened = bars.partition_point(|bar| bar.open_time < at);
            let played = bars.partition_point(|bar| play_time(bar, *interval, lead) < at);
            let closed = bars.partition_point(|bar| close_time(bar, *interval) < at);
            opened + played + closed
        }
        Tape::Stream(tape) => tape.index_at(at),
    }
}

fn recorded_event(recording: &Recording, index: usize) -> FeedEvent<'_> {
    match &recording.tape {
        Tape::Bars { bars, .. } => {
            let bar = &bars[index / 3];
            match index % 3 {
                0 => FeedEvent::BarOpens(bar),
                1 => FeedEvent::BarPlays(bar),
                _ => FeedEvent::Market(MarketEvent::Bar(bar)),
            }
        }
        Tape::Stream(tape) => FeedEvent::Market(tape.event(index)),
    }
}

/// The recordings of a desk's symbols, merged by time.
///
/// A stream's events happen when they were received. A bar opens at its stamp and closes one
/// interval later. Its range plays a moment before its close, so that every bar of that close has
/// played before anybody sees one of them. Of one moment, closes come before opens, and symbols in
/// the desk's order. Every symbol ends with [`MarketEvent::Ended`]. The order depends on the recordings alone.
#[derive(Debug, Clone)]
pub struct MarketFeed {
    tracks: Vec<Track>,
    due: BinaryHeap<Key>,
    position: u64,
    len: u64,
    begins: Option<Timestamp>,
    ends: Option<Timestamp>,
}

impl MarketFeed {
    /// A feed from its beginning; a recording's place is its [`SymbolId`].
    #[must_use]
    pub fn new(recordings: impl IntoIterator<Item = Arc<Recording>>) -> Self {
        let track = |recording| Track::new(recording, MOMENT, None);
        Self::of(recordings.into_iter().map(track).collect())
    }

    /// The same feed from its beginning, in which a bar's range plays `report_delay` and a moment
    /// before its close: what fills inside a bar is then heard of before the bar is seen, as it would
    /// have been in the market. A delay of a bar or more cannot be made up for.
    #[must_use]
    pub fn heard_after(mut self, report_delay: Span) -> Self {
        let lead = Span(report_delay.0.saturating_add(MOMENT.0));
        for track in &mut self.tracks {
            let outage = track.outage.map(|outage| (outage.from, outage.until));
            *track = Track::new(track.recording.clone(), lead, outage);
        }
        self.rewind();
        self
    }

    fn of(tracks: Vec<Track>) -> Self {
        let due: BinaryHeap<Key> = (0_u16..)
            .zip(&tracks)
            .filter_map(|(symbol, track)| track.due().map(|(at, rank)| Reverse((at, rank, symbol))))
            .collect();
        let len = tracks.iter().map(Track::len).sum();
        let begins = due.peek().map(|Reverse((at, ..))| *at);
        let ends = tracks.iter().map(|track| track.last).max();
        Self { tracks, due, position: 0, len, begins, ends }
    }

    /// The same feed from its beginning, in which one symbol breaks at a moment and is back at
    /// another, if ever: what it would have said in between is lost.
    #[must_use]
    pub fn with_outage(
        mut self,
        symbol: SymbolId,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Self {
        if let Some(track) = self.tracks.get_mut(symbol.index()) {
            let until = until.map(|until| until.max(from));
            *track = Track::new(track.recording.clone(), track.lead, Some((from, until)));
        }
        self.rewind();
        self
    }

    /// When the next event happens; `None` when all symbols have ended.
    #[inline]
    #[must_use]
    pub fn peek_time(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next event, borrowed from its recording.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it lends, which an Iterator cannot
    pub fn next(&mut self) -> Option<(Timestamp, SymbolId, FeedEvent<'_>)> {
        let mut top = self.due.peek_mut()?;
        let Reverse((at, _, symbol)) = *top;
        let track = &mut self.tracks[usize::from(symbol)];
        let cursor = track.cursor;
        track.cursor = track.following();
        match track.due() {
            Some((next, rank)) => *top = Reverse((next, rank, symbol)),
            None => drop(PeekMut::pop(top)),
        }
        self.position += 1;
        let event = match cursor {
            Cursor::Recorded(index) => recorded_event(&track.recording, index),
            Cursor::Breaks => FeedEvent::Market(MarketEvent::Broken),
            Cursor::Returns => FeedEvent::Market(MarketEvent::Restored),
            Cursor::Ends | Cursor::Silent => FeedEvent::Market(MarketEvent::Ended),
        };
        Some((at, SymbolId(symbol), event))
    }

    /// Events taken so far.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Events in all.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// First and last moment of the data.
    #[must_use]
    pub fn period(&self) -> Option<(Timestamp, Timestamp)> {
        self.begins.zip(self.ends)
    }

    /// How long the data last.
    #[must_use]
    pub fn span(&self) -> Span {
        self.period().map_or(Span::ZERO, |(begins, ends)| ends - begins)
    }

    /// The recordings, in the desk's order.
    pub fn recordings(&self) -> impl Iterator<Item = &Arc<Recording>> {
        self.tracks.iter().map(|track| &track.recording)
    }

    /// Back to the beginning.
    pub fn rewind(&mut self) {
        let mut tracks = std::mem::take(&mut self.tracks);
        for track in &mut tracks {
            track.cursor = track.cursor_at(0);
        }
        *self = Self::of(tracks);
    }

    /// Goes to where `events` events have been taken, or to the end.
    pub fn seek(&mut self, events: u64) {
        self.rewind();
        while self.position < events && self.next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::tests::{btc, instrument, read_file};
    use proptest::prelude::*;
    use sapphire_engine::instrument::{PriceTicks, QtyLots, Symbol};
    use std::path::Path;

    const HOUR: Span = Span::hours(1);

    fn bars(hours: impl IntoIterator<Item = i64>) -> Arc<Recording> {
        let bar = |hour| Bar {
            open_time: Timestamp(Span::hours(hour).0),
            open: PriceTicks(10),
            high: PriceTicks(10),
            low: PriceTicks(10),
            close: PriceTicks(10),
            volume: QtyLots(1),
            taker_buy_volume: None,
        };
        let bars = hours.into_iter().map(bar).collect();
        Arc::new(Recording::of_bars(Symbol::new("X").unwrap(), HOUR, bars).unwrap())
    }

    /// All that is left, as `hour:symbol:event`.
    fn told(feed: &mut MarketFeed) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(due) = feed.peek_time() {
            let (at, symbol, event) = feed.next().unwrap();
            assert_eq!(at, due);
            let name = match event {
                FeedEvent::BarOpens(bar) => format!("opens {}", bar.open_time.0 / HOUR.0),
                FeedEvent::BarPlays(bar) => format!("plays {}", bar.open_time.0 / HOUR.0),
                FeedEvent::Market(MarketEvent::Bar(bar)) => {
                    format!("bar {}", bar.open_time.0 / HOUR.0)
                }
                FeedEvent::Market(other) => format!("{other:?}"),
            };
            // A moment before the hour shows as the hour.
            let hours = (at.0 as f64 / HOUR.0 as f64 * 1e6).round() / 1e6;
            all.push(format!("{hours}:{}:{name}", symbol.0));
        }
        assert_eq!(feed.position(), feed.len());
        assert!(feed.next().is_none());
        all
    }

    #[test]
    fn closes_come_before_opens_and_every_symbol_ends() {
        let mut feed = MarketFeed::new([bars(0..2), bars([0])]);
        let expected = [
            "0:0:opens 0",
            "0:1:opens 0",
            "1:0:plays 0",
            "1:1:plays 0",
            "1:0:bar 0",
            "1:1:bar 0",
            "1:1:Ended",
            "1:0:opens 1",
            "2:0:plays 1",
            "2:0:bar 1",
            "2:0:Ended",
        ];
        assert_eq!(told(&mut feed), expected);
        assert_eq!(feed.period(), Some((Timestamp(0), Timestamp(2 * HOUR.0))));
    }

    #[test]
    fn one_symbols_outage_leaves_the_other_alone() {
        let at = |half_hours: i64| Timestamp(half_hours * HOUR.0 / 2);
        let mut feed =
            MarketFeed::new([bars(0..4), bars(0..2)]).with_outage(SymbolId(0), at(3), Some(at(5)));
        let of = |told: &[String], symbol: &str| -> Vec<String> {
            told.iter().filter(|line| line.split(':').nth(1) == Some(symbol)).cloned().collect()
        };
        let all = told(&mut feed);
        let expected = [
            "0:0:opens 0",
            "1:0:plays 0",
            "1:0:bar 0",
            "1:0:opens 1",
            "1.5:0:Broken",
            "2.5:0:Restored",
            "3:0:plays 2",
            "3:0:bar 2",
            "3:0:opens 3",
            "4:0:plays 3",
            "4:0:bar 3",
            "4:0:Ended",
        ];
        assert_eq!(of(&all, "0"), expected);
        assert_eq!(
            of(&all, "1"),
            [
                "0:1:opens 0",
                "1:1:plays 0",
                "1:1:bar 0",
                "1:1:opens 1",
                "2:1:plays 1",
                "2:1:bar 1",
                "2:1:Ended"
            ]
        );
    }

    #[test]
    fn a_range_plays_so_early_that_its_fills_are_heard_before_the_close() {
        let minute = |hours: i64, lead: i64| Timestamp(Span::hours(hours).0 - lead);
        let times = |delay| {
            let mut feed = MarketFeed::new([bars(0..2)]).heard_after(delay);
            let mut plays = Vec::new();
            while let Some((at, _, event)) = feed.next() {
                plays.extend(matches!(event, FeedEvent::BarPlays(_)).then_some(at));
            }
            plays
        };
        assert_eq!(times(Span::ZERO), [minute(1, 1), minute(2, 1)]);
        assert_eq!(times(Span(20)), [minute(1, 21), minute(2, 21)]);
        let too_long = times(Span::hours(30));
        assert_eq!(too_long, [Timestamp(0), minute(1, 0)], "a bar never plays before its open");
    }

    #[test]
    fn a_symbol_that_never_comes_back_ends_broken() {
        let mut feed = MarketFeed::new([bars(0..4)]).with_outage(SymbolId(0), Timestamp(1), None);
        assert_eq!(told(&mut feed)[1..], ["0:0:Broken"]);
    }

    #[test]
    fn an_outage_beyond_the_end_returns_and_ends() {
        let after = Timestamp(9 * HOUR.0);
        let mut feed =
            MarketFeed::new([bars(0..1)]).with_outage(SymbolId(0), Timestamp(0), Some(after));
        assert_eq!(told(&mut feed), ["0:0:Broken", "9:0:Restored", "9:0:Ended"]);
        let mut feed = MarketFeed::new([bars(0..1)]).with_outage(SymbolId(0), after, None);
        assert_eq!(told(&mut feed), ["0:0:opens 0", "1:0:plays 0", "1:0:bar 0", "9:0:Broken"]);
    }

    #[test]
    fn streams_of_two_symbols_are_merged_by_receive_time() {
        let read = |name: &str, instrument| {
            let path = format!("../examples/data/{name}-usdm-20240808.jsonl.gz");
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
            Arc::new(read_file(&path, &instrument, Span::ZERO).unwrap())
        };
        let both =
            [read("btcusdt", btc()), read("ethusdt", instrument("ETHUSDT", 1_000_000, 100_000))];
        let mut feed = MarketFeed::new(both);
        let (mut last, mut counts) = (Timestamp(0), [0, 0]);
        while let Some((at, symbol, _)) = feed.next() {
            assert!(at >= last);
            last = at;
            counts[symbol.index()] += 1;
        }
        assert_eq!(counts.iter().sum::<u64>(), feed.len());
        assert!(counts[0] > 10_000 && counts[1] > 9_000, "{counts:?}");
    }

    proptest! {
        #[test]
        fn seeking_and_walking_lead_to_the_same_place(
            first in prop::collection::btree_set(0..40_i64, 0..20),
            second in prop::collection::btree_set(0..40_i64, 0..20),
            outage in prop::option::of((0..45 * HOUR.0, prop::option::of(0..45 * HOUR.0))),
            steps in 0..130_u64,
            delay in prop::sample::select(vec![Span::ZERO, Span(20), HOUR]),
        ) {
            let mut walked = MarketFeed::new([bars(first), bars(second)]).heard_after(delay);
            if let Some((from, until)) = outage {
                walked = walked.with_outage(SymbolId(1), Timestamp(from), until.map(Timestamp));
            }
            let mut sought = walked.clone();
            for _ in 0..steps {
                walked.next();
            }
            sought.next();
            sought.seek(steps);
            prop_assert_eq!(sought.position(), walked.position());
            prop_assert_eq!(told(&mut sought), told(&mut walked));
        }
    }
}

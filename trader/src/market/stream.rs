//! Reads a raw stream: decoded once into flat arrays, its book synchronised as the exchange
//! prescribes.

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots};
use sapphire_engine::market::{DepthUpdate, Level, MarketEvent, Quote, Trade};
use sapphire_engine::order::Side;
use sapphire_engine::time::Timestamp;

use super::bars::At;
use super::error::Problem;
use super::message::{self, Levels, Message};
use super::quality::{LONGEST_GAP, Quality};
use super::source::Source;

/// What an entry of a tape is; its place in the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Quote(u32),
    Depth(u32),
    Snapshot(u32),
    Trade(u32),
    Mark(u32),
    Broken,
    Restored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at: Timestamp,
    what: What,
}

/// Numbers of a depth message, and where its levels stand: bids, then asks, from `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DepthEntry {
    first: u64,
    last: u64,
    previous: u64,
    start: u32,
    bids: u32,
    asks: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TradeEntry {
    id: u64,
    price: PriceTicks,
    /// Positive where a buyer took, negative where a seller did.
    quantity: QtyLots,
}

/// A decoded stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StreamTape {
    entries: Vec<Entry>,
    quotes: Vec<Quote>,
    depths: Vec<DepthEntry>,
    trades: Vec<TradeEntry>,
    marks: Vec<PriceTicks>,
    levels: Vec<Level>,
}

impl StreamTape {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<Timestamp> {
        self.entries.get(index).map(|entry| entry.at)
    }

    /// Where the first entry at or after a moment is.
    pub(super) fn index_at(&self, at: Timestamp) -> usize {
        self.entries.partition_point(|entry| entry.at < at)
    }

    #[inline]
    pub(super) fn event(&self, index: usize) -> MarketEvent<'_> {
        let Entry { at, what } = self.entries[index];
        match what {
            What::Quote(i) => MarketEvent::Quote(self.quotes[i as usize]),
            What::Depth(i) => {
                let entry = &self.depths[i as usize];
                let (bids, asks) = self.levels_of(entry);
                let DepthEntry { first, last, previous, .. } = *entry;
                MarketEvent::Depth(DepthUpdate { first, last, previous, bids, asks })
            }
            What::Snapshot(i) => {
                let entry = &self.depths[i as usize];
                let (bids, asks) = self.levels_of(entry);
                MarketEvent::DepthSnapshot { last_update: entry.last, bids, asks }
            }
            What::Trade(i) => {
                let TradeEntry { id, price, quantity } = self.trades[i as usize];
                let aggressor = Side::of_position(quantity);
                MarketEvent::Trade(Trade { id, price, quantity: quantity.abs(), aggressor, at })
            }
            What::Mark(i) => MarketEvent::Mark(self.marks[i as usize]),
            What::Broken => MarketEvent::Broken,
            What::Restored => MarketEvent::Restored,
        }
    }

    fn levels_of(&self, entry: &DepthEntry) -> (&[Level], &[Level]) {
        let start = entry.start as usize;
        let middle = start + entry.bids as usize;
        let end = middle + entry.asks as usize;
        (&self.levels[start..middle], &self.levels[middle..end])
    }
}

/// Where the book stands while a stream is read.
enum Sync {
    /// No snapshot yet, or updates were lost: depth updates wait for one.
    Waiting { buffered: Vec<u32> },
    /// A snapshot was taken; the next update must straddle its number.
    Snapshot(u64),
    /// In sequence; the last update's number.
    Live(u64),
}

struct Decoder<'a> {
    instrument: &'a Instrument,
    tape: StreamTape,
    quality: Quality,
    sync: Sync,
    /// Whether [`MarketEvent::Broken`] was said and not yet taken back.
    broken: bool,
    last_trade: Option<TradeEntry>,
    last_quote: u64,
}

/// Reads the stream of one symbol.
///
/// The book: depth updates before a snapshot are kept back; at the snapshot those that end before
/// it are dropped, the first one left must straddle its number, and from there each must continue
/// the one before (`pu` is the last `u`). Where one does not, updates were lost: the feed says
/// `Broken` there, and `Restored` at the next usable snapshot; quotes and trades, which need no
/// sequence, go on in between.
///
/// A line that cannot be read refuses the file, wherever it stands: a recording with a hole in it
/// would trade differently from the market that it claims to be.
pub(super) fn read(
    source: &mut Source,
    instrument: &Instrument,
) -> Result<(StreamTape, Quality), At<Problem>> {
    let mut decoder = Decoder {
        instrument,
        tape: StreamTape::default(),
        quality: Quality::default(),
        sync: Sync::Waiting { buffered: Vec::new() },
        broken: false,
        last_trade: None,
        last_quote: 0,
    };
    let mut levels = Levels::default();
    let (mut steps, mut first_backward) = (0_u64, None);
    loop {
        let number = source.line_number() + 1;
        let Some(line) = source.next_line().map_err(|problem| (Some(number), problem))? else {
            break;
        };
        let at = |problem| (Some(line.number), problem);
        let (received, text) = message::split(line.text).map_err(at)?;
        let message = message::parse(text, instrument, &mut levels).map_err(at)?;
        let previous = decoder.quality.last;
        if let Some(gap) = previous.map(|last| received - last).filter(|gap| *gap > LONGEST_GAP) {
            return Err(at(Problem::Leap { gap, before: None }));
        }
        if previous.is_some_and(|last| received < last) {
            decoder.quality.out_of_order += 1;
            first_backward.get_or_insert(line.number);
        }
        steps += u64::from(previous.is_some_and(|last| received != last));
        let received = previous.map_or(received, |last| received.max(last));
        decoder.take(received, message, &levels);
        decoder.quality.remember(Some(line.number), received);
    }
    let quality = &decoder.quality;
    if quality.rows == 0 {
        return Err((None, Problem::Empty));
    }
    if quality.out_of_order * 100 > steps {
        let against = quality.out_of_order;
        return Err((first_backward, Problem::NeitherOrder { against, steps }));
    }
    Ok(decoder.finish())
}

impl Decoder<'_> {
    fn take(&mut self, at: Timestamp, message: Message, levels: &Levels) {
        self.quality.rows += 1;
        self.quality.off_tick += levels.off_tick;
        self.quality.see_moment(at);
        match message {
            Message::Quote(quote) => self.take_quote(at, quote),
            Message::Trade { id, price, quantity, aggressor } => {
                let quantity = aggressor.signed(quantity);
                self.take_trade(at, TradeEntry { id, price, quantity });
            }
            Message::Depth { first, last, previous } => {
                let entry = self.keep(first, last, previous, levels);
                self.take_update(at, entry);
            }
            Message::Snapshot { last_update } => self.take_snapshot(at, last_update, levels),
            Message::Mark(price) => {
                let index = place(self.tape.marks.len());
                self.tape.marks.push(price);
                self.push(at, What::Mark(index));
            }
            Message::Ignored => self.quality.ignored += 1,
        }
    }

    fn push(&mut self, at: Timestamp, what: What) {
        self.tape.entries.push(Entry { at, what });
    }

    /// An older quote than the last one would turn the market back.
    fn take_quote(&mut self, at: Timestamp, quote: Quote) {
        if quote.update < self.last_quote {
            self.quality.duplicates += 1;
            return;
        }
        self.last_quote = quote.update;
        let index = place(self.tape.quotes.len());
        self.tape.quotes.push(quote);
        self.push(at, What::Quote(index));
    }

    fn take_trade(&mut self, at: Timestamp, trade: TradeEntry) {
        if self.last_trade.is_some_and(|last| trade.id <= last.id) {
            self.quality.duplicates += 1;
            return;
        }
        self.quality.see_price(self.last_trade.map(|last| last.price), &[trade.price]);
        self.last_trade = Some(trade);
        if trade.quantity == QtyLots::ZERO {
            self.quality.below_lot += 1;
            return;
        }
        let index = place(self.tape.trades.len());
        self.tape.trades.push(trade);
        self.push(at, What::Trade(index));
    }

    /// Keeps a depth message's levels; its place.
    fn keep(&mut self, first: u64, last: u64, previous: u64, levels: &Levels) -> u32 {
        let start = place(self.tape.levels.len());
        self.tape.levels.extend_from_slice(&levels.bids);
        self.tape.levels.extend_from_slice(&levels.asks);
        let (bids, asks) = (place(levels.bids.len()), place(levels.asks.len()));
        self.tape.depths.push(DepthEntry { first, last, previous, start, bids, asks });
        place(self.tape.depths.len() - 1)
    }

    fn take_update(&mut self, at: Timestamp, index: u32) {
        let update = self.tape.depths[index as usize];
        let continues = match &mut self.sync {
            Sync::Waiting { buffered } => {
                buffered.push(index);
                return;
            }
            Sync::Snapshot(number) | Sync::Live(number) if update.last < *number => {
                self.quality.duplicates += 1;
                return;
            }
            Sync::Live(number) if update.last == *number => {
                self.quality.duplicates += 1;
                return;
            }
            Sync::Snapshot(number) => update.first <= *number || update.previous == *number,
            Sync::Live(number) => update.previous == *number,
        };
        if continues {
            self.sync = Sync::Live(update.last);
            self.push(at, What::Depth(index));
        } else {
            self.quality.sequence_gaps += 1;
            self.sync = Sync::Waiting { buffered: vec![index] };
            if !self.broken {
                self.broken = true;
                self.push(at, What::Broken);
            }
        }
    }

    fn take_snapshot(&mut self, at: Timestamp, number: u64, levels: &Levels) {
        let buffered = match &mut self.sync {
            // A book in sequence is at least as new as this.
            Sync::Snapshot(last) | Sync::Live(last) if number <= *last => {
                self.quality.duplicates += 1;
                return;
            }
            Sync::Snapshot(_) | Sync::Live(_) => Vec::new(),
            Sync::Waiting { buffered } => std::mem::take(buffered),
        };
        let update = |index: &u32| &self.tape.depths[*index as usize];
        let old = buffered.iter().take_while(|index| update(index).last < number).count();
        let next = buffered.get(old).map(update);
        if next.is_some_and(|next| next.first > number && next.previous != number) {
            // Updates between the snapshot and what was kept are missing: it takes a newer one.
            self.quality.sequence_gaps += 1;
            self.sync = Sync::Waiting { buffered };
            return;
        }
        self.quality.unsynchronised += old as u64;
        if self.broken {
            self.broken = false;
            self.push(at, What::Restored);
        }
        let entry = self.keep(0, number, 0, levels);
        self.push(at, What::Snapshot(entry));
        self.sync = Sync::Snapshot(number);
        for &index in &buffered[old..] {
            self.take_update(at, index);
        }
    }

    fn finish(mut self) -> (StreamTape, Quality) {
        if let Sync::Waiting { buffered } = &self.sync {
            self.quality.unsynchronised += buffered.len() as u64;
            if !buffered.is_empty() && !self.broken {
                let note = "there is no depth snapshot: the book is never known";
                self.quality.notes.push(note.into());
            }
        }
        self.quality.note_ticks(self.instrument);
        let tape = &mut self.tape;
        tape.entries.shrink_to_fit();
        tape.quotes.shrink_to_fit();
        tape.depths.shrink_to_fit();
        tape.trades.shrink_to_fit();
        tape.marks.shrink_to_fit();
        tape.levels.shrink_to_fit();
        (self.tape, self.quality)
    }
}

/// A place in a list. No recording that fits in memory has 2^32 entries of a kind.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

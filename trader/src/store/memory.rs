use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Chain, Link, Record};
use sapphire_engine::time::Timestamp;

use super::reader::StoredRecord;
use super::sink::encode;
use super::{JournalSink, StoreError};

/// A journal in memory: what a backtest writes that is to be kept when it is over.
#[derive(Debug)]
pub struct MemoryJournal {
    run: RunId,
    chain: Chain,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Timestamp,
    link: Link,
    end: usize,
}

impl MemoryJournal {
    /// An empty journal.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self { run, chain: Chain::new(run), bytes: Vec::new(), entries: Vec::new() }
    }

    /// Whose it is.
    #[must_use]
    pub const fn run(&self) -> RunId {
        self.run
    }

    /// How many records it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Its records, in order.
    pub fn records(&self) -> impl Iterator<Item = StoredRecord<'_>> {
        let starts = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        self.entries.iter().zip(starts).map(|(entry, start)| StoredRecord {
            link: entry.link,
            at: entry.at,
            payload: (&self.bytes[start..entry.end]).into(),
        })
    }
}

impl JournalSink for MemoryJournal {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        let start = self.bytes.len();
        encode(record, &mut self.bytes)?;
        let link = self.chain.append(at, &self.bytes[start..]);
        self.entries.push(Entry { at, link, end: self.bytes.len() });
        Ok(link)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn head(&self) -> Link {
        self.chain.head()
    }
}

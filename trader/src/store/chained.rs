use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Chain, Link, Record};
use sapphire_engine::time::Timestamp;

use super::sink::encode;
use super::{JournalSink, StoreError};

/// A journal of which only the head remains: what a backtest publishes when nobody asked to keep
/// its records. Two runs with one head had the same records.
#[derive(Debug)]
pub struct ChainedJournal {
    chain: Chain,
    bytes: Vec<u8>,
}

impl ChainedJournal {
    /// An empty journal.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        Self { chain: Chain::new(run), bytes: Vec::new() }
    }
}

impl JournalSink for ChainedJournal {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        self.bytes.clear();
        encode(record, &mut self.bytes)?;
        Ok(self.chain.append(at, &self.bytes))
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn head(&self) -> Link {
        self.chain.head()
    }
}

use sapphire_engine::journal::{Hash, Link, Record};
use sapphire_engine::time::Timestamp;

use super::{StoreError, json};

/// Where a desk's records go.
pub trait JournalSink {
    /// Appends a record: chained now, durable with the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// A [`StoreError`]; after one nothing more can be appended.
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError>;

    /// Makes everything appended so far durable, in one commit.
    ///
    /// # Errors
    /// A [`StoreError`], such as [`StoreError::Full`]; nothing of this commit is durable then.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// The last record's link; sequence 0 before the first.
    fn head(&self) -> Link;
}

impl<S: JournalSink + ?Sized> JournalSink for Box<S> {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        (**self).append(at, record)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        (**self).flush()
    }
    fn head(&self) -> Link {
        (**self).head()
    }
}

/// Counts records and forgets them: for measuring what the journal costs.
#[derive(Debug, Default)]
pub struct NoJournal {
    records: u64,
}

impl JournalSink for NoJournal {
    fn append(&mut self, _: Timestamp, _: &Record) -> Result<Link, StoreError> {
        self.records += 1;
        Ok(self.head())
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
    fn head(&self) -> Link {
        Link { sequence: self.records, hash: Hash([0; 32]) }
    }
}

/// A record as the bytes that are hashed and stored.
pub(crate) fn encode(record: &Record, buffer: &mut Vec<u8>) -> Result<(), StoreError> {
    json::write(record, buffer)
        .map_err(|error| StoreError::Record { what: "written", detail: error.to_string() })
}

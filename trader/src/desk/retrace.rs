//! A journal that is made a second time, and compared with the first.

use std::collections::VecDeque;

use sapphire_engine::VERSION;
use sapphire_engine::journal::{Link, Record};
use sapphire_engine::time::Timestamp;

use crate::store::{JournalSink, StoreError, StoredRecord, encode};

/// Compares what is appended with what is stored, byte for byte, until the stored records are used
/// up; from there on it appends to the journal behind it, beginning with a
/// [`Record::Restarted`].
#[derive(Debug)]
pub struct Retrace<J> {
    stored: VecDeque<StoredRecord<'static>>,
    /// The last record that was compared.
    head: Link,
    journal: J,
    scratch: Vec<u8>,
}

impl<J: JournalSink> Retrace<J> {
    /// Compares with `stored`, and goes on with `journal`, whose head is the last of them. Nothing
    /// stored is a new journal.
    pub fn new(stored: VecDeque<StoredRecord<'static>>, journal: J) -> Self {
        let mut retrace = Self { stored, head: journal.head(), journal, scratch: Vec::new() };
        retrace.pass_over_process();
        retrace
    }

    /// Whether there are stored records left to compare with.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.stored.is_empty()
    }

    /// The stored record that was not made again, when nothing more is made.
    #[must_use]
    pub fn missing(&self) -> StoreError {
        let next = self.stored.front();
        StoreError::Diverged {
            sequence: next.map_or(0, |stored| stored.link.sequence),
            stored: next.map(|stored| stored.text().into_owned()).unwrap_or_default(),
            rebuilt: "nothing: the data are over".to_owned(),
        }
    }

    /// The journal behind it.
    #[must_use]
    pub const fn journal(&self) -> &J {
        &self.journal
    }

    /// The journal behind it.
    pub const fn journal_mut(&mut self) -> &mut J {
        &mut self.journal
    }

    /// The journal behind it, for good.
    pub fn into_journal(self) -> J {
        self.journal
    }

    /// Records that tell of the process (a restart) are not made again.
    fn pass_over_process(&mut self) {
        while let Some(passed) = self.stored.pop_front_if(|stored| is_about_process(stored)) {
            self.head = passed.link;
        }
    }

    fn compare(&mut self, at: Timestamp, record: &Record) -> Result<Option<Link>, StoreError> {
        let Some(stored) = self.stored.pop_front() else { return Ok(None) };
        self.scratch.clear();
        encode(record, &mut self.scratch)?;
        if stored.at != at || *stored.payload != self.scratch {
            return Err(StoreError::Diverged {
                sequence: stored.link.sequence,
                stored: format!("{} {}", stored.at, stored.text()),
                rebuilt: format!("{at} {}", String::from_utf8_lossy(&self.scratch)),
            });
        }
        self.head = stored.link;
        self.pass_over_process();
        if self.stored.is_empty() {
            self.journal.append(at, &Record::Restarted { engine: VERSION.to_owned() })?;
        }
        Ok(Some(self.head))
    }
}

fn is_about_process(stored: &StoredRecord<'_>) -> bool {
    // A look at the bytes spares reading every record.
    stored.payload.starts_with(br#"{"kind":"restarted""#)
        && stored.record().is_ok_and(|record| record.is_about_process())
}

impl<J: JournalSink> JournalSink for Retrace<J> {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        match self.compare(at, record)? {
            Some(link) => Ok(link),
            None => self.journal.append(at, record),
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.journal.flush()
    }

    fn head(&self) -> Link {
        if self.is_behind() { self.head } else { self.journal.head() }
    }
}

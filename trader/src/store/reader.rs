use std::borrow::Cow;
use std::path::Path;

use futures::executor::block_on;
use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Hash, Link, Record};
use sapphire_engine::time::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use super::database::Database;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord<'a> {
    /// Its place in the chain.
    pub link: Link,
    /// Event time.
    pub at: Timestamp,
    /// JSON: the bytes that were hashed.
    pub payload: Cow<'a, [u8]>,
}

impl StoredRecord<'_> {
    /// The record.
    ///
    /// # Errors
    /// [`StoreError::AnotherBuilds`] when this version does not know it.
    pub fn record(&self) -> Result<Record, StoreError> {
        serde_json::from_slice(&self.payload).map_err(|error| StoreError::AnotherBuilds {
            sequence: self.link.sequence,
            detail: error.to_string(),
        })
    }

    /// Its text, for people.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.payload)
    }
}

/// A run in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRun {
    /// Which.
    pub run: RunId,
    /// How many records it has.
    pub records: u64,
}

/// Reads a journal, also while a desk writes it.
#[derive(Debug)]
pub struct JournalReader {
    database: Database,
}

/// Records read at a time.
const PAGE: i64 = 4096;

impl JournalReader {
    /// Opens the journal at `path`.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NotAJournal`], [`StoreError::Newer`],
    /// [`StoreError::Damaged`] or [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Database::open_to_read(path).map(|database| Self { database })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// The runs in it, in the order of their beginning.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be read.
    pub fn runs(&mut self) -> Result<Vec<StoredRun>, StoreError> {
        runs(&mut self.database)
    }

    /// The run whose record `head` is: a published head is one run's alone.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be read.
    pub fn run_of(&mut self, head: Link) -> Result<Option<RunId>, StoreError> {
        let query = sqlx::query_scalar("SELECT run FROM journal WHERE sequence = ? AND hash = ?")
            .bind(head.sequence.cast_signed())
            .bind(head.hash.0.to_vec());
        let found: Option<String> =
            block_on(query.fetch_optional(&mut self.database.connection))
                .map_err(|error| self.database.error("cannot read the journal", &error))?;
        Ok(found.and_then(|run| u64::from_str_radix(&run, 16).ok()).map(RunId))
    }

    /// How many rows are gone from between others, whosever they were. Rows are numbered without a
    /// gap as they are written, so this shows a whole run that was taken out, which no chain can.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be read.
    pub fn removed(&mut self) -> Result<u64, StoreError> {
        let gone: i64 =
            self.database.scalar("SELECT coalesce(max(id), 0) - count(*) FROM journal")?;
        Ok(gone.max(0).cast_unsigned())
    }

    /// Gives each record of a run to `visit`, in order, until it says no.
    ///
    /// # Errors
    /// A [`StoreError`] when the journal cannot be read, or whatever `visit` returns.
    pub fn each<E: From<StoreError>>(
        &mut self,
        run: RunId,
        mut visit: impl FnMut(StoredRecord<'static>) -> Result<(), E>,
    ) -> Result<(), E> {
        let run = run.to_string();
        // By sequence, not by counting: a missing record must not stop the reading.
        let mut after = i64::MIN;
        loop {
            let page = sqlx::query(
                "SELECT sequence, at, hash, payload FROM journal \
                 WHERE run = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            )
            .bind(&run)
            .bind(after)
            .bind(PAGE);
            let rows = block_on(page.fetch_all(&mut self.database.connection))
                .map_err(|error| self.database.error("cannot read the journal", &error))?;
            for row in &rows {
                let record = stored(row)
                    .map_err(|error| self.database.error("cannot read a record", &error))?;
                after = record.link.sequence.cast_signed();
                visit(record)?;
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }

    /// The first record of a run, and its last two, in order: what it is of, and whether it is over.
    ///
    /// # Errors
    /// A [`StoreError`] when the journal cannot be read.
    pub fn ends(&mut self, run: RunId) -> Result<Vec<StoredRecord<'static>>, StoreError> {
        let rows = sqlx::query(
            "SELECT sequence, at, hash, payload FROM journal WHERE run = ?1 AND sequence IN ( \
                 SELECT min(sequence) FROM journal WHERE run = ?1 \
                 UNION SELECT max(sequence) FROM journal WHERE run = ?1 \
                 UNION SELECT max(sequence) - 1 FROM journal WHERE run = ?1 \
             ) ORDER BY sequence",
        )
        .bind(run.to_string());
        let rows = block_on(rows.fetch_all(&mut self.database.connection))
            .map_err(|error| self.database.error("cannot read the journal", &error))?;
        rows.iter()
            .map(stored)
            .collect::<Result<_, _>>()
            .map_err(|error| self.database.error("cannot read a record", &error))
    }

    /// SQLite's own examination of the file; `None` when it finds nothing.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be read at all.
    pub fn integrity(&mut self) -> Result<Option<String>, StoreError> {
        let found: String = self.database.scalar("PRAGMA integrity_check(1)")?;
        Ok((found != "ok").then_some(found))
    }
}

fn stored(row: &SqliteRow) -> Result<StoredRecord<'static>, sqlx::Error> {
    let hash: Vec<u8> = row.try_get("hash")?;
    // A hash of another length is no hash: all zeros never match, so it shows as a mismatch.
    let hash = Hash(hash.try_into().unwrap_or([0; 32]));
    let sequence = row.try_get::<i64, _>("sequence")?.cast_unsigned();
    Ok(StoredRecord {
        link: Link { sequence, hash },
        at: Timestamp(row.try_get("at")?),
        payload: Cow::Owned(row.try_get("payload")?),
    })
}

pub(super) fn runs(database: &mut Database) -> Result<Vec<StoredRun>, StoreError> {
    let query =
        sqlx::query("SELECT run, count(*) AS records FROM journal GROUP BY run ORDER BY min(id)");
    let rows = block_on(query.fetch_all(&mut database.connection))
        .map_err(|error| database.error("cannot read the journal", &error))?;
    rows.iter()
        .map(|row| {
            let text: String = row.try_get("run")?;
            let run = u64::from_str_radix(&text, 16).map_err(|_| {
                sqlx::Error::Decode(format!("`{text}` is no run: 16 hexadecimal digits").into())
            })?;
            let records = row.try_get::<i64, _>("records")?.cast_unsigned();
            Ok(StoredRun { run: RunId(run), records })
        })
        .collect::<Result<_, _>>()
        .map_err(|error| database.error("cannot read the journal", &error))
}

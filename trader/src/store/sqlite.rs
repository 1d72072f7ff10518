use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Chain, Link, Record};
use sapphire_engine::time::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::database::Database;
use super::reader::{JournalReader, StoredRecord, StoredRun};
use super::sink::encode;
use super::{JournalSink, MemoryJournal, StoreError};

/// Rows of one INSERT: with five values a row far below SQLite's 32,766 parameters.
const ROWS_PER_INSERT: usize = 256;

/// The journal in SQLite, owned by this process.
#[derive(Debug)]
pub struct SqliteJournal {
    database: Database,
    run: RunId,
    chain: Chain,
    pending: Vec<Pending>,
    bytes: Vec<u8>,
    failed: Option<StoreError>,
    commits: CommitTimes,
    /// Commits that nobody has asked for yet.
    recent: Vec<Duration>,
}

/// How many, where nobody asks.
const RECENT_KEPT: usize = 1024;

/// Appended, not yet durable; its bytes end at `end`.
#[derive(Debug, Clone, Copy)]
struct Pending {
    at: Timestamp,
    link: Link,
    end: usize,
}

impl SqliteJournal {
    /// Opens the database at `path`, made and migrated as needed, and takes ownership of it.
    /// Records go to run 0 until [`begin`](Self::begin) or [`resume`](Self::resume) says whose
    /// they are.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::NotAJournal`],
    /// [`StoreError::Damaged`], [`StoreError::NotDurable`] or [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let run = RunId(0);
        Ok(Self {
            database: Database::open(path)?,
            run,
            chain: Chain::new(run),
            pending: Vec::new(),
            bytes: Vec::new(),
            failed: None,
            commits: CommitTimes::default(),
            recent: Vec::new(),
        })
    }

    /// Starts the journal of a new run.
    pub fn begin(&mut self, run: RunId) {
        self.resume(run, Chain::new(run).head());
    }

    /// Goes on with a run after its last stored record.
    pub fn resume(&mut self, run: RunId, head: Link) {
        (self.run, self.chain) = (run, Chain::resume(head));
    }

    /// The database's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// The runs in it, in the order of their beginning.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be read.
    pub fn runs(&mut self) -> Result<Vec<StoredRun>, StoreError> {
        super::reader::runs(&mut self.database)
    }

    /// A reader of the same file.
    ///
    /// # Errors
    /// A [`StoreError`] when it cannot be opened.
    pub fn reader(&self) -> Result<JournalReader, StoreError> {
        JournalReader::open(&self.database.path)
    }

    /// How long commits took.
    #[must_use]
    pub const fn commits(&self) -> &CommitTimes {
        &self.commits
    }

    /// How long each commit since the last time took.
    pub fn take_recent_commits(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.recent)
    }

    /// A setting that SQLite runs with, such as `synchronous`.
    ///
    /// # Errors
    /// A [`StoreError`] when there is none of that name.
    pub fn setting(&mut self, name: &'static str) -> Result<String, StoreError> {
        self.database.setting(name)
    }

    /// Refuses to grow beyond `pages` pages, as a full disk would.
    ///
    /// # Errors
    /// A [`StoreError`] when SQLite does not take the setting.
    pub fn limit_pages(&mut self, pages: u32) -> Result<(), StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        self.database.scalar::<i64>(sql).map(|_| ())
    }

    /// Finds out whether the journal's file is still the one that this process writes; each commit
    /// does. After an error it takes nothing more.
    ///
    /// # Errors
    /// [`StoreError::Lost`] when the file was deleted or replaced, or what the journal failed with
    /// before.
    pub fn expect_in_place(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.database.expect_in_place().map_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: StoreError) -> StoreError {
        self.failed = Some(error.clone());
        error
    }

    /// Keeps a journal that was made in memory, in one commit.
    ///
    /// # Errors
    /// [`StoreError::HasRun`] when this run is in it already, or a [`StoreError`] when it cannot be
    /// written.
    pub fn keep(&mut self, journal: &MemoryJournal) -> Result<(), StoreError> {
        let run = journal.run();
        if self.runs()?.iter().any(|stored| stored.run == run) {
            let (path, run) = (self.database.path.clone(), run.to_string());
            return Err(StoreError::HasRun { path, run });
        }
        self.flush()?;
        if journal.is_empty() {
            return Ok(());
        }
        self.resume(run, journal.head());
        let began = Instant::now();
        let connection = &mut self.database.connection;
        let written = block_on(insert(connection, run, journal.len(), journal.records()));
        self.committed(began, written)
    }

    /// Makes everything durable and closes the file.
    ///
    /// # Errors
    /// A [`StoreError`] when the last records could not be written.
    pub fn close(mut self) -> Result<PathBuf, StoreError> {
        self.flush()?;
        let path = self.database.path.clone();
        self.database.close().map(|()| path)
    }

    /// Takes note of how a commit went that began at `began`. After a failure nothing is taken.
    fn committed(
        &mut self,
        began: Instant,
        written: Result<(), sqlx::Error>,
    ) -> Result<(), StoreError> {
        if let Err(error) = written {
            let error = self.database.error("cannot write the journal", &error);
            return Err(self.fail(error));
        }
        self.expect_in_place()?;
        let took = began.elapsed();
        self.commits.add(took);
        if self.recent.len() < RECENT_KEPT {
            self.recent.push(took);
        }
        Ok(())
    }
}

/// The records whose bytes end in `bytes` where each of `pending` says.
fn records<'a>(pending: &'a [Pending], bytes: &'a [u8]) -> impl Iterator<Item = StoredRecord<'a>> {
    let starts = std::iter::once(0).chain(pending.iter().map(|pending| pending.end));
    pending.iter().zip(starts).map(|(pending, start)| StoredRecord {
        link: pending.link,
        at: pending.at,
        payload: (&bytes[start..pending.end]).into(),
    })
}

/// Writes `count` records in one transaction: a single statement commits by itself.
async fn insert<'a>(
    connection: &mut SqliteConnection,
    run: RunId,
    count: usize,
    mut records: impl Iterator<Item = StoredRecord<'a>>,
) -> Result<(), sqlx::Error> {
    let run = run.to_string();
    if count <= ROWS_PER_INSERT {
        statement(&run, records).build().execute(connection).await?;
        return Ok(());
    }
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    for _ in 0..count.div_ceil(ROWS_PER_INSERT) {
        let rows = records.by_ref().take(ROWS_PER_INSERT);
        if let Err(error) = statement(&run, rows).build().execute(&mut *connection).await {
            // SQLite itself has rolled back on the errors that end a transaction.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            return Err(error);
        }
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Writes at least one record.
fn statement<'a>(
    run: &str,
    records: impl Iterator<Item = StoredRecord<'a>>,
) -> QueryBuilder<Sqlite> {
    let mut insert = QueryBuilder::new("INSERT INTO journal (run, sequence, at, hash, payload) ");
    insert.push_values(records, |mut row, record| {
        row.push_bind(run)
            .push_bind(record.link.sequence.cast_signed())
            .push_bind(record.at.0)
            .push_bind(record.link.hash.0.to_vec())
            .push_bind(record.payload.into_owned());
    });
    insert
}

impl JournalSink for SqliteJournal {
    fn append(&mut self, at: Timestamp, record: &Record) -> Result<Link, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let start = self.bytes.len();
        encode(record, &mut self.bytes)?;
        let link = self.chain.append(at, &self.bytes[start..]);
        self.pending.push(Pending { at, link, end: self.bytes.len() });
        Ok(link)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let (run, pending) = (self.run, &self.pending);
        let connection = &mut self.database.connection;
        let written =
            block_on(insert(connection, run, pending.len(), records(pending, &self.bytes)));
        self.committed(began, written)?;
        self.pending.clear();
        self.bytes.clear();
        Ok(())
    }

    fn head(&self) -> Link {
        self.chain.head()
    }
}

/// How long commits took: a count and a histogram in powers of two of a microsecond.
#[derive(Debug, Clone, Default)]
pub struct CommitTimes {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Duration,
    buckets: [u64; 32],
}

impl CommitTimes {
    fn add(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - micros.leading_zeros()).min(31);
        self.buckets[bucket as usize] += 1;
        self.count += 1;
        self.last = took;
    }

    /// An upper bound of the time that 99 of 100 commits stayed below, to a factor of two;
    /// zero before the first.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let wanted = self.count - self.count / 100;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Duration::from_micros(1 << bucket);
            }
        }
        Duration::ZERO
    }
}

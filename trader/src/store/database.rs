//! Opening the SQLite file, and making sure that it keeps what it acknowledges.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::executor::block_on;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqlSafeStr};

use super::ownership::Ownership;
use super::place::{Place, beside};
use super::{StoreError, log};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// `SAPH`, as the first migration sets it.
const APPLICATION_ID: i32 = 1_396_789_320;

/// An open database. Calls wait: SQLite works on a thread of its own, the caller's has nothing
/// else to do until its records are durable.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) connection: SqliteConnection,
    /// Where a writer's files are.
    place: Option<Place>,
    /// Only a writer has it. Dropped after the connection.
    _ownership: Option<Ownership>,
}

impl Database {
    /// Opens for writing, creates and migrates as needed, and takes ownership.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        refuse_others(path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(StoreError::NoFolder(path.to_owned()));
        }
        let ownership = Ownership::take(path)?;
        let options = options(path).create_if_missing(true).synchronous(SqliteSynchronous::Full);
        let mut database = Self::connect(path, options, Some(ownership))?;
        database.refuse_foreign_file()?; // before the next line, which writes to the file
        database.expect_setting("journal_mode = wal", "wal")?;
        block_on(MIGRATIONS.run(&mut database.connection))
            .map_err(|error| database.migration_error(error))?;
        database.expect_setting("synchronous", "2")?; // FULL: an fsync a commit
        if let Err(error) = log::lengthen(&log_of(path)) {
            // Commits take longer then, and fail where they have no room themselves.
            tracing::debug!(%error, "the journal's write-ahead log has no room set aside");
        }
        Ok(database)
    }

    /// Finds out whether what a writer wrote is still to be found.
    ///
    /// # Errors
    /// [`StoreError::Lost`] with the file that is not.
    pub(super) fn expect_in_place(&mut self) -> Result<(), StoreError> {
        match self.place.as_mut().and_then(Place::lost) {
            Some(lost) => Err(StoreError::Lost(lost.to_owned())),
            None => Ok(()),
        }
    }

    /// Opens for reading; a running desk may go on writing meanwhile.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        refuse_others(path)?;
        let to_read = options(path).read_only(true);
        let opened = Self::connect(path, to_read.clone(), None).and_then(Self::known_to_us);
        match opened {
            // To read it, SQLite wants to make a file beside it, even where nobody writes.
            Err(StoreError::Io { .. }) if is_at_rest(path) => {
                Self::connect(path, to_read.immutable(true), None).and_then(Self::known_to_us)
            }
            opened => opened,
        }
    }

    /// Refuses what is no journal of a version that is known.
    fn known_to_us(self) -> Result<Self, StoreError> {
        let mut database = self;
        if database.scalar::<i32>("PRAGMA application_id")? != APPLICATION_ID {
            let begun = database.is_begun()?;
            return Err(if begun { StoreError::Empty(database.path) } else { database.foreign() });
        }
        let found: i64 = database.scalar("SELECT max(version) FROM _sqlx_migrations")?;
        let known = newest_schema();
        if found > known {
            return Err(StoreError::Newer { path: database.path, found, known });
        }
        Ok(database)
    }

    fn connect(
        path: &Path,
        options: SqliteConnectOptions,
        ownership: Option<Ownership>,
    ) -> Result<Self, StoreError> {
        let connection = block_on(SqliteConnection::connect_with(&options))
            .map_err(|error| store_error(path, "cannot open the journal", &error))?;
        let place = match &ownership {
            None => None,
            Some(ownership) => {
                Some(Place::of(path, &ownership.database).map_err(|error| StoreError::Io {
                    path: path.to_owned(),
                    what: "cannot open the journal",
                    detail: error.to_string(),
                })?)
            }
        };
        Ok(Self { path: path.to_owned(), connection, place, _ownership: ownership })
    }

    pub(super) fn scalar<T>(&mut self, sql: impl SqlSafeStr) -> Result<T, StoreError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
    {
        block_on(sqlx::query_scalar(sql).fetch_one(&mut self.connection))
            .map_err(|error| self.error("cannot read the journal", &error))
    }

    pub(super) fn error(&self, what: &'static str, error: &sqlx::Error) -> StoreError {
        store_error(&self.path, what, error)
    }

    /// Writes the log back into the database and closes it.
    pub(super) fn close(self) -> Result<(), StoreError> {
        block_on(self.connection.close())
            .map_err(|error| store_error(&self.path, "cannot close the journal", &error))
    }

    fn refuse_foreign_file(&mut self) -> Result<(), StoreError> {
        let ours = self.scalar::<i32>("PRAGMA application_id")? == APPLICATION_ID;
        if ours || self.is_begun()? { Ok(()) } else { Err(self.foreign()) }
    }

    /// Whether nobody has written anything to it: a kill between the migrations' own table and the
    /// first of them leaves only that table, one before it an empty file.
    fn is_begun(&mut self) -> Result<bool, StoreError> {
        let others = "SELECT count(*) FROM sqlite_schema WHERE tbl_name <> '_sqlx_migrations'";
        self.scalar::<i64>(others).map(|others| others == 0)
    }

    fn foreign(&self) -> StoreError {
        let detail = "it is another program's SQLite database".to_owned();
        StoreError::NotAJournal { path: self.path.clone(), detail }
    }

    /// What a pragma is set to.
    pub(super) fn setting(&mut self, pragma: &'static str) -> Result<String, StoreError> {
        let query = sqlx::query(AssertSqlSafe(format!("PRAGMA {pragma}")));
        block_on(query.fetch_one(&mut self.connection))
            .and_then(|row| match row.try_get::<i64, _>(0) {
                Ok(number) => Ok(number.to_string()),
                Err(_) => row.try_get(0),
            })
            .map_err(|error| self.error("cannot read a setting", &error))
    }

    fn expect_setting(
        &mut self,
        pragma: &'static str,
        wanted: &'static str,
    ) -> Result<(), StoreError> {
        let found = self.setting(pragma)?;
        if found == wanted {
            return Ok(());
        }
        Err(StoreError::NotDurable { path: self.path.clone(), pragma, found, wanted })
    }

    fn migration_error(&self, error: MigrateError) -> StoreError {
        let path = self.path.clone();
        match error {
            MigrateError::VersionMissing(found) => {
                StoreError::Newer { path, found, known: newest_schema() }
            }
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                self.error("cannot prepare the journal's tables", &error)
            }
            other => StoreError::Io {
                path,
                what: "cannot prepare the journal's tables",
                detail: other.to_string(),
            },
        }
    }
}

/// What readers and writers have in common.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(2))
        // A check of the whole file takes seconds and is meant to: nothing to warn a person of.
        .disable_statement_logging()
}

/// Whether a database is whole by itself: its last writer closed it, and took the log away, or left
/// an empty one.
fn is_at_rest(path: &Path) -> bool {
    log_of(path).metadata().map_or(true, |log| log.len() == 0)
}

/// SQLite's write-ahead log of a database, beside the name without links.
fn log_of(path: &Path) -> PathBuf {
    beside(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), "-wal")
}

/// Refuses what is there and no file, without opening it: that would wait for a pipe's writer.
fn refuse_others(path: &Path) -> Result<(), StoreError> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(StoreError::Directory(path.to_owned())),
        Ok(found) if !found.is_file() => {
            let detail = "it is no regular file, but a pipe, a device or a socket".to_owned();
            Err(StoreError::NotAJournal { path: path.to_owned(), detail })
        }
        _ => Ok(()),
    }
}

fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>); the low byte is the primary one.
fn store_error(path: &Path, what: &'static str, error: &sqlx::Error) -> StoreError {
    const BUSY: i32 = 5;
    const READ_ONLY: i32 = 8;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<i32>().ok())
        .map(|extended| extended & 0xff);
    // Without the library's frame around SQLite's own words.
    let words = error.as_database_error().map(|error| error.message().to_owned());
    let (path, detail) = (path.to_owned(), words.unwrap_or_else(|| error.to_string()));
    match code {
        Some(READ_ONLY) => {
            let detail = "it may not be written: check the permissions of the file and its folder";
            StoreError::Io { path, what, detail: detail.to_owned() }
        }
        Some(CANNOT_OPEN) => {
            let detail = why_it_does_not_open(&path);
            StoreError::Io { path, what: "cannot open the journal", detail }
        }
        Some(BUSY) => StoreError::InUse { path, holder: None },
        Some(CORRUPT) => StoreError::Damaged { path, detail },
        Some(FULL) => StoreError::Full(path),
        Some(NOT_A_DATABASE) => {
            StoreError::NotAJournal { path, detail: "it is no SQLite database".to_owned() }
        }
        _ => StoreError::Io { path, what, detail },
    }
}

/// SQLite says only that it could not; the system says why.
fn why_it_does_not_open(path: &Path) -> String {
    match std::fs::File::open(path) {
        Err(error) => format!("{error}: check the path and its permissions"),
        Ok(_) => {
            "the file can be read, but not locked, or not with the files beside it: check the \
                  permissions of its folder"
                .to_owned()
        }
    }
}

//! Opening the SQLite file, and making sure that it keeps what it acknowledges.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::executor::block_on;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Row, SqlSafeStr};

use super::StoreError;
use super::ownership::Ownership;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");
/// `SAPH`, as the first migration sets it.
const APPLICATION_ID: i32 = 1_396_789_320;

/// An open database. Calls wait: SQLite works on a thread of its own, the caller's has nothing
/// else to do until its records are durable.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) path: PathBuf,
    pub(super) connection: SqliteConnection,
    /// Only a writer has it. Dropped after the connection.
    _ownership: Option<Ownership>,
}

impl Database {
    /// Opens for writing, creates and migrates as needed, and takes ownership.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Io {
                path: folder.to_owned(),
                what: "cannot create the folder of the journal",
                detail: error.to_string(),
            })?;
        }
        let ownership = Ownership::take(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(2));
        let mut database = Self::connect(path, options, Some(ownership))?;
        database.refuse_foreign_file()?; // before the next line, which writes to the file
        database.expect_setting("journal_mode = wal", "wal")?;
        block_on(MIGRATIONS.run(&mut database.connection))
            .map_err(|error| database.migration_error(error))?;
        database.expect_setting("synchronous", "2")?; // FULL: an fsync a commit
        Ok(database)
    }

    /// Opens for reading; a running desk may go on writing meanwhile.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing(path.to_owned()));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(2));
        let mut database = Self::connect(path, options, None)?;
        if database.scalar::<i32>("PRAGMA application_id")? != APPLICATION_ID {
            return Err(database.foreign());
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
        Ok(Self { path: path.to_owned(), connection, _ownership: ownership })
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
        let tables: i64 = self.scalar("SELECT count(*) FROM sqlite_schema")?;
        let ours = self.scalar::<i32>("PRAGMA application_id")? == APPLICATION_ID;
        // A kill between the migrations' own table and the first of them leaves only that table.
        let begun: i64 =
            self.scalar("SELECT count(*) FROM sqlite_schema WHERE tbl_name = '_sqlx_migrations'")?;
        if ours || tables == begun { Ok(()) } else { Err(self.foreign()) }
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

fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>); the low byte is the primary one.
fn store_error(path: &Path, what: &'static str, error: &sqlx::Error) -> StoreError {
    const BUSY: i32 = 5;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const NOT_A_DATABASE: i32 = 26;
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<i32>().ok())
        .map(|extended| extended & 0xff);
    let (path, detail) = (path.to_owned(), error.to_string());
    match code {
        Some(BUSY) => StoreError::InUse { path, holder: None },
        Some(CORRUPT) => StoreError::Damaged { path, detail },
        Some(FULL) => StoreError::Full(path),
        Some(NOT_A_DATABASE) => {
            StoreError::NotAJournal { path, detail: "it is no SQLite database".to_owned() }
        }
        _ => StoreError::Io { path, what, detail },
    }
}

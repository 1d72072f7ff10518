//! The store: the journal in SQLite, or in memory for a backtest.
//!
//! One append-only table is the truth. What is appended becomes durable with [`JournalSink::flush`]:
//! one commit, one fsync, however many records.

mod chained;
mod database;
mod difference;
mod error;
mod json;
mod location;
mod log;
mod memory;
mod ownership;
mod place;
mod reader;
mod sink;
mod sqlite;
mod verify;

pub use chained::ChainedJournal;
pub(crate) use difference::difference;
pub use error::StoreError;
pub use location::{default_path, make_default_folder, only_journal};
pub use memory::MemoryJournal;
pub use reader::{JournalReader, StoredRecord, StoredRun};
pub(crate) use sink::encode;
pub use sink::{JournalSink, NoJournal};
pub use sqlite::{CommitTimes, SqliteJournal};
pub use verify::{Damage, Followed, Head, HeadError, Verified, verify_run};

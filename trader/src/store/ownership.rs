//! Who may write a journal: one process at a time.
//!
//! The lock is an advisory one on a file beside the database, so that readers (`why`, `journal
//! verify`) can look at a running desk's journal, and the system lets go of it however its holder
//! ends. It is not on the database file itself: closing any handle on that would drop SQLite's own
//! locks (<https://sqlite.org/howtocorrupt.html>, part 2.2).

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The right to write one journal, held until it is dropped.
#[derive(Debug)]
pub(super) struct Ownership {
    _lock: File,
}

impl Ownership {
    /// Takes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let path = lock_path(database);
        let failed = |what, error: std::io::Error| StoreError::Io {
            path: path.clone(),
            what,
            detail: error.to_string(),
        };
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| failed("cannot open the lock file", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder); // only a help to the reader
                let path = database.to_owned();
                return Err(StoreError::InUse { path, holder: holder.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) => return Err(failed("cannot lock it", error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        // A full disk does not take the lock away; whose it is, is only a help to the reader.
        let _ = written;
        Ok(Self { _lock: file })
    }
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

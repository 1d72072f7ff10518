//! Who may write a journal: one process at a time.
//!
//! The lock is an advisory one on a file beside the database, so that readers (`why`, `journal
//! verify`) can look at a running desk's journal, and the system lets go of it however its holder
//! ends. It is not on the database file itself: closing any handle on that would drop SQLite's own
//! locks (<https://sqlite.org/howtocorrupt.html>, part 2.2).
//!
//! One database has one lock: symbolic links lead to it, and a file with several names of its own is
//! refused, since SQLite would keep a log beside each of them (part 2.5 there).

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::place::beside;

/// The right to write one journal, held until it is dropped.
#[derive(Debug)]
pub(super) struct Ownership {
    /// The database's name without links.
    pub(super) database: PathBuf,
    _lock: File,
}

impl Ownership {
    /// Takes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it, [`StoreError::ManyNames`] when another may
    /// have it under another name.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        let (real, names) = real_name(database).map_err(|error| StoreError::Io {
            path: database.to_owned(),
            what: "cannot open the journal",
            detail: error.to_string(),
        })?;
        if names > 1 {
            return Err(StoreError::ManyNames { path: database.to_owned(), names });
        }
        let path = beside(&real, ".lock");
        let failed = |what, error: io::Error| StoreError::Io {
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
        Ok(Self { database: real, _lock: file })
    }
}

/// The name that all links to a database lead to, and how many names like it the file has. A new
/// database is begun as an empty file.
fn real_name(database: &Path) -> io::Result<(PathBuf, u64)> {
    let real = match database.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            File::options().create(true).append(true).open(database)?;
            database.canonicalize()?
        }
        found => found?,
    };
    let names = real.metadata()?.nlink();
    Ok((real, names))
}

//! Whether a journal's files are still where they were opened. A file that is deleted stays writable
//! for who has it open, and what is written to it is gone with the process.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file, whatever its names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of what `path` names, through links.
    fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|found| Self { device: found.dev(), inode: found.ino() })
    }
}

/// The database and SQLite's write-ahead log of it, as they were opened.
#[derive(Debug)]
pub(super) struct Place {
    database: (PathBuf, Identity),
    log: (PathBuf, Option<Identity>),
}

impl Place {
    /// Of the open database at `path`, whose name without links is `real`.
    pub(super) fn of(path: &Path, real: &Path) -> io::Result<Self> {
        let database = (path.to_owned(), Identity::of(path)?);
        Ok(Self { database, log: (beside(real, "-wal"), None) })
    }

    /// The file that is not the one that was opened any more, if there is one. SQLite makes the log
    /// with the first write, so only what was there once is missed.
    pub(super) fn lost(&mut self) -> Option<&Path> {
        let (path, opened) = &self.database;
        if Identity::of(path).ok() != Some(*opened) {
            return Some(path);
        }
        let (path, opened) = &mut self.log;
        let found = Identity::of(path).ok();
        if opened.is_some() && found != *opened {
            return Some(path);
        }
        *opened = found;
        None
    }
}

/// The file beside `path` whose name goes on with `end`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

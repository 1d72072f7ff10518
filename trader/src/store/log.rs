//! Room for SQLite's write-ahead log, taken before the first commit.

use std::fs::OpenOptions;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// Header, frame header, page and pages of a log that is about to be checkpointed
/// (<https://sqlite.org/fileformat2.html#walformat>, `PRAGMA wal_autocheckpoint`).
const LENGTH: u64 = 32 + 1000 * (24 + 4096);

/// Fills the log at `path` up with zeros. A sync of a file that has become longer
/// also waits for the file system's own journal; of one that is long enough, for its data alone.
/// After its first checkpoint SQLite writes over a log that is long enough, but a desk that trades
/// little comes there late. What lies behind the last frame SQLite never takes for one: a frame
/// bears its log's salts and checksum.
///
/// Call it while the database is open, so that its log is there.
///
/// # Errors
/// Where the file system has no room, or the log is not there. The database is as good as before.
pub(super) fn lengthen(path: &Path) -> io::Result<()> {
    let mut log = OpenOptions::new().write(true).open(path)?;
    let length = log.seek(SeekFrom::End(0))?;
    if let Some(missing) = LENGTH.checked_sub(length).filter(|missing| *missing > 0) {
        io::copy(&mut io::Read::take(io::repeat(0), missing), &mut log)?;
        log.flush()?;
        log.sync_all()?;
    }
    Ok(())
}

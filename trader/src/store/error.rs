use std::path::PathBuf;

use sapphire_engine::journal::ChainError;

use super::difference;

/// Why the store cannot be used. A desk that meets one sends nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process owns the journal.
    #[error(
        "{}: in use by another process{}: stop that one, or give this desk a database of its own with --db PATH",
        path.display(),
        holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The database.
        path: PathBuf,
        /// Whose it is, when the lock file says so.
        holder: Option<u32>,
    },
    /// The file has several names.
    #[error(
        "{}: the file has {names} names (hard links): SQLite would keep a log beside each, and two desks \
         could spoil it. Remove the other names (`find DIR -samefile {}` lists them), or use a copy",
        path.display(), path.display()
    )]
    ManyNames {
        /// The database.
        path: PathBuf,
        /// How many.
        names: u64,
    },
    /// The file that was opened is not there any more.
    #[error(
        "{}: was deleted or replaced while the desk ran, so what is written to it would be lost, and \
         nothing is sent. Put the file back and start again: the run goes on where its journal ends; \
         without it a new run begins",
        .0.display()
    )]
    Lost(PathBuf),
    /// A newer version wrote it.
    #[error(
        "{}: written by a newer version of Sapphire (schema {found}; this one knows up to {known}): \
         run that version, or use another database with --db PATH",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The schema in it.
        found: i64,
        /// The newest schema this version has.
        known: i64,
    },
    /// The file is something else.
    #[error("{}: not a Sapphire journal: {detail}; give the path of another file", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What it is instead, as far as is known.
        detail: String,
    },
    /// Nothing was ever written to it, or everything was cut away.
    #[error(
        "{}: is empty: either no desk has come to its first record there, or what it wrote is gone. \
         Restore a copy, or give the path of another journal",
        .0.display()
    )]
    Empty(PathBuf),
    /// The path is a directory's.
    #[error("{}: is a directory: give the path of a file in it, such as {}", .0.display(), .0.join("quickstart.db").display())]
    Directory(PathBuf),
    /// The file's folder is not there.
    #[error(
        "{}: its folder does not exist: correct the path, or make the folder with `mkdir -p {}`",
        .0.display(), .0.parent().unwrap_or(.0).display()
    )]
    NoFolder(PathBuf),
    /// The default place holds more than one.
    #[error("{}: holds several journals: choose one with --db PATH: {}", folder.display(), names.join(", "))]
    Several {
        /// The default place.
        folder: PathBuf,
        /// Their paths.
        names: Vec<String>,
    },
    /// There is no such file.
    #[error("{}: no journal is there: give the path of one with --db PATH, or run a desk first", .0.display())]
    Missing(PathBuf),
    /// SQLite finds its own file damaged.
    #[error("{}: damaged: {detail}: SQLite cannot read its own file. Do not trade on it: restore a copy, or begin with another database (--db PATH); `sapphire-trader journal verify --db {}` says what else is wrong", path.display(), path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// A record is not what was written.
    #[error(
        "{}: run {run}: {error}; look at it with `sapphire-trader journal verify --db {}`",
        path.display(), path.display()
    )]
    BrokenChain {
        /// The database.
        path: PathBuf,
        /// The run.
        run: String,
        /// Where the chain breaks.
        error: ChainError,
    },
    /// No room left.
    #[error("{}: no room left on the disk: the journal cannot grow, so nothing is sent. Make room and start again: the run goes on where its journal ends", .0.display())]
    Full(PathBuf),
    /// A run is never written twice.
    #[error("{}: holds run {run} already: the same manifests, data and seed give the same run; write to another file", path.display())]
    HasRun {
        /// The database.
        path: PathBuf,
        /// The run.
        run: String,
    },
    /// SQLite does not do what durability rests on.
    #[error("{}: the database runs with {pragma} = {found}, not {wanted}: what it acknowledges could be lost", path.display())]
    NotDurable {
        /// The database.
        path: PathBuf,
        /// Which setting.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A file operation failed.
    #[error("{}: {what}: {detail}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// The system's words.
        detail: String,
    },
    /// A record is not what this build writes.
    #[error(
        "the journal's record {sequence} cannot be read: {detail}. Another build of Sapphire wrote it: read \
         or finish the run with that one, or give another journal with --db PATH"
    )]
    AnotherBuilds {
        /// Which.
        sequence: u64,
        /// What is odd about it.
        detail: String,
    },
    /// A record could not be written as JSON, or makes no sense where it is.
    #[error("a journal record cannot be {what}: {detail}")]
    Record {
        /// `written` or `read`.
        what: &'static str,
        /// Why.
        detail: String,
    },
    /// Recovery made another record than the journal holds.
    #[error(
        "the journal's record {sequence} is not what this version makes of the same manifests and data: \
         nothing was traded. See `sapphire-trader journal verify` and `sapphire-trader replay`.\n  \
         {}\n  journal: {stored}\n  rebuilt: {rebuilt}",
        difference(("journal", stored), ("rebuilt", rebuilt))
    )]
    Diverged {
        /// Where.
        sequence: u64,
        /// The stored record.
        stored: String,
        /// The one made again.
        rebuilt: String,
    },
}

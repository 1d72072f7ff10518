//! What can go wrong around a control plane.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a control plane, or something asked of it, failed.
#[derive(thiserror::Error)]
pub enum Error {
    /// A program is missing and there is no Go to build it with.
    #[error("{tool} {version} is missing and must be built, but {why}. {}", NEEDS_GO)]
    GoMissing {
        /// The program's name.
        tool: &'static str,
        /// The version this project uses.
        version: &'static str,
        /// What was seen of Go.
        why: String,
    },
    /// A build ended with an error.
    #[error("building {tool} {version} failed:\n{output}")]
    Build {
        /// The program's name.
        tool: &'static str,
        /// The version this project uses.
        version: &'static str,
        /// The last lines of Go's output.
        output: String,
    },
    /// A program is not the version that it should be.
    #[error("{} says that it is \"{said}\" where {expected} is expected; remove it and try again", .path.display())]
    WrongVersion {
        /// Where the program is.
        path: PathBuf,
        /// The first line that it answered.
        said: String,
        /// The version that was expected.
        expected: String,
    },
    /// A file or folder could not be used.
    #[error("{what} {}: {source}", .path.display())]
    File {
        /// What was tried, as "cannot write".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The process that owns a control plane's processes failed or is gone.
    #[error("the cluster's supervisor: {0}")]
    Supervisor(String),
    /// An executable of this workspace is missing.
    #[error("{program} is not beside {}; {built_by} builds it", .beside.display())]
    NotBuilt {
        /// The executable's name.
        program: String,
        /// Who looked for it.
        beside: PathBuf,
        /// What to type.
        built_by: &'static str,
    },
    /// A part of the control plane ended, or did not become ready in time.
    #[error("{part} {what}; its last lines:\n{log}")]
    Part {
        /// The part's name.
        part: String,
        /// What was seen of it.
        what: String,
        /// The end of its log.
        log: String,
    },
    /// The cluster that KUBECONFIG names is not one to test on.
    #[error(
        "KUBECONFIG names a cluster with {what}: tests would act on them. Unset KUBECONFIG, or name a cluster to test on"
    )]
    InUse {
        /// What was found there.
        what: String,
    },
    /// A program that was run for a test could not be started or failed.
    #[error("{command}\n{output}")]
    Command {
        /// The command line.
        command: String,
        /// What it wrote, or why it could not start.
        output: String,
    },
    /// The API server refused a request, or could not be reached.
    #[error("the API server: {0}")]
    Api(#[from] kube::Error),
    /// A kubeconfig could not be used.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Something that was waited for did not happen.
    #[error("waited {seconds} s for {what}; last seen: {seen}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// For how long, in seconds.
        seconds: u64,
        /// The last observation.
        seen: String,
    },
}

/// What to do without Go.
const NEEDS_GO: &str = "Install Go 1.26 or newer (the programs are then built once), or set \
    KUBEBUILDER_ASSETS to a folder that holds them";

impl Error {
    /// An error of the file system, with what was tried and where.
    pub fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}

/// As it displays: tests unwrap, and what they print is for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

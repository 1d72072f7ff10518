//! One control plane for all tests of an executable, and the folders that planes live in.

use std::path::PathBuf;

use tokio::sync::OnceCell;

use super::{ControlPlane, Parts};
use crate::error::Error;
use crate::supervisor::remove_leftovers;

/// What folders of control planes are called.
const PREFIX: &str = "sapphire-e2e-";

impl ControlPlane {
    /// The control plane that the tests of this executable share. The first to ask starts it; it
    /// ends with the process. Tests keep out of each other's way by namespace.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Parts::All)).await
    }
}

/// A folder of one's own, which others may not look into: it holds keys.
pub(crate) fn new_folder() -> Result<PathBuf, Error> {
    let above = std::env::temp_dir();
    remove_leftovers(&above, PREFIX);
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&above);
    let folder = folder.map_err(Error::file("cannot create a folder in", &above))?;
    // From here on it is the supervisor's to remove.
    Ok(folder.keep())
}

//! Executables of this workspace that run beside a test.

use std::path::PathBuf;

use crate::error::Error;

/// The path of an executable of this workspace. Cargo puts it beside or above the folder of whoever asks:
/// tests lie in a folder of their own.
///
/// # Errors
/// When it is not there; the message says what builds it.
pub fn find(name: &str, built_by: &'static str) -> Result<PathBuf, Error> {
    let own = std::env::current_exe().map_err(Error::file("cannot find", "this executable"))?;
    let folders = own.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join(name));
    candidates.find(|path| path.is_file()).ok_or_else(|| Error::NotBuilt {
        program: name.to_owned(),
        beside: own.clone(),
        built_by,
    })
}

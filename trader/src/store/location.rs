use std::path::PathBuf;

use super::StoreError;

/// Where a system's journal lives unless told otherwise:
/// `${XDG_STATE_HOME:-~/.local/state}/sapphire/<system>.db`.
///
/// # Errors
/// When neither `XDG_STATE_HOME` nor a home directory is known.
pub fn default_path(system: &str) -> Result<PathBuf, StoreError> {
    Ok(state_folder()?.join(format!("{system}.db")))
}

/// Makes the default place. Any other folder is a person's to make: a slip in a path must not become
/// a tree of folders.
///
/// # Errors
/// When it is not known where, or it cannot be made.
pub fn make_default_folder() -> Result<(), StoreError> {
    let path = state_folder()?;
    std::fs::create_dir_all(&path).map_err(|error| StoreError::Io {
        path,
        what: "cannot make the folder of the journals",
        detail: error.to_string(),
    })
}

/// The one journal in the default place: what `why` and `journal` look at when nothing is named.
///
/// # Errors
/// When there is none, or more than one to choose from.
pub fn only_journal() -> Result<PathBuf, StoreError> {
    let folder = state_folder()?;
    let Ok(entries) = std::fs::read_dir(&folder) else { return Err(StoreError::Missing(folder)) };
    let is_database = |path: &PathBuf| path.extension().is_some_and(|end| end == "db");
    let mut found: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(is_database).collect();
    found.sort();
    match found.as_slice() {
        [] => Err(StoreError::Missing(folder)),
        [only] => Ok(only.clone()),
        [..] => {
            let names = found.iter().map(|path| path.display().to_string()).collect();
            Err(StoreError::Several { folder, names })
        }
    }
}

fn state_folder() -> Result<PathBuf, StoreError> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .and_then(absolute)
        .or_else(|| std::env::home_dir().and_then(absolute).map(|home| home.join(".local/state")))
        .map(|state| state.join("sapphire"))
        .ok_or_else(|| StoreError::Io {
            path: PathBuf::from("~"),
            what: "no place for the journal",
            detail: "neither XDG_STATE_HOME nor HOME is set: give a path with --db PATH".to_owned(),
        })
}

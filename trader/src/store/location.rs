use std::path::PathBuf;
use std::sync::Once;

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
    static TOLD: Once = Once::new();
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let asked = std::env::var_os("XDG_STATE_HOME").filter(|asked| !asked.is_empty());
    let state = asked.clone().map(PathBuf::from).and_then(absolute);
    let is_ignored = asked.is_some() && state.is_none();
    let folder = state
        .or_else(|| std::env::home_dir().and_then(absolute).map(|home| home.join(".local/state")))
        .map(|state| state.join("sapphire"))
        .ok_or_else(|| StoreError::Io {
            path: PathBuf::from("~"),
            what: "no place for the journal",
            detail:
                "neither XDG_STATE_HOME nor HOME is an absolute path: give a path with --db PATH"
                    .to_owned(),
        })?;
    if let Some(asked) = asked.filter(|_| is_ignored) {
        TOLD.call_once(|| {
            tracing::warn!(
                "XDG_STATE_HOME is {}, a relative path, and ignored, as the XDG base directory \
                 specification has it: journals are in {}; write an absolute path, or give --db PATH",
                asked.display(),
                folder.display()
            );
        });
    }
    Ok(folder)
}

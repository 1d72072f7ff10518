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
            let names: Vec<_> = found.iter().map(|path| path.display().to_string()).collect();
            let detail = format!("choose one with --db PATH: {}", names.join(", "));
            Err(StoreError::Io { path: folder, what: "holds several journals", detail })
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

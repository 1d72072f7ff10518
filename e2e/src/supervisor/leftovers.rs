//! Folders of supervisors that were killed before they could remove them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Locked as long as the folder's supervisor lives.
const LOCK: &str = "supervisor.lock";

/// Marks a folder as lived in, for as long as the file is kept.
pub(super) fn lock_folder(folder: &Path) -> io::Result<File> {
    // It bears its name only once it is locked: nobody finds it in between.
    let unnamed = folder.join("supervisor.lock.new");
    let lock = File::create(&unnamed)?;
    lock.lock()?;
    fs::rename(&unnamed, folder.join(LOCK))?;
    Ok(lock)
}

/// Removes the folders in `above`, called `prefix…`, whose supervisor is gone.
pub fn remove_leftovers(above: &Path, prefix: &str) {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(prefix)) {
        let folder = entry.path();
        let Ok(lock) = File::open(folder.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            // Somebody else's folder stays theirs to remove.
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

//! Where the cluster's programs come from.
//!
//! In this order: the folder that `KUBEBUILDER_ASSETS` names, then a cache in the user's folder, then
//! Go, which builds what is missing into that cache, once.

mod build;
mod catalogue;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use catalogue::{KUBERNETES, Tool};

use crate::error::Error;

/// The folders in which programs are looked for.
#[derive(Debug, Clone)]
pub struct Assets {
    given: Option<PathBuf>,
    cache: PathBuf,
    /// What was found to be of its version: a program is asked once.
    current: Arc<Mutex<HashSet<Tool>>>,
}

impl Assets {
    /// The folders as the environment names them: `KUBEBUILDER_ASSETS`, and
    /// `${XDG_CACHE_HOME:-~/.cache}/sapphire/bin` for what is built here.
    pub fn from_environment() -> Self {
        let folder = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let cache = folder("XDG_CACHE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        Self::new(folder("KUBEBUILDER_ASSETS"), cache.join("sapphire/bin"))
    }

    /// The same with other folders: one whose programs are taken as they are, and one for the cache.
    pub fn new(given: Option<PathBuf>, cache: PathBuf) -> Self {
        Self { given, cache, current: Arc::default() }
    }

    /// The program's path. It is built first where there is none; that takes minutes, is told on
    /// standard error, and happens in one process at a time.
    ///
    /// # Errors
    /// When the program is missing and Go is too, when its build fails, or when the cached program is
    /// of another version.
    pub fn path(&self, tool: Tool) -> Result<PathBuf, Error> {
        let given = self.given.as_ref().map(|folder| folder.join(tool.program()));
        if let Some(path) = given.filter(|path| path.is_file()) {
            return Ok(path);
        }
        let path = self.folder().join(tool.program());
        let is_known = self.known().contains(&tool);
        if !is_known {
            if !is_current(&path, tool)? {
                build::build(tool, &self.cache, &path)?;
            }
            self.known().insert(tool);
        }
        Ok(path)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<Tool>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cache's folder for the Kubernetes version in use.
    pub fn folder(&self) -> PathBuf {
        self.cache.join(format!("v{KUBERNETES}"))
    }
}

/// Whether the program is there and is the version that the catalogue names.
fn is_current(path: &Path, tool: Tool) -> Result<bool, Error> {
    if !path.is_file() {
        return Ok(false);
    }
    Ok(version_said(path, tool)?.contains(tool.version()))
}

/// The line of the program's answer that bears its version.
fn version_said(path: &Path, tool: Tool) -> Result<String, Error> {
    let output = Command::new(path)
        .args(tool.version_arguments())
        .stdin(Stdio::null())
        .output()
        .map_err(Error::file("cannot run", path))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;

//! Builds a program with Go, once, whichever process comes first.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::catalogue::{Source, Tool};
use super::{is_current, version_said};
use crate::error::Error;

/// The oldest Go that these versions build with.
const GO: (u32, u32) = (1, 26);
/// How the folders of builds that are under way are called.
const UNFINISHED: &str = ".building-";

/// Builds `tool` to `path`, unless another process has done so while this one waited for its turn.
pub(super) fn build(tool: Tool, cache: &Path, path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(cache);
    fs::create_dir_all(folder).map_err(Error::file("cannot create", folder))?;
    let _turn = take_turn(tool, cache)?;
    if is_current(path, tool)? {
        return Ok(());
    }
    find_go(tool)?;
    say(&format!("building {} {} (once, {})…", tool.program(), tool.version(), tool.patience()));
    let started = Instant::now();
    remove_unfinished(folder);
    // Beside its place, so that the last step is a rename within one file system.
    let work = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(folder)
        .map_err(Error::file("cannot create a folder in", folder))?;
    let built = run_go(tool, work.path())?;
    let said = version_said(&built, tool)?;
    if !said.contains(tool.version()) {
        let expected = tool.version().to_owned();
        return Err(Error::WrongVersion { path: built, said, expected });
    }
    fs::rename(&built, path).map_err(Error::file("cannot put the program to", path))?;
    say(&format!("built {} in {} s", path.display(), started.elapsed().as_secs()));
    Ok(())
}

/// A build that was killed left its folder. Nobody else builds now, so it is nobody's.
fn remove_unfinished(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|e| e.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        // What cannot be removed is in nobody's way.
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// One build at a time: two would take twice as long each, and all of the memory.
fn take_turn(tool: Tool, cache: &Path) -> Result<File, Error> {
    let path = cache.join("lock");
    let lock = File::create(&path).map_err(Error::file("cannot write", &path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say(&format!("waiting for {}: another process is building…", tool.program()));
            lock.lock().map_err(Error::file("cannot lock", &path))?;
        }
        Err(TryLockError::Error(source)) => return Err(Error::file("cannot lock", &path)(source)),
    }
    Ok(lock)
}

/// The program that Go made in `work`.
fn run_go(tool: Tool, work: &Path) -> Result<PathBuf, Error> {
    let mut flags = String::from("-s -w");
    for (variable, value) in tool.stamped() {
        flags.push_str(&format!(" -X {variable}={value}"));
    }
    let mut go = Command::new("go");
    let built = match tool.source() {
        Source::Required { module_file, package } => {
            let file = work.join("go.mod");
            fs::write(&file, module_file).map_err(Error::file("cannot write", &file))?;
            go.args(["build", "-mod=mod", "-trimpath", "-ldflags", &flags, "-o"]);
            let built = work.join(tool.program());
            go.arg(&built).arg(package);
            built
        }
        Source::Installed { package } => {
            go.args(["install", "-trimpath", "-ldflags", &flags]);
            go.arg(format!("{package}@v{}", tool.version())).env("GOBIN", work);
            // Go names it after the package's last folder.
            work.join(package.rsplit('/').next().unwrap_or(package))
        }
    };
    let output = go
        .current_dir(work)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .env_remove("GOFLAGS")
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .stdin(Stdio::null())
        .output()
        .map_err(Error::file("cannot run", "go"))?;
    if output.status.success() {
        return Ok(built);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let output = lines[lines.len().saturating_sub(20)..].join("\n");
    Err(Error::Build { tool: tool.program(), version: tool.version(), output })
}

fn find_go(tool: Tool) -> Result<(), Error> {
    let missing = |why| Error::GoMissing { tool: tool.program(), version: tool.version(), why };
    let output = Command::new("go")
        .args(["env", "GOVERSION"])
        .stdin(Stdio::null())
        .output()
        .map_err(|_| missing("there is no Go".to_owned()))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if is_new_enough(&said) { Ok(()) } else { Err(missing(format!("Go is too old ({said})"))) }
}

/// Whether `go env GOVERSION` names a version that is new enough; a development version is.
pub(super) fn is_new_enough(said: &str) -> bool {
    let Some(version) = said.strip_prefix("go") else { return said.starts_with("devel") };
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse::<u32>().unwrap_or(0)
    };
    let mut parts = version.split('.').map(digits);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= GO
}

/// Past the capture of a test's output: whoever waits for minutes should see why.
fn say(line: &str) {
    // Nobody to read it is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

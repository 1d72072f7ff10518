//! Writes what is generated from the types: the chart of the definitions and the API's reference.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sapphire_crds::generated;

const USAGE: &str =
    "usage: sapphire-crds           write charts/sapphire-crds and docs/reference/api.md
       sapphire-crds --root DIR  the same below another directory
       sapphire-crds --print     the definitions to standard output, for kubectl apply -f -";

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sapphire-crds: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<(), String> {
    match arguments.as_slice() {
        [] => write(&repository()?),
        [flag] if flag == "--print" => print(),
        [flag, root] if flag == "--root" => write(Path::new(root)),
        _ => Err(format!("not understood\n{USAGE}")),
    }
}

/// Cargo tells where the crate is; started by itself, the program works in the current directory.
fn repository() -> Result<PathBuf, String> {
    let root = match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(directory) => PathBuf::from(directory).join(".."),
        None => PathBuf::from("."),
    };
    if root.join("crds/Cargo.toml").is_file() {
        Ok(root)
    } else {
        Err("this is not the repository's root: change there, or pass --root DIR".to_owned())
    }
}

fn print() -> Result<(), String> {
    let stream = generated::stream().map_err(|error| error.to_string())?;
    std::io::stdout().write_all(stream.as_bytes()).map_err(|error| error.to_string())
}

fn write(root: &Path) -> Result<(), String> {
    for file in generated::files().map_err(|error| error.to_string())? {
        let path = root.join(&file.path);
        let directory = path.parent().unwrap_or(root);
        std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&path, file.text))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

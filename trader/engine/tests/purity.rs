//! The crates that decide use no clock, no randomness, no async, no I/O, and no float for money.

#![allow(clippy::unwrap_used)] // a test: a panic is its report

use std::fs;
use std::path::{Path, PathBuf};

/// What a pure crate may depend on.
const DEPENDENCIES: [&str; 6] =
    ["libm", "sapphire-engine", "serde", "serde_json", "sha2", "thiserror"];

const FORBIDDEN: [&str; 18] = [
    "std::time",
    "Instant",
    "SystemTime",
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "async ",
    ".await",
    "tokio",
    "rand::",
    "HashMap",
    "HashSet",
    "RandomState",
    "println!",
    "unsafe ",
];

/// Files of the engine in which floats are statistics; in all others there is none.
const FLOATS_ALLOWED: [&str; 8] = [
    "indicators/",
    "snapshot.rs",
    "opinion.rs",
    "sizing/kelly.rs",
    "engine/symbol.rs",
    "engine/market.rs",
    "engine/voting.rs",
    // Conversions to and from measured fractions, and of prices to indicators.
    "money.rs",
];

fn crate_dir(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The source files below a folder, without the modules that are compiled for tests only.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let all = files(dir);
    let tests: Vec<String> =
        all.iter().flat_map(|path| test_modules(&fs::read_to_string(path).unwrap())).collect();
    let is_test =
        |path: &Path| path.file_stem().is_some_and(|s| tests.iter().any(|t| s == t.as_str()));
    all.into_iter().filter(|path| !is_test(path)).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// The names in `#[cfg(test)] mod NAME;`.
fn test_modules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = |pair: &[&str]| match pair {
        [cfg, module] if cfg.starts_with("#[cfg(test)]") => {
            let name = module.trim_start_matches("pub(crate) ").strip_prefix("mod ")?;
            name.strip_suffix(';').map(str::to_owned)
        }
        _ => None,
    };
    lines.windows(2).filter_map(declared).collect()
}

/// What runs outside tests: no comments, nothing from the first test module on.
fn live_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .enumerate()
        .map(|(i, line)| (i + 1, code(line)))
        .collect()
}

#[test]
fn pure_crates_touch_nothing_outside() {
    for name in ["engine", "matching", "agents"] {
        let files = sources(&crate_dir(name).join("src"));
        assert!(!files.is_empty(), "{name} has sources");
        for path in files {
            for (number, line) in live_lines(&path) {
                let word = FORBIDDEN.iter().find(|word| line.contains(**word));
                assert!(word.is_none(), "{}:{number} uses {}", path.display(), word.unwrap());
            }
        }
    }
}

#[test]
fn pure_crates_depend_on_nothing_impure() {
    for name in ["engine", "matching", "agents"] {
        let manifest = fs::read_to_string(crate_dir(name).join("Cargo.toml")).unwrap();
        let section = manifest.split("[dependencies]").nth(1).unwrap();
        let section = section.split("\n[").next().unwrap();
        for line in section.lines().filter(|line| !line.trim().is_empty()) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap();
            assert!(DEPENDENCIES.contains(&dependency), "{name} depends on {dependency}");
        }
    }
}

#[test]
fn money_is_never_a_float() {
    let root = crate_dir("engine").join("src");
    for path in sources(&root) {
        let relative = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let allowed = FLOATS_ALLOWED.iter().any(|prefix| relative.starts_with(prefix));
        for (number, line) in live_lines(&path) {
            // An instrument tells its prices to indicators as floats, by functions of that name.
            let tells = line.contains("price_f64") || line.contains("quantity_f64");
            let instrument = relative == "instrument.rs" && (tells || line.contains("as f64"));
            let float = line.contains("f64") || line.contains("f32");
            assert!(allowed || instrument || !float, "{relative}:{number} has a float: {line}");
        }
    }
}

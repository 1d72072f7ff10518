//! The hot functions: what Criterion measured of them before.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::measured::{Unit, scaled};

/// A function and how long it takes.
#[derive(Debug)]
pub(crate) struct Function {
    name: String,
    /// How many things one iteration does, if the benchmark says so.
    elements: Option<u64>,
    /// How many bytes it goes through, if that is what the benchmark says.
    bytes: Option<u64>,
    /// Nanoseconds an iteration.
    median: Estimate,
}

/// `benchmark.json`, as far as it is wanted.
#[derive(Debug, Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<Throughput>,
}

#[derive(Debug, Deserialize)]
enum Throughput {
    Elements(u64),
    Bytes(u64),
}

/// `estimates.json`, as far as it is wanted.
#[derive(Debug, Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Debug, Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Debug, Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// All that Criterion left below `home`, by name.
pub(crate) fn functions(home: &Path) -> Result<Vec<Function>, Failure> {
    let mut functions = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| told(&folder, &error))? {
            let path = entry?.path();
            if !path.is_dir() {
                continue;
            }
            if path.ends_with("new") {
                functions.push(function(&path)?);
            } else {
                folders.push(path);
            }
        }
    }
    if functions.is_empty() {
        return Err(format!("{}: Criterion left nothing there", home.display()).into());
    }
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(functions)
}

fn function(folder: &Path) -> Result<Function, Failure> {
    let Benchmark { full_id, throughput } = read(folder.join("benchmark.json"))?;
    let Estimates { median } = read(folder.join("estimates.json"))?;
    let (elements, bytes) = match throughput {
        Some(Throughput::Elements(elements)) => (Some(elements), None),
        Some(Throughput::Bytes(bytes)) => (None, Some(bytes)),
        None => (None, None),
    };
    Ok(Function { name: full_id, elements, bytes, median })
}

fn read<T: DeserializeOwned>(path: PathBuf) -> Result<T, Failure> {
    let bytes = fs::read(&path).map_err(|error| told(&path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| told(&path, &error))
}

fn told(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    format!("{}: {error}", path.display()).into()
}

impl Function {
    /// A line of the page: name, median and its interval for one thing, how many a second.
    pub(crate) fn line(&self) -> String {
        let one = small(self.elements.unwrap_or(1));
        let shown = |nanos: f64| Unit::Seconds.show(nanos / one / 1e9);
        let Interval { lower_bound, upper_bound } = self.median.confidence_interval;
        let median = self.median.point_estimate;
        let rate = match self.bytes {
            Some(bytes) => format!("{}/s", Unit::Bytes.show(small(bytes) / median * 1e9)),
            None => format!("{}/s", scaled(one / median * 1e9)),
        };
        format!(
            "| {} | {} | {} to {} | {rate} |",
            self.name,
            shown(median),
            shown(lower_bound),
            shown(upper_bound)
        )
    }
}

fn small(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

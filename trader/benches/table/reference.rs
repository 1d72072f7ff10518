//! The reference script, and whether the desk agrees with it.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::measured::{Measured, Series, Unit};

const BARS: &str = "btcusdt-perp-1m-202201.csv.gz";
/// What `desks/ema-cross.yaml` says.
const DESK: [&str; 4] = ["--quantity", "0.01", "--balance", "1000000"];
const RUNS: &str = "9";
/// The crosses that the design allows for, by the seeding of the averages.
const CROSSES: std::ops::RangeInclusive<u64> = 2066..=2068;

/// What row 1 must come to, and how fast plain Python gets there.
#[derive(Debug)]
pub(crate) struct Reference {
    truth: Truth,
    bare: BareLoop,
}

/// What `ema_cross.py` prints.
#[derive(Debug, Deserialize)]
struct Worked {
    runs: Vec<Truth>,
}

/// The result of one seeding of the averages.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Truth {
    seeding: String,
    crosses: u64,
    fills: u64,
    fees: String,
    final_equity: String,
}

/// What `bare_loop.py` prints.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BareLoop {
    bars: u32,
    crosses: u64,
    final_equity: String,
    seconds: Vec<f64>,
}

impl Reference {
    /// Runs the scripts.
    pub(crate) fn compute(data: &Path) -> Result<Self, Failure> {
        let bars = data.join(BARS);
        let Worked { runs } = python("ema_cross.py", &bars, &DESK)?;
        let truth = runs.into_iter().find(|run| run.seeding == "sma");
        let truth = truth.ok_or("ema_cross.py has no run that is seeded as Sapphire's averages")?;
        if !CROSSES.contains(&truth.crosses) {
            return Err(format!("void: the reference finds {} crosses", truth.crosses).into());
        }
        let bare: BareLoop = python("bare_loop.py", &bars, &[RUNS])?;
        if (bare.crosses, &bare.final_equity) != (truth.crosses, &truth.final_equity) {
            return Err("void: bare_loop.py and ema_cross.py differ".into());
        }
        Ok(Self { truth, bare })
    }

    /// Refuses figures of a desk that came to another result.
    pub(crate) fn confirm(&self, measured: &Measured) -> Result<(), Failure> {
        let truth = &self.truth;
        let expected = [
            // The first entry is no cross.
            ("entries", (truth.crosses + 1).to_string()),
            ("orders", (truth.crosses + 1).to_string()),
            ("fills", truth.fills.to_string()),
            ("fees", truth.fees.clone()),
            ("equity", truth.final_equity.clone()),
            ("denied", "0".to_owned()),
            ("bound", "0".to_owned()),
        ];
        let differs = |(name, expected): &&(&str, String)| measured.fact(name) != expected;
        let wrong: Vec<_> = expected
            .iter()
            .filter(differs)
            .map(|(name, is)| format!("{name} {} instead of {is}", measured.fact(name)))
            .collect();
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("void: the desk differs from the reference: {}", wrong.join(", ")).into())
        }
    }

    /// Python's own speed, without gate, journal, or venue.
    pub(crate) fn speed(&self) -> Series {
        let bars = f64::from(self.bare.bars);
        let values = self.bare.seconds.iter().map(|seconds| bars / seconds).collect();
        Series { what: "bare loop".to_owned(), unit: Unit::Bars, values }
    }

    /// What was found, in words.
    pub(crate) fn found(&self) -> String {
        let Truth { crosses, fills, fees, final_equity, .. } = &self.truth;
        let bars = self.bare.bars;
        format!(
            "{bars} bars, {crosses} crosses, {fills} fills, fees {fees}, final equity {final_equity}"
        )
    }
}

/// What a script of the reference folder prints.
fn python<T: DeserializeOwned>(script: &str, bars: &Path, words: &[&str]) -> Result<T, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference");
    let output = Command::new("python3")
        .arg(folder.join(script))
        .arg(bars)
        .args(words)
        .output()
        .map_err(|error| format!("{script} needs python3: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{script} failed: {said}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

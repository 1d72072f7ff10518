//! The first rows of the design's table of figures, measured and written to docs/benchmarks.md.
//!
//! Each case runs in a process of its own, this program again with `--case`, so that its peak memory
//! is its own: file reading, data and journal included.

#![allow(missing_docs)]

mod case;
mod desk;
mod hot;
mod intent;
mod machine;
mod measured;
mod page;
mod reference;
mod speed;
mod start;
mod tally;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use case::Case;
use measured::{Finding, Measured};
use reference::Reference;

/// Whatever goes wrong ends the measurement and is told.
type Failure = Box<dyn Error>;

/// What the command line says.
#[derive(Debug, Default)]
struct Arguments {
    data: Option<PathBuf>,
    case: Option<String>,
    page: Option<PathBuf>,
    hot: Option<PathBuf>,
    commit: String,
    date: String,
    bench: bool,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(code) => code,
        Err(failure) => {
            say(&format!("benchmark: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--data" => arguments.data = Some(value()?.into()),
            "--case" => arguments.case = Some(value()?),
            "--hot" => arguments.hot = Some(value()?.into()),
            "--page" => arguments.page = Some(value()?.into()),
            "--commit" => arguments.commit = value()?,
            "--date" => arguments.date = value()?,
            "--bench" => arguments.bench = true,
            other => return Err(format!("{other} is not known: use make bench DATA=DIR").into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Some(data) = &arguments.data else {
        say("nothing is measured without market data: make bench DATA=DIR");
        // `cargo test --all-targets` comes by without asking for figures.
        return Ok(if arguments.bench { ExitCode::from(2) } else { ExitCode::SUCCESS });
    };
    if let Some(name) = &arguments.case {
        let case = Case::named(name).ok_or_else(|| format!("there is no case {name}"))?;
        let mut measured = case.measure(data)?;
        measured.peak_kib.get_or_insert(machine::peak_kib()?);
        say(&serde_json::to_string(&measured)?);
        return Ok(ExitCode::SUCCESS);
    }
    let hot = arguments.hot.as_deref().map_or(Ok(Vec::new()), hot::functions)?;
    let load_before = machine::load()?;
    let reference = Reference::compute(data)?;
    let mut findings = Vec::new();
    for case in Case::ALL {
        let measured = in_own_process(case, data)?;
        if case.desk() == Some(desk::EMA_CROSS) {
            reference.confirm(&measured)?;
        }
        let finding = Finding { case, measured };
        say(&finding.line());
        findings.push(finding);
    }
    let surroundings = page::Surroundings {
        commit: arguments.commit.clone(),
        date: arguments.date.clone(),
        machine: machine::Machine::this()?,
        load: (load_before, machine::load()?),
    };
    if let Some(path) = &arguments.page {
        let former = std::fs::read_to_string(path).unwrap_or_default();
        let page = page::render(&surroundings, &reference, &findings, &hot);
        std::fs::write(path, page + page::of_others(&former))?;
        say(&format!("written to {}", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a case in a fresh process.
fn in_own_process(case: Case, data: &Path) -> Result<Measured, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--case", case.name(), "--data"])
        .arg(data)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("{}: {}", case.name(), text.trim()).into());
    }
    Ok(serde_json::from_str(&text)?)
}

fn say(line: &str) {
    // Who closed the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{line}");
}

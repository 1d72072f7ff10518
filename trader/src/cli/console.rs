//! What people see: results on standard output, everything else on standard error.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::failure::Failure;
use crate::telemetry::logs::{self, LogFormat};

/// How what is said beside results looks: as the log lines do, so that whoever reads JSON reads nothing
/// else.
static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Says how standard error is written, for the whole process.
pub(super) fn write_errors_as(format: LogFormat) {
    let _ = FORMAT.set(format); // the first word counts; there is only one
}

fn for_machines() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Writes a result. A reader that went away (`| head`) is no error.
///
/// # Errors
/// When standard output does not take it.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::run(format!(
            "cannot write to standard output: {error}; what was to be printed is not"
        ))),
        _ => Ok(()),
    }
}

/// Writes a result as JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(value).map_err(Failure::run)?)
}

/// Writes beside the result; whatever `LOG_LEVEL` is, since no log line says the same.
pub(super) fn complain(text: &str) {
    let line = if for_machines() { logs::json_line("INFO", text) } else { text.to_owned() };
    logs::write_line(&line);
}

/// Says why the command failed.
pub(super) fn complain_of_failure(text: &str) {
    let line =
        if for_machines() { logs::json_line("ERROR", text) } else { format!("error: {text}") };
    logs::write_line(&line);
}

/// Whether a person reads the result as it comes.
pub(super) fn is_watched() -> bool {
    std::io::stdout().is_terminal()
}

/// A progress bar over `total` steps; nothing is shown where nobody waits at a terminal.
pub(super) fn progress(what: &'static str, total: u64) -> ProgressBar {
    let bar = if for_machines() { ProgressBar::hidden() } else { ProgressBar::new(total) };
    let style = "{msg} {wide_bar} {percent:>3} % {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// A sign of life for what cannot be counted.
pub(super) fn spinner(what: String) -> ProgressBar {
    if for_machines() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

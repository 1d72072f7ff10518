//! Structured logs on standard error.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; the default on a terminal.
    Human,
    /// One JSON object a line; the default elsewhere.
    Json,
}

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The level cannot be read.
    #[error(
        "LOG_LEVEL \"{0}\" cannot be read: write error, warn, info, debug or trace, or a list such as warn,sapphire_operator=debug"
    )]
    Level(String),
    /// Somebody set a logger before.
    #[error("logging was set up twice in one process: {0}")]
    Twice(String),
}

/// Begins to log. `level` is a level or a list of `module=level`.
///
/// # Errors
/// As [`LogError`].
pub fn start(level: &str, format: Option<LogFormat>) -> Result<(), LogError> {
    let level = level.trim();
    let plain = ["error", "warn", "info", "debug", "trace", "off"];
    let directives = if plain.contains(&level.to_ascii_lowercase().as_str()) {
        // A bare level is ours; libraries then say only what goes wrong.
        format!("warn,sapphire_operator={}", level.to_ascii_lowercase())
    } else {
        level.to_owned()
    };
    let filter = EnvFilter::try_new(directives).map_err(|_| LogError::Level(level.to_owned()))?;
    let terminal = std::io::stderr().is_terminal();
    let default = if terminal { LogFormat::Human } else { LogFormat::Json };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format.unwrap_or(default) {
        LogFormat::Human => lines.with_ansi(terminal).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).try_init(),
    };
    started.map_err(|error| LogError::Twice(error.to_string()))
}

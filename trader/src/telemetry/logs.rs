//! Structured logs on standard error.
//!
//! A request's lines carry its correlation id: the server opens a span with it, and so does the
//! desk while it is at a command ([`Asked::correlation_id`](crate::api::commands::Asked)). Headers,
//! bodies and queries are never logged, so no token is.

use std::io::{self, IsTerminal, Write as _};
use std::str::FromStr;
use std::sync::OnceLock;

use sapphire_engine::time::Timestamp;
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// What is logged: `LOG_LEVEL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

/// Why logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `LOG_LEVEL` cannot be read.
    #[error(
        "LOG_LEVEL `{0}` cannot be read at `{1}`: use one of error, warn, info, debug, trace, off, \
         or a list of module=level such as `warn,sapphire_trader::store=debug`"
    )]
    Level(String, String),
    /// Somebody set a logger before.
    #[error("logging was set up twice in one process")]
    Twice,
}

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogLevel {
    type Err = LogError;

    /// A bare level is Sapphire's own; libraries then say only what goes wrong, because at `debug`
    /// they would tell statements and packets. A list is taken as it is.
    fn from_str(text: &str) -> Result<Self, LogError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let wrong = |part: &str| LogError::Level(text.to_owned(), part.to_owned());
        for part in text.split(',') {
            let (target, level) = part.rsplit_once('=').map_or((None, part), |(t, l)| (Some(t), l));
            let readable = !level.is_empty()
                && LevelFilter::from_str(level).is_ok()
                && !level.bytes().any(|b| b.is_ascii_digit())
                && target.is_none_or(|target| !target.trim().is_empty());
            if !readable {
                return Err(wrong(part));
            }
        }
        EnvFilter::try_new(text).map_err(|_| wrong(text))?;
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl LogLevel {
    fn filter(&self) -> EnvFilter {
        let level = &self.0;
        if level.contains([',', '=']) {
            return EnvFilter::new(level);
        }
        let libraries = if matches!(level.as_str(), "off" | "error") { level } else { "warn" };
        EnvFilter::new(format!(
            "{libraries},sapphire_trader={level},sapphire_engine={level},sapphire_matching={level},\
             sapphire_agents={level},sapphire_crds={level},panic={level}"
        ))
    }
}

/// Lines that may wait for a reader that is slow or does not read at all; what comes beyond them is lost.
const WAITING: usize = 16_384;

/// Sends log lines to standard error, for the whole process, and panics among them. A thread of its own writes
/// them: whoever trades or answers never waits for who reads. Dropped, the guard has the last lines written.
///
/// # Errors
/// [`LogError::Twice`] when it was called before.
pub fn init(format: LogFormat, level: &LogLevel) -> Result<WorkerGuard, LogError> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (lines, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("log")
        .finish(io::stderr());
    LINES.set(lines.clone()).map_err(|_| LogError::Twice)?;
    match format {
        LogFormat::Human => human(level, colours, lines).try_init(),
        LogFormat::Json => json(level, lines).try_init(),
    }
    .map_err(|_| LogError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(target: "panic", %backtrace, "{panic}: this is a defect, please report it");
    }));
    Ok(guard)
}

/// Where lines go once there is a log.
static LINES: OnceLock<NonBlocking> = OnceLock::new();

/// Writes a line to standard error that is no log line: in its turn among those, and without waiting for who reads.
pub fn write_line(line: &str) {
    let line = format!("{line}\n");
    // Nobody is left to be told that nobody can be told.
    let _ = match LINES.get() {
        Some(lines) => lines.clone().write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    };
}

/// Log lines that were lost so far, since nobody read those before them.
#[must_use]
pub fn lost_lines() -> u64 {
    let lost = LINES.get().map_or(0, |lines| lines.error_counter().dropped_lines());
    u64::try_from(lost).unwrap_or(u64::MAX)
}

/// Whether a line that cannot be written is told of where it could not be: a reader that went away would end
/// the desk by that.
const UNWRITTEN: bool = false;

/// The lines that people read.
fn human<W>(level: &LogLevel, colours: bool, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(level.filter())
        .with_ansi(colours)
        .with_writer(writer)
        .log_internal_errors(UNWRITTEN)
        .finish()
}

/// The lines that machines read: time, level, message, target and the event's fields at the top,
/// the request's correlation id in `span.correlation_id`.
fn json<W>(level: &LogLevel, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(level.filter())
        .with_writer(writer)
        .log_internal_errors(UNWRITTEN)
        .finish()
}

/// A line as the JSON log writes them, for what is said whatever `LOG_LEVEL` is.
#[must_use]
pub fn json_line(level: &str, message: &str) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX));
    let timestamp = now.to_string();
    let target = "sapphire_trader";
    serde_json::json!({ "timestamp": timestamp, "level": level, "message": message, "target": target })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
        fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
            let lines = self.clone();
            move || lines.clone()
        }
    }

    #[test]
    fn every_json_line_of_a_request_has_its_correlation_id() {
        let lines = Lines::default();
        tracing::subscriber::with_default(json(&LogLevel::default(), lines.writer()), || {
            let _request = tracing::info_span!("request", correlation_id = "abc-1").entered();
            tracing::info!(orders = 3, "sent");
            tracing::warn!("late");
        });
        for line in lines.text().lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["span"]["correlation_id"], "abc-1");
        }
        let first: serde_json::Value =
            serde_json::from_str(lines.text().lines().next().unwrap()).unwrap();
        assert_eq!((&first["message"], &first["orders"]), (&"sent".into(), &3.into()));
    }

    #[rstest]
    #[case("warn", "sapphire_trader", tracing::Level::INFO, false)]
    #[case("debug", "sapphire_trader", tracing::Level::DEBUG, true)]
    #[case("debug", "sqlx", tracing::Level::DEBUG, false)]
    #[case("debug", "sqlx", tracing::Level::WARN, true)]
    #[case("off", "sapphire_trader", tracing::Level::ERROR, false)]
    #[case("warn,sqlx=debug", "sqlx", tracing::Level::DEBUG, true)]
    #[case("DEBUG", "sapphire_trader", tracing::Level::DEBUG, true)]
    fn a_bare_level_is_sapphires_own(
        #[case] level: &str,
        #[case] target: &str,
        #[case] of: tracing::Level,
        #[case] said: bool,
    ) {
        let lines = Lines::default();
        let level = level.parse().unwrap();
        tracing::subscriber::with_default(human(&level, false, lines.writer()), || {
            match (target, of) {
                ("sqlx", tracing::Level::DEBUG) => tracing::debug!(target: "sqlx", "word"),
                ("sqlx", _) => tracing::warn!(target: "sqlx", "word"),
                (_, tracing::Level::DEBUG) => tracing::debug!(target: "sapphire_trader", "word"),
                (_, tracing::Level::INFO) => tracing::info!(target: "sapphire_trader", "word"),
                (_, _) => tracing::error!(target: "sapphire_trader", "word"),
            }
        });
        assert_eq!(lines.text().contains("word"), said);
    }

    #[rstest]
    #[case("inof")]
    #[case("sapphire_trader=loud")]
    #[case("=debug")]
    #[case("warn,,info")]
    #[case("3")]
    fn a_level_that_cannot_be_read_is_refused_with_the_choice(#[case] level: &str) {
        let error = level.parse::<LogLevel>().unwrap_err().to_string();
        assert!(
            error.contains(level) && error.contains("error, warn, info, debug, trace"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_level_is_the_default() {
        assert_eq!(" ".parse::<LogLevel>().unwrap(), LogLevel::default());
    }
}

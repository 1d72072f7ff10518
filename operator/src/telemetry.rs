//! Structured logs on standard error, and traces to a collector where one is configured.
//!
//! Every reconcile is a trace. Its id stands in the log lines and the events that it causes, whether or
//! not a collector is there.

use std::io::IsTerminal as _;
use std::time::Duration;

use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

/// The name of this program in traces.
const SERVICE: &str = "sapphire-operator";
/// Where below the endpoint a collector takes traces (OTLP over HTTP).
const PATH: &str = "v1/traces";
/// So long the last spans have to reach the collector when the process ends.
const LAST: Duration = Duration::from_secs(2);

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; the default on a terminal.
    Human,
    /// One JSON object a line; the default elsewhere.
    Json,
}

/// What is told to whom.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// What is logged: a level, or a list such as warn,sapphire_operator=debug.
    #[arg(long, env = "LOG_LEVEL", value_name = "LEVEL", default_value = "info", global = true)]
    pub log_level: String,
    /// How log lines look. [default: human on a terminal, else json]
    #[arg(long, env = "LOG_FORMAT", value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
    /// A collector that takes traces by OTLP over HTTP, such as http://collector:4318. [default: none]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", global = true)]
    pub otlp_endpoint: Option<String>,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level cannot be read.
    #[error(
        "LOG_LEVEL \"{0}\" cannot be read: write error, warn, info, debug, trace or off, or a list such as warn,sapphire_operator=debug"
    )]
    Level(String),
    /// The collector's address is none.
    #[error(
        "--otlp-endpoint \"{0}\" is no address of a collector: write one such as http://collector:4318 ({1})"
    )]
    Endpoint(String, String),
    /// Somebody set a logger before.
    #[error("logging was set up twice in one process: {0}")]
    Twice(String),
}

/// Traces, until they are finished.
#[derive(Debug)]
pub struct Telemetry {
    traces: SdkTracerProvider,
    /// Dropped, it has the last lines written.
    _written: WorkerGuard,
}

/// Log lines that may wait for a reader that is slow or does not read at all; what comes beyond them is lost, and
/// nobody who reconciles waits.
const WAITING: usize = 16_384;

impl Telemetry {
    /// Sends the last spans, for at most two seconds. A collector that is away keeps nobody.
    pub fn finish(self) {
        if let Err(error) = self.traces.shutdown_with_timeout(LAST) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Begins to log, and to trace.
///
/// # Errors
/// As [`TelemetryError`].
pub fn start(flags: &Flags) -> Result<Telemetry, TelemetryError> {
    let traces = traces(flags.otlp_endpoint.as_deref())?;
    let terminal = std::io::stderr().is_terminal();
    let default = if terminal { LogFormat::Human } else { LogFormat::Json };
    // A line that cannot be written must not be told of on the same stream: that would be a panic.
    let (writer, written) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("log")
        .finish(std::io::stderr());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false);
    let lines = match flags.log_format.unwrap_or(default) {
        LogFormat::Human => lines.with_ansi(terminal).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    };
    let started = layers(&flags.log_level, lines, &traces)?.try_init();
    started.map_err(|error| TelemetryError::Twice(error.to_string()))?;
    Ok(Telemetry { traces, _written: written })
}

type Lines = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;

fn layers(
    level: &str,
    lines: Lines,
    traces: &SdkTracerProvider,
) -> Result<impl tracing::Subscriber + Send + Sync + use<>, TelemetryError> {
    // Spans do not depend on what is logged, and are only ours.
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("sapphire_operator", tracing::Level::INFO);
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer(SERVICE))
        .with_location(false)
        .with_threads(false)
        .with_filter(ours);
    Ok(Registry::default().with(lines.with_filter(filter(level)?)).with(spans))
}

/// The words for a level.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

fn filter(level: &str) -> Result<EnvFilter, TelemetryError> {
    let level = match level.trim() {
        "" => "info",
        level => level,
    };
    let refused = || TelemetryError::Level(level.to_owned());
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    // The filter itself takes a word that is no level for the name of a module, of which it then tells all.
    let is_part = |part: &str| is_level(part.rsplit_once('=').map_or(part, |(_, level)| level));
    if !level.split(',').all(is_part) {
        return Err(refused());
    }
    // A bare level is ours; libraries then say only what goes wrong.
    let directives = match is_level(level) {
        true => format!("warn,sapphire_operator={level}"),
        false => level.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|_| refused())
}

fn traces(endpoint: Option<&str>) -> Result<SdkTracerProvider, TelemetryError> {
    let resource = Resource::builder().with_service_name(SERVICE).build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    let Some(endpoint) = endpoint.map(str::trim).filter(|endpoint| !endpoint.is_empty()) else {
        return Ok(provider.build());
    };
    let wrong = |why: String| TelemetryError::Endpoint(endpoint.to_owned(), why);
    let url = reqwest::Url::parse(endpoint).map_err(|error| wrong(error.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(wrong("it begins neither with http:// nor with https://".into()));
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/{PATH}", url.as_str().trim_end_matches('/')))
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(provider.with_batch_exporter(exporter).build())
}

/// The id of the trace that a span belongs to, as 32 hexadecimal digits. `None` before telemetry began.
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::Value;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `work` logs at `level`.
    fn logged(level: &str, work: impl FnOnce()) -> Vec<Value> {
        let page = Page::default();
        let writer = page.clone();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .boxed();
        let subscriber = layers(level, lines, &traces(None).unwrap()).unwrap();
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[rstest]
    #[case("info")]
    #[case("sapphire_operator=info")]
    fn a_line_tells_its_trace(#[case] level: &str) {
        let mut id = None;
        let lines = logged(level, || {
            let span = crate::reconcile::controller::span("system", "n/desk");
            id = trace_id(&span);
            span.in_scope(|| tracing::info!("done"));
        });
        assert_eq!(lines[0]["span"]["trace_id"].as_str(), id.as_deref());
        assert_eq!(id.unwrap().len(), 32);
        assert_eq!(lines[0]["span"]["object"], "n/desk");
    }

    #[test]
    fn two_reconciles_are_two_traces() {
        logged("info", || {
            let one = trace_id(&crate::reconcile::controller::span("system", "n/a"));
            let two = trace_id(&crate::reconcile::controller::span("system", "n/a"));
            assert!(one.is_some() && one != two, "{one:?} {two:?}");
        });
    }

    #[test]
    fn libraries_say_only_what_goes_wrong() {
        let lines = logged("debug", || {
            tracing::info!(target: "kube_client", "connecting");
            tracing::warn!(target: "kube_client", "lost");
            tracing::debug!("ours");
        });
        let said: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(said, ["lost", "ours"]);
    }

    #[rstest]
    #[case("collector:4318", "neither with http")]
    #[case("ftp://collector", "neither with http")]
    #[case("http://", "empty host")]
    fn an_address_that_is_none_is_refused(#[case] endpoint: &str, #[case] why: &str) {
        let error = traces(Some(endpoint)).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains(endpoint), "{error}");
    }

    #[rstest]
    #[case("a=b=c")]
    #[case("verbose")]
    #[case("warn,loud")]
    #[case("warn,")]
    #[case("sapphire_operator=")]
    fn a_level_that_is_none_is_refused(#[case] level: &str) {
        let words = filter(level).unwrap_err().to_string();
        assert!(words.starts_with(&format!("LOG_LEVEL \"{level}\"")), "{words}");
    }

    #[rstest]
    #[case("", "sapphire_operator=info")]
    #[case("DEBUG", "sapphire_operator=debug")]
    #[case("warn,sapphire_operator::system=trace", "sapphire_operator::system=trace")]
    fn a_level_or_a_list_is_taken(#[case] level: &str, #[case] has: &str) {
        let taken = filter(level).unwrap().to_string();
        assert!(taken.contains(has), "{taken}");
    }
}

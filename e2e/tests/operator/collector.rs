//! A collector of traces (OTLP over HTTP), to see what the operator sends to one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

/// A span as the collector got it.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    pub(crate) service: String,
    pub(crate) name: String,
    /// 32 hexadecimal digits.
    pub(crate) trace: String,
    pub(crate) has_parent: bool,
    pub(crate) attributes: HashMap<String, String>,
}

type Spans = Arc<Mutex<Vec<Collected>>>;

/// The collector of this program.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    spans: Spans,
}

impl Collector {
    /// Starts it with the first call.
    pub(crate) fn shared() -> &'static Self {
        static COLLECTOR: OnceLock<Collector> = OnceLock::new();
        COLLECTOR.get_or_init(|| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.set_nonblocking(true).unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let spans = Spans::default();
            let taken = spans.clone();
            // On a thread of its own: every test has a runtime that ends with it.
            std::thread::spawn(move || serve(listener, taken));
            Self { endpoint, spans }
        })
    }

    /// The spans of one trace, in the order in which they ended.
    pub(crate) fn of_trace(&self, trace: &str) -> Vec<Collected> {
        let spans = self.spans.lock().unwrap();
        spans.iter().filter(|span| span.trace == trace).cloned().collect()
    }
}

fn serve(listener: std::net::TcpListener, spans: Spans) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(spans);
        axum::serve(listener, routes).await.unwrap();
    });
}

async fn take(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut spans = spans.lock().unwrap();
    for resource in request.resource_spans {
        let attributes = texts(resource.resource.unwrap_or_default().attributes);
        let service = attributes.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(Collected {
                service: service.clone(),
                name: span.name,
                trace: span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect(),
                has_parent: !span.parent_span_id.is_empty(),
                attributes: texts(span.attributes),
            });
        }
    }
}

fn texts(attributes: Vec<KeyValue>) -> HashMap<String, String> {
    let text = |attribute: KeyValue| match attribute.value?.value? {
        Value::StringValue(text) => Some((attribute.key, text)),
        _ => None,
    };
    attributes.into_iter().filter_map(text).collect()
}

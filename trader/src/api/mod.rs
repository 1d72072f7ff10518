//! The HTTP API, its stream and the embedded page.

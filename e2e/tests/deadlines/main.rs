//! What happens when time passes: silence, restarts of the operator, and deadlines. Each test has an
//! operator of its own, which waits for seconds where it would wait for minutes.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod closing;
#[allow(dead_code)] // the other program uses all of it
#[path = "../operator/desk.rs"]
mod desk;
mod namespaces;
mod plane;
mod restarts;
mod silence;

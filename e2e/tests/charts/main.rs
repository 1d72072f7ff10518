//! The charts, as Helm installs them on a real control plane; the operator's pods are processes.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod conformance;
mod installation;
mod lifecycle;
mod rendering;
mod switches;
mod waiting;

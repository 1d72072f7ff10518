//! The charts, as Helm installs them on a real control plane; the operator's pods are processes.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod alerts;
mod conformance;
mod desks;
mod installation;
mod leaders;
mod lifecycle;
mod releases;
mod rendering;
mod rights;
mod switches;
mod upgrades;
mod waiting;

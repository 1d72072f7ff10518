//! The operator on a real control plane, with the rights of its chart and no others.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod agents;
mod authorities;
mod bindings;
mod canary;
mod clustered;
mod collector;
mod confinement;
mod deletion;
mod desk;
mod diff;
mod election;
mod embedded;
mod events;
mod foreseen;
mod handover;
mod limits;
mod lost_status;
mod migration;
mod namespaces;
mod plane;
mod quiet;
mod reports;
mod rollout;
mod scaling;
mod strangers;
mod traces;

//! An operator whose API server has bad days. Each test has an operator of its own, in a namespace of
//! its own, behind a proxy that answers as the test tells it.

#![allow(clippy::unwrap_used, clippy::panic)] // as in tests, in what they share

mod adoption;
mod anew;
mod answers;
mod clustered;
#[path = "../operator/desk.rs"]
mod desk;
#[path = "../operator/foreseen.rs"]
mod foreseen;
mod gone;
mod halted;
mod killed;
mod namesakes;
mod plane;
mod stored;
mod successor;
mod turns;

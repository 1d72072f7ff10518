//! The exchange, driven through its public interface.
#![allow(clippy::unwrap_used)] // in functions that tests share

mod bars;
mod conservation;
mod depth;
mod desk;
mod margin;
mod orders;

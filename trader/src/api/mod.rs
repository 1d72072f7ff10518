//! The HTTP API, its stream and the embedded page.
//!
//! The desk thread shows what it does through a [`Publisher`](published::Publisher) and takes
//! commands from its own queue, into which a [`CommandSender`](commands::CommandSender) puts them;
//! it never waits for a reader.

pub mod commands;
pub mod published;
pub mod view;

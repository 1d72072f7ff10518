//! What reaches the desk thread, in order of arrival.

use std::time::Instant;

use sapphire_engine::event::PolicyChange;

use crate::api::commands::PendingCommand;

/// A message.
#[derive(Debug)]
pub enum Message {
    /// A person's command.
    Command(PendingCommand),
    /// News of the policy's file.
    Policy(PolicyFile),
    /// What a person should know of the other manifests, which act at a start alone; none when they are
    /// again what the desk began with.
    Manifests(Option<String>),
    /// The process is to leave; the signal's name.
    Stop(&'static str),
}

impl From<PendingCommand> for Message {
    fn from(command: PendingCommand) -> Self {
        Self::Command(command)
    }
}

/// What the watch of the file tells. The generation of a policy is the desk's to count.
#[derive(Debug)]
pub enum PolicyFile {
    /// A policy that was not there at the last look, and when it was seen. Its writer may not have
    /// come to the end.
    Fresh(Box<PolicyChange>, Instant),
    /// A policy that has stood for a while, and since when.
    Settled(Box<PolicyChange>, Instant),
    /// None that could be enforced, and why: the one in force stays.
    Refused(String),
    /// None that could be enforced for longer than `staleAfter`, and why.
    Lost(String),
    /// There is one again, and it has settled.
    Found,
}

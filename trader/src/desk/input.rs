//! What comes in from outside of the data: people, policies, the end of the process.

use sapphire_engine::event::{CommandRequest, EventKind, PolicyChange};
use sapphire_engine::journal::Record;
use sapphire_engine::time::Timestamp;

use crate::store::{StoreError, StoredRecord};

/// Something from outside of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A person's command.
    Command(CommandRequest),
    /// A new policy.
    Policy(Box<PolicyChange>),
    /// The policy has not been seen for longer than it allows, and why.
    PolicyLost(String),
    /// The policy is seen again.
    PolicyFound,
    /// The process was told to leave.
    Stopping,
    /// A process that had been told to leave is back.
    Continuing,
    /// The run is over, and why: the data are, or a halt ended it.
    Finished(String),
}

impl Input {
    /// The record that the shell writes of it, where the engine writes none itself.
    pub(super) fn record(&self) -> Option<Record> {
        match self {
            Self::Command(_) | Self::Policy(_) => None,
            Self::PolicyLost(reason) => Some(Record::PolicyLost { reason: reason.clone() }),
            Self::PolicyFound => Some(Record::PolicyFound),
            Self::Stopping => Some(Record::Stopping),
            Self::Continuing => Some(Record::Continuing),
            Self::Finished(reason) => Some(Record::RunFinished { reason: reason.clone() }),
        }
    }

    /// What the engine is told.
    pub(super) const fn event(&self) -> Option<EventKind<'_>> {
        match self {
            Self::Command(request) => Some(EventKind::Command(request)),
            Self::Policy(change) => Some(EventKind::Policy(change)),
            Self::PolicyLost(reason) => Some(EventKind::PolicyLost(reason.as_str())),
            Self::PolicyFound => Some(EventKind::PolicyFound),
            Self::Stopping => Some(EventKind::Stopping),
            Self::Continuing => Some(EventKind::Continuing),
            Self::Finished(_) => None,
        }
    }

    fn of(record: Record) -> Option<Self> {
        match record {
            Record::Command(request) => Some(Self::Command(*request)),
            Record::PolicyReceived(change) => Some(Self::Policy(change)),
            Record::PolicyLost { reason } => Some(Self::PolicyLost(reason)),
            Record::PolicyFound => Some(Self::PolicyFound),
            Record::Stopping => Some(Self::Stopping),
            Record::Continuing => Some(Self::Continuing),
            Record::RunFinished { reason } => Some(Self::Finished(reason)),
            _ => None,
        }
    }
}

/// An input of an earlier life, and where it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastInput {
    /// After so many events of the feed.
    pub events: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub input: Input,
}

/// Collects the inputs of a stored journal, record by record.
#[derive(Debug, Default)]
pub struct PastInputs {
    found: Vec<PastInput>,
    cursor: Option<(u64, Timestamp)>,
}

impl PastInputs {
    /// Takes in the next record. Those of the process are passed over: a life may have ended
    /// anywhere.
    ///
    /// # Errors
    /// When a cursor is not followed by what came in.
    pub fn take(&mut self, sequence: u64, at: Timestamp, record: Record) -> Result<(), StoreError> {
        if record.is_about_process() {
            return Ok(());
        }
        if let Some((events, at)) = self.cursor.take() {
            let input = Input::of(record).ok_or_else(|| StoreError::Record {
                what: "read",
                detail: format!("record {sequence} follows a cursor, but nothing came in there"),
            })?;
            self.found.push(PastInput { events, at, input });
        } else if let Record::Cursor { events } = record {
            self.cursor = Some((events, at));
        }
        Ok(())
    }

    /// Takes in a stored record.
    ///
    /// # Errors
    /// When it cannot be read, or as [`take`](Self::take).
    pub fn take_stored(&mut self, stored: &StoredRecord<'_>) -> Result<(), StoreError> {
        self.take(stored.link.sequence, stored.at, stored.record()?)
    }

    /// All of them, in order.
    #[must_use]
    pub fn finish(self) -> Vec<PastInput> {
        self.found
    }
}

//! The way of a command from a request to the desk thread and back.
//!
//! The desk's inbox is bounded and of the desk's own making: any `SyncSender<T>` whose `T` can be
//! made from a [`PendingCommand`], so that commands, policy changes and signals can share one queue
//! in order of arrival.
//! ```
//! use std::sync::mpsc::sync_channel;
//! use std::time::Duration;
//! use sapphire_trader::api::commands::{CommandSender, PendingCommand};
//!
//! enum Input { Command(PendingCommand), Stop }
//! impl From<PendingCommand> for Input {
//!     fn from(command: PendingCommand) -> Self { Self::Command(command) }
//! }
//! let (sender, inbox) = sync_channel::<Input>(64);
//! let commands = CommandSender::new(sender, Duration::from_secs(5)); // goes to the server
//! # drop(commands);
//! while let Ok(input) = inbox.recv() {
//!     match input {
//!         Input::Command(pending) => {
//!             // `begin` says `None` when the person was already told that it was withdrawn.
//!             let Some(begun) = pending.begin() else { continue };
//!             // … engine.step(Command …), flush; only then answer:
//!             // begun.accept(command_id, sequence) or begun.refuse(Refusal::Conflict(why))
//! #           drop(begun);
//!         }
//!         Input::Stop => break,
//!     }
//! }
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use sapphire_engine::event::Command;
use sapphire_engine::ids::CommandId;
use tokio::sync::oneshot;

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What to do.
    pub command: Command,
    /// Who asked, as far as they said.
    pub who: String,
    /// Why.
    pub reason: String,
    /// The request's correlation id, for the log.
    pub correlation_id: String,
}

impl Asked {
    /// What only tightens stays in the queue when nobody waits for it any more: a halt that was
    /// asked for is never forgotten.
    const fn outlives_its_caller(&self) -> bool {
        matches!(self.command, Command::Halt { .. })
    }
}

/// A command that is durable in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its number.
    pub id: CommandId,
    /// The number of its record.
    pub journal_sequence: u64,
}

/// Why the desk did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing: which, and what there is.
    NotFound(String),
    /// It makes no sense now: why, and what would.
    Conflict(String),
    /// The desk cannot: its journal failed, or it is about to leave.
    Unavailable(String),
}

/// Why no answer came back. `Withdrawn` and `Full` are proof that nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The queue is full.
    #[error("the desk has too many commands waiting: nothing was done; try again in a second")]
    Full,
    /// The desk thread has ended.
    #[error("the desk has ended and takes no commands: nothing was done; start it again")]
    Ended,
    /// The desk did not look at it in time, and will not any more.
    #[error(
        "the desk did not take the command in time and it was withdrawn: nothing was done; \
         see /healthz and try again"
    )]
    Withdrawn,
    /// The desk did not look at it in time; it stays in the queue.
    #[error(
        "the desk has not taken the halt yet: it stays queued and acts as soon as the desk does; \
         see tradingState in /api/system-status"
    )]
    Queued,
    /// The desk took it, and its answer did not come in time.
    #[error(
        "the desk took the command but has not said that it is durable: it may or may not act; \
         see /api/system-status before you ask again"
    )]
    Unknown,
}

/// Why a command has no [`Accepted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// The desk said no.
    Refused(Refusal),
    /// The desk said nothing.
    NoAnswer(NoAnswer),
}

const WAITING: u8 = 0;
const TAKEN: u8 = 1;
const WITHDRAWN: u8 = 2;

/// A command in the desk's queue.
pub struct PendingCommand {
    asked: Asked,
    state: Arc<AtomicU8>,
    deadline: Instant,
    reply: oneshot::Sender<Result<Accepted, Refusal>>,
}

impl fmt::Debug for PendingCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingCommand").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl PendingCommand {
    /// Takes it up. `None` when its time is over: its caller was told so, or had gone before.
    #[must_use]
    pub fn begin(self) -> Option<BegunCommand> {
        if !self.asked.outlives_its_caller() && Instant::now() >= self.deadline {
            withdraw(&self.state);
        }
        let taken =
            self.state.compare_exchange(WAITING, TAKEN, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok().then_some(BegunCommand { asked: self.asked, reply: self.reply })
    }
}

/// A command that the desk is at. Answer it only after its record is durable.
#[derive(Debug)]
pub struct BegunCommand {
    /// What was asked for.
    pub asked: Asked,
    reply: oneshot::Sender<Result<Accepted, Refusal>>,
}

impl BegunCommand {
    /// It is durable. Nobody may be waiting any more: that changes nothing.
    pub fn accept(self, id: CommandId, journal_sequence: u64) {
        let _ = self.reply.send(Ok(Accepted { id, journal_sequence }));
    }

    /// It was not done.
    pub fn refuse(self, refusal: Refusal) {
        let _ = self.reply.send(Err(refusal));
    }
}

type TrySend = dyn Fn(PendingCommand) -> Result<(), NoAnswer> + Send + Sync;

/// The server's end. Cheap to clone.
#[derive(Clone)]
pub struct CommandSender {
    try_send: Arc<TrySend>,
    patience: Duration,
}

impl fmt::Debug for CommandSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSender").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl CommandSender {
    /// Sends into the desk's `inbox`, and waits for an answer for at most `patience`.
    #[must_use]
    pub fn new<T>(inbox: SyncSender<T>, patience: Duration) -> Self
    where
        T: From<PendingCommand> + Send + 'static,
    {
        let try_send = move |pending: PendingCommand| {
            inbox.try_send(pending.into()).map_err(|error| match error {
                TrySendError::Full(_) => NoAnswer::Full,
                TrySendError::Disconnected(_) => NoAnswer::Ended,
            })
        };
        Self { try_send: Arc::new(try_send), patience }
    }

    /// Asks the desk, and waits until it has answered.
    ///
    /// # Errors
    /// [`CommandError`]: what the desk said against it, or why it said nothing.
    pub async fn ask(&self, asked: Asked) -> Result<Accepted, CommandError> {
        let stays = asked.outlives_its_caller();
        let state = Arc::new(AtomicU8::new(WAITING));
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.patience;
        (self.try_send)(PendingCommand { asked, state: state.clone(), deadline, reply })
            .map_err(CommandError::NoAnswer)?;
        let silence = match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => return answer.map_err(CommandError::Refused),
            Ok(Err(_)) => silence_of_a_dropped_command(&state),
            Err(_) if stays && state.load(Ordering::Acquire) == WAITING => NoAnswer::Queued,
            Err(_) if !stays && withdraw(&state) => NoAnswer::Withdrawn,
            Err(_) => NoAnswer::Unknown,
        };
        Err(CommandError::NoAnswer(silence))
    }
}

fn withdraw(state: &AtomicU8) -> bool {
    state.compare_exchange(WAITING, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

/// The desk went with the command in its queue, or in its hands; or it came to it too late.
fn silence_of_a_dropped_command(state: &AtomicU8) -> NoAnswer {
    match state.load(Ordering::Acquire) {
        TAKEN => NoAnswer::Unknown,
        WITHDRAWN => NoAnswer::Withdrawn,
        _ => NoAnswer::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    fn asked(command: Command) -> Asked {
        Asked { command, who: "w".into(), reason: "r".into(), correlation_id: "c".into() }
    }

    /// What nobody answers is waited for so long.
    const SHORT: Duration = Duration::from_millis(50);
    /// What a thread answers, if it is let run.
    const LONG: Duration = Duration::from_secs(60);

    fn desk(capacity: usize, patience: Duration) -> (CommandSender, Receiver<PendingCommand>) {
        let (inbox, desk) = sync_channel(capacity);
        (CommandSender::new(inbox, patience), desk)
    }

    #[tokio::test]
    async fn the_desks_answer_comes_back() {
        let (commands, desk) = desk(1, LONG);
        let thread = std::thread::spawn(move || {
            let begun = desk.recv().unwrap().begin().unwrap();
            assert_eq!(begun.asked, asked(Command::Resume));
            begun.accept(CommandId(3), 17);
            desk.recv().unwrap().begin().unwrap().refuse(Refusal::Conflict("no".into()));
        });
        let accepted = commands.ask(asked(Command::Resume)).await;
        assert_eq!(accepted, Ok(Accepted { id: CommandId(3), journal_sequence: 17 }));
        let refused = commands.ask(asked(Command::Resume)).await;
        assert_eq!(refused, Err(CommandError::Refused(Refusal::Conflict("no".into()))));
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_command_that_the_desk_did_not_take_in_time_is_never_done() {
        let (commands, desk) = desk(1, SHORT);
        let silence = commands.ask(asked(Command::Resume)).await;
        assert_eq!(silence, Err(CommandError::NoAnswer(NoAnswer::Withdrawn)));
        assert!(desk.recv().unwrap().begin().is_none());
    }

    #[tokio::test]
    async fn a_command_whose_caller_went_away_is_not_done_later_than_its_caller_would_have_waited()
    {
        let (commands, desk) = desk(2, SHORT);
        for command in [Command::Resume, Command::Halt { flatten: false }] {
            let asking = tokio::spawn({
                let commands = commands.clone();
                async move { commands.ask(asked(command)).await }
            });
            tokio::task::yield_now().await;
            asking.abort();
        }
        std::thread::sleep(SHORT + Duration::from_millis(10));
        assert!(desk.recv().unwrap().begin().is_none(), "a late resume would surprise");
        assert!(desk.recv().unwrap().begin().is_some(), "a halt never comes too late");
    }

    #[tokio::test]
    async fn a_halt_acts_even_when_its_caller_has_gone() {
        let (commands, desk) = desk(1, SHORT);
        let silence = commands.ask(asked(Command::Halt { flatten: false })).await;
        assert_eq!(silence, Err(CommandError::NoAnswer(NoAnswer::Queued)));
        assert!(desk.recv().unwrap().begin().is_some());
    }

    #[tokio::test]
    async fn a_command_in_the_desks_hands_is_unknown_not_failed() {
        let (commands, desk) = desk(1, Duration::from_secs(1));
        let (gave_up, until) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let begun = desk.recv().unwrap().begin();
            until.recv().unwrap();
            drop(begun);
        });
        let silence = commands.ask(asked(Command::Resume)).await;
        assert_eq!(silence, Err(CommandError::NoAnswer(NoAnswer::Unknown)));
        gave_up.send(()).unwrap();
        thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_and_a_desk_that_ended_say_so_at_once() {
        let (commands, receiver) = desk(1, LONG);
        let waiting = tokio::spawn({
            let commands = commands.clone();
            async move { commands.ask(asked(Command::Resume)).await }
        });
        tokio::task::yield_now().await;
        let full = commands.ask(asked(Command::Resume)).await;
        assert_eq!(full, Err(CommandError::NoAnswer(NoAnswer::Full)));
        drop(receiver);
        assert_eq!(waiting.await.unwrap(), Err(CommandError::NoAnswer(NoAnswer::Ended)));
        let ended = commands.ask(asked(Command::Resume)).await;
        assert_eq!(ended, Err(CommandError::NoAnswer(NoAnswer::Ended)));
    }
}

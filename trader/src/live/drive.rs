//! The desk thread's loop: the next thing when its time has come, and whoever knocks in between.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use sapphire_engine::Engine;
use sapphire_engine::event::CommandRequest;
use sapphire_engine::ids::CommandId;
use sapphire_engine::order::IntentClass;
use sapphire_engine::time::Timestamp;

use super::enforce;
use super::exhibit::{About, Exhibit};
use super::inbox::{Message, PolicyFile};
use super::pace::Pace;
use crate::api::commands::{BegunCommand, PendingCommand, Refusal};
use crate::api::view::Phase;
use crate::desk::{DATA_OVER, Desk, Input, Retrace};
use crate::store::{SqliteJournal, StoreError};
use crate::venue::paper::PaperVenue;

/// The longest sleep: the thread shows itself alive in between.
const NAP: Duration = Duration::from_millis(50);
/// Events worked through before somebody may knock again.
const BATCH: usize = 256;
/// What nobody waits for becomes durable after at most so long.
const GROUP: Duration = Duration::from_millis(20);
/// How long a desk that leaves waits to see its cancels confirmed.
const FAREWELL: Duration = Duration::from_millis(400);

/// A desk that is driven.
pub type Driven = Desk<PaperVenue, Retrace<SqliteJournal>, Exhibit>;

/// How driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The data are over, and so is the run.
    DataOver,
    /// The process was told to leave, by this signal; the run goes on another time.
    Told(&'static str),
}

/// What the loop has in its hands.
#[derive(Debug)]
pub struct Hand {
    /// Who knocks.
    pub inbox: Receiver<Message>,
    /// Commands taken so far.
    pub commands: u64,
}

/// Drives a desk to the end of its data, or until it is told to leave.
///
/// # Errors
/// When the journal does not take a record: nothing is sent then, and the desk stands.
pub fn drive(desk: &mut Driven, pace: Pace, hand: &mut Hand) -> Result<Ending, StoreError> {
    let mut flushed = Instant::now();
    loop {
        desk.witness().beat();
        let Some(next) = desk.next_time() else {
            desk.finish(DATA_OVER)?;
            return Ok(Ending::DataOver);
        };
        let now = Instant::now();
        let wait = pace.wait(next, now);
        if !wait.is_zero() || now.duration_since(flushed) >= GROUP {
            flush(desk)?;
            flushed = now;
        }
        let message = if wait.is_zero() {
            hand.inbox.try_recv().ok()
        } else {
            show(desk);
            match hand.inbox.recv_timeout(wait.min(NAP)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                // The server and the watcher have gone: nobody can knock any more.
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(wait.min(NAP));
                    None
                }
            }
        };
        if let Some(message) = message {
            let at = pace.event_time(Instant::now()).unwrap_or(desk.now());
            if let Some(signal) = answer(desk, message, at, hand)? {
                farewell(desk)?;
                return Ok(Ending::Told(signal));
            }
        } else if wait.is_zero() {
            desk.witness().lag(pace.lag(next, now));
            work(desk, &pace)?;
            show(desk);
        }
    }
}

/// Makes everything durable, and counts what that took. A desk with nothing to write still looks
/// whether it could.
fn flush(desk: &mut Driven) -> Result<(), StoreError> {
    desk.flush()?;
    let (exhibit, _, journal) = desk.witness_and_view();
    journal.journal_mut().expect_in_place()?;
    exhibit.committed(journal.journal_mut().take_recent_commits());
    Ok(())
}

/// Goes on, unpaced, until no entry works any more.
fn farewell(desk: &mut Driven) -> Result<(), StoreError> {
    let until = Instant::now() + FAREWELL;
    while has_entries(desk.engine()) && Instant::now() < until {
        if !desk.advance()? {
            break;
        }
    }
    flush(desk)
}

fn has_entries(engine: &Engine) -> bool {
    engine.working_orders().any(|tracked| tracked.order.request.class() == IntentClass::Entry)
}

/// After the run, or when it cannot go on: answers who knocks that there is nothing to command, and
/// `why`, until the process is told to leave.
pub fn serve_out(desk: &mut Driven, hand: &Hand, why: &str) -> &'static str {
    loop {
        desk.witness().beat();
        show(desk);
        match hand.inbox.recv_timeout(NAP) {
            Ok(Message::Stop(signal)) => return signal,
            Ok(Message::Command(pending)) => refuse(pending, why),
            // Told once, when its file has settled.
            Ok(Message::Policy(
                PolicyFile::Fresh(..) | PolicyFile::Lost(_) | PolicyFile::Found,
            )) => {}
            Ok(Message::Policy(_)) => {
                let words = format!("the RiskPolicy's file changed, which does nothing now: {why}");
                tracing::warn!("{words}");
                desk.witness_mut().remark(About::Policy, Some(words));
            }
            Ok(Message::Manifests(words)) => remark_on_manifests(desk, words),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return "the server ended",
        }
    }
}

/// Says what a person should know of the manifests that act at a start alone.
fn remark_on_manifests(desk: &mut Driven, words: Option<String>) {
    match &words {
        Some(words) => tracing::warn!("{words}"),
        None => tracing::info!("the manifests are again what the desk trades by"),
    }
    desk.witness_mut().remark(About::Manifests, words);
}

/// Does what is due, but not for so long that somebody who knocks has to wait.
fn work(desk: &mut Driven, pace: &Pace) -> Result<(), StoreError> {
    for _ in 0..BATCH {
        if !desk.advance()? {
            break;
        }
        match desk.next_time() {
            Some(next) if pace.wait(next, Instant::now()).is_zero() => {}
            _ => break,
        }
    }
    Ok(())
}

/// Answers one message. Returns the signal when the desk is to leave.
fn answer(
    desk: &mut Driven,
    message: Message,
    at: Timestamp,
    hand: &mut Hand,
) -> Result<Option<&'static str>, StoreError> {
    match message {
        Message::Stop(signal) => {
            desk.witness_mut().enter(Phase::Stopping);
            desk.inject(at, &Input::Stopping)?;
            return Ok(Some(signal));
        }
        Message::Command(pending) => command(desk, pending, at, hand)?,
        Message::Policy(file) => enforce::changed(desk, file, at)?,
        Message::Manifests(words) => remark_on_manifests(desk, words),
    }
    show_now(desk);
    Ok(None)
}

/// Carries out a command. It is durable before its asker hears so.
fn command(
    desk: &mut Driven,
    pending: PendingCommand,
    at: Timestamp,
    hand: &mut Hand,
) -> Result<(), StoreError> {
    let Some(begun) = pending.begin() else {
        return Ok(());
    };
    if let Some(why) = pointless(&begun, desk.engine()) {
        begun.refuse(Refusal::Conflict(why));
        return Ok(());
    }
    hand.commands += 1;
    let id = CommandId(hand.commands);
    let request = CommandRequest {
        id,
        command: begun.asked.command.clone(),
        who: begun.asked.who.clone(),
        reason: begun.asked.reason.clone(),
    };
    tracing::info!(
        correlation_id = begun.asked.correlation_id, command = ?request.command,
        who = request.who, reason = request.reason, "a person's command"
    );
    desk.witness_mut().watch_command();
    let sequence = desk.inject(at, &Input::Command(request))?;
    match desk.witness_mut().take_refusal() {
        Some(why) => begun.refuse(Refusal::Conflict(why)),
        None => begun.accept(id, sequence),
    }
    Ok(())
}

/// What would change nothing.
fn pointless(begun: &BegunCommand, engine: &Engine) -> Option<String> {
    use sapphire_engine::event::Command;
    use sapphire_engine::policy::TradingState;
    let resumable = engine
        .state_words()
        .any(|(source, _)| source != sapphire_engine::journal::StateSource::Policy);
    match begun.asked.command {
        Command::Resume if engine.state() == TradingState::Active => {
            Some("the desk is Active already".to_owned())
        }
        Command::Resume if !resumable && engine.lost_policy().is_some() => {
            let then = match engine.policy().trading_state {
                TradingState::Active => "and the desk goes on by itself".to_owned(),
                state => format!(
                    "and change its tradingState, which was {state:?} when it was read last"
                ),
            };
            Some(format!(
                "the RiskPolicy cannot be read, so nobody knows what it says by now: make its file good \
                 again, {then}"
            ))
        }
        Command::Resume if !resumable => Some(
            "it is the RiskPolicy's tradingState that holds: change it in the policy".to_owned(),
        ),
        _ => None,
    }
}

fn refuse(pending: PendingCommand, why: &str) {
    if let Some(begun) = pending.begin() {
        begun.refuse(Refusal::Unavailable(why.to_owned()));
    }
}

fn show(desk: &mut Driven) {
    let done = desk.feed().position();
    let (exhibit, engine, journal) = desk.witness_and_view();
    exhibit.show(engine, done, journal.journal().commits());
}

/// Shows it now: for what people wait for, and for the end.
pub fn show_now(desk: &mut Driven) {
    let done = desk.feed().position();
    let (exhibit, engine, journal) = desk.witness_and_view();
    exhibit.show_now(engine, done, journal.journal().commits());
}

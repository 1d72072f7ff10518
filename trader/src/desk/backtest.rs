//! The data from beginning to end, as fast as they go.

use sapphire_engine::Engine;
use sapphire_engine::event::{Command, CommandRequest};
use sapphire_engine::ids::CommandId;
use sapphire_engine::policy::{OnHalt, TradingState};
use sapphire_engine::time::Timestamp;

use super::input::Input;
use super::kernel::{Desk, Witness};
use crate::store::{JournalSink, StoreError};
use crate::venue::Venue;

/// Why a run ends when its data are over.
pub const DATA_OVER: &str = "the data are over";

/// What a halt does to a backtest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnHalted {
    /// It ends there, once what `onHalt` asks for is done.
    #[default]
    End,
    /// A person is assumed who resumes at once, as often as it takes.
    Resume,
}

/// How a backtest went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Halts {
    /// When the desk halted, and why.
    pub halts: Vec<(Timestamp, String)>,
    /// Whether the last one ended the backtest.
    pub ended: bool,
}

/// Works through the data, and ends the run.
///
/// # Errors
/// When the journal does not take a record.
pub fn backtest<V: Venue, J: JournalSink, W: Witness>(
    desk: &mut Desk<V, J, W>,
    on_halted: OnHalted,
) -> Result<Halts, StoreError> {
    let mut halts = Halts::default();
    let mut seen = None;
    while desk.advance()? {
        let halted = desk.engine().halted_since();
        if halted == seen {
            continue;
        }
        if let (Some(at), None) = (halted, seen) {
            halts.halts.push((at, reason(desk.engine())));
            if on_halted == OnHalted::Resume {
                let id = CommandId(halts.halts.len() as u64);
                desk.inject(desk.now(), &resume(id))?;
            }
        }
        seen = desk.engine().halted_since();
        if seen.is_some() {
            // Resumed in vain (the policy's own word), or not at all.
            halts.ended = true;
            wind_down(desk)?;
            break;
        }
    }
    let reason = if halts.ended { "the desk halted" } else { DATA_OVER };
    desk.finish(reason)?;
    Ok(halts)
}

/// Goes on until what a halt asks for is done: positions closed, or only entries gone.
fn wind_down<V: Venue, J: JournalSink, W: Witness>(
    desk: &mut Desk<V, J, W>,
) -> Result<(), StoreError> {
    while desk.engine().policy().on_halt == OnHalt::Flatten && !desk.engine().is_flat() {
        if !desk.advance()? {
            break;
        }
    }
    Ok(())
}

fn reason(engine: &Engine) -> String {
    let words = engine.state_words().filter(|(_, word)| word.state == TradingState::Halted);
    words.map(|(_, word)| word.reason.as_str()).collect::<Vec<_>>().join("; ")
}

fn resume(id: CommandId) -> Input {
    Input::Command(CommandRequest {
        id,
        command: Command::Resume,
        who: "--resume-halts".to_owned(),
        reason: "the backtest is to go on".to_owned(),
    })
}

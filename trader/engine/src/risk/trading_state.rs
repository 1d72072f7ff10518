//! The trading state in force: the strictest of what policy, command and engine say.

use crate::journal::StateSource;
use crate::policy::TradingState;
use crate::time::Timestamp;

/// One source's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it says.
    pub state: TradingState,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// What each source says. A source that says nothing says `Active`.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    policy: Option<Word>,
    /// What holds while nobody sees the policy.
    unseen: Option<Word>,
    command: Option<Word>,
    engine: Option<Word>,
    /// The engine's own halt: stays until a person resumes.
    engine_halt: Option<Word>,
}

impl Standing {
    /// The strictest word.
    #[must_use]
    pub fn state(&self) -> TradingState {
        self.words().map(|(_, word)| word.state).max().unwrap_or_default()
    }

    /// All words that restrict, by source.
    pub fn words(&self) -> impl Iterator<Item = (StateSource, &Word)> {
        let with = |source| move |word| (source, word);
        self.policy
            .iter()
            .map(with(StateSource::Policy))
            .chain(self.unseen.iter().map(with(StateSource::Policy)))
            .chain(self.command.iter().map(with(StateSource::Command)))
            .chain(self.engine_halt.iter().map(with(StateSource::Engine)))
            .chain(self.engine.iter().map(with(StateSource::Engine)))
    }

    /// Sets a source's word; `Active` takes it back, except that the engine's own halt stays.
    /// Returns whether anything changed.
    pub fn set(
        &mut self,
        source: StateSource,
        state: TradingState,
        reason: &str,
        at: Timestamp,
    ) -> bool {
        let slot = match (source, state) {
            (StateSource::Policy, _) => &mut self.policy,
            (StateSource::Command, _) => &mut self.command,
            (StateSource::Engine, TradingState::Halted) => &mut self.engine_halt,
            (StateSource::Engine, _) => &mut self.engine,
        };
        if state == TradingState::Active {
            return slot.take().is_some();
        }
        if slot.as_ref().is_some_and(|word| word.state == state && word.reason == reason) {
            return false;
        }
        *slot = Some(Word { state, reason: reason.to_owned(), since: at });
        true
    }

    /// Nobody sees the policy any more, so only what shrinks exposure passes, whatever else holds.
    pub fn lose_policy(&mut self, reason: &str, at: Timestamp) {
        let reason = reason.to_owned();
        self.unseen = Some(Word { state: TradingState::Reducing, reason, since: at });
    }

    /// The policy is seen again.
    pub fn find_policy(&mut self) {
        self.unseen = None;
    }

    /// Since when nobody sees the policy, and why; `None` while it is seen.
    #[must_use]
    pub const fn lost_policy(&self) -> Option<&Word> {
        self.unseen.as_ref()
    }

    /// A person's resume: takes back the command's word and the engine's, never the policy's.
    pub fn resume(&mut self) {
        self.command = None;
        self.engine = None;
        self.engine_halt = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(0);

    #[test]
    fn the_strictest_word_holds() {
        let mut standing = Standing::default();
        standing.set(StateSource::Engine, TradingState::Reducing, "drawdown", AT);
        standing.set(StateSource::Policy, TradingState::Halted, "policy", AT);
        assert_eq!(standing.state(), TradingState::Halted);
        standing.set(StateSource::Policy, TradingState::Active, "", AT);
        assert_eq!(standing.state(), TradingState::Reducing);
    }

    #[test]
    fn the_engines_halt_needs_a_person() {
        let mut standing = Standing::default();
        standing.set(StateSource::Engine, TradingState::Halted, "drawdown", AT);
        standing.set(StateSource::Engine, TradingState::Active, "", AT);
        assert_eq!(standing.state(), TradingState::Halted);
        standing.resume();
        assert_eq!(standing.state(), TradingState::Active);
    }

    #[test]
    fn a_lost_policy_reduces_until_it_is_found_and_no_resume_finds_it() {
        let mut standing = Standing::default();
        standing.lose_policy("its file is gone", AT);
        // What the policy said last does not speak for what it says now.
        standing.set(StateSource::Policy, TradingState::Active, "", AT);
        standing.resume();
        assert_eq!(standing.state(), TradingState::Reducing);
        standing.find_policy();
        assert_eq!(standing.state(), TradingState::Active);
    }

    #[test]
    fn a_resume_does_not_overrule_the_policy() {
        let mut standing = Standing::default();
        standing.set(StateSource::Policy, TradingState::Reducing, "policy", AT);
        standing.set(StateSource::Command, TradingState::Halted, "person", AT);
        standing.resume();
        assert_eq!(standing.state(), TradingState::Reducing);
    }
}

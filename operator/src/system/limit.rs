//! What one policy limits, as far as that is known: policies cannot always be read, and may be taken away while pods are
//! under them.

use std::collections::BTreeMap;
use std::sync::Arc;

use sapphire_crds::RiskPolicy;
use sapphire_crds::canonical::canonical_hash;
use sapphire_crds::conditions::{Reason, TradingState};
use sapphire_crds::names::annotations::LAST_READ;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::build;
use crate::reconcile::child::Live;
use crate::reconcile::foreign_limits;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;

/// A policy that a desk is under, as the desk's limits have it.
#[derive(Debug, Clone)]
pub struct Limit {
    /// The policy's name.
    pub name: String,
    /// What it limits.
    pub policy: Policy,
    /// How the policy itself was found.
    pub found: Found,
    /// What it lets the desk do; never more than the policy itself does.
    pub state: TradingState,
    /// What the policy itself says, or said last.
    pub own: TradingState,
    /// What the policies themselves say, whatever a person or caution adds.
    pub said: TradingState,
}

/// What a policy limits, as far as that is known.
#[derive(Debug, Clone)]
pub enum Policy {
    /// As it reads, or read last.
    Read(Arc<Stored<RiskPolicy>>),
    /// It could not be read since this process began: its document in the limits that pods have, of which the spec counts.
    Kept(Value),
    /// Nobody knows any more: whoever is under it enters nothing.
    Unknown,
}

/// How a policy was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It can be read.
    Readable,
    /// It is there, and cannot be read.
    Undecodable,
    /// It is not there, and pods are under it.
    Missing,
}

impl Policy {
    /// What the limits that pods have say of a policy, and its own state where that is noted beside them.
    pub(super) fn kept_in(live: &Live, policy: &str) -> (Self, Option<TradingState>) {
        let noted = LastRead::in_limits(live, policy);
        let is_foreign = live.foreign.iter().any(|file| file == build::LIMITS);
        // What somebody else wrote is nobody's word for what the policy said, unless it says the same but for the state.
        let is_known = |document: &Value| {
            let hash = noted.as_ref().map(|noted| noted.hash.as_str());
            !is_foreign || hash.is_some() && self::hash(document).ok().as_deref() == hash
        };
        let document = foreign_limits::document(live, build::LIMITS, policy);
        // Of one that nobody knew nothing was written but that it halts.
        let document = document.filter(|document| document.pointer("/spec/limits").is_some());
        let kept = document.filter(is_known).map_or(Self::Unknown, Self::Kept);
        (kept, noted.map(|noted| noted.trading_state))
    }
}

impl Limit {
    /// The limit that the policy says itself.
    pub fn of(policy: Arc<Stored<RiskPolicy>>) -> Self {
        let name = policy.metadata.name.clone().unwrap_or_default();
        let state = policy.spec.trading_state;
        let found = Found::Readable;
        Self { name, policy: Policy::Read(policy), found, state, own: state, said: state }
    }

    /// The limit of a policy that cannot be read: as it read last, else as the limits have it that pods have, else none
    /// that lets anything be entered. Its state is read as it is stored.
    pub(super) fn undecodable(name: &str, policy: Policy, spec: &Value) -> Self {
        let stored = stored_state(spec);
        let state = match policy {
            Policy::Unknown => TradingState::Halted,
            _ => stored.unwrap_or(TradingState::Halted),
        };
        // What it says in words of another release is nobody's leave to trade.
        let own = stored.unwrap_or(TradingState::Halted);
        let said = stored.unwrap_or_default();
        let found = Found::Undecodable;
        Self { name: name.to_owned(), policy, found, state, own, said }
    }

    /// The limit of a policy that somebody took away: what runs under it goes on under what it said last.
    /// `own` is its own state as it was last heard, or is noted where it was last read.
    pub(super) fn missing(name: &str, policy: Policy, own: Option<TradingState>) -> Self {
        let (state, own) = match &policy {
            // Of its last words the state may be all that could be read.
            Policy::Read(policy) => {
                let own = own.unwrap_or(policy.spec.trading_state);
                (own, own)
            }
            // Without a note the state that pods have is the policy's own: no machine lifts it.
            Policy::Kept(document) => {
                let own = own.unwrap_or_else(|| state_of(document));
                (own, own)
            }
            Policy::Unknown => (TradingState::Halted, own.unwrap_or_default()),
        };
        Self { name: name.to_owned(), policy, found: Found::Missing, state, own, said: own }
    }

    /// Whether nothing is known but its name.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.policy, Policy::Unknown)
    }
}

/// The state in a policy's spec as it is stored. `None` where it is in words of another release.
pub(super) fn stored_state(spec: &Value) -> Option<TradingState> {
    match spec.get("tradingState") {
        None => Some(TradingState::default()),
        Some(state) => serde_json::from_value(state.clone()).ok(),
    }
}

fn state_of(document: &Value) -> TradingState {
    let state = document.pointer("/spec/tradingState").cloned();
    state.and_then(|state| serde_json::from_value(state).ok()).unwrap_or(TradingState::Halted)
}

/// What is noted of a policy in the limits that were made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastRead {
    /// What it said itself.
    pub trading_state: TradingState,
    /// What else it said.
    pub hash: String,
}

impl LastRead {
    /// What is noted of a policy that says `own` itself, and of which a desk's limits have `document`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn of(own: TradingState, document: &Value) -> Result<Self, Hold> {
        Ok(Self { trading_state: own, hash: hash(document)? })
    }

    fn in_limits(live: &Live, policy: &str) -> Option<Self> {
        let all: BTreeMap<String, Self> = serde_json::from_str(live.notes.get(LAST_READ)?).ok()?;
        all.get(policy).cloned()
    }
}

/// The hash of all that a policy's document says but the state.
///
/// # Errors
/// When it cannot be written.
fn hash(document: &Value) -> Result<String, Hold> {
    let mut spec = document.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("tradingState");
    }
    canonical_hash(&spec).map_err(|error| Hold::stalled(Reason::InvalidSpec, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const STATES: [&str; 3] = ["Active", "Reducing", "Halted"];

    fn kept(state: &str) -> Policy {
        Policy::Kept(json!({"spec": {"tradingState": state, "limits": {}}}))
    }

    /// What was written for a policy before does not outlive what the policy says now.
    #[rstest]
    #[case(json!({}), TradingState::Active, TradingState::Active)]
    #[case(json!({"tradingState": "Active"}), TradingState::Active, TradingState::Active)]
    #[case(json!({"tradingState": "Halted"}), TradingState::Halted, TradingState::Halted)]
    #[case(json!({"tradingState": "Hatled"}), TradingState::Halted, TradingState::Active)]
    fn what_cannot_be_read_is_as_strict_as_it_is_stored(
        #[case] spec: Value,
        #[case] state: TradingState,
        #[case] said: TradingState,
        #[values(0, 1, 2)] before: usize,
    ) {
        let limit = Limit::undecodable("careful", kept(STATES[before]), &spec);
        assert_eq!((limit.state, limit.said, limit.own), (state, said, state));
    }

    #[test]
    fn nobody_enters_under_limits_that_nobody_knows() {
        let active = json!({"tradingState": "Active"});
        let limit = Limit::undecodable("careful", Policy::Unknown, &active);
        assert_eq!((limit.state, limit.said), (TradingState::Halted, TradingState::Active));
        let limit = Limit::missing("careful", Policy::Unknown, Some(TradingState::Active));
        assert_eq!((limit.state, limit.said), (TradingState::Halted, TradingState::Active));
    }

    #[test]
    fn the_last_word_of_what_was_taken_away_counts_though_it_alone_could_be_read() {
        let policy = crate::system::examples::policy();
        for heard in [TradingState::Halted, TradingState::Reducing] {
            let limit = Limit::missing("careful", Policy::Read(policy.clone()), Some(heard));
            assert_eq!((limit.state, limit.own, limit.said), (heard, heard, heard));
        }
        let limit = Limit::missing("careful", Policy::Read(policy), None);
        assert_eq!(limit.state, TradingState::Active);
    }

    #[test]
    fn what_was_taken_away_goes_on_as_it_was() {
        for state in STATES {
            let limit = Limit::missing("careful", kept(state), None);
            assert_eq!(format!("{:?}", limit.state), state);
            // What is noted of that is what the next look finds.
            let limit = Limit::missing("careful", kept(state), Some(limit.own));
            assert_eq!(format!("{:?}", limit.state), state, "no machine lifts a halt");
            // What else halted it does not outlive that.
            let limit = Limit::missing("careful", kept(state), Some(TradingState::Reducing));
            assert_eq!((limit.state, limit.said), (TradingState::Reducing, TradingState::Reducing));
        }
    }

    #[test]
    fn the_hash_of_what_a_policy_said_leaves_its_state_out() {
        let document = |state: &str, drawdown: &str| json!({"spec": {"tradingState": state, "limits": {"maxDrawdown": drawdown}}});
        let of = |state, drawdown| hash(&document(state, drawdown)).unwrap();
        assert_eq!(of("Active", "0.1"), of("Halted", "0.1"));
        assert_ne!(of("Active", "0.1"), of("Active", "0.2"));
    }
}

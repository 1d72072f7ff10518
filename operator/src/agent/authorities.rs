//! Whether agents with pods of their own keep out of each other's symbols. Pure.
//!
//! A symbol is voted on, or delegated to one agent. Where agents contradict each other in that, who is in place stays
//! in place, and nothing is rolled out of the newcomer. **In place** on a symbol is an agent whose pods run with the
//! right over it that its spec asks for, to vote on it or to trade it, whatever else of the spec changed: so an edit
//! that leaves the contested symbols alone reaches the pods, and one that takes a symbol in makes a newcomer there.
//! What statuses say of who is held counts for nothing in it. Of two that are in place, or two that are not, the
//! younger is held. Its pods go on with what they have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sapphire_crds::conditions::Reason;
use sapphire_crds::names::annotations::PROMOTE;
use sapphire_crds::trading_agent::{Authority, AuthorityChoice};
use sapphire_crds::values::Symbol;
use sapphire_crds::{TradingAgent, TradingSystem};

use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;
use crate::system::validate::stray;

/// What others name may change without an event on this agent.
pub const LOOK: Duration = Duration::from_secs(30);

/// What the pods of agents run with, by the agents' names: of those that cannot be read, too. Who has no pods is not in
/// it.
pub type Running = BTreeMap<String, Runs>;

/// What an agent's pods run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// The authority that they have.
    pub now: Authority,
    /// What they go back to where a trial is undone that is under way.
    pub back: Option<Authority>,
    /// What those have that are not gone yet although no spec and no status asks for them, as of a trial that was taken
    /// back.
    pub leaving: Vec<Authority>,
}

/// The agents of a desk.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Their system.
    pub system: &'a TradingSystem,
    /// All of them.
    pub agents: &'a [Arc<Stored<TradingAgent>>],
    /// What their pods run with.
    pub running: &'a Running,
}

/// What an agent does with a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Votes,
    Trades,
}

impl Use {
    fn of(authority: &Authority, symbol: &Symbol) -> Option<Self> {
        match authority.choice().ok()? {
            AuthorityChoice::Consensus(votes) => {
                let listed = votes.symbols.as_ref();
                listed.is_none_or(|listed| listed.contains(symbol)).then_some(Self::Votes)
            }
            AuthorityChoice::Delegated(own) => own.symbols.contains(symbol).then_some(Self::Trades),
        }
    }

    fn contradicts(self, other: Self) -> bool {
        self == Self::Trades || other == Self::Trades
    }
}

/// Whether nobody else who goes before this agent votes on what it trades, or trades what it votes on or trades.
/// Agents that are paused, deleted or scaled to zero contradict nobody.
///
/// # Errors
/// Stalled where somebody does.
pub fn trades_alone(agent: &TradingAgent, desk: &Desk<'_>) -> Result<(), Hold> {
    if !is_at_work(agent) {
        return Ok(());
    }
    match desk.yields(agent).or_else(|| desk.waits(agent)) {
        None => Ok(()),
        Some(message) => {
            let reason = Reason::SymbolsConflict;
            Err(Hold::Stalled { reason, message, again: Some(LOOK) })
        }
    }
}

impl Desk<'_> {
    /// Why the agent gives way to another, if it does.
    fn yields(&self, agent: &TradingAgent) -> Option<String> {
        self.others(agent).find_map(|other| {
            let contradictions = contradictions(agent, other);
            let yields =
                |(symbol, _, _): &&(&Symbol, Use, Use)| !self.goes_first(agent, other, symbol);
            let (symbol, own, theirs) = contradictions.iter().find(yields)?;
            Some(contradiction((agent, *own), (other, *theirs), symbol))
        })
    }

    /// Whose pods are at work on what the agent newly asks for although their spec gave it up, if anybody's are.
    fn waits(&self, agent: &TradingAgent) -> Option<String> {
        let stuck = || self.waits_for(agent, &self.stuck());
        stuck().or_else(|| self.waits_until_gone(agent)).or_else(|| self.waits_until_left(agent))
    }

    /// Whose pods have yet to go, if anybody's have. These go whatever the others do, so nobody waits for them in a circle.
    fn waits_until_gone(&self, agent: &TradingAgent) -> Option<String> {
        let asks = &agent.spec.authority;
        let is_idle = |other: &str| {
            let mut agents = self.agents.iter();
            agents.any(|agent| name(agent) == other && !is_at_work(agent))
        };
        let mut others = self.running.iter().filter(|(other, _)| *other != name(agent));
        others.find_map(|(other, runs)| {
            let contested = runs.leaving.iter().flat_map(|theirs| contested(asks, theirs));
            let symbol = contested.into_iter().find(|symbol| !self.is_in_place(agent, symbol))?;
            (!is_idle(other)).then(|| still_at_work(other, symbol, agent))
        })
    }

    /// Who has yet to leave a symbol, if anybody has. Of those who wait for each other in a circle one goes first: a
    /// delegate, which has no canary that would keep the others waiting, and of these the oldest.
    fn waits_until_left(&self, agent: &TradingAgent) -> Option<String> {
        let after = self.after(agent);
        let circle =
            after.iter().filter(|other| self.after(other).iter().any(|o| name(o) == name(agent)));
        let circle: Vec<&TradingAgent> = circle.copied().collect();
        let goes_first = circle.iter().all(|other| turn(agent) <= turn(other));
        // Who waits for pods that may stay does not follow at once.
        let follows = |other: &TradingAgent| self.waits_until_gone(other).is_none();
        let is_passed = |other: &TradingAgent| {
            goes_first && circle.iter().any(|o| name(o) == name(other)) && follows(other)
        };
        let (other, symbol) = self.in_the_way(agent).find(|(other, _)| !is_passed(other))?;
        Some(still_at_work(name(other), symbol, agent))
    }

    /// Who has yet to leave what the agent newly asks for, who has yet to leave what these ask for, and so on.
    fn after<'a>(&'a self, agent: &'a TradingAgent) -> Vec<&'a TradingAgent> {
        let mut after: Vec<&TradingAgent> =
            self.in_the_way(agent).map(|(other, _)| other).collect();
        let mut next = 0;
        while let Some(&agent) = after.get(next) {
            for (other, _) in self.in_the_way(agent) {
                if after.iter().all(|known| name(known) != name(other)) {
                    after.push(other);
                }
            }
            next += 1;
        }
        after
    }

    /// Whose pods are at work on what the agent newly asks for although their spec gave it up, and on which symbol.
    fn in_the_way<'a>(
        &'a self,
        agent: &'a TradingAgent,
    ) -> impl Iterator<Item = (&'a TradingAgent, &'a Symbol)> {
        let asks = &agent.spec.authority;
        self.others(agent).filter_map(move |other| {
            let now = &self.running.get(name(other))?.now;
            let mut left = contested(asks, now).filter(|symbol| {
                !self.is_in_place(agent, symbol) && !contradict(asks, &other.spec.authority, symbol)
            });
            Some((other, left.next()?))
        })
    }

    /// The agents whose pods go on with something else than their specs ask for: held, undone, or waiting for one of
    /// these in turn.
    fn stuck(&self) -> BTreeSet<&str> {
        let all = || self.agents.iter().map(|agent| &***agent).filter(|agent| is_at_work(agent));
        let is_stuck = |agent: &&TradingAgent| {
            is_undone(agent) || stray(self.system, agent).is_some() || self.yields(agent).is_some()
        };
        let mut stuck: BTreeSet<&str> = all().filter(is_stuck).map(name).collect();
        loop {
            let free = all().filter(|agent| !stuck.contains(name(agent)));
            let waits = free.filter(|agent| self.waits_for(agent, &stuck).is_some());
            let more: Vec<&str> = waits.map(name).collect();
            if more.is_empty() {
                return stuck;
            }
            stuck.extend(more);
        }
    }

    fn waits_for(&self, agent: &TradingAgent, stuck: &BTreeSet<&str>) -> Option<String> {
        let asks = &agent.spec.authority;
        let newly = |theirs: &Authority| {
            contested(asks, theirs).find(|symbol| !self.is_in_place(agent, symbol)).cloned()
        };
        let mut others = self.running.iter().filter(|(other, _)| other.as_str() != name(agent));
        others.find_map(|(name, runs)| {
            let other = self.agents.iter().find(|other| self::name(other) == name);
            let (goes_on, may_go_back) = match other {
                // It cannot be read, and counts as it did when it could be.
                None => (true, true),
                Some(other) if !is_at_work(other) => return None,
                Some(other) => (stuck.contains(name.as_str()), is_tried(other)),
            };
            let now = Some(&runs.now).filter(|_| goes_on).and_then(newly).map(|symbol| {
                format!(
                    "the pods of TradingAgent {name} are still at work on {symbol}, which TradingAgent {0} asks for: {name} goes on as it was until it is mended or done (kubectl describe tagent {name}); kubectl scale tagent {name} --replicas=0 ends it",
                    self::name(agent)
                )
            });
            now.or_else(|| {
                let symbol = runs.back.as_ref().filter(|_| may_go_back).and_then(newly)?;
                Some(format!(
                    "TradingAgent {name} goes back to {symbol}, which TradingAgent {0} asks for, where what it tries is undone: {0} is held until that is proven; kubectl annotate tagent {name} --overwrite {PROMOTE}=$(date +%s) ends a canary's trial",
                    self::name(agent)
                ))
            })
        })
    }

    /// What is told of a symbol that the agent's pods and those of another one are both at work on, and that neither is
    /// about to leave, as where a change was undone.
    pub fn overlaps(&self, agent: &TradingAgent) -> Option<String> {
        let own = &self.running.get(name(agent)).filter(|_| is_at_work(agent))?.now;
        self.others(agent).find_map(|other| {
            let theirs = &self.running.get(name(other))?.now;
            let stays = |one: &TradingAgent, with: &Authority, symbol: &Symbol| {
                is_undone(one) || contradict(&one.spec.authority, with, symbol)
            };
            let both = |symbol: &&Symbol| stays(agent, theirs, symbol) && stays(other, own, symbol);
            let symbol = contested(own, theirs).find(both)?;
            Some(format!(
                "; its pods and those of TradingAgent {} are both at work on {symbol}: mend, pause or scale one of them to zero",
                name(other)
            ))
        })
    }

    /// The other agents that are at work.
    fn others(&self, agent: &TradingAgent) -> impl Iterator<Item = &TradingAgent> {
        let others = self.agents.iter().map(|other| &***other);
        others.filter(|other| name(other) != name(agent) && is_at_work(other))
    }

    /// Of two that contradict each other over a symbol, whether the first goes on.
    fn goes_first(&self, agent: &TradingAgent, other: &TradingAgent, symbol: &Symbol) -> bool {
        match (self.is_in_place(agent, symbol), self.is_in_place(other, symbol)) {
            (true, false) => true,
            (false, true) => false,
            _ => age(agent) < age(other),
        }
    }

    fn is_in_place(&self, agent: &TradingAgent, symbol: &Symbol) -> bool {
        let runs = self.running.get(name(agent)).and_then(|runs| Use::of(&runs.now, symbol));
        runs.is_some() && runs == Use::of(&agent.spec.authority, symbol)
    }
}

/// Who is held because of whose pods.
fn still_at_work(other: &str, symbol: &Symbol, agent: &TradingAgent) -> String {
    let agent = name(agent);
    format!(
        "the pods of TradingAgent {other} are still at work on {symbol}, which TradingAgent {agent} asks for: {agent} is held until they have left it (kubectl describe tagent {other})"
    )
}

/// The symbols over which the specs of two agents contradict each other, with what each does with them.
fn contradictions<'a>(
    agent: &'a TradingAgent,
    other: &'a TradingAgent,
) -> Vec<(&'a Symbol, Use, Use)> {
    let (own, theirs) = (&agent.spec.authority, &other.spec.authority);
    let uses = |symbol| Some((symbol, Use::of(own, symbol)?, Use::of(theirs, symbol)?));
    contested(own, theirs).filter_map(uses).collect()
}

/// The symbols over which two authorities contradict each other.
fn contested<'a>(own: &'a Authority, theirs: &'a Authority) -> impl Iterator<Item = &'a Symbol> {
    delegated(own).chain(delegated(theirs)).filter(|symbol| contradict(own, theirs, symbol))
}

fn contradict(own: &Authority, theirs: &Authority, symbol: &Symbol) -> bool {
    let uses = Use::of(own, symbol).zip(Use::of(theirs, symbol));
    uses.is_some_and(|(own, theirs)| own.contradicts(theirs))
}

/// What is wrong, and what to do.
fn contradiction(
    (agent, own): (&TradingAgent, Use),
    (other, theirs): (&TradingAgent, Use),
    symbol: &Symbol,
) -> String {
    let (agent, other) = (name(agent), name(other));
    let (voter, trader) = match (own, theirs) {
        (Use::Trades, Use::Trades) => {
            return format!(
                "{symbol} is delegated to both TradingAgent {other} and TradingAgent {agent}, which is held; remove {symbol} from one of them"
            );
        }
        (Use::Votes, _) => (agent, other),
        (Use::Trades, Use::Votes) => (other, agent),
    };
    format!(
        "{symbol} is delegated to TradingAgent {trader} and also voted on by TradingAgent {voter}; {agent} is held; list the symbols of {voter} without {symbol} in authority.consensus.symbols, or remove {symbol} from {trader}"
    )
}

/// What is delegated by an authority.
fn delegated(authority: &Authority) -> impl Iterator<Item = &Symbol> {
    authority.delegated.iter().flat_map(|own| &own.symbols)
}

/// Whether what the agent asked for came up badly, and its pods go on with what they had.
fn is_undone(agent: &TradingAgent) -> bool {
    agent.status.as_ref().is_some_and(|status| status.failed.is_some())
}

/// Whether what the agent asks for has yet to prove itself.
fn is_tried(agent: &TradingAgent) -> bool {
    agent.status.as_ref().is_some_and(|status| status.rollout.is_some())
}

/// Whether the agent is to have a say.
fn is_at_work(agent: &TradingAgent) -> bool {
    agent.metadata.deletion_timestamp.is_none() && !agent.spec.paused && agent.spec.replicas > 0
}

fn name(agent: &TradingAgent) -> &str {
    agent.metadata.name.as_deref().unwrap_or_default()
}

/// When it is its turn among those who wait for each other.
fn turn(agent: &TradingAgent) -> impl Ord + use<> {
    (agent.spec.authority.delegated.is_none(), age(agent))
}

fn age(agent: &TradingAgent) -> impl Ord + use<> {
    let made = agent.metadata.creation_timestamp.as_ref().map(|at| at.0);
    (made.is_none(), made, name(agent).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::stored::Wire;
    use crate::system::examples;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    const BOTH: [&str; 2] = ["BTCUSD", "ETHUSD"];

    fn votes(symbols: &[&str]) -> Value {
        json!({"consensus": {"symbols": symbols}})
    }

    fn votes_on_all() -> Value {
        json!({"consensus": {}})
    }

    fn trades(symbols: &[&str]) -> Value {
        json!({"delegated": {"symbols": symbols, "quantity": "1", "maxNotional": "10"}})
    }

    fn system() -> TradingSystem {
        instruments(&BOTH)
    }

    fn instruments(symbols: &[&str]) -> TradingSystem {
        let instrument = |symbol: &str| json!({"symbol": symbol, "tickSize": "0.01", "lotSize": "0.001", "makerFee": "0", "takerFee": "0"});
        let instruments: Vec<Value> = symbols.iter().map(|symbol| instrument(symbol)).collect();
        let patch =
            json!({"symbols": {"list": symbols}, "venue": {"paper": {"instruments": instruments}}});
        (**examples::clustered(patch)).clone()
    }

    /// An agent that is so many seconds old, with a patch on its spec.
    fn agent(name: &str, seconds: u8, authority: Value, spec: &Value) -> Arc<Stored<TradingAgent>> {
        let plain = examples::agent(name, authority);
        let mut object = serde_json::to_value(&**plain).unwrap();
        object["spec"] = plain.written_spec();
        for (member, value) in spec.as_object().unwrap() {
            object["spec"][member] = value.clone();
        }
        object["metadata"]["creationTimestamp"] =
            format!("2026-01-01T00:00:{:02}Z", 59 - seconds).into();
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        Arc::new(wire.0.unwrap())
    }

    fn authority_of(authority: &Value) -> Authority {
        serde_json::from_value(authority.clone()).unwrap()
    }

    fn runs(authority: &Value) -> Runs {
        Runs { now: authority_of(authority), back: None, leaving: Vec::new() }
    }

    fn running(all: &[(&str, Value)]) -> Running {
        let read = |(name, authority): &(&str, Value)| ((*name).to_owned(), runs(authority));
        all.iter().map(read).collect()
    }

    fn with_status(agent: &Stored<TradingAgent>, status: Value) -> Arc<Stored<TradingAgent>> {
        let mut object = serde_json::to_value(&**agent).unwrap();
        object["spec"] = agent.written_spec();
        object["status"] = status;
        let wire: Wire<TradingAgent> = serde_json::from_value(object).unwrap();
        Arc::new(wire.0.unwrap())
    }

    /// Who of them is held.
    fn held(agents: &[Arc<Stored<TradingAgent>>], running: &Running) -> Vec<String> {
        let system = system();
        let desk = Desk { system: &system, agents, running };
        let held = agents.iter().filter(|agent| trades_alone(agent, &desk).is_err());
        held.map(|agent| name(agent).to_owned()).collect()
    }

    #[rstest]
    #[case::a_voter_that_takes_a_symbol_in(votes_on_all(), votes(&["BTCUSD"]), trades(&["ETHUSD"]), trades(&["ETHUSD"]), &["one"])]
    #[case::a_delegate_that_takes_a_symbol_in(votes(&["BTCUSD"]), votes(&["BTCUSD"]), trades(&BOTH), trades(&["ETHUSD"]), &["maker"])]
    #[case::each_takes_in_what_is_the_others(votes_on_all(), votes(&["BTCUSD"]), trades(&BOTH), trades(&["ETHUSD"]), &["one", "maker"])]
    #[case::a_voter_that_wants_to_trade(trades(&["ETHUSD"]), votes(&["ETHUSD"]), trades(&["ETHUSD"]), trades(&["ETHUSD"]), &["one"])]
    #[case::a_delegate_that_wants_to_vote(trades(&["BTCUSD"]), trades(&["BTCUSD"]), votes(&["BTCUSD"]), trades(&["ETHUSD"]), &["maker"])]
    #[case::both_run_so(votes_on_all(), votes_on_all(), trades(&["ETHUSD"]), trades(&["ETHUSD"]), &["maker"])]
    #[case::they_change_places(trades(&["ETHUSD"]), trades(&["BTCUSD"]), trades(&["BTCUSD"]), trades(&["ETHUSD"]), &["maker"])]
    #[case::a_delegate_goes_before_a_voter(votes(&["ETHUSD"]), votes(&["BTCUSD"]), trades(&["BTCUSD"]), trades(&["ETHUSD"]), &["one"])]
    #[case::who_asks_for_what_another_has_yet_to_leave(votes(&["BTCUSD"]), votes_on_all(), trades(&["ETHUSD"]), trades(&["BTCUSD"]), &["maker"])]
    #[case::nothing_is_contested(votes(&["BTCUSD"]), votes_on_all(), trades(&["ETHUSD"]), trades(&["ETHUSD"]), &[])]
    fn who_is_in_place_goes_on_and_the_newcomer_is_held(
        #[case] one: Value,
        #[case] one_runs: Value,
        #[case] maker: Value,
        #[case] maker_runs: Value,
        #[case] expected: &[&str],
    ) {
        let running = running(&[("one", one_runs), ("maker", maker_runs)]);
        for limit in ["10", "5"] {
            let mut maker = maker.clone();
            if let Some(delegated) = maker.get_mut("delegated") {
                // A tightening touches no symbol.
                delegated["maxNotional"] = limit.into();
            }
            let agents =
                [agent("one", 20, one.clone(), &json!({})), agent("maker", 10, maker, &json!({}))];
            assert_eq!(held(&agents, &running), expected);
        }
    }

    #[rstest]
    #[case::the_voter_is_younger(10, 20, "one")]
    #[case::the_delegate_is_younger(20, 10, "maker")]
    fn of_two_newcomers_the_younger_is_held(
        #[case] one: u8,
        #[case] maker: u8,
        #[case] expected: &str,
    ) {
        let agents = [
            agent("one", one, votes_on_all(), &json!({})),
            agent("maker", maker, trades(&["ETHUSD"]), &json!({})),
        ];
        assert_eq!(held(&agents, &Running::new()), [expected]);
    }

    #[rstest]
    #[case::paused(json!({"paused": true}))]
    #[case::scaled_to_zero(json!({"replicas": 0}))]
    fn who_is_not_at_work_contradicts_nobody(#[case] idle: Value) {
        let one = |spec: &Value| agent("one", 20, votes_on_all(), spec);
        let maker = |spec: &Value| agent("maker", 10, trades(&["ETHUSD"]), spec);
        let none = Running::new();
        assert!(held(&[one(&idle), maker(&json!({}))], &none).is_empty());
        assert!(held(&[one(&json!({})), maker(&idle)], &none).is_empty());
        // Who was scaled to zero and comes back finds the place taken.
        let running = running(&[("one", votes_on_all())]);
        assert_eq!(held(&[one(&json!({})), maker(&json!({}))], &running), ["maker"]);
    }

    #[test]
    fn what_pods_go_on_with_is_taken_though_their_spec_gave_it_up() {
        let agents = [
            agent("maker", 30, trades(&["ETHUSD"]), &json!({})),
            agent("one", 20, votes(&["ETHUSD"]), &json!({})),
            agent("two", 40, trades(&["BTCUSD"]), &json!({})),
        ];
        let running = running(&[("maker", trades(&["ETHUSD"])), ("one", votes(&["BTCUSD"]))]);
        assert_eq!(held(&agents, &running), ["one", "two"]);
        let system = system();
        let desk = Desk { system: &system, agents: &agents, running: &running };
        let words = trades_alone(&agents[2], &desk).unwrap_err().to_string();
        assert!(
            words.contains("the pods of TradingAgent one are still at work on BTCUSD"),
            "{words}"
        );
    }

    #[test]
    fn who_waits_for_one_that_waits_is_held_too() {
        let agents = [
            agent("a", 40, trades(&["DOGEUSD"]), &json!({})),
            agent("b", 30, trades(&["ETHUSD"]), &json!({})),
            agent("c", 20, trades(&["BTCUSD"]), &json!({})),
        ];
        let runs = running(&[("a", trades(&["ETHUSD"])), ("b", trades(&["BTCUSD"]))]);
        assert_eq!(held(&agents, &runs), ["b", "c"], "a is stray");
    }

    fn failed() -> Value {
        json!({"failed": {"revision": "one-2", "message": "it crashes", "at": "2026-01-01T00:00:00Z"}})
    }

    fn tried() -> Value {
        json!({"rollout": {"revision": "one-2", "startedAt": "2026-01-01T00:00:00Z"}})
    }

    #[test]
    fn what_an_undone_agent_went_back_to_is_given_to_nobody() {
        let one = with_status(&agent("one", 20, votes(&["BTCUSD"]), &json!({})), failed());
        let agents = [one, agent("maker", 10, trades(&["ETHUSD"]), &json!({}))];
        let runs = running(&[("one", votes_on_all())]);
        assert_eq!(held(&agents, &runs), ["maker"]);
    }

    #[rstest]
    #[case::to_one_without_pods(None, &["maker"])]
    #[case::to_one_with_pods(Some(trades(&["BTCUSD"])), &["maker"])]
    #[case::who_has_it_keeps_it(Some(trades(&["ETHUSD"])), &[])]
    fn what_a_trial_may_go_back_to_is_not_given_away(
        #[case] maker_runs: Option<Value>,
        #[case] expected: &[&str],
    ) {
        let one = with_status(&agent("one", 20, votes(&["BTCUSD"]), &json!({})), tried());
        let maker = agent("maker", 10, trades(&["ETHUSD"]), &json!({}));
        let back = Some(authority_of(&votes_on_all()));
        let mut runs = running(&[]);
        runs.insert("one".into(), Runs { back, ..self::runs(&votes(&["BTCUSD"])) });
        if let Some(now) = &maker_runs {
            runs.insert("maker".into(), self::runs(now));
        }
        assert_eq!(held(&[one.clone(), maker.clone()], &runs), expected);
        let (agents, system) = ([one, maker], system());
        let desk = Desk { system: &system, agents: &agents, running: &runs };
        if let Err(hold) = trades_alone(&agents[1], &desk) {
            let words = hold.to_string();
            assert!(words.contains("TradingAgent one goes back to ETHUSD"), "{words}");
        }
        // Nor while nobody has begun to try.
        let mut before = runs.clone();
        before.insert("one".into(), self::runs(&votes_on_all()));
        let untried = with_status(&agents[0], json!({}));
        assert_eq!(held(&[untried, agents[1].clone()], &before), expected);
        // Proven, it goes back to nothing.
        runs.get_mut("one").unwrap().back = None;
        assert!(held(&agents, &runs).is_empty());
    }

    /// As of a trial that an edit took back.
    #[rstest]
    #[case::to_one_without_pods(None, &["maker"])]
    #[case::to_one_with_pods(Some(trades(&["BTCUSD"])), &["maker"])]
    #[case::who_has_it_keeps_it(Some(trades(&["ETHUSD"])), &[])]
    fn what_pods_have_that_are_not_gone_yet_is_not_given_away(
        #[case] maker_runs: Option<Value>,
        #[case] expected: &[&str],
    ) {
        let one = |spec: &Value| agent("one", 20, votes(&["BTCUSD"]), spec);
        let maker = agent("maker", 10, trades(&["ETHUSD"]), &json!({}));
        let mut running = running(&[("one", votes(&["BTCUSD"]))]);
        running.get_mut("one").unwrap().leaving = vec![authority_of(&votes_on_all())];
        running.extend(maker_runs.map(|now| ("maker".to_owned(), runs(&now))));
        let agents = [one(&json!({})), maker.clone()];
        assert_eq!(held(&agents, &running), expected);
        let system = system();
        let desk = Desk { system: &system, agents: &agents, running: &running };
        if let Err(hold) = trades_alone(&agents[1], &desk) {
            let words = "the pods of TradingAgent one are still at work on ETHUSD";
            assert!(hold.to_string().contains(words), "{hold}");
        }
        assert!(held(&[one(&json!({"paused": true})), maker.clone()], &running).is_empty());
        running.get_mut("one").unwrap().leaving.clear();
        assert!(held(&[one(&json!({})), maker], &running).is_empty());
    }

    /// Who would follow waits for pods that may stay.
    #[test]
    fn nobody_passes_one_that_cannot_follow() {
        let agents = [
            agent("a", 30, trades(&["ETHUSD"]), &json!({})),
            agent("b", 20, trades(&["BTCUSD", "SOLUSD"]), &json!({})),
            agent("w", 10, votes(&["ADAUSD"]), &json!({})),
        ];
        let now = [trades(&["BTCUSD"]), trades(&["ETHUSD"]), votes(&["ADAUSD"])];
        let mut running: Running = ["a", "b", "w"]
            .into_iter()
            .zip(&now)
            .map(|(n, now)| (n.to_owned(), runs(now)))
            .collect();
        let system = instruments(&["BTCUSD", "ETHUSD", "SOLUSD", "ADAUSD"]);
        let held = |running: &Running| {
            let desk = Desk { system: &system, agents: &agents, running };
            let held = agents.iter().filter(|agent| trades_alone(agent, &desk).is_err());
            held.map(|agent| name(agent).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(held(&running), ["b"]);
        running.get_mut("w").unwrap().leaving = vec![authority_of(&votes(&["SOLUSD", "ADAUSD"]))];
        assert_eq!(held(&running), ["a", "b"]);
    }

    #[test]
    fn two_that_came_to_be_at_work_on_a_symbol_are_told_of_each_other() {
        let one = with_status(&agent("one", 20, votes(&["BTCUSD"]), &json!({})), failed());
        let agents = [one, agent("maker", 10, trades(&["ETHUSD"]), &json!({}))];
        let system = system();
        let told = |one_runs: Value| {
            let running = running(&[("one", one_runs), ("maker", trades(&["ETHUSD"]))]);
            let desk = Desk { system: &system, agents: &agents, running: &running };
            agents.each_ref().map(|agent| desk.overlaps(agent))
        };
        let [one, maker] = told(votes_on_all());
        assert!(one.unwrap().contains("TradingAgent maker are both at work on ETHUSD"));
        assert!(maker.unwrap().contains("TradingAgent one are both at work on ETHUSD"));
        assert_eq!(told(votes(&["BTCUSD"])), [None, None]);
    }

    #[test]
    fn what_cannot_be_read_keeps_what_its_pods_are_at_work_on() {
        let agents = [agent("maker", 10, trades(&["ETHUSD"]), &json!({}))];
        let runs = running(&[("unreadable", trades(&["ETHUSD"]))]);
        assert_eq!(held(&agents, &runs), ["maker"]);
    }

    #[rstest]
    #[case::a_voter(votes(&["ETHUSD"]), "ETHUSD is delegated to TradingAgent maker and also voted on by TradingAgent one; one is held; list the symbols of one without ETHUSD")]
    #[case::a_delegate(trades(&["ETHUSD"]), "ETHUSD is delegated to both TradingAgent maker and TradingAgent one, which is held; remove ETHUSD from one of them")]
    fn the_words_name_both_the_symbol_and_what_to_do(#[case] one: Value, #[case] words: &str) {
        let agents = [
            agent("maker", 30, trades(&["ETHUSD"]), &json!({})),
            agent("one", 20, one, &json!({})),
        ];
        let (system, running) = (system(), Running::new());
        let desk = Desk { system: &system, agents: &agents, running: &running };
        let hold = trades_alone(&agents[1], &desk).unwrap_err();
        assert!(hold.kind() == "stalled" && hold.to_string().contains(words), "{hold}");
        assert_eq!(hold.again(), Some(LOOK));
    }

    fn authority() -> impl Strategy<Value = Value> {
        let lists: [&[&str]; 3] = [&["BTCUSD"], &["ETHUSD"], &BOTH];
        let all = lists.into_iter().flat_map(|list| [votes(list), trades(list)]);
        prop::sample::select(all.chain([votes_on_all()]).collect::<Vec<_>>())
    }

    proptest! {
        /// Where specs do not contradict each other all come to what they ask for, one after the other, and nobody
        /// takes a symbol from under the pods of one who wants nothing of the others.
        #[test]
        fn who_waits_for_pods_to_leave_does_not_wait_for_ever(
            all in prop::collection::vec((authority(), prop::option::of(authority())), 2..5),
            leaving in prop::collection::vec(prop::option::of(authority()), 4)
        ) {
            let names = ["a", "b", "c", "d"];
            let mut agents: Vec<_> = all.iter().zip(names).zip(0..).map(|(((spec, _), name), age)| {
                agent(name, age, spec.clone(), &json!({}))
            }).collect();
            let specs_agree = agents.iter().enumerate().all(|(index, agent)| {
                agents[index + 1..].iter().all(|other| contradictions(agent, other).is_empty())
            });
            if !specs_agree {
                return Ok(());
            }
            let runs: Vec<_> = all.iter().zip(names)
                .filter_map(|((_, runs), name)| Some((name, runs.clone()?)))
                .collect();
            let mut running = running(&runs);
            for (runs, leaving) in running.values_mut().zip(leaving) {
                runs.leaving = leaving.iter().map(authority_of).collect();
            }
            for round in 0.. {
                prop_assert!(round < 3 * names.len(), "{running:#?}");
                let held = held(&agents, &running);
                let tries =
                    running.values().any(|runs| runs.back.is_some() || !runs.leaving.is_empty());
                // A trial is over by the next round.
                agents = agents.iter().map(|agent| with_status(agent, json!({}))).collect();
                running.values_mut().for_each(|runs| (runs.back, runs.leaving) = (None, Vec::new()));
                let moves = agents.iter().position(|agent| {
                    let runs = running.get(name(agent)).map(|runs| &runs.now);
                    !held.contains(&name(agent).to_owned()) && runs != Some(&agent.spec.authority)
                });
                let Some(moves) = moves else {
                    if tries {
                        continue;
                    }
                    prop_assert!(held.is_empty(), "{held:?} of {running:#?}");
                    break;
                };
                let moved = agents[moves].clone();
                let (name, now) = (name(&moved).to_owned(), moved.spec.authority.clone());
                let back = running.get(&name).map(|runs| runs.now.clone());
                let leaving = back.iter().cloned().collect();
                running.insert(name, Runs { now, back, leaving });
                agents[moves] = with_status(&moved, tried());
            }
        }

        /// Whatever they ask for and run with, and however many they are.
        #[test]
        fn no_two_that_go_on_contradict_each_other(
            all in prop::collection::vec((authority(), prop::option::of(authority())), 2..5)
        ) {
            let names = ["a", "b", "c", "d"];
            let agents: Vec<_> = all.iter().zip(names).zip(0..).map(|(((spec, _), name), age)| {
                agent(name, age, spec.clone(), &json!({}))
            }).collect();
            let runs: Vec<_> = all.iter().zip(names)
                .filter_map(|((_, runs), name)| Some((name, runs.clone()?)))
                .collect();
            let running = running(&runs);
            let held = held(&agents, &running);
            let go_on: Vec<_> =
                agents.iter().filter(|agent| !held.contains(&name(agent).to_owned())).collect();
            for (index, agent) in go_on.iter().enumerate() {
                for other in &go_on[index + 1..] {
                    prop_assert!(contradictions(agent, other).is_empty());
                }
            }
            let system = system();
            let desk = Desk { system: &system, agents: &agents, running: &running };
            let runs_now = |agent: &TradingAgent| Some(running.get(name(agent))?.now.clone());
            // What they end with contradicts nobody who did not contradict them before.
            let ends = |agent: &TradingAgent| match held.contains(&name(agent).to_owned()) {
                true => runs_now(agent),
                false => Some(agent.spec.authority.clone()),
            };
            let of = |authority: Option<Authority>, symbol: &str| {
                Use::of(&authority?, &symbol.parse().unwrap())
            };
            for (index, agent) in agents.iter().enumerate() {
                for other in &agents[index + 1..] {
                    for symbol in BOTH {
                        let (own, theirs) = (of(ends(agent), symbol), of(ends(other), symbol));
                        let clash = own.zip(theirs).is_some_and(|(a, b)| a.contradicts(b));
                        let before = |agent: &TradingAgent, now: Option<Use>| {
                            of(runs_now(agent), symbol) == now
                        };
                        // Of those who wait for each other one has to go first.
                        let after = |one: &TradingAgent, other: &TradingAgent| {
                            desk.after(one).iter().any(|after| name(after) == name(other))
                        };
                        let circle = after(agent, other) && after(other, agent);
                        let was_so = before(agent, own) && before(other, theirs);
                        prop_assert!(!clash || was_so || circle);
                    }
                }
            }
        }
    }
}

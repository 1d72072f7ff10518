//! Where an agent runs, and whether it can. Pure.
//!
//! What agents of one pod contradict one another in, the system says; of agents with pods of their own, the one that
//! is [held](super::authorities).

use std::sync::Arc;

use sapphire_crds::conditions::Reason;
use sapphire_crds::trading_agent::AuthorityChoice;
use sapphire_crds::values::ObjectName;
use sapphire_crds::{TradingAgent, TradingAgentSpec, TradingSystem};

use super::authorities::{Desk, Running, trades_alone};
use super::dereference::Dereferenced;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;
use crate::system::validate::stray;

/// Where an agent runs.
#[derive(Debug, Clone)]
pub enum Home {
    /// Nowhere: its system is not there.
    None,
    /// In its trader's pod.
    Inside(Arc<Stored<TradingSystem>>),
    /// In pods of its own, beside a desk over PostgreSQL and Redis.
    Beside {
        /// Its system.
        system: Arc<Stored<TradingSystem>>,
        /// The system's revision that agents of its authority are released at.
        released: ObjectName,
        /// What keeps its spec from its pods, which go on with what they have.
        held: Option<Hold>,
    },
}

/// Finds out where the agent runs. `running` is what the pods of its desk's agents run with.
///
/// # Errors
/// Waiting for the system; stalled where a person must mend the agent.
pub fn validate(desk: &Dereferenced, running: &Running) -> Result<Home, Hold> {
    let votes = votes(&desk.agent.spec)?;
    desk.agent.spec.strategy.choice().map_err(invalid)?;
    let name = &desk.desk.name;
    let system = match &desk.system {
        None => return Ok(Home::None),
        Some(Err(_)) => {
            return Err(waiting(format!("TradingSystem {name} cannot be read; mend it first")));
        }
        Some(Ok(system)) => system.clone(),
    };
    let fits = fits(&system, &desk.agent);
    if system.spec.storage.as_ref().is_none_or(|storage| storage.postgres.is_none()) {
        return fits.map(|()| Home::Inside(system));
    }
    let among = Desk { system: &system, agents: &desk.siblings, running };
    let held = fits.and_then(|()| trades_alone(&desk.agent, &among)).err();
    match released(&system, name, votes) {
        Ok(released) => Ok(Home::Beside { system, released, held }),
        Err(waits) => Err(held.unwrap_or(waits)),
    }
}

/// The revision that its system released to agents of that authority.
fn released(system: &TradingSystem, name: &str, votes: bool) -> Result<ObjectName, Hold> {
    if system.metadata.deletion_timestamp.is_some() {
        return Err(waiting(format!(
            "TradingSystem {name} is being deleted; the agent's pods stay as they are until it is gone"
        )));
    }
    if system.spec.suspend {
        return Err(Hold::waiting(
            Reason::Suspended,
            format!("TradingSystem {name} is suspended; set its spec.suspend to false to go on"),
        ));
    }
    let rollout = system.status.as_ref().and_then(|status| status.rollout.as_ref());
    let released =
        rollout.and_then(|r| if votes { r.agents.as_ref() } else { r.execution.as_ref() });
    released.cloned().ok_or_else(|| {
        waiting(format!(
            "TradingSystem {name} has not released its agents yet; see kubectl describe tsys {name}"
        ))
    })
}

/// Whether the system trades what the agent names.
///
/// # Errors
/// Stalled where it does not.
pub fn fits(system: &TradingSystem, agent: &TradingAgent) -> Result<(), Hold> {
    let Some(symbol) = stray(system, agent) else { return Ok(()) };
    let name = system.metadata.name.as_deref().unwrap_or_default();
    Err(Hold::stalled(
        Reason::SymbolsConflict,
        format!(
            "it names {symbol}, which TradingSystem {name} does not trade, and no change of the system is rolled out meanwhile; remove {symbol} from the agent, or add it to the system's spec.symbols"
        ),
    ))
}

/// Whether the agent votes; else it trades by itself.
///
/// # Errors
/// Stalled where it says neither, or both.
pub fn votes(spec: &TradingAgentSpec) -> Result<bool, Hold> {
    let choice = spec.authority.choice().map_err(invalid)?;
    Ok(matches!(choice, AuthorityChoice::Consensus(_)))
}

fn invalid(error: sapphire_crds::one_of::NotOne) -> Hold {
    Hold::stalled(Reason::InvalidSpec, error.to_string())
}

fn waiting(words: String) -> Hold {
    Hold::waiting(Reason::WaitingForSystem, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::key::Key;
    use crate::system::examples;
    use rstest::rstest;
    use sapphire_crds::trading_system::TradingSystemStatus;
    use serde_json::{Value, json};

    fn judge(system: Value, status: Value, authority: Value) -> Result<Home, Hold> {
        judge_among(system, status, authority, Vec::new())
    }

    fn judge_among(
        system: Value,
        status: Value,
        authority: Value,
        siblings: Vec<Arc<Stored<TradingAgent>>>,
    ) -> Result<Home, Hold> {
        let example = examples::clustered(system);
        let status: TradingSystemStatus = serde_json::from_value(status).unwrap();
        let desk = Dereferenced {
            key: Key::new("trading", "one"),
            agent: examples::agent("one", authority),
            desk: Key::new("trading", "desk"),
            system: Some(Ok(examples::with_status(&example, status))),
            siblings,
            report: None,
        };
        validate(&desk, &Running::new())
    }

    fn released() -> Value {
        json!({"rollout": {"step": "Execution", "target": "desk-2", "agents": "desk-2",
            "execution": "desk-1"}})
    }

    #[rstest]
    #[case(json!({"consensus": {}}), "desk-2")]
    #[case(json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}}), "desk-1")]
    fn who_votes_and_who_trades_are_released_apart(#[case] authority: Value, #[case] at: &str) {
        match judge(json!({}), released(), authority).unwrap() {
            Home::Beside { released, .. } => assert_eq!(released.as_str(), at),
            home => panic!("{home:?}"),
        }
    }

    #[rstest]
    #[case::over_postgresql(json!({}))]
    #[case::in_one_pod(json!({"storage": {"embedded": {}, "postgres": null}, "bus": null}))]
    fn a_stray_agent_says_itself_what_holds_its_desk(#[case] system: Value) {
        let stray = json!({"consensus": {"symbols": ["BTCUSD", "DOGEUSD"]}});
        let hold = match judge(system, released(), stray) {
            Ok(Home::Beside { held: Some(hold), .. }) | Err(hold) => hold.to_string(),
            judged => panic!("{judged:?}"),
        };
        assert!(
            hold.contains("it names DOGEUSD, which TradingSystem desk does not trade"),
            "{hold}"
        );
    }

    #[rstest]
    #[case::released(released(), "held")]
    #[case::not_released_yet(json!({}), "SymbolsConflict")]
    fn who_contradicts_others_goes_on_with_what_it_has(#[case] status: Value, #[case] words: &str) {
        let own =
            json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}});
        let siblings = vec![examples::agent("a", json!({"consensus": {}}))];
        match judge_among(json!({}), status, own, siblings) {
            Ok(Home::Beside { held: Some(hold), .. }) => {
                assert!(hold.kind() == "stalled" && hold.to_string().contains(words), "{hold}");
            }
            Err(hold) => assert!(hold.to_string().contains(words), "{hold}"),
            judged => panic!("{judged:?}"),
        }
    }

    #[test]
    fn an_embedded_desk_has_its_agents_inside() {
        let storage = json!({"storage": {"embedded": {}, "postgres": null}, "bus": null});
        let home = judge(storage, json!({}), json!({"consensus": {}}));
        assert!(matches!(home, Ok(Home::Inside(_))));
    }

    #[rstest]
    #[case(json!({}), json!({}), "WaitingForSystem: TradingSystem desk has not released")]
    #[case(json!({"suspend": true}), released(), "Suspended: TradingSystem desk")]
    fn what_the_system_is_not_ready_for_is_waited_for(
        #[case] system: Value,
        #[case] status: Value,
        #[case] words: &str,
    ) {
        let hold = judge(system, status, json!({"consensus": {}})).unwrap_err();
        assert!(hold.kind() == "waiting" && hold.to_string().starts_with(words), "{hold}");
    }
}

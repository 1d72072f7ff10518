//! Where an agent runs, and whether it can. Pure.
//!
//! What agents of one pod contradict one another in, the system says; of agents with pods of their own, the one that
//! would trade beside others.

use std::sync::Arc;
use std::time::Duration;

use sapphire_crds::conditions::Reason;
use sapphire_crds::trading_agent::AuthorityChoice;
use sapphire_crds::values::{ObjectName, Symbol};
use sapphire_crds::{TradingAgent, TradingAgentSpec, TradingSystem};

use super::dereference::Dereferenced;
use crate::reconcile::outcome::Hold;
use crate::reconcile::stored::Stored;
use crate::system::validate::stray;

/// What others name may change without an event on this agent.
const LOOK: Duration = Duration::from_secs(30);

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
    },
}

/// Finds out where the agent runs.
///
/// # Errors
/// Waiting for the system; stalled where a person must mend the agent.
pub fn validate(desk: &Dereferenced) -> Result<Home, Hold> {
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
    fits(&system, &desk.agent)?;
    if system.spec.storage.as_ref().is_none_or(|storage| storage.postgres.is_none()) {
        return Ok(Home::Inside(system));
    }
    trades_alone(&desk.agent, &desk.siblings)?;
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
    match released {
        Some(released) => Ok(Home::Beside { released: released.clone(), system }),
        None => Err(waiting(format!(
            "TradingSystem {name} has not released its agents yet; see kubectl describe tsys {name}"
        ))),
    }
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

/// Whether no other agent votes on what is delegated to this one, or trades it. Of two that trade the same, the one that
/// was there first goes on.
///
/// # Errors
/// Stalled where one does.
pub fn trades_alone(
    agent: &TradingAgent,
    siblings: &[Arc<Stored<TradingAgent>>],
) -> Result<(), Hold> {
    let Ok(AuthorityChoice::Delegated(own)) = agent.spec.authority.choice() else { return Ok(()) };
    let name = |agent: &TradingAgent| agent.metadata.name.clone().unwrap_or_default();
    let age = |agent: &TradingAgent| {
        let made = agent.metadata.creation_timestamp.as_ref().map(|at| at.0);
        (made.is_none(), made, name(agent))
    };
    let others = siblings
        .iter()
        .filter(|other| name(other) != name(agent) && other.metadata.deletion_timestamp.is_none());
    for other in others {
        let shared = |listed: &[Symbol]| own.symbols.iter().find(|symbol| listed.contains(symbol));
        let words = match other.spec.authority.choice() {
            Ok(AuthorityChoice::Consensus(votes)) => {
                let voted = votes.symbols.as_deref().map_or(own.symbols.first(), shared);
                voted.map(|symbol| {
                    format!(
                        "{symbol} is delegated to it and also voted on by TradingAgent {0}; list the symbols of {0} without {symbol} in authority.consensus.symbols",
                        name(other)
                    )
                })
            }
            Ok(AuthorityChoice::Delegated(delegated)) if age(other) < age(agent) => {
                shared(&delegated.symbols).map(|symbol| {
                    format!(
                        "{symbol} is delegated to both TradingAgent {} and it; remove {symbol} from one of them",
                        name(other)
                    )
                })
            }
            _ => None,
        };
        if let Some(message) = words {
            return Err(Hold::Stalled {
                reason: Reason::SymbolsConflict,
                message,
                again: Some(LOOK),
            });
        }
    }
    Ok(())
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
        validate(&Dereferenced {
            key: Key::new("trading", "one"),
            agent: examples::agent("one", authority),
            desk: Key::new("trading", "desk"),
            system: Some(Ok(examples::with_status(&example, status))),
            siblings,
            report: None,
        })
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
        let hold = judge(system, released(), stray).unwrap_err().to_string();
        assert!(
            hold.contains("it names DOGEUSD, which TradingSystem desk does not trade"),
            "{hold}"
        );
    }

    #[rstest]
    #[case::voted_on_by_all(json!({"consensus": {}}), Some("BTCUSD is delegated to it and also voted on by TradingAgent a"))]
    #[case::voted_on(json!({"consensus": {"symbols": ["BTCUSD"]}}), Some("also voted on by TradingAgent a"))]
    #[case::others_are_voted_on(json!({"consensus": {"symbols": ["ETHUSD"]}}), None)]
    #[case::delegated_before(json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}}), Some("delegated to both TradingAgent a and it"))]
    fn who_trades_by_itself_trades_alone(#[case] other: Value, #[case] words: Option<&str>) {
        let own =
            json!({"delegated": {"symbols": ["BTCUSD"], "quantity": "1", "maxNotional": "10"}});
        let siblings = vec![examples::agent("a", other), examples::agent("one", own.clone())];
        let judged = judge_among(json!({}), released(), own, siblings);
        match words {
            Some(words) => {
                let hold = judged.unwrap_err();
                assert!(hold.kind() == "stalled" && hold.to_string().contains(words), "{hold}");
            }
            None => assert!(matches!(judged, Ok(Home::Beside { .. })), "{judged:?}"),
        }
        // The others have nothing to mend.
        let voter = examples::agent("a", json!({"consensus": {}}));
        assert!(trades_alone(&voter, std::slice::from_ref(&voter)).is_ok());
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

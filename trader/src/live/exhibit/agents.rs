//! Everybody with an opinion.

use sapphire_engine::Engine;
use sapphire_engine::config::Authority;
use sapphire_engine::ids::AgentId;
use sapphire_engine::opinion::{Opinion, View};
use sapphire_engine::time::Timestamp;

use crate::api::view;

pub(super) fn agents(engine: &Engine) -> view::Agents {
    let config = engine.config();
    let agent = |(id, agent): (AgentId, &sapphire_engine::config::AgentConfig)| {
        let (state, weight) = engine.agent_view(id)?;
        let judged = state.skill.judged();
        Some(view::Agent {
            name: agent.name.clone(),
            strategy: agent.strategy.clone(),
            authority: match agent.authority {
                Authority::Consensus { .. } => view::Authority::Consensus,
                Authority::Delegated { .. } => view::Authority::Delegated,
            },
            paused: state.paused,
            weight: weight.into(),
            brier: (judged > 0).then(|| state.skill.brier().into()),
            opinions: state.opinions,
            abstentions: state.abstentions,
            hit_rate: hit_rate(state.skill.hits(), judged),
            last_opinion: state
                .last
                .as_ref()
                .map(|(at, opinion)| last_opinion(*at, opinion, engine)),
        })
    };
    view::Agents { agents: (0_u16..).map(AgentId).zip(&config.agents).filter_map(agent).collect() }
}

#[allow(clippy::cast_precision_loss)] // a measure, to four places
fn hit_rate(hits: u64, judged: u64) -> Option<view::Decimal> {
    view::Decimal::from_measure(hits as f64 / judged as f64)
}

fn last_opinion(at: Timestamp, opinion: &Opinion, engine: &Engine) -> view::LastOpinion {
    let (direction, confidence) = match &opinion.view {
        View::Opinion { direction, confidence } => (Some(*direction), Some(*confidence)),
        View::Abstain => (None, None),
    };
    let instrument = engine.config().instruments.get(opinion.symbol.index());
    view::LastOpinion {
        at: at.into(),
        symbol: instrument.map(|instrument| instrument.symbol.to_string()).unwrap_or_default(),
        abstained: direction.is_none(),
        direction: direction.map(Into::into),
        confidence: confidence.map(Into::into),
        reason: opinion.reason.to_string(),
    }
}

//! The agents' series.

use prometheus::{Gauge, GaugeVec, Opts};
use sapphire_engine::money::Ratio;
use sapphire_engine::opinion::{Direction, View};

use super::Registrar;

/// How good an agent has been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgentSkill {
    /// Its share of the vote, 0 to 1.
    pub weight: Ratio,
    /// Share of its recent answers that were opinions rather than abstentions, 0 to 1.
    pub activity: Ratio,
    /// Mean squared error of its confidence; `None` before the first score.
    pub brier: Option<f64>,
}

/// What an agent said, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpokenView {
    /// The price rises.
    Long,
    /// The price falls.
    Short,
    /// It does neither.
    Flat,
    /// It cannot tell.
    Abstain,
}

impl SpokenView {
    pub(super) const NAMES: [&'static str; 4] = ["Long", "Short", "Flat", "Abstain"];
}

impl From<Direction> for SpokenView {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Long => Self::Long,
            Direction::Short => Self::Short,
            Direction::Flat => Self::Flat,
        }
    }
}

impl From<&View> for SpokenView {
    fn from(view: &View) -> Self {
        match view {
            View::Opinion { direction, .. } => (*direction).into(),
            View::Abstain => Self::Abstain,
        }
    }
}

#[derive(Debug)]
pub(super) struct SkillGauges {
    weight: Gauge,
    activity: Gauge,
    brier: Gauge,
}

impl SkillGauges {
    pub(super) fn of_each(
        registrar: &Registrar<'_>,
        agents: &[String],
    ) -> prometheus::Result<Vec<Self>> {
        let gauges = |name: &str, help: &str| {
            registrar.register(GaugeVec::new(Opts::new(name, help), &["agent"])?)
        };
        let weight = gauges("sapphire_agent_weight_ratio", "An agent's share of the vote.")?;
        let activity = gauges(
            "sapphire_agent_activity_ratio",
            "Share of an agent's recent answers that were opinions rather than abstentions.",
        )?;
        let brier = gauges(
            "sapphire_agent_brier_score",
            "Mean squared error of an agent's confidence, 0 (perfect) to 1; NaN before the first score.",
        )?;
        let of = |agent: &String| Self {
            weight: weight.with_label_values(&[agent]),
            activity: activity.with_label_values(&[agent]),
            brier: brier.with_label_values(&[agent]),
        };
        Ok(agents.iter().map(of).collect())
    }

    pub(super) fn show(&self, skill: AgentSkill) {
        self.weight.set(skill.weight.to_f64());
        self.activity.set(skill.activity.to_f64());
        self.brier.set(skill.brier.unwrap_or(f64::NAN));
    }
}

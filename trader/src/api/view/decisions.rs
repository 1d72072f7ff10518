use sapphire_engine::{journal, opinion, risk};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decimal, Side, Time};

/// Rounds of consensus and what came of them, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decisions {
    /// The newest first.
    pub rounds: Vec<Round>,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Round {
    /// Its number, such as `r41`; a delegated agent's decision without a round has the decision's.
    pub id: String,
    /// On what.
    pub symbol: String,
    /// When it closed.
    pub closed_at: Time,
    /// What won; `Hold` when nothing did.
    pub outcome: Outcome,
    /// The leading direction's share of the weight cast, 0 to 1; null when none was cast.
    pub approval: Option<Decimal>,
    /// How many agreed on it.
    pub agreeing: u32,
    /// How many voted.
    pub cast: u32,
    /// In words.
    pub reason: String,
    /// Everybody's part.
    pub votes: Vec<Vote>,
    /// What was decided; null when the round led to nothing.
    pub decision: Option<Decision>,
}

/// Where a price is expected to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Direction {
    /// Up.
    Long,
    /// Down.
    Short,
    /// Nowhere worth the cost.
    Flat,
}

impl From<opinion::Direction> for Direction {
    fn from(direction: opinion::Direction) -> Self {
        match direction {
            opinion::Direction::Long => Self::Long,
            opinion::Direction::Short => Self::Short,
            opinion::Direction::Flat => Self::Flat,
        }
    }
}

/// What a round came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Outcome {
    /// Be long.
    Long,
    /// Be short.
    Short,
    /// Be out.
    Flat,
    /// Nothing won: everything stays as it is.
    Hold,
}

impl From<Option<opinion::Direction>> for Outcome {
    fn from(outcome: Option<opinion::Direction>) -> Self {
        match outcome {
            Some(opinion::Direction::Long) => Self::Long,
            Some(opinion::Direction::Short) => Self::Short,
            Some(opinion::Direction::Flat) => Self::Flat,
            None => Self::Hold,
        }
    }
}

/// One agent's part in a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Vote {
    /// Whose.
    pub agent: String,
    /// What it voted for; null when it abstained or did not answer.
    pub direction: Option<Direction>,
    /// The probability that it is right, 0 to 1; null without a vote.
    pub confidence: Option<Decimal>,
    /// Its share of the weight in this round.
    pub weight: Decimal,
    /// Whether it had not enough to go on.
    pub abstained: bool,
    /// Whether it did not answer in time.
    pub late: bool,
    /// Whether it voted for something else than what won.
    pub dissent: bool,
    /// Why.
    pub reason: String,
}

/// What was decided, and what the risk gate said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Its number, such as `d7`.
    pub id: String,
    /// What to do.
    pub action: Action,
    /// Buy or sell; null when nothing is to be done.
    pub side: Option<Side>,
    /// How much, in base units; null before sizing, or when nothing is to be done.
    pub quantity: Option<Decimal>,
    /// What bound the size, such as `RiskBudget`.
    pub bound_by: Option<String>,
    /// The gate's word; null when there was no order to judge.
    pub verdict: Option<VerdictWord>,
    /// Every rule that said no.
    pub denials: Vec<Denial>,
}

/// What a decision is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Action {
    /// Open a position.
    Enter,
    /// Close it.
    Exit,
    /// Nothing.
    Hold,
    /// Close it and open the opposite one.
    Reverse,
}

impl From<journal::DecisionAction> for Action {
    fn from(action: journal::DecisionAction) -> Self {
        match action {
            journal::DecisionAction::Enter => Self::Enter,
            journal::DecisionAction::Exit => Self::Exit,
            journal::DecisionAction::Reverse => Self::Reverse,
        }
    }
}

/// The risk gate's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum VerdictWord {
    /// The order may go.
    Approved,
    /// It may not.
    Denied,
}

impl From<&risk::Verdict> for VerdictWord {
    fn from(verdict: &risk::Verdict) -> Self {
        if verdict.approved { Self::Approved } else { Self::Denied }
    }
}

/// A rule that said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Denial {
    /// Which rule.
    pub rule: String,
    /// What it looked at.
    pub input: String,
    /// What it compared with.
    pub limit: String,
}

impl From<&risk::RuleResult> for Denial {
    fn from(result: &risk::RuleResult) -> Self {
        Self {
            rule: result.rule.to_string(),
            input: result.input.to_string(),
            limit: result.limit.to_string(),
        }
    }
}

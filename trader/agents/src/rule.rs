//! What a strategy is: a fold from snapshots to calls.

use std::fmt::Debug;

use sapphire_engine::opinion::{Direction, Reason};
use sapphire_engine::snapshot::Snapshot;

/// How clearly a rule sees what it calls. It claims no probability: each grade's is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Just so.
    Weak,
    /// As the rule is meant.
    Fair,
    /// Everything that the rule looks at agrees.
    Strong,
}

/// What a rule says of a bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Where the price will be at the horizon.
    Claim {
        /// Up, down or nowhere.
        direction: Direction,
        /// How clearly.
        strength: Strength,
        /// Why.
        reason: Reason,
    },
    /// It has nothing to go on, and why.
    Abstain(Reason),
}

impl Call {
    /// Nothing to go on, and why; the numbers stand for `{0}`, `{1}` and `{2}` in the text.
    pub(crate) const fn abstain(text: &'static str, numbers: [f64; 3]) -> Self {
        Self::Abstain(Reason::Template(text, numbers))
    }

    /// A claim, with the numbers for `{0}`, `{1}` and `{2}` in the text.
    pub(crate) const fn claim(
        direction: Direction,
        strength: Strength,
        text: &'static str,
        numbers: [f64; 3],
    ) -> Self {
        Self::Claim { direction, strength, reason: Reason::Template(text, numbers) }
    }
}

/// A strategy on one symbol.
pub trait Rule: Debug + Send {
    /// Takes the next closed bar in and says what it makes of it. It is called once for every bar,
    /// whose prices are positive numbers and whose volume is not negative.
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call;
}

/// Long above zero, short below, `None` at zero.
pub(crate) fn toward(sign: f64) -> Option<Direction> {
    if sign > 0.0 {
        Some(Direction::Long)
    } else if sign < 0.0 {
        Some(Direction::Short)
    } else {
        None
    }
}

//! What an agent thinks.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::AgentId;
use crate::instrument::SymbolId;
use crate::money::Ratio;

/// Where an agent expects the price to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Up.
    Long,
    /// Down.
    Short,
    /// Nowhere worth the cost: be out.
    Flat,
}

/// An agent's answer to a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum View {
    /// It has an opinion.
    Opinion {
        /// Where it expects the price to go.
        direction: Direction,
        /// The probability that it is right at its horizon: 0 to 1.
        confidence: Ratio,
    },
    /// It has not enough to go on, and counts on neither side.
    Abstain,
}

/// One agent's vote on one symbol's bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opinion {
    /// Whose.
    pub agent: AgentId,
    /// Of which symbol.
    pub symbol: SymbolId,
    /// The number of the bar that it answers.
    pub bar: u64,
    /// What it thinks.
    pub view: View,
    /// Why, for people.
    pub reason: Reason,
}

/// A reason for people. Agents in this process use a template with up to three numbers, which
/// costs nothing until somebody reads it; it is recorded as the text.
#[derive(Clone, PartialEq)]
pub enum Reason {
    /// `{0}`, `{1}` and `{2}` in the text stand for the numbers.
    Template(&'static str, [f64; 3]),
    /// Text from elsewhere.
    Text(Box<str>),
}

impl Reason {
    /// A reason without numbers.
    #[must_use]
    pub const fn fixed(text: &'static str) -> Self {
        Self::Template(text, [0.0; 3])
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (template, values) = match self {
            Self::Text(text) => return f.write_str(text),
            Self::Template(template, values) => (template, values),
        };
        let mut rest = *template;
        while let Some(open) = rest.find('{') {
            let (before, from_brace) = rest.split_at(open);
            f.write_str(before)?;
            let value = match from_brace.as_bytes() {
                [b'{', digit @ b'0'..=b'2', b'}', ..] => values[usize::from(digit - b'0')],
                _ => return f.write_str(from_brace),
            };
            let digits = format!("{value:.4}");
            f.write_str(digits.trim_end_matches('0').trim_end_matches('.'))?;
            rest = &from_brace[3..];
        }
        f.write_str(rest)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<str>::deserialize(deserializer).map(Self::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_shows_its_numbers() {
        let reason = Reason::Template("RSI {1} above {0}", [70.0, 71.25, 0.0]);
        assert_eq!(reason.to_string(), "RSI 71.25 above 70");
        assert_eq!(Reason::Template("open { brace", [0.0; 3]).to_string(), "open { brace");
    }
}

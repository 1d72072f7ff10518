//! What an agent thinks.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::decimal;
use crate::ids::AgentId;
use crate::instrument::SymbolId;
use crate::money::Ratio;
use crate::order::Side;

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

impl Direction {
    /// The side of the position that it asks for; `None` for none.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self {
            Self::Long => Some(Side::Buy),
            Self::Short => Some(Side::Sell),
            Self::Flat => None,
        }
    }
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

impl Reason {
    /// Writes the text. Each vote of each round is written, so this is generic: text that goes
    /// straight into a string is half as dear as text that passes through a formatter.
    fn write(&self, to: &mut impl fmt::Write) -> fmt::Result {
        let (template, values) = match self {
            Self::Text(text) => return to.write_str(text),
            Self::Template(template, values) => (template, values),
        };
        let mut rest = *template;
        while let Some(open) = rest.bytes().position(|byte| byte == b'{') {
            let (before, from_brace) = rest.split_at(open);
            to.write_str(before)?;
            let value = match from_brace.as_bytes() {
                [b'{', digit @ b'0'..=b'2', b'}', ..] => values[usize::from(digit - b'0')],
                _ => return to.write_str(from_brace),
            };
            write_short(value, to)?;
            rest = &from_brace[3..];
        }
        to.write_str(rest)
    }
}

/// Writes a number with at most four places and no trailing zeros. The exact digits that `{:.4}`
/// works out for any float would cost more than the rest of a record.
#[allow(clippy::float_arithmetic, clippy::cast_possible_truncation)]
fn write_short(value: f64, to: &mut impl fmt::Write) -> fmt::Result {
    const PLACES: u32 = 4;
    /// Below this, ten-thousandths are whole numbers that a float holds exactly.
    const LARGEST: f64 = 1e11;
    if value.is_nan() || libm::fabs(value) >= LARGEST {
        return write!(to, "{value}");
    }
    let units = libm::round(value * 1e4) as i64;
    to.write_str(decimal::text::<PLACES>(i128::from(units), 0, &mut [0; decimal::LONGEST]))
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}
impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// Longer than nearly all reasons.
        const USUAL: usize = 128;
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Template(..) => {
                let mut text = String::with_capacity(USUAL);
                self.write(&mut text).map_err(serde::ser::Error::custom)?;
                serializer.serialize_str(&text)
            }
        }
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
    use rstest::rstest;

    #[test]
    fn a_template_shows_its_numbers() {
        let reason = Reason::Template("RSI {1} above {0}", [70.0, 71.25, 0.0]);
        assert_eq!(reason.to_string(), "RSI 71.25 above 70");
        assert_eq!(Reason::Template("open { brace", [0.0; 3]).to_string(), "open { brace");
    }

    #[rstest]
    #[case(0.0, "0")]
    #[case(-0.000_01, "0")]
    #[case(0.000_05, "0.0001")]
    #[case(-0.05, "-0.05")]
    #[case(70.0, "70")]
    #[case(46_319.123_46, "46319.1235")]
    #[case(-1.999_96, "-2")]
    #[case(99_999_999_999.5, "99999999999.5")]
    #[case(1e15, "1000000000000000")]
    #[case(f64::INFINITY, "inf")]
    #[case(f64::NAN, "NaN")]
    fn numbers_in_a_reason_have_at_most_four_places(#[case] value: f64, #[case] text: &str) {
        assert_eq!(Reason::Template("{0}", [value, 0.0, 0.0]).to_string(), text);
    }
}

//! Where `/api/why` gets its answers: the journal's readers, which are the store's business.

use std::fmt;

use futures::future::BoxFuture;

use super::view;

/// Whoever can tell where a decision, order, round, fill or command came from.
pub trait LineageSource: Send + Sync {
    /// The lineage of `id`; `None` when this run has no such thing.
    fn lineage(&self, id: LineageId) -> BoxFuture<'_, Result<Option<view::Lineage>, LineageError>>;
}

/// Why the journal gave no answer: its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal cannot be read: {0}")]
pub struct LineageError(pub String);

/// What can be asked about: `d7` a decision, `o12` an order, `r41` a round, `t9` a fill, `c3` a
/// command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineageId {
    /// What kind of thing.
    pub kind: LineageKind,
    /// Its number.
    pub number: u64,
}

/// The kinds of things that have a lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineageKind {
    /// `d`.
    Decision,
    /// `o`.
    Order,
    /// `r`.
    Round,
    /// `t`.
    Fill,
    /// `c`.
    Command,
}

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no id: write a letter and a number, such as d7 (decision), o12 (order), r41 (round), \
     t9 (fill) or c3 (command)"
)]
pub struct LineageIdError(String);

impl std::str::FromStr for LineageId {
    type Err = LineageIdError;

    fn from_str(text: &str) -> Result<Self, LineageIdError> {
        let wrong = || LineageIdError(text.chars().take(40).collect());
        let mut rest = text.chars();
        let kind = match rest.next() {
            Some('d') => LineageKind::Decision,
            Some('o') => LineageKind::Order,
            Some('r') => LineageKind::Round,
            Some('t') => LineageKind::Fill,
            Some('c') => LineageKind::Command,
            _ => return Err(wrong()),
        };
        let digits = rest.as_str();
        // `parse` would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        digits.parse().map(|number| Self { kind, number }).map_err(|_| wrong())
    }
}

impl fmt::Display for LineageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            LineageKind::Decision => 'd',
            LineageKind::Order => 'o',
            LineageKind::Round => 'r',
            LineageKind::Fill => 't',
            LineageKind::Command => 'c',
        };
        write!(f, "{letter}{}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("d7")]
    #[case("o18446744073709551615")]
    #[case("r0")]
    fn ids_round_trip(#[case] text: &str) {
        assert_eq!(text.parse::<LineageId>().unwrap().to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case("d")]
    #[case("x7")]
    #[case("7")]
    #[case("o-1")]
    #[case("o+1")]
    #[case("o18446744073709551616")]
    #[case("é1")]
    fn what_is_no_id_is_refused(#[case] text: &str) {
        assert!(text.parse::<LineageId>().is_err());
    }
}

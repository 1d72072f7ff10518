//! What a report may say at most. Its texts carry their own bounds in their types.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

use super::{Report, ReportError};
use crate::conditions::Time;

/// Reads a list, and stops at its bound rather than after it.
pub(super) fn bounded<'de, D, T, const MOST: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Items<T, const MOST: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MOST} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = sequence.next_element()? {
                if items.len() == MOST {
                    return Err(A::Error::invalid_length(MOST + 1, &self));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items::<T, MOST>(PhantomData))
}

/// One rule a line: whether it is broken, and what is then said.
pub(super) fn check(report: &Report) -> Result<(), ReportError> {
    let agents = &report.agents;
    let policy = report.policy.as_ref();
    let head = report.journal_head.as_ref();
    let times = agents.iter().filter_map(|agent| agent.last_opinion_at.as_ref());
    let mut times = times.chain(policy.map(|policy| &policy.acknowledged_at));
    let rules = [
        (report.flat && !report.exposed_symbols.is_empty(), "it is flat and names exposed symbols"),
        (!distinct(&report.exposed_symbols), "a symbol is exposed twice"),
        (!distinct(agents.iter().map(|agent| &agent.name)), "an agent is named twice"),
        (report.exposed_symbols.len() > super::MAX_SYMBOLS, "it names more than 50 symbols"),
        (agents.len() > super::MAX_AGENTS, "it speaks of more than 200 agents"),
        (report.epoch < 0, "the epoch is negative"),
        (report.open_orders < 0, "the number of open orders is negative"),
        (head.is_some_and(|head| head.sequence < 0), "the journal's sequence number is negative"),
        (policy.is_some_and(|policy| policy.generation < 0), "the policy's generation is negative"),
        (agents.iter().any(|agent| agent.scored < 0), "the number of scored opinions is negative"),
        (times.any(|time| !representable(time)), "a time is not between the years 1970 and 9999"),
    ];
    match rules.into_iter().find(|(broken, _)| *broken) {
        Some((_, why)) => Err(ReportError::Impossible(why)),
        None => Ok(()),
    }
}

fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    items.into_iter().all(|item| seen.insert(item))
}

/// A status with another year would be refused by the API server, and with it every other change.
fn representable(time: &Time) -> bool {
    (0..253_402_300_800).contains(&time.0.as_second())
}

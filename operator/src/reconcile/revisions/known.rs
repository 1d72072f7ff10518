//! Which revisions an object has, as their metadata tell.

use std::sync::Arc;

use super::{HASH, Wish};
use crate::context::Context;
use crate::labels;
use crate::reconcile::child::Live;
use crate::reconcile::desired::Owner;
use crate::reconcile::kind::Kind;

/// Notes on a ControllerRevision that its metadata alone must tell.
pub(super) mod notes {
    /// Of the inputs; several revisions share it when defaults were adopted.
    pub(in crate::reconcile::revisions) const INPUTS: &str = "sapphiretrade.xyz/inputs";
    /// Their order, from 1.
    pub(in crate::reconcile::revisions) const NUMBER: &str = "sapphiretrade.xyz/number";
    /// The image, where the operator chose it.
    pub(in crate::reconcile::revisions) const PINNED_IMAGE: &str = "sapphiretrade.xyz/pinned-image";
}

/// A revision as its metadata tell.
pub(super) struct Known {
    pub(super) name: String,
    pub(super) number: i64,
    pub(super) live: Arc<Live>,
}

impl Known {
    pub(super) fn note(&self, name: &str) -> Option<&str> {
        self.live.notes.get(name).map(String::as_str)
    }
}

/// The object's revisions, oldest first.
pub(super) fn known(context: &Context, owner: &Owner, wish: &Wish<'_>) -> Vec<Known> {
    let mut known: Vec<Known> = context
        .children
        .of_desk(wish.system)
        .into_iter()
        .filter(|(child, live)| {
            child.kind == Kind::ControllerRevision
                && live.label(labels::AGENT) == wish.agent
                && live.is_controlled_by(&owner.uid)
                && !live.deleting
        })
        .map(|(child, live)| Known { name: child.key.name, number: number(&live), live })
        .collect();
    known.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    known
}

pub(super) fn number(live: &Live) -> i64 {
    live.notes.get(notes::NUMBER).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Whether a revision's name is `<object>-<hash>`.
pub(super) fn is_of(revision: &str, object: &str) -> bool {
    revision
        .strip_prefix(object)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|hash| hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_told_from_one_of_an_object_with_a_longer_name() {
        assert!(is_of("desk-0123456789", "desk"));
        assert!(!is_of("desk-two-0123456789", "desk"));
        assert!(is_of("desk-two-0123456789", "desk-two"));
    }
}

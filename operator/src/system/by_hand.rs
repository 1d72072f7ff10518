//! What a person does to a desk's Deployments and the operator leaves as it is: it is told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sapphire_crds::conditions::Reason;

use super::dereference::Dereferenced;
use super::revise::hash_of;
use crate::context::Context;
use crate::labels::{self, Component};
use crate::reconcile::child::Live;
use crate::reconcile::events::Severity;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;

/// A Deployment as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// When it was last restarted by hand.
    restarted_at: Option<String>,
    /// Whether it is a trader's and is to have no pods. Other numbers are ours, or mean nothing.
    is_idle: bool,
}

impl Mark {
    fn of(live: &Live) -> Self {
        let trades = live.label(labels::COMPONENT) == Some(Component::Trader.as_str());
        Self {
            restarted_at: live.restarted_at.clone(),
            is_idle: trades && live.replicas == Some(0),
        }
    }
}

/// What was done to a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    /// `kubectl rollout restart`, at this time.
    Restarted(String),
    /// `kubectl scale --replicas=0`.
    ScaledToZero,
}

/// What is known of Deployments, by desk and by their uids.
#[derive(Debug, Default)]
pub struct ByHand {
    known: Mutex<HashMap<Key, HashMap<String, Mark>>>,
}

impl ByHand {
    /// What was done since the last look, with the place in `now`. A Deployment that is seen for the first
    /// time is no news: it may have been so for long.
    fn news(&self, desk: &Key, now: &[(String, Mark)]) -> Vec<(usize, Deed)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.insert(desk.clone(), now.iter().cloned().collect()).unwrap_or_default();
        let mut news = Vec::new();
        for (index, (uid, mark)) in now.iter().enumerate() {
            let Some(before) = before.get(uid) else { continue };
            if let Some(at) = mark.restarted_at.clone()
                && before.restarted_at != mark.restarted_at
            {
                news.push((index, Deed::Restarted(at)));
            }
            if mark.is_idle && !before.is_idle {
                news.push((index, Deed::ScaledToZero));
            }
        }
        news
    }

    /// Forgets a desk that is gone.
    pub fn forget(&self, desk: &Key) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(desk);
    }
}

/// Tells what was done by hand since the last look.
pub(super) async fn tell(context: &Context, desk: &Dereferenced) {
    let mut deployments = context.children.of_desk(&desk.key);
    deployments.retain(|(child, _)| child.kind == Kind::Deployment);
    let marks: Vec<_> =
        deployments.iter().map(|(_, live)| (live.uid.clone(), Mark::of(live))).collect();
    let lead = desk.status().rollout.and_then(|rollout| rollout.lead_revision.or(rollout.core));
    let lead = lead.as_ref().map(|lead| hash_of(&desk.key.name, lead));
    for (index, deed) in context.by_hand.news(&desk.key, &marks) {
        let Some((child, live)) = deployments.get(index) else { continue };
        // One that does not lead is stopped with the one that does, or stops nothing.
        if deed == Deed::ScaledToZero && live.label(labels::REVISION) != lead {
            continue;
        }
        let Key { namespace, name } = &child.key;
        let (severity, reason, note) = match deed {
            Deed::Restarted(at) => (
                Severity::Normal,
                "RestartedByHand",
                format!(
                    "Deployment {name} was restarted by hand (kubectl rollout restart, {at}); its pods are \
                     replaced, and the revision stays"
                ),
            ),
            Deed::ScaledToZero => (
                Severity::Warning,
                Reason::ScaledToZero.as_str(),
                format!(
                    "Deployment {name} was scaled to zero by hand: nobody trades, and nobody guards what is \
                     open; kubectl -n {namespace} scale deployment {name} --replicas=1 goes on (generation {})",
                    live.generation
                ),
            ),
        };
        context.events.tell(&**desk.system, severity, reason, note).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(restarted_at: Option<&str>, is_idle: bool) -> Mark {
        Mark { restarted_at: restarted_at.map(str::to_owned), is_idle }
    }

    #[test]
    fn a_deed_is_news_once() {
        let (by_hand, desk) = (ByHand::default(), Key::new("n", "desk"));
        let seen = |mark: Mark| by_hand.news(&desk, &[("uid".to_owned(), mark)]);
        assert_eq!(seen(mark(None, false)), []);
        assert_eq!(seen(mark(Some("10:00"), false)), [(0, Deed::Restarted("10:00".into()))]);
        assert_eq!(seen(mark(Some("10:00"), false)), []);
        assert_eq!(seen(mark(Some("10:00"), true)), [(0, Deed::ScaledToZero)]);
        assert_eq!(seen(mark(Some("10:00"), true)), []);
        assert_eq!(seen(mark(Some("11:00"), false)), [(0, Deed::Restarted("11:00".into()))]);
        by_hand.forget(&desk);
        assert_eq!(seen(mark(Some("12:00"), true)), [], "seen for the first time");
    }
}

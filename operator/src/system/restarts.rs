//! Pods that a person restarted with `kubectl rollout restart`: it is left as it is, and told.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::dereference::Dereferenced;
use crate::context::Context;
use crate::reconcile::events::Severity;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;

/// When each Deployment was last restarted by hand, by its uid.
type Marks = HashMap<String, Option<String>>;

/// What is known of restarts by hand, by desk.
#[derive(Debug, Default)]
pub struct Restarts {
    known: Mutex<HashMap<Key, Marks>>,
}

impl Restarts {
    /// Those Deployments whose mark is another than it was, by their place in `now`. One that is seen for
    /// the first time is no news: it may have been restarted long ago.
    fn news(&self, desk: &Key, now: &[(String, Option<String>)]) -> Vec<usize> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let marks = now.iter().cloned().collect();
        let before = known.insert(desk.clone(), marks).unwrap_or_default();
        let is_news = |(uid, mark): &(String, Option<String>)| {
            mark.is_some() && before.get(uid).is_some_and(|before| before != mark)
        };
        (0..now.len()).filter(|index| now.get(*index).is_some_and(is_news)).collect()
    }

    /// Forgets a desk that is gone.
    pub fn forget(&self, desk: &Key) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(desk);
    }
}

/// Tells of restarts by hand since the last look.
pub(super) async fn tell(context: &Context, desk: &Dereferenced) {
    let mut deployments = context.children.of_desk(&desk.key);
    deployments.retain(|(child, _)| child.kind == Kind::Deployment);
    let marks: Vec<_> =
        deployments.iter().map(|(_, live)| (live.uid.clone(), live.restarted_at.clone())).collect();
    for index in context.restarts.news(&desk.key, &marks) {
        let Some((child, live)) = deployments.get(index) else { continue };
        let note = format!(
            "Deployment {} was restarted by hand (kubectl rollout restart, {}); its pods are replaced, and the revision stays",
            child.key.name,
            live.restarted_at.as_deref().unwrap_or_default()
        );
        context.events.tell(&**desk.system, Severity::Normal, "RestartedByHand", note).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_news_once() {
        let (restarts, desk) = (Restarts::default(), Key::new("n", "desk"));
        let seen = |mark: Option<&str>| {
            restarts.news(&desk, &[("uid".to_owned(), mark.map(str::to_owned))]).len()
        };
        assert_eq!(seen(None), 0);
        assert_eq!(seen(Some("10:00")), 1);
        assert_eq!(seen(Some("10:00")), 0);
        assert_eq!(seen(Some("11:00")), 1);
        restarts.forget(&desk);
        assert_eq!(seen(Some("12:00")), 0, "seen for the first time");
    }
}

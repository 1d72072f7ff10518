//! When this process first saw each generation of a policy, and how long pods took to confirm it.
//!
//! Both ends of a latency are this process's own sight, so that no other clock is part of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::RiskPolicy;
use sapphire_crds::risk_policy::SlowestPod;
use sapphire_crds::values::{Delay, ObjectName};
use tokio::time::Instant;

use crate::reconcile::key::Key;

/// The newest generation of every policy, as this process saw it.
#[derive(Debug, Default)]
pub struct Generations {
    newest: Mutex<HashMap<Key, Sight>>,
}

#[derive(Debug, Clone)]
struct Sight {
    uid: String,
    generation: i64,
    at: Instant,
    at_wall: Timestamp,
    /// Whether this process saw it come, or only found it.
    witnessed: bool,
    /// The pods whose confirmation was measured.
    measured: HashSet<String>,
    slowest: Option<(String, Duration)>,
}

impl Generations {
    /// The policy is so now. Gives whether this generation is news.
    pub fn see(&self, policy: &RiskPolicy) -> bool {
        let key = Key::of::<RiskPolicy>(policy);
        let uid = policy.metadata.uid.clone().unwrap_or_default();
        let generation = policy.metadata.generation.unwrap_or(0);
        let mut all = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.get(&key);
        if before.is_some_and(|b| b.uid == uid && b.generation >= generation) {
            return false;
        }
        let sight = Sight {
            uid,
            generation,
            at: Instant::now(),
            at_wall: Timestamp::now(),
            // What this process found may be there for days.
            witnessed: before.is_some(),
            measured: HashSet::new(),
            slowest: None,
        };
        all.insert(key, sight);
        true
    }

    /// The policy is gone.
    pub fn forget(&self, key: &Key) {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// When the newest generation was seen to come; `None` where it was only found.
    pub fn seen_at(&self, key: &Key) -> Option<Timestamp> {
        let all = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(key).filter(|sight| sight.witnessed).map(|sight| sight.at_wall)
    }

    /// How long `pod` took to confirm `generation`, the first time that this is asked; `None` where
    /// either end was not seen. A pod that was heard of later is measured from then.
    pub fn measure(
        &self,
        key: &Key,
        generation: i64,
        pod: &str,
        confirmed: Option<Instant>,
        heard: Instant,
    ) -> Option<Duration> {
        let mut all = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = all.get_mut(key).filter(|s| s.witnessed && s.generation == generation)?;
        let latency = confirmed?.saturating_duration_since(sight.at.max(heard));
        if !sight.measured.insert(pod.to_owned()) {
            return None;
        }
        if sight.slowest.as_ref().is_none_or(|(_, slowest)| latency > *slowest) {
            sight.slowest = Some((pod.to_owned(), latency));
        }
        Some(latency)
    }

    /// The pod that took longest of those that were measured.
    pub fn slowest(&self, key: &Key, generation: i64) -> Option<SlowestPod> {
        let all = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let sight = all.get(key).filter(|sight| sight.generation == generation)?;
        let (pod, latency) = sight.slowest.as_ref()?;
        let pod: ObjectName = pod.parse().ok()?;
        Some(SlowestPod { pod, latency: Delay::measured(*latency) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy(uid: &str, generation: i64) -> RiskPolicy {
        serde_json::from_value(json!({
            "apiVersion": "sapphiretrade.xyz/v1alpha1", "kind": "RiskPolicy", "spec": {},
            "metadata": {"name": "careful", "namespace": "n", "uid": uid, "generation": generation}}))
        .unwrap()
    }

    fn key() -> Key {
        Key::new("n", "careful")
    }

    #[tokio::test(start_paused = true)]
    async fn a_confirmation_is_measured_once_from_sight_to_sight() {
        let (generations, begin) = (Generations::default(), Instant::now());
        generations.see(&policy("u", 1));
        tokio::time::advance(SECOND).await;
        generations.see(&policy("u", 2));
        // Our own writes of the status come back as the same generation.
        assert!(!generations.see(&policy("u", 2)));
        tokio::time::advance(SECOND).await;
        let confirmed = Some(Instant::now());
        let measure = |pod| generations.measure(&key(), 2, pod, confirmed, begin);
        assert_eq!(measure("a"), Some(SECOND));
        assert_eq!(measure("a"), None);
        assert_eq!(generations.measure(&key(), 2, "b", Some(begin), begin), Some(Duration::ZERO));
        let slowest = generations.slowest(&key(), 2).unwrap();
        assert_eq!((slowest.pod.as_str(), slowest.latency.to_string().as_str()), ("a", "1s"));
        generations.see(&policy("u", 3));
        assert_eq!(generations.slowest(&key(), 3), None);
        assert_eq!(measure("a"), None, "what is confirmed is no longer the newest");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_only_found_is_not_measured() {
        let (generations, now) = (Generations::default(), Instant::now());
        generations.see(&policy("u", 7));
        assert_eq!(generations.measure(&key(), 7, "a", Some(now), now), None);
        assert_eq!(generations.seen_at(&key()), None);
        // Another object of the name.
        generations.see(&policy("v", 1));
        assert!(generations.seen_at(&key()).is_some());
        generations.see(&policy("v", 2));
        assert_eq!(generations.measure(&key(), 2, "a", None, now), None, "the pod was only found");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_that_came_later_is_not_slow() {
        let generations = Generations::default();
        generations.see(&policy("u", 1));
        generations.see(&policy("u", 2));
        tokio::time::advance(SECOND * 3600).await;
        let heard = Instant::now();
        tokio::time::advance(SECOND).await;
        let confirmed = Some(Instant::now());
        assert_eq!(generations.measure(&key(), 2, "a", confirmed, heard), Some(SECOND));
    }
}

//! A status that tells the same in other words is in no hurry.

use std::time::Duration;

use sapphire_crds::conditions::ConditionType;
use sapphire_crds::trading_system::TradingSystemStatus;

use crate::reconcile::sights::Sights;

/// How long a status waits for which nothing changed but words. Pods that come up change them with every
/// one, and mostly something better is known by then.
const PATIENCE: Duration = Duration::from_secs(2);
/// That a status waits for it.
const OTHER_WORDS: &str = "other words";

/// How long `after` is still to wait, where it tells what `before` tells in other words.
pub(super) fn wait(
    sights: &Sights,
    uid: &str,
    before: &TradingSystemStatus,
    after: &TradingSystemStatus,
) -> Option<Duration> {
    let rest = (before != after && wordless(before) == wordless(after))
        .then(|| PATIENCE.saturating_sub(sights.since(uid, OTHER_WORDS).elapsed()))
        .filter(|rest| !rest.is_zero());
    if rest.is_none() {
        sights.end(uid, OTHER_WORDS);
    }
    rest
}

/// A status without its sentences, and without the reasons that no column shows.
fn wordless(status: &TradingSystemStatus) -> TradingSystemStatus {
    let mut status = status.clone();
    for condition in &mut status.conditions.0 {
        condition.message.clear();
        if ![ConditionType::Ready, ConditionType::Reconciling, ConditionType::Stalled]
            .iter()
            .any(|shown| shown.as_str() == condition.type_)
        {
            condition.reason.clear();
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    /// A status with one condition.
    fn status(type_: &str, reason: &str, message: &str) -> TradingSystemStatus {
        serde_json::from_value(json!({"observedGeneration": 1, "conditions": [{
            "type": type_, "status": "False", "reason": reason, "message": message,
            "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}))
        .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn other_words_wait_for_two_seconds_however_often_they_change() {
        let sights = Sights::default();
        let before = status("Ready", "Progressing", "1 of 3 pods");
        let [second, third] = ["2 of 3 pods", "3 of 3 pods"];
        let after = |words| status("Ready", "Progressing", words);
        assert_eq!(wait(&sights, "u", &before, &after(second)), Some(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(wait(&sights, "u", &before, &after(third)), Some(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(wait(&sights, "u", &before, &after(third)), None);
        // Written, the next words wait as long.
        let next = wait(&sights, "u", &after(third), &after("all pods"));
        assert_eq!(next, Some(Duration::from_secs(2)));
    }

    #[rstest]
    #[case::a_reason_in_a_column("Ready", "Available", None)]
    #[case::a_reason_in_none("CoreAvailable", "Available", Some(Duration::from_secs(2)))]
    #[tokio::test(start_paused = true)]
    async fn a_reason_is_news_where_a_column_shows_it(
        #[case] type_: &str,
        #[case] reason: &str,
        #[case] rest: Option<Duration>,
    ) {
        let before = status(type_, "Progressing", "words");
        let sights = Sights::default();
        assert_eq!(wait(&sights, "u", &before, &status(type_, reason, "words")), rest);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_already_waits_for_nothing() {
        let status = status("Ready", "Available", "words");
        assert_eq!(wait(&Sights::default(), "u", &status, &status), None);
    }
}

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;

/// A report of `pod`, seen so many seconds after the first.
fn says(pod: &str, seconds: u64, age: Age, patch: Value) -> PodReport {
    let mut report = json!({"revision": "desk-1", "role": "Leader", "epoch": 3, "reconciled": true,
        "tradingState": "Active", "flat": true, "equity": "100"});
    for (name, value) in patch.as_object().unwrap() {
        report[name] = value.clone();
    }
    let report = Report::read(&report.to_string()).map(Arc::new).map_err(|error| error.to_string());
    let second = i64::try_from(seconds).unwrap();
    PodReport {
        pod: pod.into(),
        report,
        age,
        seen_at: Timestamp::from_second(1_767_225_600 + second).unwrap(),
        seen: Instant::now() + Duration::from_secs(seconds),
        acknowledged: None,
        heard: Instant::now(),
        stale_in: None,
    }
}

fn leads(seconds: u64, age: Age) -> PodReport {
    says("a", seconds, age, json!({}))
}

fn standby(seconds: u64, patch: Value) -> PodReport {
    let mut standby = json!({"role": "Standby"});
    for (name, value) in patch.as_object().unwrap() {
        standby[name] = value.clone();
    }
    says("b", seconds, Age::Fresh, standby)
}

fn open() -> Value {
    json!({"flat": false, "exposedSymbols": ["BTCUSD"]})
}

fn reason(reports: &[PodReport]) -> Option<(Answer, Reason)> {
    judge(reports).condition().map(|(answer, reason, _)| (answer, reason))
}

const FLAT: Option<(Answer, Reason)> = Some((Answer::True, Reason::Flat));
const EXPOSED: Option<(Answer, Reason)> = Some((Answer::False, Reason::Exposed));
const NO_REPORT: Option<(Answer, Reason)> = Some((Answer::Unknown, Reason::NoReport));
const STALE: Option<(Answer, Reason)> = Some((Answer::Unknown, Reason::Stale));

#[rstest]
#[case::nobody(vec![], NO_REPORT)]
#[case::the_leader_proves_it(vec![leads(0, Age::Fresh)], FLAT)]
#[case::with_a_standby(vec![leads(0, Age::Fresh), standby(1, json!({}))], FLAT)]
#[case::only_found(vec![leads(0, Age::Unproven)], None)]
#[case::silent(vec![leads(0, Age::Stale)], STALE)]
#[case::found_exposed(vec![says("a", 0, Age::Unproven, open())], EXPOSED)]
#[case::exposed(vec![says("a", 0, Age::Fresh, open())], EXPOSED)]
#[case::does_not_know_what_is_open(vec![says("a", 0, Age::Fresh, json!({"reconciled": false}))], EXPOSED)]
#[case::a_standby_proves_nothing(vec![standby(0, json!({}))], NO_REPORT)]
#[case::another_says_so_later(vec![leads(0, Age::Fresh), standby(1, open())], EXPOSED)]
#[case::another_said_so_earlier(vec![leads(1, Age::Fresh), standby(0, open())], FLAT)]
#[case::a_new_standby_knows_nothing_yet(
    vec![leads(0, Age::Fresh), standby(1, json!({"reconciled": false, "flat": false}))], FLAT)]
#[case::another_talks_nonsense(vec![leads(1, Age::Fresh), standby(0, json!({"role": "King"}))], NO_REPORT)]
#[case::the_leader_talks_nonsense(vec![says("a", 0, Age::Fresh, json!({"role": "King"}))], NO_REPORT)]
#[case::another_knows_of_a_later_leader(vec![leads(1, Age::Fresh), standby(0, json!({"epoch": 4}))], NO_REPORT)]
#[case::two_lead_in_one_epoch(vec![leads(1, Age::Fresh), says("c", 0, Age::Fresh, json!({}))], NO_REPORT)]
#[case::of_two_that_lead_in_one_epoch_one_is_exposed(
    vec![leads(1, Age::Fresh), says("c", 0, Age::Fresh, open())], EXPOSED)]
#[case::a_rival_of_the_same_epoch_is_silent(
    vec![leads(1, Age::Fresh), says("c", 0, Age::Stale, json!({}))], FLAT)]
#[case::the_later_leader_is_silent(
    vec![leads(9, Age::Fresh), says("c", 0, Age::Stale, json!({"epoch": 4}))], STALE)]
#[case::the_former_leader_is_silent(
    vec![leads(9, Age::Fresh), says("c", 0, Age::Stale, json!({"epoch": 2, "flat": false}))], FLAT)]
#[tokio::test]
async fn only_a_leader_that_was_seen_to_say_so_proves_that_nothing_is_open(
    #[case] reports: Vec<PodReport>,
    #[case] expected: Option<(Answer, Reason)>,
) {
    assert_eq!(reason(&reports), expected, "{:?}", judge(&reports));
}

#[tokio::test]
async fn words_name_what_is_open_and_since_when_a_pod_is_silent() {
    assert_eq!(judge(&[says("a", 0, Age::Fresh, open())]).words(), "a reports as open: BTCUSD");
    let words = judge(&[leads(5, Age::Stale)]).words();
    assert!(words.contains("silent since 2026-01-01T00:00:05Z"), "{words}");
    let words = judge(&[says("a", 0, Age::Fresh, json!({"flat": "perhaps"}))]).words();
    assert!(words.contains("cannot be read") && words.contains("exposure is assumed"), "{words}");
}

fn written(before: Option<&DeskReport>, reports: &[PodReport]) -> Option<DeskReport> {
    report(before, reports, &judge(reports))
}

#[tokio::test]
async fn what_was_proven_is_kept_while_the_report_is_only_found_and_withdrawn_by_silence() {
    let proven = written(None, &[leads(0, Age::Fresh)]).unwrap();
    assert_eq!(proven.flat, Some(true));
    let flat = |reports: &[PodReport]| written(Some(&proven), reports).unwrap().flat;
    assert_eq!(flat(&[leads(0, Age::Unproven)]), Some(true));
    assert_eq!(flat(&[leads(0, Age::Stale)]), None);
    assert_eq!(flat(&[]), None);
    assert_eq!(flat(&[says("a", 1, Age::Fresh, open())]), Some(false));
    // What was not proven before does not become so by being found.
    assert_eq!(written(None, &[leads(0, Age::Unproven)]).unwrap().flat, None);
    let kept = written(Some(&proven), &[]).unwrap();
    assert_eq!((kept.leader.as_str(), kept.equity), ("a", proven.equity));
}

#[tokio::test]
async fn a_sign_of_life_alone_is_not_written() {
    let first = written(None, &[leads(0, Age::Fresh)]).unwrap();
    assert_eq!(written(Some(&first), &[leads(30, Age::Fresh)]), Some(first.clone()));
    let richer = says("a", 60, Age::Fresh, json!({"equity": "101"}));
    let later = written(Some(&first), &[richer]).unwrap();
    assert_ne!(later.observed_at, first.observed_at);
    assert!(!is_urgent(&first, &later));
}

#[tokio::test]
async fn the_clock_of_a_pod_is_compared_with_nothing() {
    let policy = |at: &str| json!({"policy": {"name": "careful", "generation": 1, "hash": "0".repeat(64), "acknowledgedAt": at}});
    for at in ["1971-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "9998-01-01T00:00:00Z"] {
        assert_eq!(reason(&[says("a", 0, Age::Fresh, policy(at))]), FLAT, "{at}");
    }
}

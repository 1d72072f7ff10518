use super::*;
use proptest::prelude::*;
use rstest::rstest;

fn exposed() -> Verdict {
    Verdict::Exposed { pod: "p".into(), symbols: vec!["BTCUSD".parse().unwrap()] }
}

fn key() -> Key {
    Key::new("trading", "desk")
}

fn deployed(replicas: i32) -> Traders {
    Traders { deployments: vec![("desk-trader".into(), replicas)], ..Traders::default() }
}

fn facts(key: &Key, policy: DeletionPolicy) -> Facts<'_> {
    Facts {
        key,
        risk_policy: "careful",
        policy,
        forced: false,
        released: true,
        traders: Traders { pods: 1, ..deployed(1) },
        verdict: exposed(),
        last: None,
        proven: false,
        flattening_for: Duration::ZERO,
        terminating_for: None,
        bounds: Bounds::default(),
    }
}

fn flat(facts: Facts<'_>) -> Facts<'_> {
    Facts { verdict: Verdict::Flat { pod: "p".into() }, proven: true, ..facts }
}

/// `go WHY`, or kind and reason of the hold.
fn word(facts: &Facts<'_>) -> String {
    match decide(facts) {
        Decision::Go(freedom) => format!("go {}", freedom.why),
        Decision::Hold(hold) => {
            format!("{} {}", hold.kind(), hold.to_string().split(':').next().unwrap())
        }
    }
}

use DeletionPolicy::{Flatten, Orphan, Refuse};

#[rstest]
#[case(Refuse, "waiting WaitingForFlat", "go flat")]
#[case(Flatten, "waiting WaitingForFlat", "go flat")]
#[case(Orphan, "go orphaned", "go orphaned")]
fn each_policy_while_exposed_and_when_flat(
    #[case] policy: DeletionPolicy,
    #[case] open: &str,
    #[case] closed: &str,
) {
    let key = key();
    assert_eq!(word(&facts(&key, policy)), open);
    assert_eq!(word(&flat(facts(&key, policy))), closed);
    assert_eq!(word(&Facts { forced: true, ..facts(&key, policy) }), "go forced");
}

#[test]
fn a_desk_that_never_could_trade_goes_at_once() {
    let key = key();
    let verdict = Verdict::NoReport;
    let never = Facts { released: false, verdict, ..facts(&key, Refuse) };
    assert_eq!(word(&never), "go never-released");
}

#[test]
fn a_proof_of_one_that_has_not_seen_the_deletion_is_none() {
    let key = key();
    let early = Facts { proven: false, ..flat(facts(&key, Refuse)) };
    assert_eq!(word(&early), "waiting WaitingForFlat");
    let Decision::Hold(hold) = decide(&early) else { panic!("it goes") };
    assert!(hold.to_string().contains("not yet that it has seen the deletion"), "{hold}");
}

#[rstest]
#[case(&["BTCUSD", "ETHUSD"], 3, "as open, at 2026-01-01T00:00:00Z: BTCUSD, ETHUSD")]
#[case(&[], 2, "as open, at 2026-01-01T00:00:00Z: 2 orders")]
#[case(&[], 0, "as open, at 2026-01-01T00:00:00Z: nothing")]
fn what_was_open_last_is_named_where_nobody_tells_any_more(
    #[case] symbols: &[&str],
    #[case] orders: i32,
    #[case] expected: &str,
) {
    let key = key();
    let last: DeskReport = serde_json::from_value(serde_json::json!({
        "observedAt": "2026-01-01T00:00:00Z", "leader": "p", "tradingState": "Active",
        "exposedSymbols": symbols, "openOrders": orders,
    }))
    .unwrap();
    let silent = Facts { verdict: Verdict::NoReport, last: Some(&last), ..facts(&key, Refuse) };
    let ended = Traders::default();
    let terminating_for = Some(Duration::ZERO);
    let all = [
        Facts { policy: Orphan, ..silent.clone() },
        Facts { forced: true, ..silent.clone() },
        Facts { terminating_for, traders: ended, ..silent.clone() },
        Facts { policy: Flatten, ..silent.clone() },
        silent,
    ];
    for facts in all {
        let said = match decide(&facts) {
            Decision::Hold(hold) => hold.to_string(),
            Decision::Go(freedom) => freedom.event.unwrap().2,
        };
        assert!(said.contains(expected), "{expected} is not in: {said}");
    }
    // Nothing can be written into a namespace that ends.
    for (policy, forced) in [(Orphan, false), (Refuse, true)] {
        let ends = Facts { policy, forced, terminating_for, ..facts(&key, policy) };
        let Decision::Go(freedom) = decide(&ends) else { panic!("it stays") };
        let (_, _, note) = freedom.event.unwrap();
        let words = format!(
            "namespace {} is deleted, and TradingSystem {} goes by",
            key.namespace, key.name
        );
        assert!(freedom.namespace_terminates && note.starts_with(&words), "{note}");
    }
    // Who tells now is believed.
    let told = Facts { policy: Orphan, last: Some(&last), ..facts(&key, Orphan) };
    let Decision::Go(freedom) = decide(&told) else { panic!("it stays") };
    assert!(!freedom.event.unwrap().2.contains("last reported"));
}

#[test]
fn every_way_out_is_a_command() {
    let key = key();
    for policy in [Refuse, Flatten] {
        let Decision::Hold(hold) = decide(&facts(&key, policy)) else { panic!("{policy:?} goes") };
        let words = hold.to_string();
        for way in [
            "BTCUSD",
            "kubectl -n trading patch tsys desk --type=merge -p '{\"spec\":{\"deletionPolicy\":\"Orphan\"}}'",
            "kubectl -n trading annotate tsys desk sapphiretrade.xyz/force-delete=true",
        ] {
            assert!(words.contains(way), "{way} is not in: {words}");
        }
        assert_eq!(words.contains("\"Flatten\""), policy == Refuse, "{words}");
    }
}

#[test]
fn nobody_can_close_at_zero() {
    let key = key();
    let zero = Facts { traders: deployed(0), verdict: Verdict::NoReport, ..facts(&key, Flatten) };
    assert_eq!(word(&zero), "waiting ScaledToZero");
    let Decision::Hold(hold) = decide(&zero) else { panic!("it goes") };
    assert!(hold.to_string().contains("scale deployment desk-trader --replicas=1"), "{hold}");
    let Decision::Hold(hold) = decide(&Facts { policy: Refuse, ..zero }) else { panic!("it goes") };
    assert!(hold.to_string().contains("nobody can prove it"), "{hold}");
}

#[rstest]
#[case::crashes_before_it_reports(1, Verdict::NoReport)]
#[case::has_no_pod(0, Verdict::NoReport)]
#[case::never_leads(1, Verdict::NoLeader)]
#[case::fell_silent(1, Verdict::Stale { pod: "p".into(), since: jiff::Timestamp::UNIX_EPOCH })]
fn a_trader_that_does_not_answer_is_not_said_to_close(
    #[case] pods: usize,
    #[case] verdict: Verdict,
    #[values(0, 600)] seconds: u64,
) {
    let key = key();
    let trouble = Some("pod p: CrashLoopBackOff: exit code 1".to_owned());
    let flattening_for = Duration::from_secs(seconds);
    let closing = Facts { flattening_for, ..facts(&key, Flatten) };
    let said = |facts: &Facts<'_>| match decide(facts) {
        Decision::Hold(hold) => hold.to_string(),
        Decision::Go(freedom) => panic!("{freedom:?}"),
    };
    assert!(!said(&closing).contains("No trader answers"), "{}", said(&closing));
    let traders = Traders { pods, trouble, ..deployed(1) };
    let words = said(&Facts { traders, verdict, ..closing });
    for told in [
        "No trader answers that could close it (pod p: CrashLoopBackOff: exit code 1)",
        "kubectl -n trading describe pods -l sapphiretrade.xyz/system=desk,app.kubernetes.io/component=trader",
        "sapphiretrade.xyz/force-delete=true",
    ] {
        assert!(words.contains(told), "{told} is not in: {words}");
    }
    assert!(!words.contains("the trader closes") && !words.contains("goes on closing"), "{words}");
}

#[test]
fn closing_has_a_deadline_after_which_the_desk_stays_and_says_so() {
    let key = key();
    let late = Facts { flattening_for: Duration::from_secs(600), ..facts(&key, Flatten) };
    assert_eq!(word(&late), "stalled DeadlineExceeded");
    assert_eq!(word(&flat(late)), "go flat");
}

#[rstest]
#[case(0, 1, "waiting NamespaceTerminating")]
#[case(299, 1, "waiting NamespaceTerminating")]
#[case(300, 1, "go namespace")]
#[case(0, 0, "go namespace")]
fn a_namespace_is_not_held_for_ever(
    #[case] seconds: u64,
    #[case] pods: usize,
    #[case] expected: &str,
) {
    let key = key();
    for policy in [Refuse, Flatten] {
        let traders = Traders { pods, ..Traders::default() };
        let terminating_for = Some(Duration::from_secs(seconds));
        let ends = Facts { traders, terminating_for, ..facts(&key, policy) };
        assert_eq!(word(&ends), expected);
        assert_eq!(word(&flat(ends)), "go flat");
    }
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(exposed()),
        Just(Verdict::Flat { pod: "p".into() }),
        Just(Verdict::Unproven { pod: "p".into() }),
        Just(Verdict::Unreadable { pod: "p".into(), words: "?".into() }),
        Just(Verdict::NoLeader),
        Just(Verdict::NoReport),
    ]
}

proptest! {
    /// Whatever is known: without a proof, a person's word or the end of its namespace a desk that
    /// could trade stays; and whatever stays says what it waits for.
    #[test]
    fn no_desk_goes_by_itself(
        verdict in verdicts(),
        policy in prop_oneof![Just(Refuse), Just(Flatten)],
        pods in 0usize..3,
        replicas in 0i32..3,
        flattening in 0u64..2_000,
    ) {
        let key = key();
        let traders = Traders { pods, ..deployed(replicas) };
        let flattening_for = Duration::from_secs(flattening);
        let any = Facts { verdict, traders, flattening_for, ..facts(&key, policy) };
        match decide(&any) {
            Decision::Go(freedom) => prop_assert!(false, "{freedom:?}"),
            Decision::Hold(hold) => prop_assert!(hold.to_string().contains("force-delete")),
        }
    }
}

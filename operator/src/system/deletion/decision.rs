//! Whether a desk that is being deleted may go. Pure.

use std::time::Duration;

use sapphire_crds::conditions::Reason;
use sapphire_crds::names::annotations::FORCE_DELETE;
use sapphire_crds::trading_system::DeletionPolicy;

use crate::reconcile::events::Severity;
use crate::reconcile::key::Key;
use crate::reconcile::outcome::Hold;
use crate::settings::Bounds;
use crate::system::exposure::Verdict;

/// What is known of a desk that is being deleted.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    pub(super) key: &'a Key,
    /// The RiskPolicy that it names.
    pub(super) risk_policy: &'a str,
    pub(super) policy: DeletionPolicy,
    /// Whether a person said that it goes whatever is open.
    pub(super) forced: bool,
    /// Whether it ever had something that could trade.
    pub(super) released: bool,
    pub(super) traders: Traders,
    pub(super) verdict: Verdict,
    /// Whether it is proven that nothing is open, by a leader that enters nothing any more.
    pub(super) proven: bool,
    /// How long `Flatten` has had.
    pub(super) flattening_for: Duration,
    /// How long its namespace has been terminating, if it is.
    pub(super) terminating_for: Option<Duration>,
    pub(super) bounds: Bounds,
}

/// Who could close positions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Traders {
    /// Trader pods there are.
    pub(super) pods: usize,
    /// Deployments of traders, and how many pods each is to have.
    pub(super) deployments: Vec<(String, i32)>,
}

impl Traders {
    /// The Deployment to scale up again, where all were scaled to zero.
    fn scaled_to_zero(&self) -> Option<&str> {
        let none = self.deployments.iter().all(|(_, replicas)| *replicas == 0);
        self.deployments.first().filter(|_| none && self.pods == 0).map(|(name, _)| name.as_str())
    }
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decision {
    /// It goes.
    Go(Freedom),
    /// It stays.
    Hold(Hold),
}

/// Why it goes, and what people are told.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Freedom {
    /// A word for the metric.
    pub(super) why: &'static str,
    pub(super) event: Option<(Severity, &'static str, String)>,
    /// Whether the event cannot be in the desk's own namespace.
    pub(super) namespace_terminates: bool,
}

fn go(why: &'static str, event: Option<(Severity, &'static str, String)>) -> Decision {
    Decision::Go(Freedom { why, event, namespace_terminates: false })
}

/// Decides. A person's word comes first, then the proof, then the namespace, then the policy.
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    if facts.forced {
        let note = format!("goes by {FORCE_DELETE}=true: {}", left_behind(facts));
        return go("forced", Some((Severity::Warning, "ForceDeleted", note)));
    }
    if !facts.released {
        return go("never-released", None);
    }
    if facts.policy == DeletionPolicy::Orphan {
        let severity = if facts.proven { Severity::Normal } else { Severity::Warning };
        let note = format!("goes by deletionPolicy: Orphan: {}", left_behind(facts));
        return go("orphaned", Some((severity, "Orphaned", note)));
    }
    if facts.proven {
        let note = format!("goes as it is flat: {}", facts.verdict.words());
        return go("flat", Some((Severity::Normal, "ProvenFlat", note)));
    }
    if let Some(so_long) = facts.terminating_for {
        return terminating(facts, so_long);
    }
    Decision::Hold(match facts.policy {
        DeletionPolicy::Flatten => flatten(facts),
        DeletionPolicy::Refuse | DeletionPolicy::Orphan => refuse(facts),
    })
}

/// Why it counts as exposed.
fn words(facts: &Facts<'_>) -> String {
    let words = facts.verdict.words();
    match facts.verdict {
        Verdict::Flat { .. } if !facts.proven => {
            format!("{words}, and not yet that it has seen the deletion")
        }
        _ => words,
    }
}

/// What nobody watches any more.
fn left_behind(facts: &Facts<'_>) -> String {
    match facts.verdict {
        Verdict::Flat { .. } => facts.verdict.words(),
        _ => format!(
            "{}; positions and orders stay at the venue and nobody watches them",
            facts.verdict.words()
        ),
    }
}

/// Nobody can hold a namespace without hanging it: it waits for a proof, and then not any longer.
fn terminating(facts: &Facts<'_>, so_long: Duration) -> Decision {
    let Key { namespace, name } = facts.key;
    let left = facts.bounds.namespace_deletion.saturating_sub(so_long);
    let nobody = facts.traders.pods == 0;
    if nobody || left.is_zero() {
        let why = if nobody {
            "no trader is left that could close or prove anything".to_owned()
        } else {
            format!("{} have passed", spoken(facts.bounds.namespace_deletion))
        };
        let note = format!(
            "namespace {namespace} is deleted, and TradingSystem {name} goes with it although it is not proven flat \
             ({why}): {}",
            left_behind(facts)
        );
        let event = Some((Severity::Warning, "DeletedWithNamespace", note));
        return Decision::Go(Freedom { why: "namespace", event, namespace_terminates: true });
    }
    Decision::Hold(Hold::Waiting {
        reason: Reason::NamespaceTerminating,
        message: format!(
            "namespace {namespace} is being deleted; this desk goes with it when it is flat, and after {} at the \
             latest: {}",
            spoken(facts.bounds.namespace_deletion),
            words(facts)
        ),
        again: Some(left),
    })
}

fn flatten(facts: &Facts<'_>) -> Hold {
    let out = format!("{}; {}", orphan(facts), force(facts));
    let words = words(facts);
    if let Some(deployment) = facts.traders.scaled_to_zero() {
        return Hold::Waiting {
            reason: Reason::ScaledToZero,
            message: format!(
                "Deployment {deployment} is scaled to zero, so that nobody can close what is open: {words}. To let \
                 it close: {}. Else {out}",
                scale_up(facts, deployment)
            ),
            again: None,
        };
    }
    let left = facts.bounds.flatten.saturating_sub(facts.flattening_for);
    if left.is_zero() {
        return Hold::stalled(
            Reason::DeadlineExceeded,
            format!(
                "positions were to be closed within {} and are not proven so: {words}. The desk stays and goes on \
                 closing; look at its trader's log. Else {out}",
                spoken(facts.bounds.flatten)
            ),
        );
    }
    let closes = match facts.traders.pods {
        0 => "no pod of its trader runs that could close what is open",
        _ => "the trader closes what is open",
    };
    Hold::Waiting {
        reason: Reason::WaitingForFlat,
        message: format!("deletionPolicy is Flatten: {closes}: {words}. Else {out}"),
        again: Some(left),
    }
}

fn refuse(facts: &Facts<'_>) -> Hold {
    let Key { namespace, .. } = facts.key;
    let words = words(facts);
    let risk_policy = facts.risk_policy;
    let first = match facts.traders.scaled_to_zero() {
        Some(deployment) => format!(
            "Deployment {deployment} is scaled to zero, so that nobody can prove it: {}",
            scale_up(facts, deployment)
        ),
        None => format!(
            "To close by the policy, with all desks under it: kubectl -n {namespace} patch rpol {risk_policy} \
             --type=merge -p '{{\"spec\":{{\"tradingState\":\"Halted\",\"onHalt\":\"Flatten\"}}}}'"
        ),
    };
    Hold::waiting(
        Reason::WaitingForFlat,
        format!(
            "deletionPolicy is Refuse: the desk stays, and trades, until it is proven flat: {words}. {first}. To \
             close this desk: {}; {}; {}",
            set_policy(facts, "Flatten"),
            orphan(facts),
            force(facts)
        ),
    )
}

fn set_policy(facts: &Facts<'_>, policy: &str) -> String {
    let Key { namespace, name } = facts.key;
    format!(
        "kubectl -n {namespace} patch tsys {name} --type=merge -p '{{\"spec\":{{\"deletionPolicy\":\"{policy}\"}}}}'"
    )
}

fn orphan(facts: &Facts<'_>) -> String {
    format!("to leave positions at the venue: {}", set_policy(facts, "Orphan"))
}

fn force(facts: &Facts<'_>) -> String {
    let Key { namespace, name } = facts.key;
    format!(
        "to let it go whatever is open: kubectl -n {namespace} annotate tsys {name} {FORCE_DELETE}=true"
    )
}

fn scale_up(facts: &Facts<'_>, deployment: &str) -> String {
    format!("kubectl -n {} scale deployment {deployment} --replicas=1", facts.key.namespace)
}

/// Whole minutes where they are whole, else seconds.
fn spoken(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn exposed() -> Verdict {
        Verdict::Exposed { pod: "p".into(), symbols: vec!["BTCUSD".parse().unwrap()] }
    }

    fn key() -> Key {
        Key::new("trading", "desk")
    }

    fn facts(key: &Key, policy: DeletionPolicy) -> Facts<'_> {
        Facts {
            key,
            risk_policy: "careful",
            policy,
            forced: false,
            released: true,
            traders: Traders { pods: 1, deployments: vec![("desk-trader".into(), 1)] },
            verdict: exposed(),
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

    #[test]
    fn every_way_out_is_a_command() {
        let key = key();
        for policy in [Refuse, Flatten] {
            let Decision::Hold(hold) = decide(&facts(&key, policy)) else {
                panic!("{policy:?} goes")
            };
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
        let traders = Traders { pods: 0, deployments: vec![("desk-trader".into(), 0)] };
        let zero = Facts { traders, verdict: Verdict::NoReport, ..facts(&key, Flatten) };
        assert_eq!(word(&zero), "waiting ScaledToZero");
        let Decision::Hold(hold) = decide(&zero) else { panic!("it goes") };
        assert!(hold.to_string().contains("scale deployment desk-trader --replicas=1"), "{hold}");
        let Decision::Hold(hold) = decide(&Facts { policy: Refuse, ..zero }) else {
            panic!("it goes")
        };
        assert!(hold.to_string().contains("nobody can prove it"), "{hold}");
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
            let traders = Traders { pods, deployments: Vec::new() };
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
            let traders = Traders { pods, deployments: vec![("desk-trader".into(), replicas)] };
            let flattening_for = Duration::from_secs(flattening);
            let any = Facts { verdict, traders, flattening_for, ..facts(&key, policy) };
            match decide(&any) {
                Decision::Go(freedom) => prop_assert!(false, "{freedom:?}"),
                Decision::Hold(hold) => prop_assert!(hold.to_string().contains("force-delete")),
            }
        }
    }
}

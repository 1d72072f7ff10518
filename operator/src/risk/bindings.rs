//! Which pods enforce a policy, and in which form. A limit holds when every one of them says so, with the
//! generation and the operator's own hash of it.

use std::sync::Arc;

use jiff::Timestamp;
use sapphire_crds::conditions::Reason;
use sapphire_crds::report::Acknowledgement;
use sapphire_crds::risk_policy::Binding;
use tokio::time::Instant;

use crate::context::Context;
use crate::reconcile::conditions::Answer;
use crate::reconcile::health::Health;
use crate::reconcile::key::Key;
use crate::reports::{Age, PodReport};

/// Most pods that a message names.
const NAMED: usize = 5;

/// A policy as the operator understands it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its generation.
    pub generation: i64,
    /// The operator's own hash of that generation.
    pub hash: &'a str,
    /// When this process saw the generation come; `None` where it found it.
    pub since: Option<Timestamp>,
}

/// A pod that trades under a policy, whether it says so or not.
#[derive(Debug, Clone)]
pub struct Enforcer {
    /// The system that it runs.
    pub system: String,
    /// Its name.
    pub pod: String,
    /// What it reports, if it does.
    pub report: Option<PodReport>,
}

impl Enforcer {
    fn acknowledgement(&self) -> Option<&Acknowledgement> {
        self.report.as_ref()?.readable()?.policy.as_ref()
    }

    /// The policy that it says it enforces.
    pub fn policy(&self) -> Option<String> {
        self.acknowledgement().map(|said| said.name.to_string())
    }

    /// When it was first seen to say what it says of the policy, and when it was first heard of.
    pub fn confirmed(&self) -> Option<(Option<Instant>, Instant)> {
        self.report.as_ref().map(|report| (report.acknowledged, report.heard))
    }

    /// Its row, if it enforces a policy of that name.
    pub fn row(&self, policy: &str) -> Option<Binding> {
        let said = self.acknowledgement().filter(|said| said.name.as_str() == policy)?;
        Some(Binding {
            pod: self.pod.parse().ok()?,
            system: self.system.parse().ok()?,
            generation: said.generation,
            hash: said.hash.clone(),
            acknowledged_at: said.acknowledged_at.clone(),
        })
    }

    /// How it stands to the policy.
    pub fn standing(&self, wanted: &Wanted<'_>) -> Standing {
        let Some(report) = &self.report else {
            return Standing::Behind("has not reported yet".into());
        };
        if let Err(words) = &report.report {
            return Standing::Behind(words.clone());
        }
        match self.acknowledgement() {
            None => Standing::Behind("enforces none yet".into()),
            Some(said) if said.name.as_str() != wanted.name => {
                Standing::Behind(format!("enforces RiskPolicy {}", said.name))
            }
            Some(said) if said.generation != wanted.generation => {
                Standing::Behind(format!("enforces generation {}", said.generation))
            }
            Some(said) if said.hash.as_str() != wanted.hash => {
                Standing::Differs(said.hash.to_string())
            }
            Some(_) if report.age == Age::Stale => Standing::Silent(report.seen_at),
            Some(_) => Standing::Confirmed,
        }
    }
}

/// How a pod stands to a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It enforces this generation, as the operator understands it.
    Confirmed,
    /// It enforces this generation, and understands it otherwise: its hash.
    Differs(String),
    /// It does not enforce this generation yet: what it does instead.
    Behind(String),
    /// It confirmed this generation, and has not been heard of since then.
    Silent(Timestamp),
}

/// The trader pods of a desk that run: leader and standby enforce alike. One that has not started yet
/// enforces nothing and trades nothing.
pub fn of_desk(context: &Context, system: &Key) -> Vec<Enforcer> {
    let reports = context.reports_of(system);
    let pods = context.trader_pods(system);
    let runs = |health: &Health| matches!(health, Health::Pod(pod) if pod.phase == "Running");
    let running = pods.into_iter().filter(|(_, live)| runs(&Arc::as_ref(live).health));
    running
        .map(|(child, _)| Enforcer {
            system: system.name.clone(),
            report: reports.iter().find(|report| report.pod == child.key.name).cloned(),
            pod: child.key.name,
        })
        .collect()
}

/// What the condition Enforced says of these pods.
pub fn enforced(enforcers: &[Enforcer], wanted: &Wanted<'_>) -> (Answer, Reason, String) {
    let standings: Vec<(&Enforcer, Standing)> =
        enforcers.iter().map(|enforcer| (enforcer, enforcer.standing(wanted))).collect();
    let Wanted { generation, hash, .. } = wanted;
    let total = standings.len();
    if total == 0 {
        return (Answer::False, Reason::NoPods, "no trader pod runs that would enforce it".into());
    }
    let differing = named(&standings, |standing| match standing {
        Standing::Differs(theirs) => Some(format!("hash {theirs}")),
        _ => None,
    });
    if let Some(pods) = differing {
        let words = format!(
            "pods understand generation {generation} otherwise than the operator, whose hash is {hash}: \
             {pods}; give the desk an image of this release"
        );
        return (Answer::False, Reason::HashesDiffer, words);
    }
    let confirmed = standings.iter().filter(|(_, s)| *s == Standing::Confirmed).count();
    let behind = named(&standings, |standing| match standing {
        Standing::Behind(words) => Some(words.clone()),
        _ => None,
    });
    if let Some(pods) = behind {
        let since = wanted.since.map(|at| format!(" since {at:.0}")).unwrap_or_default();
        let words = format!(
            "{confirmed} of {total} pods have confirmed generation {generation}; awaited{since}: {pods}"
        );
        return (Answer::False, Reason::AwaitingPods, words);
    }
    let silent = named(&standings, |standing| match standing {
        Standing::Silent(since) => Some(format!("silent since {since:.0}")),
        _ => None,
    });
    if let Some(pods) = silent {
        let words = format!("pods confirmed generation {generation} and are silent: {pods}");
        return (Answer::False, Reason::Stale, words);
    }
    let pods = if total == 1 {
        "the one pod enforces".into()
    } else {
        format!("all {total} pods enforce")
    };
    (
        Answer::True,
        Reason::Enforced,
        format!("{pods} generation {generation} as the operator understands it"),
    )
}

/// The pods of which `tell` has something to tell, with it.
fn named(
    standings: &[(&Enforcer, Standing)],
    tell: impl Fn(&Standing) -> Option<String>,
) -> Option<String> {
    let mut told: Vec<String> = standings
        .iter()
        .filter_map(|(enforcer, standing)| Some(format!("{} ({})", enforcer.pod, tell(standing)?)))
        .collect();
    if told.is_empty() {
        return None;
    }
    let more = told.len().saturating_sub(NAMED);
    told.truncate(NAMED);
    if more > 0 {
        told.push(format!("and {more} more"));
    }
    Some(told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use sapphire_crds::report::Report;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn hash(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn acknowledges(name: &str, generation: i64, digit: char) -> Value {
        json!({"name": name, "generation": generation, "hash": hash(digit),
            "acknowledgedAt": "2026-01-01T00:00:00Z"})
    }

    fn enforcer(pod: &str, policy: Value, age: Age) -> Enforcer {
        let report = json!({"revision": "desk-1", "role": "Standby", "reconciled": true,
            "tradingState": "Active", "flat": true, "policy": policy});
        let report = Report::read(&report.to_string()).unwrap();
        let report = PodReport {
            pod: pod.into(),
            report: Ok(Arc::new(report)),
            age,
            seen_at: "2026-01-01T00:00:05Z".parse().unwrap(),
            seen: Instant::now(),
            acknowledged: None,
            heard: Instant::now(),
            stale_in: Some(Duration::from_secs(1)),
        };
        Enforcer { system: "desk".into(), pod: pod.into(), report: Some(report) }
    }

    fn judge(enforcers: &[Enforcer]) -> (Answer, Reason, String) {
        let since = "2026-01-01T00:00:00Z".parse().ok();
        enforced(enforcers, &Wanted { name: "careful", generation: 3, hash: &hash('a'), since })
    }

    fn good(pod: &str) -> Enforcer {
        enforcer(pod, acknowledges("careful", 3, 'a'), Age::Fresh)
    }

    #[tokio::test]
    async fn all_pods_must_confirm() {
        assert_eq!(judge(&[]).1, Reason::NoPods);
        assert_eq!(judge(&[good("a")]).0, Answer::True);
        // Found at the operator's start: it cannot have gone back to an older generation.
        let found = enforcer("b", acknowledges("careful", 3, 'a'), Age::Unproven);
        assert_eq!(judge(&[good("a"), found]).1, Reason::Enforced);
    }

    #[rstest]
    #[case::older(
        acknowledges("careful", 2, 'a'),
        Age::Fresh,
        Reason::AwaitingPods,
        "1 of 2 pods have confirmed generation 3; awaited since 2026-01-01T00:00:00Z: b (enforces generation 2)"
    )]
    #[case::newer(
        acknowledges("careful", 4, 'a'),
        Age::Fresh,
        Reason::AwaitingPods,
        "b (enforces generation 4)"
    )]
    #[case::another(
        acknowledges("bold", 3, 'a'),
        Age::Fresh,
        Reason::AwaitingPods,
        "b (enforces RiskPolicy bold)"
    )]
    #[case::none(Value::Null, Age::Fresh, Reason::AwaitingPods, "b (enforces none yet)")]
    #[case::otherwise(
        acknowledges("careful", 3, 'b'),
        Age::Fresh,
        Reason::HashesDiffer,
        "b (hash bbbb"
    )]
    #[case::silent(
        acknowledges("careful", 3, 'a'),
        Age::Stale,
        Reason::Stale,
        "b (silent since 2026-01-01T00:00:05Z)"
    )]
    #[tokio::test]
    async fn one_pod_that_does_not_is_named(
        #[case] policy: Value,
        #[case] age: Age,
        #[case] reason: Reason,
        #[case] words: &str,
    ) {
        let (answer, said, message) = judge(&[good("a"), enforcer("b", policy, age)]);
        assert_eq!((answer, said), (Answer::False, reason), "{message}");
        assert!(message.contains(words), "{message}");
        assert!(!message.contains("a ("), "{message}");
    }

    #[tokio::test]
    async fn a_pod_that_says_nothing_or_nonsense_confirms_nothing() {
        let mut nonsense = good("b");
        if let Some(report) = &mut nonsense.report {
            report.report = Err("the report cannot be read: ?".into());
        }
        let mute = Enforcer { report: None, ..good("c") };
        let (_, reason, message) = judge(&[good("a"), nonsense, mute]);
        assert_eq!(reason, Reason::AwaitingPods);
        assert!(
            message.contains("b (the report cannot be read: ?), c (has not reported yet)"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_message_names_a_few() {
        let many: Vec<Enforcer> =
            (0..40).map(|n| Enforcer { report: None, ..good(&format!("p{n:02}")) }).collect();
        let (_, _, message) = judge(&many);
        assert!(message.contains("p04 (") && message.contains("and 35 more"), "{message}");
        assert!(!message.contains("p05"), "{message}");
    }
}

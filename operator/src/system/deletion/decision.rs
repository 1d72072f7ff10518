//! Whether a desk that is being deleted may go. Pure.

use std::time::Duration;

use sapphire_crds::conditions::Reason;
use sapphire_crds::names::Component;
use sapphire_crds::names::annotations::FORCE_DELETE;
use sapphire_crds::names::labels::{COMPONENT, SYSTEM};
use sapphire_crds::trading_system::{DeletionPolicy, DeskReport};
use sapphire_crds::values::Symbol;

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
    /// What was reported last.
    pub(super) last: Option<&'a DeskReport>,
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
    /// Why the first of them does not answer, where none does.
    pub(super) trouble: Option<String>,
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

/// It goes, and that is told as such; with its namespace, beside that.
fn go(
    facts: &Facts<'_>,
    why: &'static str,
    severity: Severity,
    reason: &'static str,
    note: String,
) -> Decision {
    let Key { namespace, name } = facts.key;
    let namespace_terminates = facts.terminating_for.is_some();
    let note = match namespace_terminates {
        true => format!("namespace {namespace} is deleted, and TradingSystem {name} {note}"),
        false => note,
    };
    Decision::Go(Freedom { why, event: Some((severity, reason, note)), namespace_terminates })
}

/// Decides. A person's word comes first, then the proof, then the namespace, then the policy.
pub(super) fn decide(facts: &Facts<'_>) -> Decision {
    if facts.forced {
        let note = format!("goes by {FORCE_DELETE}=true: {}", left_behind(facts));
        return go(facts, "forced", Severity::Warning, "ForceDeleted", note);
    }
    if !facts.released {
        let why = "never-released";
        return Decision::Go(Freedom { why, event: None, namespace_terminates: false });
    }
    if facts.policy == DeletionPolicy::Orphan {
        let severity = if facts.proven { Severity::Normal } else { Severity::Warning };
        let note = format!("goes by deletionPolicy: Orphan: {}", left_behind(facts));
        return go(facts, "orphaned", severity, "Orphaned", note);
    }
    if facts.proven {
        let note = format!("goes as it is flat: {}", facts.verdict.words());
        return go(facts, "flat", Severity::Normal, "ProvenFlat", note);
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
    match (&facts.verdict, facts.last) {
        (Verdict::Flat { .. }, _) if !facts.proven => {
            format!("{words}, and not yet that it has seen the deletion")
        }
        (Verdict::Flat { .. } | Verdict::Exposed { .. }, _) | (_, None) => words,
        (_, Some(last)) => format!("{words}; {}", said_last(last)),
    }
}

/// What was open by the last report, whatever came of it since.
fn said_last(last: &DeskReport) -> String {
    let symbols: Vec<&str> = last.exposed_symbols.iter().map(Symbol::as_str).collect();
    let open = match (symbols.as_slice(), last.open_orders) {
        ([], 0) => "nothing".to_owned(),
        ([], orders) => format!("{orders} orders"),
        (symbols, _) => symbols.join(", "),
    };
    format!("{} last reported as open, at {}: {open}", last.leader, last.observed_at.0)
}

/// What nobody watches any more.
fn left_behind(facts: &Facts<'_>) -> String {
    match facts.verdict {
        Verdict::Flat { .. } => facts.verdict.words(),
        _ => format!(
            "{}; positions and orders stay at the venue and nobody watches them",
            words(facts)
        ),
    }
}

/// Nobody can hold a namespace without hanging it: it waits for a proof, and then not any longer.
fn terminating(facts: &Facts<'_>, so_long: Duration) -> Decision {
    let namespace = &facts.key.namespace;
    let left = facts.bounds.namespace_deletion.saturating_sub(so_long);
    let nobody = facts.traders.pods == 0;
    if nobody || left.is_zero() {
        let why = if nobody {
            "no trader is left that could close or prove anything".to_owned()
        } else {
            format!("{} have passed", spoken(facts.bounds.namespace_deletion))
        };
        let note =
            format!("goes with it although it is not proven flat ({why}): {}", left_behind(facts));
        return go(facts, "namespace", Severity::Warning, "DeletedWithNamespace", note);
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
    let absent = nobody_closes(facts);
    if left.is_zero() {
        let goes_on = absent.unwrap_or_else(|| {
            "The desk stays and goes on closing; look at its trader's log".to_owned()
        });
        return Hold::stalled(
            Reason::DeadlineExceeded,
            format!(
                "positions were to be closed within {} and are not proven so: {words}. {goes_on}. Else {out}",
                spoken(facts.bounds.flatten)
            ),
        );
    }
    let closes = match absent {
        None => format!("the trader closes what is open: {words}"),
        Some(absent) => format!("{words}. {absent}"),
    };
    Hold::Waiting {
        reason: Reason::WaitingForFlat,
        message: format!("deletionPolicy is Flatten: {closes}. Else {out}"),
        again: Some(left),
    }
}

/// What to say where no trader answers that could close, whether there are pods of it or not.
fn nobody_closes(facts: &Facts<'_>) -> Option<String> {
    if !matches!(facts.verdict, Verdict::NoReport | Verdict::NoLeader | Verdict::Stale { .. }) {
        return None;
    }
    let Key { namespace, name } = facts.key;
    let why = facts.traders.trouble.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    Some(format!(
        "No trader answers that could close it{why}; mend what keeps it from running, see kubectl -n {namespace} \
         describe pods -l {SYSTEM}={name},{COMPONENT}={}, and it closes then; or close at the venue by hand",
        Component::Trader
    ))
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
mod tests;

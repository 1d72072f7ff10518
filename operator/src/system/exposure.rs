//! What a desk has open, as far as its traders' reports prove it.
//!
//! Only a leader that this process saw report a moment ago proves that nothing is open. Whatever is
//! missing, old or unreadable counts as exposed. No time that a pod writes is compared with anything.

use std::time::Duration;

use jiff::Timestamp;
use sapphire_crds::conditions::{ConditionType, Reason};
use sapphire_crds::report::{MAX_SYMBOLS, Report, Role};
use sapphire_crds::trading_system::{DeskReport, TradingSystemStatus};
use sapphire_crds::values::Symbol;

use super::dereference::Dereferenced;
use super::limit::Found;
use super::limits;
use crate::context::Context;
use crate::reconcile::conditions::{Answer, Setting, whole_seconds};
use crate::reports::{Age, PodReport, last_leader, leader};
use crate::risk::bindings::{self, Wanted};

/// Equity and the journal's head reach the status at most so often.
const PACE: Duration = Duration::from_secs(5);

/// What the reports amount to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// The leader reports that nothing is open, and this process saw it do so.
    Flat {
        /// The leader.
        pod: String,
    },
    /// A pod reports that something is open.
    Exposed {
        /// The pod.
        pod: String,
        /// Symbols with a position or a working entry.
        symbols: Vec<Symbol>,
    },
    /// The leader's report was there before this process was, and says that nothing is open.
    Unproven {
        /// The leader.
        pod: String,
    },
    /// A pod cannot be understood.
    Unreadable {
        /// The pod.
        pod: String,
        /// Why.
        words: String,
    },
    /// A pod knows of a leadership that no pod reports to have.
    Superseded {
        /// The pod.
        pod: String,
        /// The epoch of that leadership.
        epoch: i64,
    },
    /// Another pod says that it leads in the same epoch, so at least one of them is wrong.
    Disputed {
        /// The pod whose word came last.
        pod: String,
        /// The other.
        other: String,
    },
    /// The pod that leads has been silent for too long.
    Stale {
        /// The pod.
        pod: String,
        /// Since when.
        since: Timestamp,
    },
    /// Pods report, and none leads.
    NoLeader,
    /// No pod reports.
    NoReport,
}

/// Whether a pod says that something is open. One that does not know yet says nothing.
fn is_exposed(report: &Report) -> bool {
    !report.exposed_symbols.is_empty() || report.reconciled && !report.flat
}

/// Judges the reports of a desk's trader pods.
pub(super) fn judge(reports: &[PodReport]) -> Verdict {
    let Some(leads) = leader(reports) else {
        return match last_leader(reports) {
            Some(last) => Verdict::Stale { pod: last.pod.clone(), since: last.seen_at },
            None => unreadable(reports).unwrap_or(if reports.is_empty() {
                Verdict::NoReport
            } else {
                Verdict::NoLeader
            }),
        };
    };
    let Some(says) = leads.readable() else { return Verdict::NoLeader };
    if !says.proves_flat() {
        return exposed(&leads.pod, says);
    }
    let rival = reports.iter().find(|other| {
        other.pod != leads.pod
            && other.age != Age::Stale
            && other.readable().is_some_and(|r| r.role == Role::Leader && r.epoch == says.epoch)
    });
    if let Some(rival) = rival {
        return match rival.readable() {
            Some(report) if is_exposed(report) => exposed(&rival.pod, report),
            _ => Verdict::Disputed { pod: leads.pod.clone(), other: rival.pod.clone() },
        };
    }
    // What another pod said before the leader's word is older knowledge.
    let later = reports.iter().filter(|other| {
        other.pod != leads.pod && other.age != Age::Stale && other.seen > leads.seen
    });
    for (other, report) in later.filter_map(|other| Some((other, other.readable()?))) {
        if is_exposed(report) {
            return exposed(&other.pod, report);
        }
    }
    if let Some(unreadable) = unreadable(reports) {
        return unreadable;
    }
    let newest =
        reports.iter().filter_map(|other| Some((other.readable()?.epoch, &other.pod))).max();
    match newest {
        Some((epoch, pod)) if epoch > says.epoch => Verdict::Superseded { pod: pod.clone(), epoch },
        _ if leads.age == Age::Fresh => Verdict::Flat { pod: leads.pod.clone() },
        _ => Verdict::Unproven { pod: leads.pod.clone() },
    }
}

fn exposed(pod: &str, report: &Report) -> Verdict {
    Verdict::Exposed { pod: pod.to_owned(), symbols: report.exposed_symbols.clone() }
}

fn unreadable(reports: &[PodReport]) -> Option<Verdict> {
    reports.iter().filter(|report| report.age != Age::Stale).find_map(|report| {
        let words = report.report.as_ref().err()?.clone();
        Some(Verdict::Unreadable { pod: report.pod.clone(), words })
    })
}

impl Verdict {
    /// What the condition Flat says; `None` leaves it as it was.
    fn condition(&self) -> Option<(Answer, Reason, String)> {
        Some(match self {
            Self::Flat { pod } => (
                Answer::True,
                Reason::Flat,
                format!("{pod} leads and reports that nothing is open"),
            ),
            Self::Exposed { .. } => (Answer::False, Reason::Exposed, self.words()),
            Self::Unproven { .. } => return None,
            Self::Stale { .. } => (Answer::Unknown, Reason::Stale, self.words()),
            Self::Unreadable { .. }
            | Self::Superseded { .. }
            | Self::Disputed { .. }
            | Self::NoLeader
            | Self::NoReport => (Answer::Unknown, Reason::NoReport, self.words()),
        })
    }

    /// Why the desk counts as exposed; of a flat one, that it is not.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Flat { pod } => format!("{pod} reports that nothing is open"),
            Self::Exposed { pod, symbols } => {
                let names: Vec<&str> = symbols.iter().map(Symbol::as_str).collect();
                match names.as_slice() {
                    [] => format!("{pod} reports that something is open"),
                    names => format!("{pod} reports as open: {}", names.join(", ")),
                }
            }
            Self::Unproven { pod } => format!(
                "{pod} reported that nothing is open before this operator began to watch; its next report is \
                 waited for, exposure is assumed"
            ),
            Self::Unreadable { pod, words } => format!("{pod}: {words}; exposure is assumed"),
            Self::Superseded { pod, epoch } => format!(
                "{pod} knows of a leader of epoch {epoch} that has not reported; exposure is assumed"
            ),
            Self::Disputed { pod, other } => {
                format!("{pod} and {other} both report to lead in one epoch; exposure is assumed")
            }
            Self::Stale { pod, since } => {
                format!("{pod} leads and has been silent since {since:.0}; exposure is assumed")
            }
            Self::NoLeader => "no trader pod reports that it leads; exposure is assumed".into(),
            Self::NoReport => "no trader pod reports; exposure is assumed".into(),
        }
    }
}

/// What the status says of the desk, given what it said before.
fn report(
    before: Option<&DeskReport>,
    reports: &[PodReport],
    verdict: &Verdict,
) -> Option<DeskReport> {
    let Some((leads, says)) = leader(reports).and_then(|leads| Some((leads, leads.readable()?)))
    else {
        // What is known stays, but for what a silent pod cannot prove.
        return before.map(|before| DeskReport { flat: None, ..before.clone() });
    };
    let flat = match verdict {
        Verdict::Flat { .. } => Some(true),
        Verdict::Exposed { .. } => Some(false),
        Verdict::Unproven { .. } => before.and_then(|before| before.flat).filter(|flat| *flat),
        _ => None,
    };
    let mut symbols = says.exposed_symbols.clone();
    if let Verdict::Exposed { symbols: open, .. } = verdict {
        symbols.extend(open.iter().cloned());
    }
    symbols.sort();
    symbols.dedup();
    symbols.truncate(MAX_SYMBOLS);
    let after = DeskReport {
        observed_at: whole_seconds(leads.seen_at),
        leader: leads.pod.parse().ok()?,
        trading_state: says.trading_state,
        equity: says.equity,
        drawdown: says.drawdown,
        flat,
        exposed_symbols: symbols,
        open_orders: says.open_orders,
        journal_head: says.journal_head.clone(),
    };
    // A sign of life that says nothing new is not written.
    let known = before
        .map(|before| DeskReport { observed_at: before.observed_at.clone(), ..after.clone() });
    Some(if known.as_ref() == before { known.unwrap_or(after) } else { after })
}

/// Whether a change of what is reported is written at once: equity, orders and the journal's head wait.
fn is_urgent(before: &DeskReport, after: &DeskReport) -> bool {
    before.leader != after.leader
        || before.trading_state != after.trading_state
        || before.flat != after.flat
        || before.exposed_symbols != after.exposed_symbols
}

/// Puts into the status what the reports say: `report`, and the conditions Flat and Enforced. Gives when
/// to look again without being woken: silence has no event.
pub(super) fn tell(
    context: &Context,
    desk: &Dereferenced,
    setting: &mut Setting<'_>,
    after: &mut TradingSystemStatus,
) -> Option<Duration> {
    let reports = context.reports_of(&desk.key);
    let verdict = judge(&reports);
    let status = desk.status();
    let before = status.report.as_ref();
    let mut again = reports.iter().filter_map(|report| report.stale_in).min();
    let mut sooner = |pause: Duration| again = Some(again.map_or(pause, |other| other.min(pause)));

    let flat = verdict.condition().or_else(|| {
        let unknown = status.conditions.get(ConditionType::Flat).is_none();
        unknown.then(|| (Answer::Unknown, Reason::NoReport, verdict.words()))
    });
    let enforced = enforced(context, desk);
    let said = report(before, &reports, &verdict);
    let is_new = |of, (answer, reason, message): &(Answer, Reason, String)| {
        status.conditions.get(of).is_none_or(|was| {
            was.reason != reason.as_str()
                || was.message != *message
                || was.status != answer.as_str()
                || was.observed_generation != Some(desk.generation())
        })
    };
    let urgent = match (before, &said) {
        (Some(before), Some(said)) => is_urgent(before, said),
        (before, said) => before.is_some() != said.is_some(),
    };
    let urgent = urgent
        || flat.as_ref().is_some_and(|flat| is_new(ConditionType::Flat, flat))
        || is_new(ConditionType::Enforced, &enforced);

    let turn = if urgent { context.pace.systems.turn(&desk.key) } else { Ok(()) };
    if let Err(pause) = turn {
        // Pods that change their mind all the time are not followed to the better, only to the worse.
        sooner(pause);
        after.report = before.cloned();
        if said.as_ref().and_then(|said| said.flat) != Some(true)
            && let Some(report) = &mut after.report
            && report.flat == Some(true)
        {
            report.flat = said.and_then(|said| said.flat);
        }
        for (of, now) in [(ConditionType::Flat, flat), (ConditionType::Enforced, Some(enforced))] {
            let Some((answer, reason, message)) = now else { continue };
            if answer != Answer::True && status.conditions.holds(of) {
                setting.set(of, answer, reason, message);
            }
        }
        return again;
    }
    if let Some((answer, reason, message)) = flat {
        setting.set(ConditionType::Flat, answer, reason, message);
    }
    let (answer, reason, message) = enforced;
    setting.set(ConditionType::Enforced, answer, reason, message);
    after.report = match (before, said) {
        (Some(before), Some(said)) if !urgent && *before != said => {
            let age = Timestamp::now().duration_since(before.observed_at.0);
            match Duration::try_from(age).ok().and_then(|age| PACE.checked_sub(age)) {
                Some(pause) if !pause.is_zero() => {
                    sooner(pause);
                    Some(before.clone())
                }
                _ => Some(said),
            }
        }
        (_, said) => said,
    };
    again
}

fn enforced(context: &Context, desk: &Dereferenced) -> (Answer, Reason, String) {
    let name = desk.system.spec.risk_policy_ref.name.as_str();
    let Some(policy) = &desk.policy else {
        let limit = desk.limits.iter().find(|limit| limit.name == name);
        if limit.is_some_and(|limit| limit.found == Found::Undecodable) {
            let words = format!("RiskPolicy {name} cannot be read; its own status tells why");
            return (Answer::Unknown, Reason::NoReport, words);
        }
        let until = desk.left_under().map_or_else(String::new, |kept| {
            format!("; what runs stays under RiskPolicy {kept}, whose Enforced tells of it")
        });
        let words = format!("there is no RiskPolicy {name} to enforce{until}");
        return (Answer::Unknown, Reason::NoReport, words);
    };
    if let Some(words) = limits::stricter(context, &desk.key, policy) {
        return (Answer::False, Reason::HaltedOtherwise, words);
    }
    let hash = policy.spec.hash().unwrap_or_default();
    let key = desk.key.beside(name);
    let wanted = Wanted {
        name,
        generation: policy.metadata.generation.unwrap_or(0),
        hash: &hash,
        since: context.generations.seen_at(&key),
    };
    bindings::enforced(&bindings::of_desk(context, &desk.key), &wanted)
}

#[cfg(test)]
mod tests;

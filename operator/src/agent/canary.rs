//! How a changed revision proves itself: its pods answer in time, and its vote grows. Pure.
//!
//! | change | what follows |
//! |---|---|
//! | the first revision | nothing to go back to: it is waited for |
//! | the system released another revision | pods restart; whether that is undone is the system's step |
//! | the agent's own spec | on trial until its pods answer, and with a canary until it votes in full |
//! | back to the stable spec | the trial ends |

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sapphire_crds::conditions::{Reason, Time};
use sapphire_crds::names::annotations::ABANDON;
use sapphire_crds::trading_agent::{
    AgentRollout, CanaryStatus, FailedRevision, TradingAgentStatus,
};
use sapphire_crds::trading_system::Canary;
use sapphire_crds::values::{Fraction, ObjectName, Proportion, Text};

use crate::reconcile::conditions::whole_seconds;
use crate::reconcile::workload::Answer;

/// Shortest pause before a time that has come already is looked at again.
const SOON: Duration = Duration::from_millis(100);

/// What a status remembers of revisions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// The revision that pods are applied with.
    pub revision: Option<ObjectName>,
    /// Its trial.
    pub rollout: Option<AgentRollout>,
    /// Its growing vote.
    pub canary: Option<CanaryStatus>,
    /// What was undone.
    pub failed: Option<FailedRevision>,
}

/// Why another revision is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// None ran before.
    First,
    /// What the agent takes from its system, or defaults that were adopted.
    OfSystem,
    /// The agent's own spec.
    Own,
    /// The agent's own spec, back to that of the stable revision.
    Back,
}

/// What the system grants a changed agent.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// How long its pods may take to answer.
    pub deadline: Duration,
    /// How its vote grows. `None`: it votes in full at once, or has no vote.
    pub canary: Option<Canary>,
}

/// What is seen of the revision that pods are applied with.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Now.
    pub now: Timestamp,
    /// Whether its pods answer.
    pub answer: Answer,
    /// Whether it is to have pods at all.
    pub has_pods: bool,
    /// The share that the leader says it votes with, from a fresh report.
    pub confirmed: Option<Proportion>,
    /// Whether a person asks to promote it.
    pub promote: bool,
    /// Whether a person asks to abandon it.
    pub abandon: bool,
}

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nothing that people must be told.
    None,
    /// The canary votes in full; why.
    Promoted(&'static str),
    /// It goes back to the stable revision; why.
    Undone(String),
}

impl Course {
    /// As the status has it.
    pub fn of(status: &TradingAgentStatus) -> Self {
        Self {
            revision: status.revision.clone(),
            rollout: status.rollout.clone(),
            canary: status.canary.clone(),
            failed: status.failed.clone(),
        }
    }

    /// Into the status.
    pub fn store(self, status: &mut TradingAgentStatus) {
        let Self { revision, rollout, canary, failed } = self;
        (status.revision, status.rollout) = (revision, rollout);
        (status.canary, status.failed) = (canary, failed);
    }

    /// The revision that last proved itself.
    pub fn stable(&self) -> Option<&ObjectName> {
        match &self.rollout {
            Some(rollout) => rollout.stable.as_ref(),
            None => self.revision.as_ref(),
        }
    }

    /// Whether a revision of this name is needed.
    pub fn uses(&self, name: &str) -> bool {
        let stable = self.stable();
        let failed = self.failed.as_ref().map(|failed| &failed.revision);
        let used = [self.revision.as_ref(), stable, failed];
        used.into_iter().flatten().any(|used| used.as_str() == name)
    }

    /// Another revision is to run. This is written down before its pods are applied, so that whoever
    /// comes next knows what they are, and no pod votes with more than its share.
    #[must_use]
    pub fn begin(
        mut self,
        revision: ObjectName,
        change: Change,
        terms: &Terms,
        now: Timestamp,
    ) -> Self {
        let deadline = later(now, terms.deadline);
        match change {
            Change::First => {
                let rollout =
                    AgentRollout { revision: revision.clone(), stable: None, deadline: None };
                (self.rollout, self.canary) = (Some(rollout), None);
            }
            Change::OfSystem => {
                if let Some(rollout) = &mut self.rollout {
                    rollout.revision = revision.clone();
                    // Its pods restart, and need their time anew.
                    rollout.deadline = rollout.stable.as_ref().map(|_| deadline);
                }
                if let Some(canary) = &mut self.canary {
                    canary.revision = revision.clone();
                }
            }
            Change::Own => {
                let stable = self.stable().cloned();
                let votes_with = terms.canary.as_ref().and_then(|plan| part(plan.initial_weight));
                self.canary = votes_with.filter(|_| stable.is_some()).map(|weight| CanaryStatus {
                    revision: revision.clone(),
                    stable: stable.clone(),
                    weight,
                    since: whole_seconds(now),
                    confirmed: None,
                });
                let deadline = stable.as_ref().map(|_| deadline);
                self.rollout = Some(AgentRollout { revision: revision.clone(), stable, deadline });
            }
            Change::Back => (self.rollout, self.canary) = (None, None),
        }
        self.revision = Some(revision);
        self
    }

    /// What follows from what is seen.
    #[must_use]
    pub fn advance(mut self, facts: &Facts, terms: &Terms) -> (Self, Turn) {
        let Some(rollout) = &mut self.rollout else {
            self.canary = None;
            return (self, Turn::None);
        };
        let available = facts.answer.available;
        if let Some(stable) = rollout.stable.clone()
            && let Some(why) = failure(rollout, self.canary.is_some(), facts, terms)
        {
            let failed = FailedRevision {
                revision: rollout.revision.clone(),
                message: Text::fitted(&why),
                at: whole_seconds(facts.now),
            };
            let course =
                Self { revision: Some(stable), rollout: None, canary: None, failed: Some(failed) };
            return (course, Turn::Undone(why));
        }
        if available {
            rollout.deadline = None;
        } else if rollout.stable.is_some() && rollout.deadline.is_none() {
            // They answered once, and do no more.
            rollout.deadline = Some(later(facts.now, terms.deadline));
        }
        let promoted = self.canary.as_mut().and_then(|canary| grow(canary, facts, terms));
        if promoted.is_some() {
            self.canary = None;
        }
        if available && self.canary.is_none() {
            self.rollout = None;
        }
        (self, promoted.map_or(Turn::None, Turn::Promoted))
    }

    /// When time alone may bring something new.
    pub fn look_again(&self, facts: &Facts, terms: &Terms) -> Option<Duration> {
        let deadline = self.rollout.as_ref().and_then(|rollout| rollout.deadline.as_ref());
        let growth = self.canary.as_ref().zip(terms.canary.as_ref());
        let growth = growth.filter(|(canary, _)| may_grow(canary, facts));
        let growth = growth.map(|(canary, plan)| later(canary.since.0, plan.interval.as_std()).0);
        let times = [deadline.map(|deadline| deadline.0), growth];
        times.into_iter().flatten().min().map(|at| pause(at, facts.now))
    }

    /// When the deadline will have come; `None` where it has, or there is none.
    pub fn deadline_in(&self, now: Timestamp) -> Option<Duration> {
        let deadline = self.rollout.as_ref()?.deadline.as_ref()?;
        (deadline.0 > now).then(|| pause(deadline.0, now))
    }
}

/// Why a trial fails, if it does.
fn failure(
    rollout: &AgentRollout,
    is_canary: bool,
    facts: &Facts,
    terms: &Terms,
) -> Option<String> {
    let answer = &facts.answer;
    if facts.abandon {
        return Some(format!("abandoned by the annotation {ABANDON}"));
    }
    if answer.available {
        return None;
    }
    let broken = matches!(answer.reason, Reason::CrashLooping | Reason::ImagePullFailed);
    if is_canary && broken {
        return Some(answer.message.clone());
    }
    let late = rollout.deadline.as_ref().is_some_and(|deadline| deadline.0 <= facts.now);
    late.then(|| {
        let span = SignedDuration::try_from(terms.deadline).unwrap_or_default();
        format!("its pods did not answer within {span:#}: {}", answer.message)
    })
}

fn may_grow(canary: &CanaryStatus, facts: &Facts) -> bool {
    facts.answer.available && facts.has_pods && canary.confirmed == Some(canary.weight)
}

/// Takes the next step of a canary's vote, if it is time. Why it is promoted, if it is.
fn grow(canary: &mut CanaryStatus, facts: &Facts, terms: &Terms) -> Option<&'static str> {
    if facts.confirmed.is_some() {
        canary.confirmed = facts.confirmed;
    }
    if facts.promote {
        return Some("by annotation");
    }
    let Some(plan) = &terms.canary else {
        return Some("since its system has no canary any more");
    };
    let due = later(canary.since.0, plan.interval.as_std()).0 <= facts.now;
    if !due || !may_grow(canary, facts) {
        return None;
    }
    let next = Proportion::try_from(canary.weight.get() + plan.step.get()).ok();
    let Some(next) = next.filter(|next| !is_full(*next)) else {
        return Some("after its last step");
    };
    canary.weight = next;
    canary.since = whole_seconds(facts.now);
    None
}

/// A share below all of it.
fn part(share: Fraction) -> Option<Proportion> {
    Proportion::try_from(share.get()).ok().filter(|share| !is_full(*share))
}

fn is_full(share: Proportion) -> bool {
    share.to_string() == "1"
}

fn later(time: Timestamp, span: Duration) -> Time {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    whole_seconds(time.checked_add(span).unwrap_or(Timestamp::MAX))
}

fn pause(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().max(SOON)
}

#[cfg(test)]
mod tests;

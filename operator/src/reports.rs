//! What trader pods report of themselves, as far as it can be believed.
//!
//! A report is an annotation of a Lease. It counts only where the Lease bears the name of a trader pod
//! of the desk and is owned by that very pod. Its age is judged by when this process saw the Lease
//! change, never by a time that somebody wrote into it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use kube::api::DynamicObject;
use kube::runtime::watcher::Event;
use sapphire_crds::names::{Component, annotations};
use sapphire_crds::report::{Acknowledgement, AgentReport, Report, Role};
use tokio::time::Instant;

use crate::labels;
use crate::makers::Makers;
use crate::reconcile::child::{ChildRef, Live};
use crate::reconcile::children::Children;
use crate::reconcile::key::Key;
use crate::reconcile::kind::Kind;
use crate::reconcile::version::ResourceVersion;

/// How far a report can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// This process saw it change, and not longer ago than a pod may be silent
    /// ([`Bounds::report_silence`](crate::settings::Bounds)).
    Fresh,
    /// It was there when this process first looked, not longer ago than that: it may be of any age.
    /// It proves nothing, and nothing that was proven before is withdrawn by it yet.
    Unproven,
    /// The pod has been silent for longer.
    Stale,
}

/// What a pod of the desk reports.
#[derive(Debug, Clone)]
pub struct PodReport {
    /// The pod's name.
    pub pod: String,
    /// What it says, or why that cannot be read.
    pub report: Result<Arc<Report>, String>,
    /// How far it can be believed.
    pub age: Age,
    /// When it was last seen to change.
    pub seen_at: Timestamp,
    /// As `seen_at`, by the clock that only goes forward.
    pub seen: Instant,
    /// When it was first seen to say what it says of the policy. `None` where it was only found, or says
    /// nothing.
    pub acknowledged: Option<Instant>,
    /// When this pod was first heard of.
    pub heard: Instant,
    /// When it becomes [`Age::Stale`]; `None` when it is.
    pub stale_in: Option<Duration>,
}

impl PodReport {
    /// The report, if it can be read.
    pub fn readable(&self) -> Option<&Report> {
        self.report.as_deref().ok()
    }
}

/// The pod that last said it leads: of those that do, the one with the greatest epoch. It may be stale.
pub fn last_leader(reports: &[PodReport]) -> Option<&PodReport> {
    let leads = |report: &&PodReport| report.readable().is_some_and(|r| r.role == Role::Leader);
    let rank = |report: &&PodReport| (report.readable().map(|r| r.epoch), report.seen);
    reports.iter().filter(leads).max_by_key(rank)
}

/// The pod that leads. None where the one with the greatest epoch is stale: whoever led before it does
/// not lead again by its silence.
pub fn leader(reports: &[PodReport]) -> Option<&PodReport> {
    last_leader(reports).filter(|leader| leader.age != Age::Stale)
}

/// What the leader counts of an agent.
pub fn of_agent<'a>(leader: &'a PodReport, agent: &str) -> Option<&'a AgentReport> {
    leader.readable()?.agents.iter().find(|report| report.name.as_str() == agent)
}

/// Which of the objects that had a desk's name it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its `metadata.uid`.
    pub uid: String,
    /// When it was made.
    pub at: Timestamp,
}

/// The pods of a desk's traders.
#[derive(Debug, Default)]
pub struct TraderPods {
    /// Its own, whether they report or not.
    pub own: Vec<(ChildRef, Arc<Live>)>,
    /// Those that bear the name of a Deployment of the desk, and are too old to be of that, if clocks are
    /// to be believed: only their ReplicaSets tell.
    pub doubtful: Vec<(ChildRef, Arc<Live>)>,
}

/// The trader pods of a desk. Those that are older than it are of a former desk of that name, and on their way
/// out: what they say is not of this one. But not where a Deployment of this one is known to have made them.
pub fn trader_pods(
    children: &Children,
    makers: &Makers,
    system: &Key,
    desk: Option<&Made>,
) -> TraderPods {
    let all = children.of_desk(system);
    let is_own = |(child, live): &&(ChildRef, Arc<Live>)| {
        child.kind == Kind::Deployment && desk.is_some_and(|it| live.is_controlled_by(&it.uid))
    };
    let deployments: HashMap<String, Arc<Live>> = all
        .iter()
        .filter(is_own)
        .map(|(child, live)| (child.key.name.clone(), live.clone()))
        .collect();
    let mut found = TraderPods::default();
    for (child, live) in all {
        if child.kind != Kind::Pod
            || live.label(labels::COMPONENT) != Some(Component::Trader.as_str())
        {
            continue;
        }
        let by = deployment_of(&live).and_then(|name| deployments.get(name));
        let since = by.and_then(|by| by.created).or(desk.map(|desk| desk.at));
        if live.created.zip(since).is_none_or(|(pod, since)| pod >= since)
            || by.is_some_and(|by| makers.is_of(system, &live, &by.uid))
        {
            found.own.push((child, live));
        } else if by.is_some() {
            found.doubtful.push((child, live));
        }
    }
    found
}

/// The Deployment whose ReplicaSet made a pod: a ReplicaSet adds a hash to its name.
fn deployment_of(pod: &Live) -> Option<&str> {
    let controller = pod.controller.as_ref().filter(|by| by.kind == "ReplicaSet")?;
    controller.name.rsplit_once('-').map(|(deployment, _)| deployment)
}

/// All Leases that carry a desk's label.
#[derive(Debug)]
pub struct Reports {
    /// How long a pod may be silent.
    silence: Duration,
    leases: RwLock<HashMap<Key, Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    system: String,
    /// The uid of the pod that owns it.
    pod: Option<String>,
    report: Result<Arc<Report>, String>,
    at: Instant,
    at_wall: Timestamp,
    /// When what it says of the policy was first seen; `None` where it was found.
    acknowledged: Option<Instant>,
    /// When the pod was first heard of.
    heard: Instant,
    /// Whether this process saw it change, or only found it.
    witnessed: bool,
    version: ResourceVersion,
}

impl Seen {
    fn read(object: &DynamicObject, witnessed: bool) -> Option<Self> {
        let meta = &object.metadata;
        let system = meta.labels.as_ref()?.get(labels::SYSTEM)?.clone();
        let owners = meta.owner_references.iter().flatten();
        let pod = owners
            .filter(|owner| owner.kind == "Pod" && Some(&owner.name) == meta.name.as_ref())
            .map(|owner| owner.uid.clone())
            .next();
        let text = meta.annotations.as_ref().and_then(|all| all.get(annotations::REPORT));
        let report = match text.map(|text| Report::read(text)) {
            Some(Ok(report)) => Ok(Arc::new(report)),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!("the Lease has no annotation {}", annotations::REPORT)),
        };
        let (at, at_wall) = (Instant::now(), Timestamp::now());
        Some(Self {
            system,
            pod,
            report,
            at,
            at_wall,
            acknowledged: witnessed.then_some(at),
            heard: at,
            witnessed,
            version: ResourceVersion::of(meta),
        })
    }

    /// Takes over when the same pod was first seen to say the same.
    fn follow(&mut self, before: &Self) {
        if before.pod == self.pod {
            self.heard = before.heard;
            if before.acknowledgement() == self.acknowledgement() {
                self.acknowledged = before.acknowledged;
            }
        }
    }

    fn acknowledgement(&self) -> Option<&Acknowledgement> {
        self.report.as_ref().ok()?.policy.as_ref()
    }

    fn age(&self, now: Instant, silence: Duration) -> Age {
        match (now.duration_since(self.at) < silence, self.witnessed) {
            (false, _) => Age::Stale,
            (true, true) => Age::Fresh,
            (true, false) => Age::Unproven,
        }
    }
}

/// A Lease that came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The desk that it speaks of.
    pub system: Key,
    /// Whether what changed is to be acted upon at once: see [`Report::differs_urgently`].
    pub urgent: bool,
}

impl Reports {
    /// Of pods that may be silent for so long.
    pub fn new(silence: Duration) -> Self {
        Self { silence, leases: RwLock::default() }
    }

    /// What the trader pods of a desk report, by pod. A pod that has not reported is not in it.
    pub fn of_desk(
        &self,
        children: &Children,
        makers: &Makers,
        system: &Key,
        desk: Option<&Made>,
    ) -> Vec<PodReport> {
        let now = Instant::now();
        let leases = self.leases.read().unwrap_or_else(PoisonError::into_inner);
        trader_pods(children, makers, system, desk)
            .own
            .into_iter()
            .filter_map(|(child, live)| {
                let seen = leases.get(&child.key)?;
                let its_own = seen.system == system.name && seen.pod.as_ref() == Some(&live.uid);
                its_own.then(|| PodReport {
                    pod: child.key.name.clone(),
                    report: seen.report.clone(),
                    age: seen.age(now, self.silence),
                    seen_at: seen.at_wall,
                    seen: seen.at,
                    acknowledged: seen.acknowledged.filter(|_| seen.acknowledgement().is_some()),
                    heard: seen.heard,
                    stale_in: (seen.at + self.silence)
                        .checked_duration_since(now)
                        .filter(|left| !left.is_zero()),
                })
            })
            .collect()
    }

    fn insert(&self, object: &DynamicObject, witnessed: bool) -> Option<Change> {
        let key = Key::of(object);
        let Some(mut seen) = Seen::read(object, witnessed) else { return self.remove(&key) };
        let mut leases = self.leases.write().unwrap_or_else(PoisonError::into_inner);
        let before = leases.get(&key);
        // Listed again, it is no news.
        if before.is_some_and(|before| !seen.version.is_newer_than(&before.version)) {
            return None;
        }
        if let Some(before) = before {
            seen.follow(before);
        }
        let urgent = match (before.map(|before| &before.report), &seen.report) {
            (Some(Ok(before)), Ok(now)) => now.differs_urgently(before),
            (Some(Err(_)), Err(_)) => false,
            _ => true,
        };
        // A pod that was silent for too long speaks again: that is news, whatever it says.
        let urgent =
            urgent || before.is_some_and(|b| b.age(Instant::now(), self.silence) != Age::Fresh);
        let change = Change { system: key.beside(&seen.system), urgent };
        leases.insert(key, seen);
        Some(change)
    }

    fn remove(&self, key: &Key) -> Option<Change> {
        let before = self.leases.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        before.map(|before| Change { system: key.beside(before.system), urgent: true })
    }

    fn keys(&self, namespace: Option<&str>) -> Vec<Key> {
        let leases = self.leases.read().unwrap_or_else(PoisonError::into_inner);
        leases.keys().filter(|k| namespace.is_none_or(|n| k.namespace == n)).cloned().collect()
    }
}

/// Carries a watch of Leases into the reports.
#[derive(Debug)]
pub struct Intake {
    namespace: Option<String>,
    listed: Option<HashSet<Key>>,
}

impl Intake {
    /// Of one namespace, or of all.
    pub fn new(namespace: Option<String>) -> Self {
        Self { namespace, listed: None }
    }

    /// Takes an event in, and tells whom it concerns.
    pub fn take(&mut self, reports: &Reports, event: Event<DynamicObject>) -> Vec<Change> {
        match event {
            Event::Init => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(Key::of(&object));
                }
                reports.insert(&object, false).into_iter().collect()
            }
            Event::Apply(object) => reports.insert(&object, true).into_iter().collect(),
            Event::Delete(object) => reports.remove(&Key::of(&object)).into_iter().collect(),
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let known = reports.keys(self.namespace.as_deref());
                let gone = known.into_iter().filter(|key| !listed.contains(key));
                gone.filter_map(|key| reports.remove(&key)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;

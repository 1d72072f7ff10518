//! One operator works at a time: whoever holds a Lease.
//!
//! Time is this process's own monotonic clock. What the Lease says of time is never believed: a
//! candidate waits for the whole duration since *it* last saw the Lease change, and a leader counts its
//! deadline from before it asked for the renewal that succeeded. So skewed clocks cannot make two
//! leaders, and a leader that cannot renew stops before anybody else can start.
//!
//! A Lease that was deleted says nothing of its leader, who makes it anew; a candidate that saw it before
//! waits as if it stood still.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use sapphire_crds::names::FIELD_MANAGER;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::api_server::Tenure;

/// The Lease's name.
pub const LEASE: &str = "sapphire-operator";

/// How long a leader leads without being heard of.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// A candidate takes over so long after the Lease last changed.
    pub duration: Duration,
    /// A leader that could not renew for so long stops.
    pub renew_deadline: Duration,
    /// How often a leader renews and a candidate looks.
    pub retry: Duration,
}

impl Default for Terms {
    /// As Kubernetes' own components have it: 15, 10 and 2 seconds. Takeover after a kill takes at most
    /// 15 + 2 seconds and the calls.
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// A candidate, and while it holds the Lease the leader.
#[derive(Debug)]
pub struct Election {
    api: Api<Lease>,
    identity: String,
    terms: Terms,
    tenure: Tenure,
    /// What was seen of the Lease, and when it last changed.
    seen: Option<(String, Instant)>,
}

impl Election {
    /// A candidate for the Lease of that namespace.
    pub fn new(client: kube::Client, namespace: &str, identity: String, terms: Terms) -> Self {
        let api = Api::namespaced(client, namespace);
        Self { api, identity, terms, tenure: Tenure::default(), seen: None }
    }

    /// Until when this process leads.
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Waits until this process leads. Gives the moment from which the term counts.
    pub async fn win(&mut self) -> Instant {
        let mut told = String::new();
        loop {
            let asked = Instant::now();
            match timeout(self.terms.renew_deadline, self.try_acquire()).await {
                Ok(Ok(Attempt::Holds)) => {
                    self.tenure.lasts_until(asked + self.terms.renew_deadline);
                    return asked;
                }
                Ok(Ok(Attempt::Refused | Attempt::Taken)) => {}
                Ok(Err(error)) => {
                    let words = format!("cannot take part in the election: {error}");
                    if words != told {
                        tracing::warn!("{words}");
                        told = words;
                    }
                }
                Err(_) => tracing::warn!("the API server does not answer about the Lease"),
            }
            // Four times as often as a leader renews: a Lease that was given up is taken within half a
            // second, and looking is no write.
            sleep(self.terms.retry / 4).await;
        }
    }

    /// Renews until that fails; then this process leads no more, and must already have stopped.
    pub async fn hold(&mut self, since: Instant) -> Lost {
        let lost = self.renew(since).await;
        self.tenure.end();
        lost
    }

    async fn renew(&mut self, since: Instant) -> Lost {
        let mut renewed = since;
        loop {
            let deadline = renewed + self.terms.renew_deadline;
            if timeout_at(deadline, sleep(self.terms.retry)).await.is_err() {
                return Lost::Late;
            }
            let asked = Instant::now();
            match timeout_at(deadline, self.try_acquire()).await {
                Ok(Ok(Attempt::Holds)) => {
                    renewed = asked;
                    self.tenure.lasts_until(renewed + self.terms.renew_deadline);
                }
                Ok(Ok(Attempt::Taken)) => return Lost::Taken,
                // Perhaps our own write whose answer was lost: the next look tells.
                Ok(Ok(Attempt::Refused)) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot renew the Lease"),
                Err(_) => return Lost::Late,
            }
        }
    }

    /// Gives the Lease up, so that a successor need not wait.
    ///
    /// # Errors
    /// When the API server does not take it; the successor then waits for the Lease to run out.
    pub async fn release(&mut self) -> Result<(), kube::Error> {
        self.tenure.end();
        match self.try_release().await {
            // A renewal that was under way when the work was dropped.
            Err(kube::Error::Api(status)) if status.code == 409 => self.try_release().await,
            outcome => outcome,
        }
    }

    async fn try_release(&mut self) -> Result<(), kube::Error> {
        let Some(mut lease) = self.api.get_opt(LEASE).await? else { return Ok(()) };
        let Some(spec) = &mut lease.spec else { return Ok(()) };
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            return Ok(());
        }
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        self.api.replace(LEASE, &params(), &lease).await.map(|_| ())
    }

    async fn try_acquire(&mut self) -> Result<Attempt, kube::Error> {
        let Some(mut lease) = self.api.get_opt(LEASE).await? else {
            // Never seen, it is a new one; else its leader, who need not know yet, comes first.
            if self.seen.is_some() && !self.tenure.is_held() && !self.has_run_out(String::new()) {
                return Ok(Attempt::Taken);
            }
            let lease = Lease {
                metadata: ObjectMeta { name: Some(LEASE.into()), ..ObjectMeta::default() },
                spec: Some(self.spec(None)),
            };
            return settle(self.api.create(&params(), &lease).await);
        };
        let spec = lease.spec.take().unwrap_or_default();
        let has_run_out =
            self.has_run_out(lease.metadata.resource_version.clone().unwrap_or_default());
        let holder = spec.holder_identity.as_deref().filter(|holder| !holder.is_empty());
        if holder.is_some_and(|holder| holder != self.identity) && !has_run_out {
            return Ok(Attempt::Taken);
        }
        lease.spec = Some(self.spec(Some(spec)));
        // With the resource version that was read: of two candidates one is refused.
        settle(self.api.replace(LEASE, &params(), &lease).await)
    }

    /// Whether the Lease has stood still for its duration, as far as this process saw.
    fn has_run_out(&mut self, version: String) -> bool {
        let now = Instant::now();
        match &self.seen {
            Some((seen, since)) if *seen == version => {
                now.duration_since(*since) >= self.terms.duration
            }
            _ => {
                self.seen = Some((version, now));
                false
            }
        }
    }

    /// The Lease as this process holds it from now on, or goes on to.
    fn spec(&self, before: Option<LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let duration = i32::try_from(self.terms.duration.as_secs()).unwrap_or(15);
        let before = before.unwrap_or_default();
        let goes_on = before.holder_identity.as_deref() == Some(&self.identity);
        // How often it changed hands, as Kubernetes' own components count it.
        let transitions = match before.lease_transitions {
            Some(so_far) if !goes_on => so_far.saturating_add(1),
            so_far => so_far.unwrap_or(0),
        };
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(duration),
            acquire_time: before.acquire_time.filter(|_| goes_on).or(Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

/// Why this process leads no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It could not renew in time.
    Late,
    /// Somebody else holds the Lease.
    Taken,
}

/// What became of asking for the Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    /// It is this process's.
    Holds,
    /// It is somebody else's.
    Taken,
    /// It changed between reading and writing.
    Refused,
}

fn settle(written: Result<Lease, kube::Error>) -> Result<Attempt, kube::Error> {
    match written {
        Ok(_) => Ok(Attempt::Holds),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Attempt::Refused),
        Err(error) => Err(error),
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() }
}

//! What people are told in `kubectl describe`: each thing once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use sapphire_crds::conditions::{ConditionType, Conditions, Reason};
use sapphire_crds::names::annotations::TRACE_ID;
use tokio::time::Instant;
use tracing::Span;

use super::conditions::Answer;
use crate::telemetry;

/// So long the same words of the same object are not repeated.
const ONCE: Duration = Duration::from_secs(600);
/// A call that takes longer is given up: an event is a courtesy.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest note that the API server takes.
const LONGEST: usize = 1000;

/// What of an object's name is in the event's: 253 characters in all, with a moment behind it.
const LONGEST_NAME: usize = 230;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// For information.
    Normal,
    /// Somebody should look.
    Warning,
}

const CONTROLLER: &str = "sapphiretrade.xyz/operator";

/// Tells people things.
///
/// Not kube's recorder: that one counts events of one reason up and keeps the first one's words, and
/// ours differ in their words.
pub struct Events {
    client: Client,
    instance: String,
    told: Mutex<HashMap<Told, Instant>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Told {
    uid: String,
    reason: &'static str,
    note: String,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// Tells in the name of this process.
    pub fn new(client: Client, instance: String) -> Self {
        Self { client, instance, told: Mutex::default() }
    }

    /// Tells something about an object, unless it was told within ten minutes: what is found at every look.
    /// Failing to do so is logged and no more.
    pub async fn tell<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        severity: Severity,
        reason: &'static str,
        note: String,
    ) {
        self.tell_of(about.object_ref(&()), severity, reason, note).await;
    }

    /// Tells what the conditions `after` say that only a person ends (a field that others declare among
    /// it), where those `before` did not.
    pub async fn tell_stalled<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        before: &Conditions,
        after: &Conditions,
    ) {
        for (reason, message) in new_stalls(before, after) {
            self.tell(about, Severity::Warning, reason.as_str(), message.to_owned()).await;
        }
    }

    /// As [`tell`](Self::tell), about an object that is known by its reference only.
    pub async fn tell_of(
        &self,
        reference: ObjectReference,
        severity: Severity,
        reason: &'static str,
        note: String,
    ) {
        if self.is_new(&reference, reason, &note) {
            self.post(reference, severity, reason, note).await;
        }
    }

    /// Tells what happened, however soon after the same: what a status newly says.
    pub async fn tell_each<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        severity: Severity,
        reason: &'static str,
        note: String,
    ) {
        self.post(about.object_ref(&()), severity, reason, note).await;
    }

    async fn post(
        &self,
        reference: ObjectReference,
        severity: Severity,
        reason: &'static str,
        note: String,
    ) {
        tracing::info!(object = reference.name, namespace = reference.namespace, reason, "{note}");
        // The API server takes events about what is in no namespace here only.
        let namespace = reference.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let event = self.event(reference, severity, reason, note);
        let params = PostParams::default();
        let posted = api.create(&params, &event);
        match tokio::time::timeout(PATIENCE, posted).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(reason, %error, "an event could not be written"),
            Err(_) => tracing::warn!(reason, "an event could not be written in time"),
        }
    }

    fn event(
        &self,
        about: ObjectReference,
        severity: Severity,
        reason: &'static str,
        note: String,
    ) -> Event {
        let now = Timestamp::now();
        Event {
            metadata: ObjectMeta {
                // As Kubernetes' own recorder names them.
                name: about.name.as_ref().map(|name| {
                    // A RiskPolicy's name may be as long as a name can be.
                    let name: String = name.chars().take(LONGEST_NAME).collect();
                    format!("{name}.{:x}", now.as_nanosecond())
                }),
                namespace: about.namespace.clone(),
                annotations: telemetry::trace_id(&Span::current())
                    .map(|id| BTreeMap::from([(TRACE_ID.to_owned(), id)])),
                ..ObjectMeta::default()
            },
            action: Some(reason.to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(shortened(note)),
            reason: Some(reason.to_owned()),
            regarding: Some(about),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(
                match severity {
                    Severity::Normal => "Normal",
                    Severity::Warning => "Warning",
                }
                .to_owned(),
            ),
            ..Event::default()
        }
    }

    fn is_new(&self, about: &ObjectReference, reason: &'static str, note: &str) -> bool {
        let now = Instant::now();
        let told =
            Told { uid: about.uid.clone().unwrap_or_default(), reason, note: note.to_owned() };
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, at| now.duration_since(*at) < ONCE);
        let new = !all.contains_key(&told);
        if new {
            all.insert(told, now);
        }
        new
    }
}

/// What only a person ends, with the words of its condition, where it was not said before.
fn new_stalls<'a>(before: &Conditions, after: &'a Conditions) -> Vec<(Reason, &'a str)> {
    let said = [ConditionType::Stalled, ConditionType::Reconciling].into_iter().filter_map(|of| {
        let now = after.get(of).filter(|now| now.status == Answer::True.as_str())?;
        let reason: Reason = now.reason.parse().ok()?;
        let ends_by_itself = of == ConditionType::Reconciling && reason != Reason::FieldConflict;
        let known =
            before.get(of).is_some_and(|was| was.status == now.status && was.reason == now.reason);
        (!ends_by_itself && !known).then_some((reason, now.message.as_str()))
    });
    said.collect()
}

fn shortened(mut note: String) -> String {
    if note.len() > LONGEST {
        let mut end = LONGEST;
        while !note.is_char_boundary(end) {
            end -= 1;
        }
        note.truncate(end);
        note.push('…');
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::conditions::Setting;

    fn said(say: impl FnOnce(&mut Setting<'_>)) -> Conditions {
        let none = Conditions(Vec::new());
        let mut setting = Setting::new(&none, 1, Timestamp::UNIX_EPOCH);
        say(&mut setting);
        setting.finish()
    }

    #[test]
    fn a_stall_is_new_once() {
        let comes = said(|setting| setting.reconciling(Reason::Progressing, "pods come up"));
        let late = said(|setting| setting.stalled(Reason::DeadlineExceeded, "they do not"));
        let theirs = said(|setting| setting.reconciling(Reason::FieldConflict, "a field"));
        let other = said(|setting| setting.stalled(Reason::NotOurs, "a stranger"));
        assert_eq!(new_stalls(&Conditions(Vec::new()), &comes), []);
        assert_eq!(new_stalls(&comes, &late), [(Reason::DeadlineExceeded, "they do not")]);
        assert_eq!(new_stalls(&late, &late), []);
        assert_eq!(new_stalls(&late, &other), [(Reason::NotOurs, "a stranger")]);
        assert_eq!(new_stalls(&comes, &theirs), [(Reason::FieldConflict, "a field")]);
        assert_eq!(new_stalls(&theirs, &theirs), []);
        assert_eq!(new_stalls(&late, &comes), []);
    }
}

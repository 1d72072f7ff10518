//! What shapes pods is rendered once per change of the inputs, and kept.
//!
//! The key of a revision is the hash of its *inputs* (the part of the spec that shapes pods), never of
//! its rendering. So an operator with another builder or other defaults finds the stored rendering of
//! unchanged inputs, applies that, and restarts nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use sapphire_crds::canonical::canonical_hash;
use sapphire_crds::conditions::Reason;
use sapphire_crds::names::FIELD_MANAGER;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::children::{ChildRef, Live};
use super::desired::{Desired, Owner};
use super::key::Key;
use super::kind::Kind;
use super::orphans;
use super::outcome::Hold;
use super::wording;
use crate::context::Context;
use crate::labels;

/// How many revisions of an object are kept beside those in use.
pub const HISTORY: usize = 10;

/// Notes on a ControllerRevision that its metadata alone must tell.
mod notes {
    /// Of the inputs; several revisions share it when defaults were adopted.
    pub(super) const INPUTS: &str = "sapphiretrade.xyz/inputs";
    /// Their order, from 1.
    pub(super) const NUMBER: &str = "sapphiretrade.xyz/number";
    /// The image, where the operator chose it.
    pub(super) const PINNED_IMAGE: &str = "sapphiretrade.xyz/pinned-image";
}

/// A revision that exists at the API server.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The ControllerRevision's name.
    pub name: String,
    /// The hash in it, which labels pods.
    pub hash: String,
    /// Their order, from 1.
    pub number: i64,
    /// What it holds.
    pub data: Arc<RevisionData>,
}

impl Revision {
    /// The children as they were rendered.
    ///
    /// # Errors
    /// A [`Hold`] when somebody made a ControllerRevision of our name that we cannot read.
    pub fn rendered(&self) -> Result<Vec<Desired>, Hold> {
        let children = self.data.rendered.iter().map(Desired::restore);
        children
            .collect::<Option<_>>()
            .ok_or_else(|| unreadable(&self.name, "a child of it is unknown"))
    }
}

/// What a revision holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionData {
    /// The part of the spec that shapes pods.
    pub inputs: Value,
    /// The image of the desk's own containers.
    pub image: String,
    /// The release of the operator that rendered it.
    pub builder: String,
    /// The children, as [`Desired::store`] writes them.
    pub rendered: Vec<Value>,
}

/// Renders what shapes pods, for an image and a revision's hash.
pub type Render<'a> = dyn Fn(&str, &str) -> Result<Vec<Desired>, Hold> + Sync + 'a;

/// What is wanted of revisions in one reconcile.
pub struct Wish<'a> {
    /// The label that tells whose revisions these are beside the system's: empty for the system, the
    /// agent's name for an agent.
    pub agent: Option<&'a str>,
    /// The desk.
    pub system: &'a Key,
    /// What shapes pods.
    pub inputs: Value,
    /// The image that the spec asks for. `None`: pinned from the former revision, or the default.
    pub image: Option<String>,
    /// A request to render anew that was not acted upon yet: the annotation's value.
    pub adopt: Option<&'a str>,
    /// Renders the children for an image and a revision's hash.
    pub render: &'a Render<'a>,
}

impl std::fmt::Debug for Wish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wish")
            .field("system", self.system)
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

/// The revision of the current inputs, and how it stands to today's operator.
#[derive(Debug, Clone)]
pub struct Found {
    /// The revision.
    pub revision: Revision,
    /// How today's operator would render it otherwise, in words.
    pub outdated: Option<String>,
}

/// A cache of what revisions hold, and of how they compare; revisions never change.
#[derive(Debug, Default)]
pub struct Revisions {
    held: Mutex<HashMap<Key, Held>>,
}

#[derive(Debug, Clone)]
struct Held {
    uid: String,
    data: Arc<RevisionData>,
    outdated: Option<Option<String>>,
}

impl Revisions {
    /// Finds the revision of the current inputs, or renders and records it.
    ///
    /// # Errors
    /// A [`Hold`] of the renderer or of the API server.
    pub async fn find_or_record(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
    ) -> Result<Found, Hold> {
        let known = known(context, owner, wish);
        let inputs = hash(&json!({"kind": owner.kind, "inputs": wish.inputs}))?;
        // What was adopted later holds.
        let current = known.iter().rev().find(|k| k.note(notes::INPUTS) == Some(inputs.as_str()));
        let mut key = inputs.clone();
        let mut adopting = false;
        if let Some(current) = current {
            let found = self.found(context, owner, wish, current).await?;
            // Adopting what is the same would restart pods for nothing.
            let (Some(value), Some(_)) = (wish.adopt, &found.outdated) else {
                return Ok(found);
            };
            key = hash(&json!({"kind": owner.kind, "inputs": wish.inputs, "adopted": value}))?;
            adopting = true;
        }
        let name = format!("{}-{key}", owner.key.name);
        let pinned = known.iter().rev().find_map(|k| k.note(notes::PINNED_IMAGE));
        let image = match (&wish.image, pinned) {
            (Some(image), _) => image.clone(),
            (None, Some(pinned)) if !adopting => pinned.to_owned(),
            (None, _) => context.settings.trader_image.clone(),
        };
        let number = known.last().map_or(0, |newest| newest.number) + 1;
        let rendered = (wish.render)(&image, &key)?;
        let data = RevisionData {
            inputs: wish.inputs.clone(),
            image,
            builder: env!("CARGO_PKG_VERSION").to_owned(),
            rendered: rendered.iter().map(Desired::store).collect(),
        };
        self.record(context, owner, wish, Recording { name, key, inputs, number, data }).await
    }

    async fn found(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        known: &Known,
    ) -> Result<Found, Hold> {
        let key = owner.key.beside(&known.name);
        let data = self.load(context, &key, Some(&known.live)).await?;
        let hash = known.live.label(labels::REVISION).unwrap_or_default().to_owned();
        let revision = Revision { name: known.name.clone(), hash, number: known.number, data };
        let outdated = self.compare(context, owner, wish, &revision)?;
        Ok(Found { revision, outdated })
    }

    async fn record(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        recording: Recording,
    ) -> Result<Found, Hold> {
        let Recording { name, key, inputs, number, data } = recording;
        let mut own = labels::of_desk(&wish.system.name);
        own.insert(labels::REVISION.to_owned(), key.clone());
        if let Some(agent) = wish.agent {
            own.insert(labels::AGENT.to_owned(), agent.to_owned());
        }
        let mut annotations = BTreeMap::from([
            (notes::INPUTS.to_owned(), inputs),
            (notes::NUMBER.to_owned(), number.to_string()),
        ]);
        if wish.image.is_none() {
            annotations.insert(notes::PINNED_IMAGE.to_owned(), data.image.clone());
        }
        let reference: OwnerReference = serde_json::from_value(owner.reference())
            .map_err(|error| unreadable(&name, &error.to_string()))?;
        let object = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(owner.key.namespace.clone()),
                labels: Some(own),
                annotations: Some(annotations),
                owner_references: Some(vec![reference]),
                ..ObjectMeta::default()
            },
            revision: number,
            data: Some(RawExtension(
                serde_json::to_value(&data)
                    .map_err(|error| unreadable(&name, &error.to_string()))?,
            )),
        };
        let object_key = owner.key.beside(&name);
        let api: Api<ControllerRevision> =
            Api::namespaced(context.client.clone(), &owner.key.namespace);
        let params =
            PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        let data = match api.create(&params, &object).await {
            Ok(created) => {
                context.metrics.writes.with_label_values(&["ControllerRevision", "create"]).inc();
                let data = Arc::new(data);
                self.hold(&object_key, created.metadata.uid.clone().unwrap_or_default(), &data);
                observe(context, &created.metadata);
                data
            }
            // Recorded by us a moment ago, or by a predecessor: what is stored holds.
            Err(kube::Error::Api(status)) if status.code == 409 => {
                self.load(context, &object_key, None).await?
            }
            Err(error) => {
                return Err(Hold::of_call(
                    &format!("record ControllerRevision {object_key}"),
                    &error,
                ));
            }
        };
        let revision = Revision { name, hash: key, number, data };
        Ok(Found { revision, outdated: None })
    }

    /// A revision by its name, such as one that a rollout goes back to. `None` where there is none.
    ///
    /// # Errors
    /// A [`Hold`] when it cannot be read.
    pub async fn named(
        &self,
        context: &Context,
        owner: &Owner,
        name: &str,
    ) -> Result<Option<Revision>, Hold> {
        let key = owner.key.beside(name);
        let Some(live) = context.children.get(Kind::ControllerRevision, &key) else {
            return Ok(None);
        };
        let data = self.load(context, &key, Some(&live)).await?;
        let hash = live.label(labels::REVISION).unwrap_or_default().to_owned();
        Ok(Some(Revision { name: name.to_owned(), hash, number: number(&live), data }))
    }

    /// Removes the oldest revisions beyond [`HISTORY`] that are not `in_use`.
    ///
    /// # Errors
    /// A [`Hold`] of the API server.
    pub async fn prune(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        in_use: impl Fn(&str) -> bool,
    ) -> Result<(), Hold> {
        let idle: Vec<Known> =
            known(context, owner, wish).into_iter().filter(|known| !in_use(&known.name)).collect();
        let surplus = idle.len().saturating_sub(HISTORY);
        for old in idle.into_iter().take(surplus) {
            let key = owner.key.beside(&old.name);
            let child = ChildRef { kind: Kind::ControllerRevision, key: key.clone() };
            orphans::delete(context, &child, &old.live.uid).await?;
            self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
        Ok(())
    }

    /// Forgets what an object's revisions hold, since it is gone.
    pub fn forget(&self, owner: &Key) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|key, _| key.namespace != owner.namespace || !is_of(&key.name, &owner.name));
    }

    async fn load(
        &self,
        context: &Context,
        key: &Key,
        live: Option<&Live>,
    ) -> Result<Arc<RevisionData>, Hold> {
        {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(held), Some(live)) = (held.get(key), live)
                && held.uid == live.uid
            {
                return Ok(held.data.clone());
            }
        }
        let api: Api<ControllerRevision> = Api::namespaced(context.client.clone(), &key.namespace);
        let action = format!("read ControllerRevision {key}");
        let stored = api.get(&key.name).await.map_err(|error| match &error {
            // The watch was ahead of us or behind; either way the next look knows.
            kube::Error::Api(status) if status.code == 404 => {
                context.children.forget(Kind::ControllerRevision, key);
                Hold::of_call(&action, &error)
            }
            error => Hold::of_call(&action, error),
        })?;
        let data = stored.data.map(|data| data.0).unwrap_or_default();
        let data: RevisionData = serde_json::from_value(data)
            .map_err(|error| unreadable(&key.name, &error.to_string()))?;
        let data = Arc::new(data);
        self.hold(key, stored.metadata.uid.clone().unwrap_or_default(), &data);
        observe(context, &stored.metadata);
        Ok(data)
    }

    fn hold(&self, key: &Key, uid: String, data: &Arc<RevisionData>) {
        let held = Held { uid, data: data.clone(), outdated: None };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), held);
    }

    /// How today's operator would render the revision otherwise; worked out once a process.
    fn compare(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        revision: &Revision,
    ) -> Result<Option<String>, Hold> {
        let key = owner.key.beside(&revision.name);
        let known = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.get(&key).and_then(|held| held.outdated.clone())
        };
        if let Some(outdated) = known {
            return Ok(outdated);
        }
        let image = wish.image.as_ref().unwrap_or(&context.settings.trader_image);
        let today = (wish.render)(image, &revision.hash)?;
        let outdated = wording::first_difference(&revision.rendered()?, &today);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.get_mut(&key) {
            held.outdated = Some(outdated.clone());
        }
        Ok(outdated)
    }
}

struct Recording {
    name: String,
    key: String,
    inputs: String,
    number: i64,
    data: RevisionData,
}

/// A revision as its metadata tell.
struct Known {
    name: String,
    number: i64,
    live: Arc<Live>,
}

impl Known {
    fn note(&self, name: &str) -> Option<&str> {
        self.live.notes.get(name).map(String::as_str)
    }
}

/// The object's revisions, oldest first.
fn known(context: &Context, owner: &Owner, wish: &Wish<'_>) -> Vec<Known> {
    let mut known: Vec<Known> = context
        .children
        .of_desk(wish.system)
        .into_iter()
        .filter(|(child, live)| {
            child.kind == Kind::ControllerRevision
                && live.label(labels::AGENT) == wish.agent
                && live.is_controlled_by(&owner.uid)
                && !live.deleting
        })
        .map(|(child, live)| Known { name: child.key.name, number: number(&live), live })
        .collect();
    known.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    known
}

fn number(live: &Live) -> i64 {
    live.notes.get(notes::NUMBER).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn observe(context: &Context, metadata: &ObjectMeta) {
    let object = DynamicObject { types: None, metadata: metadata.clone(), data: Value::Null };
    context.children.observe(Kind::ControllerRevision, object);
}

/// Whether a revision's name is `<object>-<hash>`.
fn is_of(revision: &str, object: &str) -> bool {
    revision
        .strip_prefix(object)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|hash| hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Hexadecimal digits of a revision's hash: 40 bits, for at most a few dozen revisions of an object.
const HASH: usize = 10;

fn hash(value: &Value) -> Result<String, Hold> {
    let mut hash = canonical_hash(value)
        .map_err(|error| Hold::stalled(Reason::InvalidSpec, error.to_string()))?;
    hash.truncate(HASH);
    Ok(hash)
}

fn unreadable(name: &str, why: &str) -> Hold {
    Hold::stalled(
        Reason::NotOurs,
        format!("ControllerRevision {name} is not one of this operator: {why}; delete it"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_told_from_one_of_an_object_with_a_longer_name() {
        assert!(is_of("desk-0123456789", "desk"));
        assert!(!is_of("desk-two-0123456789", "desk"));
        assert!(is_of("desk-two-0123456789", "desk-two"));
    }
}

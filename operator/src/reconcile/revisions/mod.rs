//! What shapes pods is rendered once per change of the inputs, and kept.
//!
//! The key of a revision is the hash of its *inputs* (the part of the spec that shapes pods), never of
//! its rendering. So an operator with another builder or other defaults finds the stored rendering of
//! unchanged inputs, applies that, and restarts nothing.

mod known;
mod recording;
mod revision;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::DynamicObject;
use sapphire_crds::canonical::canonical_hash;
use sapphire_crds::conditions::Reason;
use serde_json::{Value, json};

use super::apply::{LOOK, is_ours};
use super::child::{ChildRef, Live};
use super::desired::{Desired, Owner};
use super::key::Key;
use super::kind::Kind;
use super::orphans;
use super::outcome::Hold;
use super::wording;
use crate::context::Context;
use known::{Known, is_of, known, notes, number};
pub use recording::Recording;
use revision::unreadable;
pub use revision::{Foreseen, Found, Render, Revision, RevisionData, Today, Wish};

/// How many revisions of an object are kept beside those in use.
pub const HISTORY: usize = 10;

/// A cache of what revisions hold, and of how they compare; revisions never change.
#[derive(Debug, Default)]
pub struct Revisions {
    held: Mutex<HashMap<Key, Held>>,
}

#[derive(Debug, Clone)]
struct Held {
    uid: String,
    /// As JSON: there is one for each desk, and a tree of it takes ten times the room.
    data: Arc<str>,
    today: Option<Today>,
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
        match self.foresee(context, owner, wish).await? {
            Foreseen::Kept(found) => Ok(found),
            Foreseen::New(recording) => self.record(context, owner, wish, recording).await,
        }
    }

    /// As [`find_or_record`](Self::find_or_record), with nothing recorded.
    ///
    /// # Errors
    /// A [`Hold`] of the renderer or of the API server.
    pub async fn foresee(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
    ) -> Result<Foreseen, Hold> {
        let known = known(context, owner, wish);
        let inputs = hash(&json!({"kind": owner.kind, "inputs": wish.inputs}))?;
        // What was adopted later holds.
        let current = known.iter().rev().find(|k| k.note(notes::INPUTS) == Some(inputs.as_str()));
        let number = known.last().map_or(0, |newest| newest.number) + 1;
        let mut key = inputs.clone();
        let mut adopting = false;
        if let Some(current) = current {
            let found = self.found(context, owner, wish, current).await?;
            let value = match (wish.adopt, &found.today) {
                (Some(value), Today::Differs(_)) => value,
                (Some(_), Today::Unknown(hold)) => return Err(hold.clone()),
                // Adopting what is the same would restart pods for nothing.
                _ => return Ok(Foreseen::Kept(found)),
            };
            // A value may be used again, under another release.
            key = hash(&json!({"kind": owner.kind, "inputs": wish.inputs, "adopted": value,
                "number": number}))?;
            adopting = true;
        }
        if let Some(hold) = context.definitions.hold() {
            return Err(hold);
        }
        let name = format!("{}-{key}", owner.key.name);
        let pinned = known.iter().rev().find_map(|k| k.note(notes::PINNED_IMAGE));
        let image = match (&wish.image, pinned) {
            (Some(image), _) => image.clone(),
            (None, Some(pinned)) if !adopting => pinned.to_owned(),
            (None, _) => context.settings.trader_image.clone(),
        };
        let rendered = (wish.render)(&image, &key)?;
        let data = RevisionData {
            inputs: wish.inputs.clone(),
            image,
            builder: env!("CARGO_PKG_VERSION").to_owned(),
            rendered: rendered.iter().map(Desired::store).collect(),
        };
        Ok(Foreseen::New(Recording { name, key, inputs, number, data }))
    }

    async fn found(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        known: &Known,
    ) -> Result<Found, Hold> {
        let key = owner.key.beside(&known.name);
        let data = self.load(context, owner, &key, Some(&known.live)).await?;
        let hash = hash_in(&known.name);
        let revision = Revision { name: known.name.clone(), hash, number: known.number, data };
        let today = self.compare(context, owner, wish, &revision)?;
        Ok(Found { revision, today })
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
        let data = self.load(context, owner, &key, Some(&live)).await?;
        let hash = hash_in(name);
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
        owner: &Owner,
        key: &Key,
        live: Option<&Live>,
    ) -> Result<Arc<RevisionData>, Hold> {
        if let Some(live) = live {
            is_of_owner(owner, &key.name, live)?;
        }
        if let Some(data) = live.and_then(|live| self.held(key, &live.uid)) {
            return read(&key.name, &data);
        }
        Ok(self.fetch(context, owner, key).await?.0)
    }

    /// Reads a revision from the API server: what it holds, and its metadata.
    async fn fetch(
        &self,
        context: &Context,
        owner: &Owner,
        key: &Key,
    ) -> Result<(Arc<RevisionData>, ObjectMeta), Hold> {
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
        let metadata = stored.metadata.clone();
        let found = DynamicObject { types: None, metadata, data: Value::Null };
        is_of_owner(owner, &key.name, &Live::read(Kind::ControllerRevision, found))?;
        let text = stored.data.map(|data| data.0).unwrap_or_default().to_string();
        let data = read(&key.name, &text)?;
        self.hold(key, stored.metadata.uid.clone().unwrap_or_default(), text);
        observe(context, &stored.metadata);
        Ok((data, stored.metadata))
    }

    /// What the revision with this uid holds, if that is known.
    fn held(&self, key: &Key, uid: &str) -> Option<Arc<str>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(key).filter(|held| held.uid == uid).map(|held| held.data.clone())
    }

    fn hold(&self, key: &Key, uid: String, data: String) {
        let held = Held { uid, data: data.into(), today: None };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), held);
    }

    /// Holds the revision against today's operator; worked out once a process.
    fn compare(
        &self,
        context: &Context,
        owner: &Owner,
        wish: &Wish<'_>,
        revision: &Revision,
    ) -> Result<Today, Hold> {
        let key = owner.key.beside(&revision.name);
        let known = {
            let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.get(&key).and_then(|held| held.today.clone())
        };
        if let Some(today) = known {
            return Ok(today);
        }
        let image = wish.image.as_ref().unwrap_or(&context.settings.trader_image);
        let rendered = match (wish.render)(image, &revision.hash) {
            Ok(rendered) => rendered,
            // What is stored needs no rendering.
            Err(hold) => return Ok(Today::Unknown(hold)),
        };
        let today = wording::first_difference(&revision.rendered()?, &rendered)
            .map_or(Today::Same, Today::Differs);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.get_mut(&key) {
            held.today = Some(today.clone());
        }
        Ok(today)
    }
}

fn read(name: &str, data: &str) -> Result<Arc<RevisionData>, Hold> {
    let read = serde_json::from_str(data).map_err(|error| unreadable(name, &error.to_string()))?;
    Ok(Arc::new(read))
}

/// What a revision holds is applied as it is, so it must be the object's own: not one of a former object of
/// that name, and none that anybody else made.
fn is_of_owner(owner: &Owner, name: &str, live: &Live) -> Result<(), Hold> {
    if live.controller.is_some() {
        return is_ours(Kind::ControllerRevision, name, owner, live);
    }
    Err(Hold::Stalled {
        reason: Reason::NotOurs,
        message: format!(
            "ControllerRevision {} has no owner, and may hold anything; delete it",
            owner.key.beside(name)
        ),
        again: Some(LOOK),
    })
}

/// The hash at the end of a revision's name, which nobody can change; its label may be taken away.
fn hash_in(name: &str) -> String {
    name.rsplit_once('-').map_or_else(String::new, |(_, hash)| hash.to_owned())
}

fn observe(context: &Context, metadata: &ObjectMeta) {
    let object = DynamicObject { types: None, metadata: metadata.clone(), data: Value::Null };
    context.children.observe(Kind::ControllerRevision, object);
}

/// Hexadecimal digits of a revision's hash: 40 bits, for at most a few dozen revisions of an object.
const HASH: usize = 10;

fn hash(value: &Value) -> Result<String, Hold> {
    let mut hash = canonical_hash(value)
        .map_err(|error| Hold::stalled(Reason::InvalidSpec, error.to_string()))?;
    hash.truncate(HASH);
    Ok(hash)
}

//! A child as the API server has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use kube::api::{DynamicObject, TypeMeta};
use sapphire_crds::names::FIELD_MANAGER;
use sapphire_crds::names::annotations::RISK_POLICIES;
use serde_json::Value;

use super::desired::{APPLIED, Manifest};
use super::equality;
use super::health::{self, Health};
use super::key::Key;
use super::kind::Kind;
use super::version::ResourceVersion;

/// Annotations of our group begin so.
const NOTES: &str = "sapphiretrade.xyz/";

/// Where `kubectl rollout restart` leaves its mark.
const RESTARTED_AT: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

/// A child of whichever kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
}

impl std::fmt::Display for ChildRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.key)
    }
}

/// A child as the API server has it: what the operator needs to know of it, and no more.
#[derive(Debug)]
pub struct Live {
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.generation`; 0 for kinds without one.
    pub generation: i64,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// When it was made, by the API server's clock.
    pub created: Option<Timestamp>,
    /// Its controller, if it has one.
    pub controller: Option<Controller>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Which of our wishes it bears: see [`APPLIED`].
    pub applied: Option<String>,
    /// Its other annotations of our group.
    pub notes: BTreeMap<String, String>,
    /// Its `spec.replicas`.
    pub replicas: Option<i32>,
    /// The files of a ConfigMap that somebody else wrote last.
    pub foreign: Vec<String>,
    /// When `kubectl rollout restart` was last used on it.
    pub restarted_at: Option<String>,
    /// How it does.
    pub health: Health,
    pub(super) version: ResourceVersion,
    pub(super) content: Mutex<Content>,
}

/// The owner that controls an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// The content of an object is kept only until it was found to be as wanted.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Metadata are all that is watched.
    NotWatched,
    /// Not compared yet: its JSON.
    Unseen(Arc<[u8]>),
    /// It fulfils the wish with this hash; the fingerprint of its JSON tells when it changes.
    Fulfils { wish: String, fingerprint: u64 },
}

impl Live {
    /// Reads what matters of an object.
    pub fn read(kind: Kind, mut object: DynamicObject) -> Self {
        // The items of a list do not say what they are.
        object.types =
            Some(TypeMeta { api_version: kind.api_version(), kind: kind.name().to_owned() });
        let meta = &mut object.metadata;
        let version = ResourceVersion::of(meta);
        let controller = meta.owner_references.as_ref().and_then(|owners| {
            let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
            Some(Controller {
                kind: owner.kind.clone(),
                name: owner.name.clone(),
                uid: owner.uid.clone(),
            })
        });
        let applied = meta.annotations.as_ref().and_then(|a| a.get(APPLIED)).cloned();
        let ours = |name: &&String| name.starts_with(NOTES) && name.as_str() != APPLIED;
        let all = meta.annotations.iter().flatten();
        let notes = all
            .filter(|(name, _)| ours(name))
            .map(|(name, note)| (name.clone(), note.clone()))
            .collect();
        let uid = meta.uid.clone().unwrap_or_default();
        let generation = meta.generation.unwrap_or(0);
        let deleting = meta.deletion_timestamp.is_some();
        let created = meta.creation_timestamp.as_ref().map(|at| at.0);
        let labels = meta.labels.clone().unwrap_or_default();
        let foreign = if kind == Kind::ConfigMap { foreign(&object) } else { Vec::new() };
        let meta = &mut object.metadata;
        // What changes without us or says nothing about the content.
        meta.managed_fields = None;
        meta.resource_version = None;
        meta.generation = None;
        let status = match &mut object.data {
            Value::Object(members) => members.remove("status"),
            _ => None,
        };
        // A Deployment's controller counts in an annotation, too.
        if let Some(annotations) = &mut meta.annotations {
            annotations.remove("deployment.kubernetes.io/revision");
        }
        let replicas = object.data.pointer("/spec/replicas").and_then(Value::as_i64);
        let restarted_at = object.data.pointer(RESTARTED_AT).and_then(Value::as_str);
        let restarted_at = restarted_at.map(str::to_owned);
        let content = if kind.metadata_suffices() || kind == Kind::Pod {
            Content::NotWatched
        } else {
            Content::Unseen(serde_json::to_vec(&object).unwrap_or_default().into())
        };
        Self {
            uid,
            generation,
            deleting,
            created,
            controller,
            labels,
            applied,
            notes,
            replicas: replicas.and_then(|n| i32::try_from(n).ok()),
            foreign,
            restarted_at,
            health: health::read(kind, status.as_ref()),
            version,
            content: Mutex::new(content),
        }
    }

    /// Whether the object is already as `wish` has it. Said once, it is remembered until the object
    /// changes.
    pub fn fulfils(&self, wish: &Manifest) -> bool {
        if self.applied.as_deref() != Some(wish.hash.as_str()) {
            return false;
        }
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let fulfilled = match &*content {
            Content::NotWatched => true,
            Content::Fulfils { wish: fulfilled, .. } => *fulfilled == wish.hash,
            Content::Unseen(json) => serde_json::from_slice::<Value>(json)
                .is_ok_and(|live| equality::difference(&wish.object, &live).is_none()),
        };
        // Limits are looked at for what somebody wrote into them.
        let is_read_again = wish.kind == Kind::ConfigMap && self.notes.contains_key(RISK_POLICIES);
        if fulfilled
            && !is_read_again
            && let Content::Unseen(json) = &*content
        {
            let fingerprint = fingerprint(json);
            *content = Content::Fulfils { wish: wish.hash.clone(), fingerprint };
        }
        fulfilled
    }

    /// Where the object is not as `wish` has it, as far as that is known.
    pub fn difference(&self, wish: &Manifest) -> Option<String> {
        equality::difference(&wish.object, &self.content()?)
    }

    /// The object, as far as it is kept: not where it is known to be as it was wanted.
    pub(super) fn content(&self) -> Option<Value> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let Content::Unseen(json) = &*content else { return None };
        serde_json::from_slice(json).ok()
    }

    /// Takes over what was found out of an earlier state with the same content.
    pub(super) fn inherit(&self, before: &Self) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = before.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Content::Unseen(json), Content::Fulfils { fingerprint: known, .. }) =
            (&*content, &*earlier)
            && fingerprint(json) == *known
            && self.applied == before.applied
        {
            *content = earlier.clone();
        }
    }

    /// A label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Whether the object with this uid controls it.
    pub fn is_controlled_by(&self, uid: &str) -> bool {
        self.controller.as_ref().is_some_and(|controller| controller.uid == uid)
    }
}

/// The files of a ConfigMap that are not ours, as the API server has it who wrote what.
fn foreign(config_map: &DynamicObject) -> Vec<String> {
    let files = config_map.data.get("data").and_then(Value::as_object);
    let managers = config_map.metadata.managed_fields.as_deref().unwrap_or_default();
    let is_ours = |file: &str| {
        managers.iter().filter(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER)).any(
            |entry| {
                let data = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:data"));
                data.is_some_and(|data| data.get(format!("f:{file}")).is_some())
            },
        )
    };
    let binary = config_map.data.get("binaryData").and_then(Value::as_object);
    let of_others = files.into_iter().flat_map(|files| files.keys()).filter(|file| !is_ours(file));
    of_others.chain(binary.into_iter().flat_map(|files| files.keys())).cloned().collect()
}

fn fingerprint(json: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(json);
    hasher.finish()
}

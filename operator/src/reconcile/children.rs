//! All objects that bear our label, as the API server has them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use kube::api::{DynamicObject, TypeMeta};
use kube::runtime::watcher::Event;
use serde_json::Value;

use super::desired::{APPLIED, Manifest};
use super::equality;
use super::gone::Gone;
use super::health::{self, Health};
use super::key::Key;
use super::kind::Kind;
use super::version::ResourceVersion;
use crate::labels;

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
    /// When `kubectl rollout restart` was last used on it.
    pub restarted_at: Option<String>,
    /// How it does.
    pub health: Health,
    version: ResourceVersion,
    content: Mutex<Content>,
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
enum Content {
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
        if fulfilled && let Content::Unseen(json) = &*content {
            let fingerprint = fingerprint(json);
            *content = Content::Fulfils { wish: wish.hash.clone(), fingerprint };
        }
        fulfilled
    }

    /// Where the object is not as `wish` has it, as far as that is known.
    pub fn difference(&self, wish: &Manifest) -> Option<String> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let Content::Unseen(json) = &*content else { return None };
        let live: Value = serde_json::from_slice(json).ok()?;
        equality::difference(&wish.object, &live)
    }

    /// Takes over what was found out of an earlier state with the same content.
    fn inherit(&self, before: &Self) {
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

fn fingerprint(json: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(json);
    hasher.finish()
}

/// All children, by name and by desk.
#[derive(Debug, Default)]
pub struct Children {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    all: HashMap<ChildRef, Arc<Live>>,
    /// By the TradingSystem that their label names.
    by_desk: HashMap<Key, BTreeSet<ChildRef>>,
    gone: Gone,
}

impl Children {
    /// One child.
    pub fn get(&self, kind: Kind, key: &Key) -> Option<Arc<Live>> {
        let child = ChildRef { kind, key: key.clone() };
        self.state.read().unwrap_or_else(PoisonError::into_inner).all.get(&child).cloned()
    }

    /// The children whose label names this TradingSystem, those of its agents included, in the order of
    /// their kinds and names.
    pub fn of_desk(&self, system: &Key) -> Vec<(ChildRef, Arc<Live>)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let children = state.by_desk.get(system).into_iter().flatten();
        children.filter_map(|child| Some((child.clone(), state.all.get(child)?.clone()))).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.state.read().unwrap_or_else(PoisonError::into_inner).all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in what a write of ours was answered with. What is older than what is known is left aside, and
    /// so is what went meanwhile.
    pub fn observe(&self, kind: Kind, object: DynamicObject) -> Option<Arc<Live>> {
        let key = Key::of(&object);
        let live = Live::read(kind, object);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.gone.has(&live.uid) {
            return None;
        }
        state.insert(ChildRef { kind, key }, live).map(|seen| seen.live)
    }

    fn insert(&self, child: ChildRef, live: Live) -> Option<Seen> {
        self.state.write().unwrap_or_else(PoisonError::into_inner).insert(child, live)
    }

    /// Of what the cluster says that it went.
    fn remove(&self, child: ChildRef) -> Option<Seen> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let seen = state.remove(child)?;
        state.gone.add(&seen.live.uid);
        Some(seen)
    }

    /// Forgets a child of which the watch seems to know less than the API server. It may be there, and an
    /// answer may bring it back.
    pub fn forget(&self, kind: Kind, key: &Key) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.remove(ChildRef { kind, key: key.clone() });
    }

    /// Forgets all of a kind that the cluster has no more.
    pub fn forget_kind(&self, kind: Kind) {
        self.refs(kind, None).into_iter().for_each(|child| drop(self.remove(child)));
    }

    fn refs(&self, kind: Kind, namespace: Option<&str>) -> Vec<ChildRef> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mine = |child: &&ChildRef| {
            child.kind == kind && namespace.is_none_or(|name| child.key.namespace == name)
        };
        state.all.keys().filter(mine).cloned().collect()
    }
}

impl State {
    fn remove(&mut self, child: ChildRef) -> Option<Seen> {
        let live = self.all.remove(&child)?;
        if let Some(desk) = desk(&child.key, &live)
            && let Some(children) = self.by_desk.get_mut(&desk)
        {
            children.remove(&child);
            if children.is_empty() {
                self.by_desk.remove(&desk);
            }
        }
        Some(Seen { child, live })
    }

    fn insert(&mut self, child: ChildRef, live: Live) -> Option<Seen> {
        let before = self.all.get(&child);
        if let Some(before) = before {
            if before.version.is_newer_than(&live.version) {
                return None;
            }
            live.inherit(before);
        }
        let live = Arc::new(live);
        if let Some(desk) = desk(&child.key, &live) {
            self.by_desk.entry(desk).or_default().insert(child.clone());
        }
        self.all.insert(child.clone(), live.clone());
        Some(Seen { child, live })
    }
}

fn desk(key: &Key, live: &Live) -> Option<Key> {
    live.label(labels::SYSTEM).map(|system| key.beside(system))
}

/// A child that came, changed or went.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which.
    pub child: ChildRef,
    /// As it is, or was before it went.
    pub live: Arc<Live>,
}

/// Carries a watch of one kind into the children.
#[derive(Debug)]
pub struct Intake {
    kind: Kind,
    namespace: Option<String>,
    listed: Option<HashSet<ChildRef>>,
}

impl Intake {
    /// Of one kind, in one namespace or in all.
    pub fn new(kind: Kind, namespace: Option<String>) -> Self {
        Self { kind, namespace, listed: None }
    }

    /// Takes an event in, and tells what changed by it.
    pub fn take(&mut self, children: &Children, event: Event<DynamicObject>) -> Vec<Seen> {
        match event {
            Event::Init => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(object) => {
                let child = self.child(&object);
                if let Some(listed) = &mut self.listed {
                    listed.insert(child.clone());
                }
                children.insert(child, Live::read(self.kind, object)).into_iter().collect()
            }
            Event::Apply(object) => {
                let child = self.child(&object);
                children.insert(child, Live::read(self.kind, object)).into_iter().collect()
            }
            Event::Delete(object) => children.remove(self.child(&object)).into_iter().collect(),
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let known = children.refs(self.kind, self.namespace.as_deref());
                let gone = known.into_iter().filter(|child| !listed.contains(child));
                gone.filter_map(|child| children.remove(child)).collect()
            }
        }
    }

    fn child(&self, object: &DynamicObject) -> ChildRef {
        ChildRef { kind: self.kind, key: Key::of(object) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::{Desired, Owner, Replicas};
    use serde_json::json;

    fn wish(image: &str) -> Manifest {
        let content = json!({"metadata": {"labels": {labels::SYSTEM: "desk"}},
            "spec": {"template": {"spec": {"containers": [{"name": "trader", "image": image}]}}}});
        let wish = Desired {
            kind: Kind::Deployment,
            name: "desk-trader".into(),
            content,
            replicas: Replicas::None,
        };
        let owner = Owner { kind: "TradingSystem", key: Key::new("n", "desk"), uid: "u".into() };
        wish.manifest(&owner, None).unwrap()
    }

    fn object(wish: &Manifest, version: u64) -> DynamicObject {
        let mut object = wish.object.clone();
        object["metadata"]["resourceVersion"] = version.to_string().into();
        object["metadata"]["generation"] = 1.into();
        object["spec"]["progressDeadlineSeconds"] = 600.into();
        serde_json::from_value(object).unwrap()
    }

    fn take(children: &Children, object: DynamicObject) -> Vec<Seen> {
        Intake::new(Kind::Deployment, None).take(children, Event::Apply(object))
    }

    fn live(children: &Children) -> Arc<Live> {
        children.get(Kind::Deployment, &Key::new("n", "desk-trader")).unwrap()
    }

    #[test]
    fn what_was_applied_fulfils_the_wish_defaults_or_not() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        assert!(live(&children).fulfils(&wish("a")));
        assert!(!live(&children).fulfils(&wish("b")));
    }

    #[test]
    fn what_is_listed_is_what_was_watched() {
        let children = Children::default();
        let mut item = object(&wish("a"), 1);
        // As in a list, whose items do not say what they are.
        item.types = None;
        take(&children, item.clone());
        assert_eq!(live(&children).difference(&wish("a")), None);
        assert!(live(&children).fulfils(&wish("a")));
        take(&children, object(&wish("a"), 2));
        assert!(matches!(*live(&children).content.lock().unwrap(), Content::Fulfils { .. }));
    }

    #[test]
    fn drift_is_seen_although_the_annotation_stays() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        assert!(live(&children).fulfils(&wish("a")));
        let mut edited = object(&wish("a"), 2);
        edited.data["spec"]["template"]["spec"]["containers"][0]["image"] = "evil".into();
        take(&children, edited);
        assert!(!live(&children).fulfils(&wish("a")));
        assert_eq!(
            live(&children).difference(&wish("a")).as_deref(),
            Some(".spec.template.spec.containers[trader].image")
        );
    }

    #[test]
    fn a_change_of_status_keeps_what_was_found_out() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        assert!(live(&children).fulfils(&wish("a")));
        let mut reported = object(&wish("a"), 2);
        reported.data["status"] = json!({"availableReplicas": 1, "observedGeneration": 1});
        take(&children, reported);
        let live = live(&children);
        assert!(matches!(*live.content.lock().unwrap(), Content::Fulfils { .. }));
        assert!(matches!(&live.health, Health::Deployment(health) if health.available == 1));
    }

    #[test]
    fn children_are_found_by_desk_until_they_are_gone() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        let desk = Key::new("n", "desk");
        assert_eq!(children.of_desk(&desk).len(), 1);
        assert!(children.of_desk(&Key::new("other", "desk")).is_empty());
        let mut intake = Intake::new(Kind::Deployment, None);
        intake.take(&children, Event::Init);
        let gone = intake.take(&children, Event::InitDone);
        assert_eq!(gone.len(), 1);
        assert!(children.of_desk(&desk).is_empty());
        assert!(children.is_empty());
    }

    #[test]
    fn a_late_answer_does_not_bring_back_what_went() {
        let children = Children::default();
        let of = |uid: &str, version| {
            let mut object = object(&wish("a"), version);
            object.metadata.uid = Some(uid.into());
            object
        };
        take(&children, of("first", 1));
        let mut intake = Intake::new(Kind::Deployment, None);
        intake.take(&children, Event::Delete(of("first", 3)));
        assert!(children.observe(Kind::Deployment, of("first", 2)).is_none());
        assert!(children.is_empty());
        assert!(children.observe(Kind::Deployment, of("second", 4)).is_some(), "made anew");
    }

    #[test]
    fn what_was_forgotten_is_known_again_by_the_next_answer() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        children.forget(Kind::Deployment, &Key::new("n", "desk-trader"));
        assert!(children.is_empty());
        assert!(children.observe(Kind::Deployment, object(&wish("a"), 2)).is_some());
    }

    #[test]
    fn a_list_of_one_kind_says_nothing_of_another() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        let mut intake = Intake::new(Kind::Service, None);
        intake.take(&children, Event::Init);
        intake.take(&children, Event::InitDone);
        let mut elsewhere = Intake::new(Kind::Deployment, Some("other".into()));
        elsewhere.take(&children, Event::Init);
        elsewhere.take(&children, Event::InitDone);
        assert_eq!(children.len(), 1);
    }
}

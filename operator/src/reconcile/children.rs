//! All objects that bear our label, by name and by desk.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use kube::api::DynamicObject;
use kube::runtime::watcher::Event;

use super::child::{ChildRef, Live};
use super::gone::Gone;
use super::key::Key;
use super::kind::Kind;
use crate::labels;

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
            if desk(&child.key, before) != desk(&child.key, &live) {
                self.remove(child.clone());
            }
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
    use crate::reconcile::child::Content;
    use crate::reconcile::desired::{Desired, Manifest, Owner, Replicas};
    use crate::reconcile::health::Health;
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
    fn a_child_is_of_the_desk_that_its_label_names_now() {
        let children = Children::default();
        take(&children, object(&wish("a"), 1));
        let mut moved = object(&wish("a"), 2);
        moved.metadata.labels = Some([(labels::SYSTEM.to_owned(), "other".to_owned())].into());
        take(&children, moved);
        assert!(children.of_desk(&Key::new("n", "desk")).is_empty());
        assert_eq!(children.of_desk(&Key::new("n", "other")).len(), 1);
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

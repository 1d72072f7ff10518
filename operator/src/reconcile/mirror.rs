//! Our own kinds as the API server has them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource as _;
use kube::runtime::watcher::Event;
use sapphire_crds::{RiskPolicy, TradingAgent, TradingSystem};

use super::gone::Gone;
use super::key::Key;
use super::stored::{Stored, Unreadable, Wire};
use super::version::ResourceVersion;

/// An object that was read, or what kept it from being read.
pub type Read<K> = Result<Arc<Stored<K>>, Arc<Unreadable>>;

/// A kind whose objects name one of another kind, beside them in their namespace.
pub trait Refers {
    /// Where the spec has that name. One that cannot be read belongs to it all the same.
    const REFERENCE: Option<&'static str>;

    /// The name of the object that this one belongs to.
    fn belongs_to(&self) -> Option<&str>;
}

impl Refers for TradingSystem {
    const REFERENCE: Option<&'static str> = Some("/riskPolicyRef/name");

    fn belongs_to(&self) -> Option<&str> {
        Some(self.spec.risk_policy_ref.name.as_str())
    }
}

impl Refers for TradingAgent {
    const REFERENCE: Option<&'static str> = Some("/systemRef/name");

    fn belongs_to(&self) -> Option<&str> {
        Some(self.spec.system_ref.name.as_str())
    }
}

impl Refers for RiskPolicy {
    const REFERENCE: Option<&'static str> = None;

    fn belongs_to(&self) -> Option<&str> {
        None
    }
}

/// All objects of one of our kinds.
///
/// An object that cannot be decoded (it was stored under another schema) is kept as such and disturbs
/// no other.
#[derive(Debug)]
pub struct Mirror<K> {
    state: RwLock<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    objects: HashMap<Key, Read<K>>,
    /// By the object that they name. Every change of a system asks who its agents are, and there may
    /// be thousands.
    belonging: HashMap<Key, BTreeSet<Key>>,
    gone: Gone,
}

impl<K> Default for Mirror<K> {
    fn default() -> Self {
        let state =
            State { objects: HashMap::new(), belonging: HashMap::new(), gone: Gone::default() };
        Self { state: RwLock::new(state) }
    }
}

impl<K: kube::Resource<DynamicType = ()> + Clone + Refers> Mirror<K> {
    /// The object, if there is one and it can be read.
    pub fn get(&self, key: &Key) -> Option<Arc<Stored<K>>> {
        self.read(key)?.ok()
    }

    /// The object, or what keeps it from being read.
    pub fn read(&self, key: &Key) -> Option<Read<K>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).objects.get(key).cloned()
    }

    /// The objects that name this one, in the order of their names.
    pub fn belonging_to(&self, named: &Key) -> Vec<Read<K>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let keys = state.belonging.get(named).into_iter().flatten();
        keys.filter_map(|key| state.objects.get(key)).cloned().collect()
    }

    /// The object that this one names.
    pub fn named_by(&self, key: &Key) -> Option<Key> {
        belongs_to(key, &self.read(key)?)
    }

    /// The keys of [`belonging_to`](Self::belonging_to).
    pub fn keys_belonging_to(&self, named: &Key) -> Vec<Key> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.belonging.get(named).into_iter().flatten().cloned().collect()
    }

    /// The objects that can be read, in no order.
    pub fn all(&self) -> Vec<Arc<Stored<K>>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.objects.values().filter_map(|read| read.as_ref().ok()).cloned().collect()
    }

    /// The keys of the objects that can be read and that `wanted` wants, in no order.
    pub fn keys_of(&self, wanted: impl Fn(&K) -> bool) -> Vec<Key> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let all = state.objects.iter();
        all.filter(|(_, read)| read.as_ref().is_ok_and(|object| wanted(object)))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Whether any object of the namespace is as `wanted` asks.
    pub fn any_in(&self, namespace: &str, wanted: impl Fn(&Read<K>) -> bool) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mut all = state.objects.iter();
        all.any(|(key, read)| key.namespace == namespace && wanted(read))
    }

    /// The keys of all objects, readable or not.
    pub fn keys(&self) -> Vec<Key> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).objects.keys().cloned().collect()
    }

    /// How many objects cannot be read.
    pub fn undecodable(&self) -> usize {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.objects.values().filter(|read| read.is_err()).count()
    }

    /// Takes in what a write of ours was answered with, so that the next reconcile sees it. What is
    /// older than what is known is left aside, and so is what went meanwhile.
    pub fn observe(&self, written: Wire<K>) {
        let (key, read) = unwrap(written);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !uid(&read).is_some_and(|uid| state.gone.has(uid)) {
            state.insert(key, read);
        }
    }

    fn insert(&self, key: Key, read: Read<K>) -> Option<Change<K>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner).insert(key, read)
    }

    fn remove(&self, key: Key) -> Option<Change<K>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.objects.remove(&key)?;
        if let Some(uid) = uid(&before) {
            state.gone.add(uid);
        }
        let named = belongs_to(&key, &before);
        state.forget(named.as_ref(), &key);
        let named = named.into_iter().collect();
        Some(Change { key, before: before.ok(), after: None, named })
    }
}

impl<K: kube::Resource<DynamicType = ()> + Clone + Refers> State<K> {
    fn insert(&mut self, key: Key, read: Read<K>) -> Option<Change<K>> {
        let before = self.objects.get(&key);
        if before.is_some_and(|before| version(before).is_newer_than(&version(&read))) {
            return None;
        }
        let named = belongs_to(&key, &read);
        let before = self.objects.insert(key.clone(), read.clone());
        let named_before = before.as_ref().and_then(|before| belongs_to(&key, before));
        if named_before != named {
            self.forget(named_before.as_ref(), &key);
            if let Some(named) = &named {
                self.belonging.entry(named.clone()).or_default().insert(key.clone());
            }
        }
        let named = named_before.into_iter().chain(named).collect();
        Some(Change { key, before: before.and_then(Result::ok), after: read.ok(), named })
    }
}

impl<K> State<K> {
    fn forget(&mut self, named: Option<&Key>, key: &Key) {
        if let Some(named) = named
            && let Some(keys) = self.belonging.get_mut(named)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.belonging.remove(named);
            }
        }
    }
}

fn belongs_to<K: Refers>(key: &Key, read: &Read<K>) -> Option<Key> {
    match read {
        Ok(object) => object.belongs_to().map(|name| key.beside(name)),
        Err(unreadable) => {
            let spec = unreadable.written_spec();
            let name = K::REFERENCE.and_then(|reference| spec.pointer(reference))?.as_str()?;
            Some(key.beside(name))
        }
    }
}

fn meta<K: kube::Resource<DynamicType = ()>>(read: &Read<K>) -> &ObjectMeta {
    read.as_ref().map_or_else(|invalid| &invalid.metadata, |object| object.meta())
}

fn version<K: kube::Resource<DynamicType = ()>>(read: &Read<K>) -> ResourceVersion {
    ResourceVersion::of(meta(read))
}

fn uid<K: kube::Resource<DynamicType = ()>>(read: &Read<K>) -> Option<&str> {
    meta(read).uid.as_deref()
}

/// An object came, changed or went. `None` where it is not there, or cannot be read.
#[derive(Debug)]
pub struct Change<K> {
    /// Which.
    pub key: Key,
    /// As it was.
    pub before: Option<Arc<Stored<K>>>,
    /// As it is.
    pub after: Option<Arc<Stored<K>>>,
    /// What it named, and what it names, whether it can be read or not.
    pub named: BTreeSet<Key>,
}

/// Carries a watch into a mirror.
#[derive(Debug)]
pub struct Intake<K> {
    listed: Option<HashSet<Key>>,
    namespace: Option<String>,
    of: std::marker::PhantomData<K>,
}

impl<K: kube::Resource<DynamicType = ()> + Clone + Refers> Intake<K> {
    /// Of one namespace, or of all.
    pub fn new(namespace: Option<String>) -> Self {
        Self { listed: None, namespace, of: std::marker::PhantomData }
    }

    /// Takes an event in, and tells what changed by it.
    pub fn take(&mut self, mirror: &Mirror<K>, event: Event<Wire<K>>) -> Vec<Change<K>> {
        match event {
            Event::Init => {
                self.listed = Some(HashSet::new());
                Vec::new()
            }
            Event::InitApply(wire) => {
                let (key, read) = unwrap(wire);
                if let Some(listed) = &mut self.listed {
                    listed.insert(key.clone());
                }
                mirror.insert(key, read).into_iter().collect()
            }
            Event::Apply(wire) => {
                let (key, read) = unwrap(wire);
                mirror.insert(key, read).into_iter().collect()
            }
            Event::Delete(wire) => mirror.remove(unwrap(wire).0).into_iter().collect(),
            Event::InitDone => {
                let listed = self.listed.take().unwrap_or_default();
                let mine = |key: &Key| self.namespace.as_ref().is_none_or(|n| *n == key.namespace);
                let gone =
                    mirror.keys().into_iter().filter(|key| mine(key) && !listed.contains(key));
                gone.filter_map(|key| mirror.remove(key)).collect()
            }
        }
    }
}

fn unwrap<K: kube::Resource<DynamicType = ()>>(wire: Wire<K>) -> (Key, Read<K>) {
    let meta = wire.meta();
    let name = meta.name.clone().unwrap_or_default();
    let key = Key::new(meta.namespace.clone().unwrap_or_default(), name);
    (key, wire.0.map(Arc::new).map_err(Arc::new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_crds::RiskPolicy;
    use serde_json::json;

    fn wire(name: &str, version: u64, spec: serde_json::Value) -> Wire<RiskPolicy> {
        serde_json::from_value(json!({
            "apiVersion": "sapphiretrade.xyz/v1alpha1", "kind": "RiskPolicy",
            "metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()},
            "spec": spec,
        }))
        .unwrap()
    }

    fn names(mirror: &Mirror<RiskPolicy>) -> Vec<String> {
        let mut names: Vec<String> = mirror.keys().into_iter().map(|key| key.name).collect();
        names.sort();
        names
    }

    #[test]
    fn an_object_that_cannot_be_decoded_disturbs_no_other() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        intake.take(&mirror, Event::Apply(wire("good", 1, json!({}))));
        intake.take(&mirror, Event::Apply(wire("bad", 1, json!({"staleAfter": 5}))));
        assert!(mirror.get(&Key::new("n", "good")).is_some());
        assert!(mirror.get(&Key::new("n", "bad")).is_none());
        assert!(mirror.read(&Key::new("n", "bad")).unwrap().is_err());
        assert_eq!(mirror.undecodable(), 1);
    }

    #[test]
    fn what_was_not_listed_again_is_gone() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        for name in ["a", "b"] {
            intake.take(&mirror, Event::Apply(wire(name, 1, json!({}))));
        }
        intake.take(&mirror, Event::Init);
        intake.take(&mirror, Event::InitApply(wire("b", 1, json!({}))));
        assert_eq!(names(&mirror), ["a", "b"], "nothing is missing while the list is read");
        let changes = intake.take(&mirror, Event::InitDone);
        assert_eq!(names(&mirror), ["b"]);
        assert_eq!(changes.len(), 1);
        assert!(changes[0].before.is_some() && changes[0].after.is_none());
    }

    #[test]
    fn an_older_event_does_not_undo_what_we_wrote() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        let written = wire("a", 7, json!({"tradingState": "Halted"}));
        mirror.observe(written);
        let changes = intake.take(&mirror, Event::Apply(wire("a", 6, json!({}))));
        assert!(changes.is_empty());
        assert_eq!(
            mirror.get(&Key::new("n", "a")).unwrap().metadata.resource_version.as_deref(),
            Some("7")
        );
    }

    #[test]
    fn a_late_answer_does_not_bring_back_what_went() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        let of = |uid: &str, version: u64| -> Wire<RiskPolicy> {
            serde_json::from_value(json!({
                "metadata": {"name": "a", "namespace": "n", "uid": uid,
                    "resourceVersion": version.to_string()},
                "spec": {},
            }))
            .unwrap()
        };
        intake.take(&mirror, Event::Apply(of("first", 1)));
        intake.take(&mirror, Event::Delete(of("first", 3)));
        mirror.observe(of("first", 2));
        assert!(mirror.keys().is_empty());
        mirror.observe(of("second", 4));
        assert_eq!(mirror.keys().len(), 1, "made anew");
    }

    fn agent(name: &str, version: u64, spec: serde_json::Value) -> Wire<TradingAgent> {
        serde_json::from_value(json!({
            "apiVersion": "sapphiretrade.xyz/v1alpha1", "kind": "TradingAgent",
            "metadata": {"name": name, "namespace": "n", "resourceVersion": version.to_string()},
            "spec": spec,
        }))
        .unwrap()
    }

    fn of(system: &str) -> serde_json::Value {
        json!({"systemRef": {"name": system}, "strategy": {"trendMomentum": {}},
            "authority": {"consensus": {}}})
    }

    fn agents_of(mirror: &Mirror<TradingAgent>, system: &str) -> Vec<String> {
        let keys = mirror.keys_belonging_to(&Key::new("n", system));
        assert_eq!(keys.len(), mirror.belonging_to(&Key::new("n", system)).len());
        keys.into_iter().map(|key| key.name).collect()
    }

    #[test]
    fn who_belongs_to_whom_follows_every_change() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        for name in ["b", "a", "c"] {
            intake.take(&mirror, Event::Apply(agent(name, 1, of("desk"))));
        }
        assert_eq!(agents_of(&mirror, "desk"), ["a", "b", "c"]);
        assert!(mirror.keys_belonging_to(&Key::new("other", "desk")).is_empty());
        // Deleted and made anew for another desk while the watch was away; unreadable; gone.
        intake.take(&mirror, Event::Apply(agent("a", 2, of("other"))));
        intake.take(&mirror, Event::Apply(agent("b", 2, json!({"horizon": "soon"}))));
        intake.take(&mirror, Event::Delete(agent("c", 2, of("desk"))));
        assert!(agents_of(&mirror, "desk").is_empty(), "b names nobody any more");
        assert_eq!(agents_of(&mirror, "other"), ["a"]);
        intake.take(&mirror, Event::Apply(agent("b", 3, of("desk"))));
        assert_eq!(agents_of(&mirror, "desk"), ["b"]);
        intake.take(&mirror, Event::Init);
        intake.take(&mirror, Event::InitDone);
        assert!(mirror.state.read().unwrap().belonging.is_empty());
    }

    #[test]
    fn what_cannot_be_read_belongs_to_what_it_names() {
        let (mirror, mut intake) = (Mirror::default(), Intake::new(None));
        intake.take(&mirror, Event::Apply(agent("a", 1, of("desk"))));
        let of_a_later_release = json!({"systemRef": {"name": "desk"}, "strategy": "unheard-of"});
        let changes = intake.take(&mirror, Event::Apply(agent("a", 2, of_a_later_release)));
        assert!(mirror.get(&Key::new("n", "a")).is_none());
        assert_eq!(agents_of(&mirror, "desk"), ["a"]);
        assert_eq!(mirror.named_by(&Key::new("n", "a")), Some(Key::new("n", "desk")));
        assert_eq!(changes[0].named, BTreeSet::from([Key::new("n", "desk")]), "who is woken");
        let gone = json!({"systemRef": {"name": "desk"}, "strategy": "unheard-of"});
        let changes = intake.take(&mirror, Event::Delete(agent("a", 3, gone)));
        assert_eq!(changes[0].named, BTreeSet::from([Key::new("n", "desk")]));
        assert!(agents_of(&mirror, "desk").is_empty());
    }

    #[test]
    fn an_older_event_moves_nobody() {
        let mirror = Mirror::default();
        mirror.observe(agent("a", 7, of("new")));
        mirror.observe(agent("a", 6, of("old")));
        assert_eq!(agents_of(&mirror, "new"), ["a"]);
        assert!(agents_of(&mirror, "old").is_empty());
    }
}

//! A child as we want it.

use kube::Resource;
use sapphire_crds::canonical::canonical_hash;
use serde::Serialize;
use serde_json::{Value, json};

use super::child::Live;
use super::key::Key;
use super::kind::Kind;

/// The annotation that tells which of our wishes an object fulfils: the hash of what was applied.
///
/// A field that we no longer want is not seen by comparing what we want with what is there; this hash
/// shows that the wish changed.
pub const APPLIED: &str = "sapphiretrade.xyz/applied";

/// Who owns a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// TradingSystem or TradingAgent.
    pub kind: &'static str,
    /// Its namespace and name.
    pub key: Key,
    /// Its `metadata.uid`: an object of the same name that is made later is another owner.
    pub uid: String,
}

impl Owner {
    /// The owner that `object` is.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K, kind: &'static str) -> Self {
        let meta = object.meta();
        Self {
            kind,
            key: Key::new(
                meta.namespace.clone().unwrap_or_default(),
                meta.name.clone().unwrap_or_default(),
            ),
            uid: meta.uid.clone().unwrap_or_default(),
        }
    }

    /// As `metadata.ownerReferences` has it.
    pub fn reference(&self) -> Value {
        json!({
            "apiVersion": sapphire_crds::API_VERSION,
            "kind": self.kind,
            "name": self.key.name,
            "uid": self.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        })
    }
}

/// Whose the number of replicas is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// The kind has none.
    None,
    /// Ours: so many, and drift is repaired.
    Exactly(i32),
    /// Whoever set it last: so many at creation, then what is there.
    Initially(i32),
    /// As [`Initially`](Self::Initially), but never more: a second pod would do harm.
    AtMost(i32),
}

/// A child as its builder wants it: typed on the way in, JSON from here on.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Its kind.
    pub kind: Kind,
    /// Its `metadata.name`.
    pub name: String,
    /// Labels, annotations and everything outside of metadata, without replicas.
    pub content: Value,
    /// Whose its number of replicas is.
    pub replicas: Replicas,
}

impl Desired {
    /// A child from a typed object that has a name.
    ///
    /// # Errors
    /// When the object has no JSON form; Kubernetes' own types all have one.
    pub fn new<T: Serialize>(
        kind: Kind,
        object: &T,
        replicas: Replicas,
    ) -> Result<Self, serde_json::Error> {
        let mut content = serde_json::to_value(object)?;
        let mut name = String::new();
        if let Value::Object(members) = &mut content {
            for member in ["apiVersion", "kind", "status"] {
                members.remove(member);
            }
            if let Some(Value::Object(spec)) = members.get_mut("spec")
                && replicas != Replicas::None
            {
                spec.remove("replicas");
            }
            if let Some(Value::Object(metadata)) = members.get_mut("metadata") {
                if let Some(Value::String(named)) = metadata.remove("name") {
                    name = named;
                }
                metadata.remove("namespace");
                metadata.remove("creationTimestamp");
            }
        }
        Ok(Self { kind, name, content, replicas })
    }

    /// A child that was stored by [`store`](Self::store).
    pub fn restore(stored: &Value) -> Option<Self> {
        let replicas = match stored.get("replicas") {
            None => Replicas::None,
            Some(rule) => {
                let number =
                    |name: &str| rule.get(name)?.as_i64().and_then(|n| i32::try_from(n).ok());
                let exactly = number("exactly").map(Replicas::Exactly);
                let initially = || number("initially").map(Replicas::Initially);
                exactly.or_else(initially).or_else(|| number("atMost").map(Replicas::AtMost))?
            }
        };
        Some(Self {
            kind: Kind::named(stored.get("kind")?.as_str()?)?,
            name: stored.get("name")?.as_str()?.to_owned(),
            content: stored.get("content")?.clone(),
            replicas,
        })
    }

    /// The child as a revision keeps it.
    pub fn store(&self) -> Value {
        let mut stored =
            json!({"kind": self.kind.name(), "name": self.name, "content": self.content});
        match self.replicas {
            Replicas::None => {}
            Replicas::Exactly(n) => stored["replicas"] = json!({"exactly": n}),
            Replicas::Initially(n) => stored["replicas"] = json!({"initially": n}),
            Replicas::AtMost(n) => stored["replicas"] = json!({"atMost": n}),
        }
        stored
    }

    /// What is applied: with owner, namespace, replicas and the hash of all this. `there` is how many
    /// replicas the live object asks for.
    ///
    /// # Errors
    /// As [`canonical_hash`].
    pub fn manifest(
        &self,
        owner: &Owner,
        there: Option<i32>,
    ) -> Result<Manifest, serde_json::Error> {
        let mut object = self.content.clone();
        put(&mut object, &["metadata", "name"], self.name.clone().into());
        put(&mut object, &["metadata", "namespace"], owner.key.namespace.clone().into());
        put(&mut object, &["metadata", "ownerReferences"], json!([owner.reference()]));
        if let Replicas::Exactly(n) = self.replicas {
            put(&mut object, &["spec", "replicas"], n.into());
        }
        let mut hash = canonical_hash(&object)?;
        hash.truncate(16);
        put(&mut object, &["metadata", "annotations", APPLIED], hash.clone().into());
        // Replicas that belong to others are no part of the hash: their change is no wish of ours. They
        // are applied as they are, since server-side apply resets a field that is left out.
        let of_others = match self.replicas {
            Replicas::Initially(n) => Some(there.unwrap_or(n)),
            Replicas::AtMost(n) => Some(there.map_or(n, |there| there.min(n))),
            Replicas::Exactly(_) | Replicas::None => None,
        };
        if let Some(replicas) = of_others {
            put(&mut object, &["spec", "replicas"], replicas.into());
        }
        put(&mut object, &["apiVersion"], self.kind.api_version().into());
        put(&mut object, &["kind"], self.kind.name().into());
        Ok(Manifest { kind: self.kind, key: owner.key.beside(&self.name), object, hash })
    }
}

/// A child as it is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: Key,
    /// The whole of it.
    pub object: Value,
    /// The hash that its annotation bears.
    pub hash: String,
}

impl Manifest {
    /// The same, to be applied only over what was read.
    pub fn over(&self, live: &Live) -> Self {
        let mut only_over = self.clone();
        put(&mut only_over.object, &["metadata", "uid"], live.uid.clone().into());
        if let Some(version) = live.version.text() {
            put(&mut only_over.object, &["metadata", "resourceVersion"], version.into());
        }
        only_over
    }

    /// The same, to be applied only where nothing of its name is there: it asks for a state of the object
    /// that none ever has, so that the API server refuses it (409) where there is one.
    pub fn of_nothing(&self) -> Self {
        let mut only_new = self.clone();
        put(&mut only_new.object, &["metadata", "resourceVersion"], "1".into());
        only_new
    }
}

fn put(object: &mut Value, path: &[&str], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *object = value;
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    if let Value::Object(members) = object {
        put(members.entry(*first).or_insert(Value::Null), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::apps::v1::Deployment;

    fn owner(uid: &str) -> Owner {
        Owner { kind: "TradingSystem", key: Key::new("n", "desk"), uid: uid.into() }
    }

    fn deployment(replicas: Replicas) -> Desired {
        let object: Deployment = serde_json::from_value(json!({
            "metadata": {"name": "desk-trader", "labels": {"a": "b"}},
            "spec": {"replicas": 9, "selector": {}, "template": {}},
        }))
        .unwrap();
        Desired::new(Kind::Deployment, &object, replicas).unwrap()
    }

    #[test]
    fn replicas_of_others_stay_and_change_no_hash() {
        let wish = deployment(Replicas::Initially(2));
        let created = wish.manifest(&owner("u"), None).unwrap();
        assert_eq!(created.object["spec"]["replicas"], 2);
        let scaled = wish.manifest(&owner("u"), Some(0)).unwrap();
        assert_eq!(scaled.object["spec"]["replicas"], 0);
        assert_eq!(created.hash, scaled.hash);
    }

    #[test]
    fn replicas_with_a_bound_are_left_up_to_it() {
        let wish = deployment(Replicas::AtMost(1));
        for (there, applied) in [(None, 1), (Some(0), 0), (Some(1), 1), (Some(3), 1)] {
            assert_eq!(
                wish.manifest(&owner("u"), there).unwrap().object["spec"]["replicas"],
                applied
            );
        }
    }

    #[test]
    fn replicas_of_ours_are_part_of_the_wish() {
        let hash =
            |n| deployment(Replicas::Exactly(n)).manifest(&owner("u"), Some(7)).unwrap().hash;
        assert_ne!(hash(1), hash(2));
    }

    #[test]
    fn another_owner_is_another_wish() {
        let wish = deployment(Replicas::None);
        let hash = |uid| wish.manifest(&owner(uid), None).unwrap().hash;
        assert_ne!(hash("1"), hash("2"));
    }

    #[test]
    fn a_stored_child_comes_back_as_it_was() {
        let rules =
            [Replicas::None, Replicas::Exactly(3), Replicas::Initially(2), Replicas::AtMost(1)];
        for replicas in rules {
            let wish = deployment(replicas);
            assert_eq!(Desired::restore(&wish.store()), Some(wish));
        }
        assert_eq!(Desired::restore(&json!({"kind": "Secret", "name": "x", "content": {}})), None);
        assert_eq!(Desired::restore(&json!(5)), None);
    }

    #[test]
    fn what_is_applied_is_whole() {
        let manifest = deployment(Replicas::Initially(2)).manifest(&owner("u"), None).unwrap();
        insta::with_settings!({sort_maps => true}, {
            insta::assert_yaml_snapshot!(manifest.object);
        });
    }
}

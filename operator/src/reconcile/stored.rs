//! Objects of our kinds as they are stored: typed, and their spec as somebody wrote it.
//!
//! The typed spec has defaults filled in, and a later release may know more of them. What a revision is
//! keyed by must not change with the release, so it is taken from the words that are stored.

use std::borrow::Cow;
use std::ops::Deref;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An object, typed, with its spec as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored<K> {
    object: K,
    spec: Box<str>,
}

impl<K> Stored<K> {
    /// The spec as it is stored.
    pub fn written_spec(&self) -> Value {
        serde_json::from_str(&self.spec).unwrap_or_default()
    }
}

impl<K> Deref for Stored<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

/// An object that was stored under another schema: what of it can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// What keeps the rest from being read.
    pub error: String,
    spec: Box<str>,
}

impl Unreadable {
    /// The spec as it is stored.
    pub fn written_spec(&self) -> Value {
        serde_json::from_str(&self.spec).unwrap_or_default()
    }
}

/// What came over the wire: an object that can be read, or what of it can.
///
/// As kube's `DeserializeGuard`, with the spec kept.
#[derive(Debug, Clone)]
pub struct Wire<K>(pub Result<Stored<K>, Unreadable>);

impl<'de, K: DeserializeOwned> Deserialize<'de> for Wire<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        // Nobody reads it, and it is half of an object.
        if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
            metadata.remove("managedFields");
        }
        let spec: Box<str> =
            value.get("spec").map_or_else(|| "{}".to_owned(), Value::to_string).into();
        let metadata = value.get("metadata").cloned().unwrap_or_default();
        match serde_json::from_value::<K>(value) {
            Ok(object) => Ok(Self(Ok(Stored { object, spec }))),
            Err(error) => {
                let metadata: ObjectMeta =
                    serde_json::from_value(metadata).map_err(D::Error::custom)?;
                Ok(Self(Err(Unreadable { metadata, error: error.to_string(), spec })))
            }
        }
    }
}

impl<K: Resource> Resource for Wire<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(of: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(of)
    }

    fn group(of: &Self::DynamicType) -> Cow<'_, str> {
        K::group(of)
    }

    fn version(of: &Self::DynamicType) -> Cow<'_, str> {
        K::version(of)
    }

    fn plural(of: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(of)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|invalid| &invalid.metadata, |stored| stored.object.meta())
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0
            .as_mut()
            .map_or_else(|invalid| &mut invalid.metadata, |stored| stored.object.meta_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sapphire_crds::TradingAgent;
    use serde_json::json;

    #[test]
    fn the_written_spec_has_no_defaults_of_this_release() {
        let spec = json!({"systemRef": {"name": "desk"}, "strategy": {"trendMomentum": {}},
            "authority": {"consensus": {}}});
        let wire: Wire<TradingAgent> = serde_json::from_value(json!({
            "apiVersion": "sapphiretrade.xyz/v1alpha1", "kind": "TradingAgent",
            "metadata": {"name": "a", "managedFields": [{"manager": "kubectl"}]}, "spec": spec,
        }))
        .unwrap();
        let stored = wire.0.unwrap();
        assert_eq!(stored.written_spec(), spec);
        assert_ne!(serde_json::to_value(stored.spec_typed()).unwrap(), spec);
        assert_eq!(stored.metadata.managed_fields, None);
    }

    impl Stored<TradingAgent> {
        fn spec_typed(&self) -> sapphire_crds::TradingAgentSpec {
            self.object.spec.clone()
        }
    }

    #[test]
    fn what_cannot_be_read_keeps_its_name_and_spec() {
        let wire: Wire<TradingAgent> =
            serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": {"horizon": "soon"}}))
                .unwrap();
        assert_eq!(wire.meta().name.as_deref(), Some("a"));
        assert_eq!(wire.0.unwrap_err().written_spec(), json!({"horizon": "soon"}));
    }
}

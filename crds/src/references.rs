//! References to other objects of the same namespace.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::values::{KeyName, ObjectName};

/// Names another object in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectReference {
    /// The object's `metadata.name`.
    pub name: ObjectName,
}

/// Names one key of a Secret in the same namespace. The operator never reads it: the kubelet mounts it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretKeyReference {
    /// The Secret's `metadata.name`.
    pub name: ObjectName,
    /// The key within the Secret's data.
    pub key: KeyName,
}

/// A choice that has no settings: written `{}`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

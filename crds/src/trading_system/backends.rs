//! Where the journal lives and how the desk's processes talk.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::one_of::one_of;
use crate::references::{Empty, SecretKeyReference};
use crate::values::{ObjectName, Quantity};

/// Where the journal lives: `embedded` or `postgres`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.embedded) != has(self.postgres)")
        .message("embedded and postgres are alternatives; set exactly one of them")
)]
pub struct Storage {
    /// A database file beside the trader; one replica only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStorage>,
    /// A PostgreSQL that outlives the node; leader and standby.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<Postgres>,
}

one_of! {
    /// Where the journal lives.
    StorageChoice of Storage {
        embedded => Embedded(EmbeddedStorage),
        postgres => Postgres(Postgres),
    }
}

/// A database file beside the trader.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedStorage {
    /// The volume that keeps it on a cluster. Absent: the operator's choice of size and class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<StorageVolume>,
}

/// A volume that the operator claims.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("!has(self.size) || !has(oldSelf.size) || !isQuantity(string(self.size)) || quantity(string(self.size)).compareTo(quantity(string(oldSelf.size))) >= 0")
        .message("size cannot shrink, no volume does; put it back, or make it larger").field_path(".size"),
    validation = Rule::new("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)")
        .message("storageClassName cannot change, a volume stays where it is; put it back, or create another TradingSystem")
)]
pub struct StorageVolume {
    /// How much to claim, such as 1Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Quantity>,
    /// Absent: the cluster's default class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class_name: Option<ObjectName>,
}

/// A PostgreSQL database. The operator does not deploy it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgres {
    /// The key that holds the connection URL (`postgres://…`).
    pub secret_ref: SecretKeyReference,
}

/// How the desk's processes talk: `embedded` or `redis`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.embedded) != has(self.redis)")
        .message("embedded and redis are alternatives; set exactly one of them")
)]
pub struct Bus {
    /// Channels within one process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Empty>,
    /// Redis Streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
}

one_of! {
    /// How the desk's processes talk.
    BusChoice of Bus {
        embedded => Embedded(Empty),
        redis => Redis(Redis),
    }
}

/// A Redis. The operator does not deploy it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redis {
    /// The key that holds the connection URL (`redis://…`).
    pub secret_ref: SecretKeyReference,
}

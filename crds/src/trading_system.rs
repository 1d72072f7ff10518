//! `TradingSystem`: what trades where.

mod backends;
mod consensus;
mod paper;
mod status;
mod venue;
mod workloads;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use backends::{
    Bus, BusChoice, EmbeddedStorage, Postgres, Redis, Storage, StorageChoice, StorageVolume,
};
pub use consensus::Consensus;
pub use paper::{
    DataFile, DataVolume, ExchangeData, Fault, FaultKind, FaultTrigger, Funding, Instrument,
    Latency, PaperData, PaperDataChoice, PaperVenue, SymbolFile, VolumeUnit,
};
pub use status::{
    AgentCount, DeskReport, FailedRollout, RolloutFailure, RolloutStatus, RolloutStep,
    StableRevisions, TradingSystemStatus,
};
pub use venue::{
    AsterCredentials, AsterKeys, AsterNetwork, AsterVenue, SymbolSelection, SymbolSelectionChoice,
    Venue, VenueChoice,
};
pub use workloads::{
    Api, Autoscaling, Canary, EnvVar, EnvVarSource, Image, PodOverrides, PullPolicy,
    ResourceAmounts, Resources, Rollout, Sidecar, Toleration, TolerationEffect, TolerationOperator,
    Workload,
};

use crate::references::ObjectReference;
use crate::values::BarInterval;

/// A desk: what trades where, under which policy.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "sapphiretrade.xyz",
    version = "v1alpha1",
    kind = "TradingSystem",
    plural = "tradingsystems",
    shortname = "tsys",
    category = "sapphire",
    namespaced,
    derive = "PartialEq",
    status = "TradingSystemStatus",
    doc = "A desk: what trades where, under which policy.",
    validation = Rule::new("self.metadata.name.size() <= 40")
        .message("metadata.name is longer than 40 characters; shorten it, so that labels and Services made from it stay within 63"),
    validation = Rule::new("self.metadata.name.matches('^[a-z][-a-z0-9]*$')")
        .message("metadata.name begins with a digit or has a dot, and the desk's Services are named after it; begin with a letter, and write lower-case letters, digits and '-'"),
    selectable = ".spec.riskPolicyRef.name",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "State", type_ = "string", json_path = ".status.report.tradingState"),
    printcolumn(name = "Step", type_ = "string", json_path = ".status.rollout.step"),
    printcolumn(name = "Agents", type_ = "string", json_path = ".status.agents.summary"),
    printcolumn(name = "Equity", type_ = "string", json_path = ".status.report.equity"),
    printcolumn(name = "Drawdown", type_ = "string", json_path = ".status.report.drawdown"),
    printcolumn(
        name = "Flat",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Flat\")].status",
        priority = 1
    ),
    printcolumn(
        name = "Policy",
        type_ = "string",
        json_path = ".spec.riskPolicyRef.name",
        priority = 1
    ),
    printcolumn(name = "Live", type_ = "boolean", json_path = ".spec.live", priority = 1),
    printcolumn(
        name = "Leader",
        type_ = "string",
        json_path = ".status.report.leader",
        priority = 1
    ),
    printcolumn(
        name = "Revision",
        type_ = "string",
        json_path = ".status.rollout.target",
        priority = 1
    ),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = crate::schema::structural)]
#[x_kube(
    validation = Rule::new("!has(self.live) || !self.live || has(self.venue.aster)")
        .message("live: true trades real money, which the paper venue has none of; remove live, or set venue.aster").field_path(".live"),
    validation = Rule::new("!has(self.live) || !self.live || (has(self.storage) && has(self.storage.postgres))")
        .message("live: true needs a store that outlives the node; set storage.postgres, or remove live").field_path(".live"),
    validation = Rule::new("!has(self.live) || !self.live || (has(self.bus) && has(self.bus.redis))")
        .message("live: true needs a bus that outlives the node; set bus.redis, or remove live").field_path(".live"),
    validation = Rule::new("!has(self.venue.aster) || self.venue.aster.network != 'Mainnet' || (has(self.live) && self.live)")
        .message("network: Mainnet trades real money; set live: true if that is meant, or network: Testnet").field_path(".venue.aster.network"),
    validation = Rule::new("(has(self.storage) && has(self.storage.postgres)) == (has(oldSelf.storage) && has(oldSelf.storage.postgres))")
        .message("storage cannot change between embedded and postgres, the journal would stay behind; put it back, or create another TradingSystem").field_path(".storage"),
    validation = Rule::new("!has(self.venue.paper) || !has(self.symbols.list) || self.symbols.list.all(s, self.venue.paper.instruments.exists(i, i.symbol == s))")
        .message(Message::Expression("'symbols.list names ' + self.symbols.list.filter(s, !self.venue.paper.instruments.exists(i, i.symbol == s))[0] + ', which venue.paper.instruments does not have; add the instrument, or remove the symbol from the list'".into())).field_path(".symbols.list"),
    validation = Rule::new("!has(self.venue.paper) || !has(self.symbols.list) || !has(self.venue.paper.data.files) || self.symbols.list.all(s, self.venue.paper.data.files.exists(f, f.symbol == s))")
        .message(Message::Expression("'symbols.list names ' + self.symbols.list.filter(s, !self.venue.paper.data.files.exists(f, f.symbol == s))[0] + ', which venue.paper.data.files has no file for; add the file, or remove the symbol from the list'".into())).field_path(".symbols.list")
)]
pub struct TradingSystemSpec {
    /// Where orders go.
    pub venue: Venue,
    /// True where real money is traded; without it no order leaves for a live market.
    #[serde(default)]
    pub live: bool,
    /// What is traded.
    pub symbols: SymbolSelection,
    /// Width of the bars that agents see and rounds follow.
    pub bar_interval: BarInterval,
    /// The RiskPolicy that limits this desk.
    pub risk_policy_ref: ObjectReference,
    /// How opinions become decisions.
    #[serde(default)]
    pub consensus: Consensus,
    /// Where the journal lives. Absent: embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// How the desk's processes talk. Absent: embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bus: Option<Bus>,
    /// The trader's image. Absent: the operator's own release, pinned when the system is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The trader's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trader: Option<Workload>,
    /// The coordinator's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<Workload>,
    /// The API readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// What every pod of the desk gets beside what the operator decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_overrides: Option<PodOverrides>,
    /// Whether a new release may change the database's schema by itself.
    #[serde(default)]
    pub migrations: Migrations,
    /// How a change reaches the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// What deleting the system does while it has positions.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// True stops reconciliation; trading goes on. To stop trading set the policy's tradingState.
    #[serde(default)]
    pub suspend: bool,
}

/// Whether a new release may change the database's schema by itself.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Migrations {
    /// It migrates as part of the rollout.
    #[default]
    Automatic,
    /// It waits for the annotation `sapphiretrade.xyz/migrate`.
    Manual,
}

/// What deleting the system does while it has positions.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The deletion is refused.
    #[default]
    Refuse,
    /// Positions are closed first.
    Flatten,
    /// The system goes, the positions stay at the venue.
    Orphan,
}

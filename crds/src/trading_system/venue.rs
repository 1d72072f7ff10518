//! Where orders go, and for which symbols.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::paper::PaperVenue;
use crate::one_of::one_of;
use crate::references::Empty;
use crate::values::{KeyName, ObjectName, Symbol};

/// Where orders go: `paper` or `aster`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.paper) != has(self.aster)")
        .message("paper and aster are alternatives; set exactly one of them"),
    validation = Rule::new("has(self.aster) == has(oldSelf.aster)")
        .message("venue cannot change between paper and aster, its positions would stay behind; put it back, or create another TradingSystem")
)]
pub struct Venue {
    /// A simulated exchange, fed with recorded or live market data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperVenue>,
    /// The Aster perpetual-futures exchange. The trader of this release refuses it: it cannot trade there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aster: Option<AsterVenue>,
}

one_of! {
    /// Where orders go.
    VenueChoice of Venue {
        paper => Paper(PaperVenue),
        aster => Aster(AsterVenue),
    }
}

/// The Aster perpetual-futures exchange.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("self.network == oldSelf.network")
        .message("network cannot change, Testnet and Mainnet have accounts of their own; put it back, or create another TradingSystem").field_path(".network")
)]
pub struct AsterVenue {
    /// Which of the exchange's networks.
    pub network: AsterNetwork,
    /// The keys with which requests are signed.
    pub credentials: AsterCredentials,
}

/// Which of the exchange's networks.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsterNetwork {
    /// Play money.
    Testnet,
    /// Real money; needs `live: true`.
    Mainnet,
}

/// A Secret with the account's address, and the address and private key of its signer (API V3).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AsterCredentials {
    /// The Secret's `metadata.name`, in the same namespace.
    pub secret_name: ObjectName,
    /// Under which keys the Secret holds them.
    #[serde(default)]
    pub keys: AsterKeys,
}

/// The keys of a Secret with credentials.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AsterKeys {
    /// Of the account's address.
    #[serde(default = "user")]
    pub user: KeyName,
    /// Of the signer's address.
    #[serde(default = "signer")]
    pub signer: KeyName,
    /// Of the signer's private key.
    #[serde(default = "private_key")]
    pub private_key: KeyName,
}

impl Default for AsterKeys {
    fn default() -> Self {
        Self { user: user(), signer: signer(), private_key: private_key() }
    }
}

fn user() -> KeyName {
    KeyName::fixed("user")
}

fn signer() -> KeyName {
    KeyName::fixed("signer")
}

fn private_key() -> KeyName {
    KeyName::fixed("privateKey")
}

/// What is traded: `list` or `all`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("has(self.list) != has(self.all)")
        .message("list and all are alternatives; set exactly one of them")
)]
pub struct SymbolSelection {
    /// These symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 50))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub list: Option<Vec<Symbol>>,
    /// Every symbol that the venue has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Empty>,
}

one_of! {
    /// What is traded.
    SymbolSelectionChoice of SymbolSelection {
        list => List(Vec<Symbol>),
        all => All(Empty),
    }
}

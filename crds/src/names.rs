//! Names that operator, traders and charts must spell alike: labels, annotations, finalizers.

use std::fmt;

/// Constants, and a table of them with their meanings for the reference.
macro_rules! names {
    ($($(#[doc = $meaning:literal])+ $constant:ident = $name:literal;)+) => {
        $($(#[doc = $meaning])+ pub const $constant: &str = $name;)+

        /// Every name above with its meaning, for the reference.
        pub const TABLE: &[(&str, &str)] = &[$(($name, concat!($($meaning),+))),+];
    };
}

/// The field manager of everything that the operator applies.
pub const FIELD_MANAGER: &str = "sapphire-operator";

/// Labels of every object that the operator makes.
pub mod labels {
    /// Always [`NAME_VALUE`].
    pub const NAME: &str = "app.kubernetes.io/name";
    /// The value of [`NAME`].
    pub const NAME_VALUE: &str = "sapphire";
    /// The TradingSystem's name, as Kubernetes' own convention has it.
    pub const INSTANCE: &str = "app.kubernetes.io/instance";
    /// A [`Component`](super::Component).
    pub const COMPONENT: &str = "app.kubernetes.io/component";
    /// Always [`MANAGED_BY_VALUE`].
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    /// The value of [`MANAGED_BY`].
    pub const MANAGED_BY_VALUE: &str = "sapphire-operator";
    /// The TradingSystem's name.
    pub const SYSTEM: &str = "sapphiretrade.xyz/system";
    /// The TradingAgent's name; on agents' children only.
    pub const AGENT: &str = "sapphiretrade.xyz/agent";
    /// The hash of the revision that a pod runs; on what shapes pods, so that a trader's new and old
    /// Deployment can stand side by side.
    pub const REVISION: &str = "sapphiretrade.xyz/revision";
    /// On a namespace, where the operator was told to protect those: it holds a TradingSystem that is not
    /// proven flat.
    pub const EXPOSED: &str = "sapphiretrade.xyz/exposed";
}

/// Annotations.
///
/// Those that people set act once a value: the operator remembers the value that it acted upon in
/// `status.handled`. Any text of one line will do, a date for example.
pub mod annotations {
    names! {
        /// On any of our objects: reconcile now, and try again what failed transiently.
        RECONCILE_NOW = "sapphiretrade.xyz/reconcile-now";
        /// On a TradingSystem or TradingAgent: render anew with this operator's defaults, which restarts
        /// pods where they differ.
        ADOPT_DEFAULTS = "sapphiretrade.xyz/adopt-defaults";
        /// On a TradingSystem with `migrations: Manual`: the revision that may migrate the database, or
        /// `true` for the one that waits now.
        MIGRATE = "sapphiretrade.xyz/migrate";
        /// On a TradingAgent with a canary: give it its full weight now.
        PROMOTE = "sapphiretrade.xyz/promote";
        /// On a TradingAgent with a canary: go back to the former revision. The agent and its system are not
        /// Ready from then on, until its spec changes or is tried again.
        ABANDON = "sapphiretrade.xyz/abandon";
        /// On a TradingSystem or RiskPolicy: `true` lets it be deleted whatever is open. Positions stay at
        /// the venue and nobody watches them.
        FORCE_DELETE = "sapphiretrade.xyz/force-delete";
        /// On the ConfigMap of a desk's limits: the RiskPolicies that they are of, such as `cautious,balanced`
        /// while pods are still under the one that the desk named before. On a trader's Deployment, and on
        /// the ControllerRevision that it is of: the one under which its pods are started.
        RISK_POLICIES = "sapphiretrade.xyz/risk-policies";
        /// On a TradingSystem: the desk is halted, whatever its RiskPolicies say, until somebody removes this, and
        /// its value says why. The operator writes it where somebody halted the desk in the ConfigMap of its
        /// limits; who would halt one desk of several under a policy may write it, too.
        HALTED_BY_HAND = "sapphiretrade.xyz/halted-by-hand";
        /// On the ConfigMap of a desk's limits: those of its RiskPolicies that are halted by what RiskPolicies say. A
        /// halt of any other one in it is somebody's own.
        HALTED_BY_POLICY = "sapphiretrade.xyz/halted-by-policy";
        /// On the ConfigMap of a desk's limits: of each of its RiskPolicies the tradingState that it said itself when
        /// it was last read, and a hash of all else that it said, as JSON.
        LAST_READ = "sapphiretrade.xyz/last-read";
        /// On a trader pod's Lease: what the pod reports, as JSON.
        REPORT = "sapphiretrade.xyz/report";
        /// On the operator's Events: the trace of the reconcile that told it, which also stands in the
        /// operator's log lines.
        TRACE_ID = "sapphiretrade.xyz/trace-id";
        /// On our CustomResourceDefinitions: the release that they come from, such as `0.1.0`, so that an
        /// operator can tell that they are older or newer than itself.
        CRDS_VERSION = "sapphiretrade.xyz/crds-version";
    }
}

/// Finalizers.
pub mod finalizers {
    names! {
        /// On a TradingSystem: stays until its positions are flat, orphaned on purpose, or the deadline of
        /// its namespace's deletion has passed.
        EXPOSURE = "sapphiretrade.xyz/exposure";
        /// On a RiskPolicy: stays while a TradingSystem names it.
        IN_USE = "sapphiretrade.xyz/in-use";
    }
}

/// What a pod is for: the value of [`labels::COMPONENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Component {
    /// The trading loop.
    Trader,
    /// Rounds and votes.
    Coordinator,
    /// The readers behind the API's Service.
    Api,
    /// One agent.
    Agent,
    /// The database's migration.
    Migration,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Trader, Self::Coordinator, Self::Api, Self::Agent, Self::Migration];

    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trader => "trader",
            Self::Coordinator => "coordinator",
            Self::Api => "api",
            Self::Agent => "agent",
            Self::Migration => "migration",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GROUP;
    use crate::values::{LabelKey, LabelValue};

    #[test]
    fn names_of_ours_are_legal_and_in_our_group() {
        use annotations as a;
        let ours = [
            labels::SYSTEM,
            labels::AGENT,
            labels::REVISION,
            labels::EXPOSED,
            a::RECONCILE_NOW,
            a::ADOPT_DEFAULTS,
            a::MIGRATE,
            a::PROMOTE,
            a::ABANDON,
            a::FORCE_DELETE,
            a::REPORT,
            a::TRACE_ID,
            a::CRDS_VERSION,
            finalizers::EXPOSURE,
            finalizers::IN_USE,
        ];
        for name in ours {
            assert!(name.parse::<LabelKey>().is_ok(), "{name}");
            assert_eq!(name.split('/').next(), Some(GROUP));
        }
    }

    #[test]
    fn every_component_is_a_labels_value() {
        for component in Component::ALL {
            assert!(component.to_string().parse::<LabelValue>().is_ok());
        }
    }
}

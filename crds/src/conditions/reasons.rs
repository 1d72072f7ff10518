//! The words of conditions: which there are, what each reason means, and where it may stand.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A word that is not of the closed list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is no {list}")]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// The list.
    pub list: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $list:literal { $($(#[doc = $meaning:literal])+ $word:ident,)+ }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[doc = $meaning])+ $word,)+
        }

        impl $name {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// As a condition carries it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => stringify!($word),)+
                }
            }

            /// What it says, for the reference.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$word => concat!($($meaning),+).trim_ascii(),)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let known = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                known.ok_or_else(|| UnknownWord { word: word.to_owned(), list: $list })
            }
        }
    };
}

words! {
    /// What a condition is about. The first three mean what kstatus takes them to mean.
    ConditionType, "condition" {
        /// This generation is applied, and every part of it answers.
        Ready,
        /// Something is under way, or waited for.
        Reconciling,
        /// Nothing more will happen until a person changes something.
        Stalled,
        /// The database has the schema that the released pods expect.
        SchemaCurrent,
        /// Trader, coordinator and readers answer, and one trader reports that it leads; of a desk in one pod, that
        /// pod answers. So it is, too, where those of the revision that leads serve while another one, or a
        /// standby, does not answer; Ready tells of these.
        CoreAvailable,
        /// Every agent of the system answers.
        AgentsAvailable,
        /// Every enforcing pod confirmed this generation with the operator's own hash of it.
        Enforced,
        /// A recent report proves that nothing is open.
        Flat,
        /// Today's operator would render the pods otherwise than the stored revision does.
        DefaultsOutdated,
        /// The agent votes with its full weight.
        Promoted,
    }
}

words! {
    /// Why a condition is as it is. A reason is added here before it is used anywhere.
    Reason, "reason" {
        /// Applied, and all of it answers.
        Available,
        /// Nothing is under way.
        Idle,
        /// Children are applied and come up.
        Progressing,
        /// The core step: migration, trader, coordinator, readers.
        RollingOutCore,
        /// The step of the agents that vote.
        RollingOutAgents,
        /// The step of the agents with delegated authority.
        RollingOutExecution,
        /// A new trader stands by; the old one is asked to hand over.
        HandingOver,
        /// As many systems as the operator allows roll out already; this one waits for its turn.
        WaitingForTurn,
        /// The TradingSystem that is named does not exist.
        SystemMissing,
        /// The RiskPolicy that is named does not exist.
        PolicyMissing,
        /// The system has not released a revision that the agent could run with.
        WaitingForSystem,
        /// The API server was busy, away or at odds; tried again by itself.
        Retrying,
        /// `suspend: true`: nothing but limits is reconciled, trading goes on.
        Suspended,
        /// The object is being deleted.
        Deleting,
        /// Deletion waits until positions are proven flat.
        WaitingForFlat,
        /// Deletion waits until no system names the policy.
        InUse,
        /// The object is one that today's rules refuse; it was stored before they were.
        InvalidSpec,
        /// The stored object cannot be read at all.
        Undecodable,
        /// Agents contradict each other: a symbol is voted on and delegated, or delegated twice.
        SymbolsConflict,
        /// The system's recording is in no volume, and a cluster has no other place for it.
        DataVolumeMissing,
        /// An object that this one needs has the name of a child, and belongs to someone else.
        NotOurs,
        /// Another field manager holds a field that the operator sets.
        FieldConflict,
        /// The API server refuses a child: an admission policy, a missing right, a value.
        Refused,
        /// A quota leaves no room for a pod or child.
        QuotaExceeded,
        /// A child of the same name is still being deleted.
        BeingDeleted,
        /// The namespace is being deleted.
        NamespaceTerminating,
        /// A step missed its deadline and was undone, or positions were not closed by that of a deletion.
        DeadlineExceeded,
        /// The installed CRDs are older than this operator and lack what it writes.
        CrdsOutdated,
        /// The installed CRDs are newer than this operator, which leaves alone what it does not know.
        OperatorOutdated,
        /// It is as it should be.
        UpToDate,
        /// A migration pod runs.
        Migrating,
        /// `migrations: Manual`: waits for the annotation.
        WaitingForApproval,
        /// The migration pod failed; its last words are in the message.
        MigrationFailed,
        /// There is nothing to do: with an embedded store the trader migrates its own file.
        NotNeeded,
        /// A person scaled the trader to zero.
        ScaledToZero,
        /// Fewer pods answer than should.
        Unavailable,
        /// The image cannot be pulled.
        ImagePullFailed,
        /// A container cannot be configured: a Secret or its key is missing.
        ContainerConfigInvalid,
        /// A container ends again and again.
        CrashLooping,
        /// No node takes the pod.
        Unschedulable,
        /// A volume is not bound or cannot be attached.
        VolumePending,
        /// No pod reports that it leads.
        NoLeader,
        /// No agent names the system, or fewer vote than must agree.
        AgentsMissing,
        /// An agent is Stalled: its own status says what a person has to do.
        AgentStalled,
        /// All bound pods confirmed this generation with the operator's hash.
        Enforced,
        /// A pod understood the limits otherwise.
        HashesDiffer,
        /// A pod has not confirmed this generation yet.
        AwaitingPods,
        /// A desk is halted otherwise: by hand, or by the policy that it names where its pods are still under this one.
        HaltedOtherwise,
        /// Nothing is bound to the policy.
        NoPods,
        /// A report proves it.
        Flat,
        /// A report shows positions or working entries.
        Exposed,
        /// There is no report, or none that can be read; exposure is assumed.
        NoReport,
        /// The last report is too old; exposure is assumed.
        Stale,
        /// Today's operator renders otherwise; an annotation adopts it.
        DefaultsDiffer,
        /// The agent's weight grows in steps.
        CanaryGrowing,
        /// The canary was abandoned.
        CanaryAbandoned,
        /// The agent has no canary: it votes in full at once.
        NoCanary,
    }
}

impl Reason {
    /// The conditions that this may be the reason of.
    pub const fn conditions(self) -> &'static [ConditionType] {
        use ConditionType::{
            AgentsAvailable, CoreAvailable, DefaultsOutdated, Enforced, Flat, Promoted, Ready,
            Reconciling, SchemaCurrent, Stalled,
        };
        // Ready is False for the reason that Reconciling or Stalled is True for.
        const UNDER_WAY: &[ConditionType] = &[Ready, Reconciling];
        const STUCK: &[ConditionType] = &[Ready, Stalled];
        const PODS: &[ConditionType] =
            &[Ready, Reconciling, Stalled, CoreAvailable, AgentsAvailable, SchemaCurrent];
        match self {
            Self::Available => &[Ready, CoreAvailable, AgentsAvailable],
            Self::Idle => &[Reconciling, Stalled],
            Self::Progressing => &[Ready, Reconciling, CoreAvailable, AgentsAvailable],
            Self::RollingOutCore
            | Self::RollingOutAgents
            | Self::RollingOutExecution
            | Self::HandingOver
            | Self::WaitingForTurn
            | Self::SystemMissing
            | Self::PolicyMissing
            | Self::WaitingForSystem
            | Self::Retrying
            | Self::BeingDeleted
            | Self::NamespaceTerminating
            | Self::Deleting
            | Self::WaitingForFlat
            | Self::InUse => UNDER_WAY,
            Self::Suspended => &[Ready, Reconciling, Stalled],
            Self::InvalidSpec
            | Self::Undecodable
            | Self::NotOurs
            | Self::CrdsOutdated
            | Self::OperatorOutdated => STUCK,
            // Others can end these, so they are waited for, or they end a step.
            Self::FieldConflict
            | Self::Refused
            | Self::SymbolsConflict
            | Self::DataVolumeMissing => &[Ready, Reconciling, Stalled],
            Self::DeadlineExceeded => PODS,
            Self::UpToDate => &[SchemaCurrent, DefaultsOutdated],
            Self::NotNeeded => &[SchemaCurrent],
            Self::Migrating | Self::WaitingForApproval => &[Ready, Reconciling, SchemaCurrent],
            Self::MigrationFailed => &[Ready, Stalled, SchemaCurrent],
            Self::ScaledToZero | Self::NoLeader => &[Ready, Reconciling, CoreAvailable],
            Self::Unavailable
            | Self::ImagePullFailed
            | Self::ContainerConfigInvalid
            | Self::CrashLooping
            | Self::Unschedulable
            | Self::QuotaExceeded
            | Self::VolumePending => PODS,
            Self::AgentsMissing => &[Ready, Reconciling, Stalled, AgentsAvailable],
            Self::AgentStalled => &[Ready, Stalled, AgentsAvailable],
            Self::Enforced
            | Self::HashesDiffer
            | Self::AwaitingPods
            | Self::HaltedOtherwise
            | Self::NoPods => &[Enforced],
            Self::Flat | Self::Exposed => &[Flat],
            Self::NoReport | Self::Stale => &[Flat, Enforced, CoreAvailable],
            Self::DefaultsDiffer => &[DefaultsOutdated],
            Self::CanaryGrowing => &[Ready, Reconciling, Promoted],
            Self::CanaryAbandoned => &[Ready, Stalled, Promoted],
            Self::NoCanary => &[Promoted],
        }
    }

    /// Whether this may be the reason of that condition; the linter of statuses asks it.
    pub fn explains(self, condition: ConditionType) -> bool {
        self.conditions().contains(&condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.to_string().parse::<Reason>().unwrap(), *reason);
        }
        for condition in ConditionType::ALL {
            assert_eq!(condition.to_string().parse::<ConditionType>().unwrap(), *condition);
        }
        let error = "Perhaps".parse::<Reason>().unwrap_err();
        assert_eq!(error.to_string(), "\"Perhaps\" is no reason");
    }

    #[test]
    fn every_condition_can_be_explained() {
        for condition in ConditionType::ALL {
            let reasons = Reason::ALL.iter().filter(|reason| reason.explains(*condition));
            assert!(reasons.count() >= 2, "{condition} has no reasons for both ways");
        }
    }

    #[test]
    fn meanings_are_sentences_without_the_spaces_of_a_comment() {
        let meanings = Reason::ALL.iter().map(|reason| reason.meaning());
        for meaning in meanings.chain(ConditionType::ALL.iter().map(|c| c.meaning())) {
            assert!(meaning.ends_with('.') && !meaning.contains("  "), "{meaning}");
        }
    }
}

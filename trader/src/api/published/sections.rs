//! Which sections changed, as bits.

use std::ops::BitOr;

use sapphire_engine::journal::Record;

/// A set of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sections(u16);

impl Sections {
    /// None.
    pub const NONE: Self = Self(0);
    /// `/api/system-status`.
    pub const STATUS: Self = Self(1);
    /// `/api/health-metrics`.
    pub const HEALTH: Self = Self(1 << 1);
    /// `/api/portfolio`.
    pub const PORTFOLIO: Self = Self(1 << 2);
    /// `/api/positions`.
    pub const POSITIONS: Self = Self(1 << 3);
    /// `/api/orders`.
    pub const ORDERS: Self = Self(1 << 4);
    /// `/api/agents`.
    pub const AGENTS: Self = Self(1 << 5);
    /// `/api/decisions`.
    pub const DECISIONS: Self = Self(1 << 6);
    /// `/api/risk`.
    pub const RISK: Self = Self(1 << 7);
    /// All of them.
    pub const ALL: Self = Self(0xff);
    /// What a new price changes.
    pub const MARKED_TO_MARKET: Self = Self(
        Self::STATUS.0 | Self::HEALTH.0 | Self::PORTFOLIO.0 | Self::POSITIONS.0 | Self::RISK.0,
    );

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What a record of the journal can change. Every record moves the journal's head, which the
    /// status tells, and the commit counts of the health report.
    #[must_use]
    pub fn touched_by(record: &Record) -> Self {
        let account =
            Self::PORTFOLIO | Self::POSITIONS | Self::ORDERS | Self::RISK | Self::DECISIONS;
        let further = match record {
            Record::RunStarted(_) | Record::Restarted { .. } | Record::RunFinished { .. } => {
                Self::ALL
            }
            Record::PolicyReceived(_)
            | Record::PolicyEnforced { .. }
            | Record::PolicyLost { .. }
            | Record::PolicyFound => Self::RISK,
            Record::Command(_) => Self::AGENTS | Self::RISK,
            Record::Cursor { .. } | Record::CommandRefused { .. } | Record::Alert(_) => Self::NONE,
            Record::Stopping | Record::Continuing => Self::RISK,
            Record::Round(_) => Self::DECISIONS | Self::AGENTS,
            Record::Decision(_) => Self::DECISIONS,
            Record::Intent(_) => Self::ORDERS | Self::DECISIONS | Self::RISK,
            Record::CancelIntent { .. } => Self::ORDERS | Self::RISK,
            Record::Venue(_) | Record::ProofFailed { .. } | Record::PositionChecked { .. } => {
                account
            }
            Record::TradingState { .. } | Record::Flat => Self::RISK | Self::PORTFOLIO,
            Record::DayStarted { .. } => Self::PORTFOLIO | Self::RISK,
        };
        Self::STATUS | Self::HEALTH | further
    }
}

impl BitOr for Sections {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_moves_the_journals_head() {
        let touched = Sections::touched_by(&Record::Flat);
        assert!(touched.contains(Sections::STATUS | Sections::HEALTH | Sections::RISK));
        assert!(!touched.contains(Sections::AGENTS));
    }

    #[test]
    fn all_holds_every_section() {
        for section in [
            Sections::STATUS,
            Sections::HEALTH,
            Sections::PORTFOLIO,
            Sections::POSITIONS,
            Sections::ORDERS,
            Sections::AGENTS,
            Sections::DECISIONS,
            Sections::RISK,
        ] {
            assert!(Sections::ALL.contains(section) && !Sections::NONE.contains(section));
        }
    }
}

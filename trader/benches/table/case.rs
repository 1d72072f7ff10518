//! What is measured.

use std::path::Path;

use sapphire_trader::desk::OnHalted;

use crate::measured::Measured;
use crate::speed::{self, Journal};
use crate::{Failure, desk, intent, start};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    /// Row 1: one delegated agent.
    EmaCross(Journal),
    /// The same over ten times the data.
    EmaCrossTenfold(Journal),
    /// Row 2: five agents and consensus.
    FiveAgents(Journal),
    /// Row 3: how fast raw streams are decoded.
    Decode,
    /// Row 3: the decoded streams traded.
    Stream(Journal),
    /// Row 4: from a market event to the hand-over.
    Intent(Journal),
    /// Row 5: start to ready, and memory.
    Start,
}

impl Case {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 16] = [
        Self::EmaCross(Journal::Off),
        Self::EmaCross(Journal::Chained),
        Self::EmaCross(Journal::Kept),
        Self::EmaCross(Journal::Reported),
        Self::EmaCrossTenfold(Journal::Off),
        Self::EmaCrossTenfold(Journal::Chained),
        Self::FiveAgents(Journal::Off),
        Self::FiveAgents(Journal::Chained),
        Self::FiveAgents(Journal::Kept),
        Self::FiveAgents(Journal::Reported),
        Self::Decode,
        Self::Stream(Journal::Off),
        Self::Stream(Journal::Chained),
        Self::Intent(Journal::Chained),
        Self::Intent(Journal::Sqlite),
        Self::Start,
    ];

    /// The case of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.name() == name)
    }

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EmaCross(Journal::Off) => "ema-cross",
            Self::EmaCross(Journal::Chained) => "ema-cross-journal",
            Self::EmaCross(Journal::Kept) => "ema-cross-kept",
            Self::EmaCross(_) => "ema-cross-report",
            Self::EmaCrossTenfold(Journal::Off) => "ema-cross-tenfold",
            Self::EmaCrossTenfold(_) => "ema-cross-tenfold-journal",
            Self::FiveAgents(Journal::Off) => "five-agents",
            Self::FiveAgents(Journal::Chained) => "five-agents-journal",
            Self::FiveAgents(Journal::Kept) => "five-agents-kept",
            Self::FiveAgents(_) => "five-agents-report",
            Self::Decode => "decode",
            Self::Stream(Journal::Off) => "stream",
            Self::Stream(_) => "stream-journal",
            Self::Intent(Journal::Chained) => "intent-memory",
            Self::Intent(_) => "intent-sqlite",
            Self::Start => "start",
        }
    }

    /// Which row of the design's table, from 1.
    pub(crate) const fn row(self) -> u8 {
        match self {
            Self::EmaCross(_) | Self::EmaCrossTenfold(_) => 1,
            Self::FiveAgents(_) => 2,
            Self::Decode | Self::Stream(_) => 3,
            Self::Intent(_) => 4,
            Self::Start => 5,
        }
    }

    /// What it is, for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::EmaCross(_) => "one delegated EMA 10/20 agent",
            Self::EmaCrossTenfold(_) => "the same, the data ten times over",
            Self::FiveAgents(_) => "five agents and consensus",
            Self::Decode => "raw streams decoded from gzip",
            Self::Stream(_) => "decoded streams, with orders",
            Self::Intent(_) => "market event to hand-over",
            Self::Start => "`sapphire-trader run`",
        }
    }

    /// How it journals.
    pub(crate) const fn journal(self) -> Option<Journal> {
        match self {
            Self::EmaCross(journal)
            | Self::EmaCrossTenfold(journal)
            | Self::FiveAgents(journal)
            | Self::Stream(journal)
            | Self::Intent(journal) => Some(journal),
            Self::Start => Some(Journal::Sqlite),
            Self::Decode => None,
        }
    }

    /// The desk whose result a reference knows.
    pub(crate) const fn desk(self) -> Option<&'static str> {
        match self {
            Self::EmaCross(_) => Some(desk::EMA_CROSS),
            _ => None,
        }
    }

    /// Measures it, in this process.
    pub(crate) fn measure(self, data: &Path) -> Result<Measured, Failure> {
        match self {
            Self::EmaCross(journal) => {
                speed::measure(&desk::assembly(desk::EMA_CROSS, data)?, journal, OnHalted::End)
            }
            Self::EmaCrossTenfold(journal) => {
                let assembly = desk::assembly(desk::EMA_CROSS, data)?;
                speed::measure(&desk::repeated(&assembly, 10)?, journal, OnHalted::End)
            }
            Self::FiveAgents(journal) => {
                // It finds no edge in these minutes and halts, which would end what is measured.
                let on_halted = OnHalted::Resume;
                speed::measure(&desk::assembly(desk::FIVE_AGENTS, data)?, journal, on_halted)
            }
            Self::Decode => speed::decode(data),
            Self::Stream(journal) => {
                speed::measure(&desk::assembly(desk::STREAM, data)?, journal, OnHalted::End)
            }
            Self::Intent(journal) => intent::measure(&desk::assembly(desk::INTENT, data)?, journal),
            Self::Start => start::measure(),
        }
    }
}

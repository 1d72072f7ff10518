//! Figures, and what is said of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::case::Case;

/// Repeated measurements of one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    /// What was measured.
    pub(crate) what: String,
    /// In what.
    pub(crate) unit: Unit,
    /// A value a run.
    pub(crate) values: Vec<f64>,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// Bars a second.
    Bars,
    /// Events a second.
    Events,
    /// Lines a second.
    Lines,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A quotient.
    Times,
}

impl Series {
    /// The middle value.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The median.
    pub(crate) fn shown(&self) -> String {
        self.unit.show(self.median())
    }

    /// The least and the greatest value, and how many there were.
    pub(crate) fn spread(&self) -> String {
        let low = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{} to {}, {} runs", self.unit.show(low), self.unit.show(high), self.values.len())
    }
}

impl Unit {
    /// A value of three significant digits, with its unit.
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Bars => format!("{} bars/s", scaled(value)),
            Self::Events => format!("{} events/s", scaled(value)),
            Self::Lines => format!("{} lines/s", scaled(value)),
            Self::Seconds if value >= 1.0 => format!("{} s", three(value)),
            Self::Seconds if value >= 1e-3 => format!("{} ms", three(value * 1e3)),
            Self::Seconds if value >= 1e-6 => format!("{} µs", three(value * 1e6)),
            Self::Seconds => format!("{} ns", three(value * 1e9)),
            Self::Bytes => format!("{} MB", three(value / 1e6)),
            Self::Times => format!("{} ×", three(value)),
        }
    }
}

/// A value of three significant digits, in thousands or millions where it is that large.
pub(crate) fn scaled(value: f64) -> String {
    if value >= 1e6 {
        format!("{} M", three(value / 1e6))
    } else if value >= 1e3 {
        format!("{} k", three(value / 1e3))
    } else {
        three(value)
    }
}

fn three(value: f64) -> String {
    let places = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

/// What a case came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Its figures, the first the one that the row is about.
    pub(crate) series: Vec<Series>,
    /// What else is to be known: orders, fills, equity.
    pub(crate) facts: BTreeMap<String, String>,
    /// The most memory that was resident, in KiB.
    pub(crate) peak_kib: Option<u64>,
}

impl Measured {
    /// A fact, or nothing.
    pub(crate) fn fact(&self, name: &str) -> &str {
        self.facts.get(name).map_or("", String::as_str)
    }
}

/// A case and its figures.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) case: Case,
    pub(crate) measured: Measured,
}

impl Finding {
    /// One line for the terminal.
    pub(crate) fn line(&self) -> String {
        let series: Vec<_> = self
            .measured
            .series
            .iter()
            .map(|series| format!("{} {} ({})", series.what, series.shown(), series.spread()))
            .collect();
        format!("{:26} {}; peak {}", self.case.name(), series.join("; "), self.peak())
    }

    /// Its peak memory.
    pub(crate) fn peak(&self) -> String {
        let kib = u32::try_from(self.measured.peak_kib.unwrap_or_default()).unwrap_or(u32::MAX);
        Unit::Bytes.show(f64::from(kib) * 1024.0)
    }
}

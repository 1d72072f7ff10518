//! Spans of time as text, and the bar intervals.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{Format, FormatError, written_as};

const UNITS: [(&str, u64); 5] =
    [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];

fn micros(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (count, unit) = (digits.parse::<u64>().ok()?, text.get(digits.len()..)?);
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    count.checked_mul(*size)
}

fn write_micros(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (unit, size) = UNITS
        .iter()
        .rev()
        .find(|(_, size)| micros >= *size && micros.is_multiple_of(*size))
        .copied()
        .unwrap_or(("s", 1));
    write!(f, "{}{unit}", micros / size)
}

macro_rules! span {
    ($(#[$doc:meta])* $type:ident, $format:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type {
            micros: u64,
        }

        impl $type {
            /// So many milliseconds, for defaults.
            pub(crate) const fn constant<const MILLIS: u64>() -> Self {
                Self { micros: MILLIS * 1_000 }
            }

            /// In microseconds.
            pub const fn as_micros(self) -> u64 {
                self.micros
            }

            /// As the standard library's type.
            pub const fn as_std(self) -> std::time::Duration {
                std::time::Duration::from_micros(self.micros)
            }
        }

        impl FromStr for $type {
            type Err = FormatError;
            fn from_str(text: &str) -> Result<Self, FormatError> {
                micros($format.check(text)?)
                    .map(|micros| Self { micros })
                    .ok_or_else(|| $format.refuse(text))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_micros(self.micros, f)
            }
        }

        written_as!($type, $format);
    };
}

pub(super) static DURATION: Format = Format::new(
    "a duration longer than zero",
    r"^[1-9][0-9]{0,5}(us|ms|s|m|h)$",
    8,
    "write one whole number (at most 6 digits) and one unit of us, ms, s, m or h, such as \"500ms\", \"30s\" or \"24h\"",
);
span! {
    /// A span of time longer than zero, such as `"30s"`.
    Duration, DURATION
}

pub(super) static DELAY: Format = Format::new(
    "a duration",
    r"^(0|[1-9][0-9]{0,5})(us|ms|s|m|h)$",
    8,
    "write one whole number (at most 6 digits) and one unit of us, ms, s, m or h, such as \"0s\", \"40ms\" or \"2s\"",
);
span! {
    /// A span of time that may be nothing, such as `"40ms"` or `"0s"`.
    Delay, DELAY
}

impl Delay {
    /// A measured span, in whole milliseconds below 1,000 seconds and in seconds above, rounded up; at
    /// most 999,999 seconds (eleven days).
    pub fn measured(span: std::time::Duration) -> Self {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        let unit = if micros <= 999_999_000 { 1_000 } else { 1_000_000 };
        Self { micros: micros.div_ceil(unit).min(999_999) * unit }
    }
}

/// Width of a bar. Every interval divides a UTC day, so bars of all symbols close together.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[allow(missing_docs)] // the names say all
pub enum BarInterval {
    #[serde(rename = "1s")]
    Seconds1,
    #[serde(rename = "5s")]
    Seconds5,
    #[serde(rename = "10s")]
    Seconds10,
    #[serde(rename = "15s")]
    Seconds15,
    #[serde(rename = "30s")]
    Seconds30,
    #[serde(rename = "1m")]
    Minutes1,
    #[serde(rename = "3m")]
    Minutes3,
    #[serde(rename = "5m")]
    Minutes5,
    #[serde(rename = "15m")]
    Minutes15,
    #[serde(rename = "30m")]
    Minutes30,
    #[serde(rename = "1h")]
    Hours1,
    #[serde(rename = "2h")]
    Hours2,
    #[serde(rename = "4h")]
    Hours4,
    #[serde(rename = "6h")]
    Hours6,
    #[serde(rename = "8h")]
    Hours8,
    #[serde(rename = "12h")]
    Hours12,
    #[serde(rename = "1d")]
    Days1,
}

impl BarInterval {
    /// Length in seconds.
    pub const fn as_secs(self) -> u64 {
        match self {
            Self::Seconds1 => 1,
            Self::Seconds5 => 5,
            Self::Seconds10 => 10,
            Self::Seconds15 => 15,
            Self::Seconds30 => 30,
            Self::Minutes1 => 60,
            Self::Minutes3 => 180,
            Self::Minutes5 => 300,
            Self::Minutes15 => 900,
            Self::Minutes30 => 1_800,
            Self::Hours1 => 3_600,
            Self::Hours2 => 7_200,
            Self::Hours4 => 14_400,
            Self::Hours6 => 21_600,
            Self::Hours8 => 28_800,
            Self::Hours12 => 43_200,
            Self::Days1 => 86_400,
        }
    }

    /// As the standard library's type.
    pub const fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.as_secs())
    }
}

impl fmt::Display for BarInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("60s", "1m")]
    #[case("90s", "90s")]
    #[case("1000ms", "1s")]
    #[case("500us", "500us")]
    #[case("24h", "24h")]
    #[case("0h", "0s")]
    fn a_delay_has_one_canonical_text(#[case] written: &str, #[case] canonical: &str) {
        assert_eq!(written.parse::<Delay>().unwrap().to_string(), canonical);
    }

    #[rstest]
    #[case("30")]
    #[case("30 s")]
    #[case("1d")]
    #[case("-1s")]
    #[case("1.5h")]
    #[case("1h30m")]
    #[case("30sec")]
    #[case("0s")]
    #[case("1000000s")]
    fn what_is_no_positive_duration_is_refused(#[case] written: &str) {
        let error = written.parse::<Duration>().unwrap_err();
        assert!(error.to_string().contains("\"30s\""), "{error}");
    }

    #[test]
    fn the_longest_duration_is_exact() {
        let longest: Duration = "999999h".parse().unwrap();
        assert_eq!(longest.as_std().as_secs(), 999_999 * 3_600);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(1, "1ms")]
    #[case(250_000, "250ms")]
    #[case(999_999_000, "999999ms")]
    #[case(999_999_001, "1000s")]
    #[case(u64::MAX, "999999s")]
    fn a_measured_span_is_a_legal_delay(#[case] micros: u64, #[case] written: &str) {
        let measured = Delay::measured(std::time::Duration::from_micros(micros));
        assert_eq!(measured.to_string(), written);
        assert_eq!(written.parse::<Delay>().unwrap(), measured);
    }

    #[test]
    fn every_bar_interval_divides_a_day_and_is_written_as_its_length() {
        let texts = [
            "1s", "5s", "10s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h",
            "6h", "8h", "12h",
        ];
        for text in texts {
            let interval: BarInterval = serde_json::from_value(text.into()).unwrap();
            let written: Duration = text.parse().unwrap();
            assert_eq!(interval.as_std(), written.as_std());
            assert_eq!(86_400 % interval.as_secs(), 0);
            assert_eq!(interval.to_string(), text);
        }
        assert_eq!(BarInterval::Days1.to_string(), "1d");
    }
}

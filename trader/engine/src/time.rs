//! Event time. The engine owns no clock: every moment it knows came with an event.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A moment: nanoseconds since 1970-01-01 00:00:00 UTC, of event time.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A span of event time in nanoseconds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub i64);

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// Whole milliseconds.
    #[must_use]
    pub const fn millis(millis: i64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Whole seconds.
    #[must_use]
    pub const fn secs(secs: i64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// Whole hours.
    #[must_use]
    pub const fn hours(hours: i64) -> Self {
        Self::secs(hours * 3600)
    }

    /// Rounded down to milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl Timestamp {
    /// The number of the UTC day since 1970-01-01: daily limits count from its 00:00.
    #[must_use]
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Span::hours(24).0)
    }

    /// Milliseconds since 1970, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}
impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}
impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        match millis {
            m if m % 3_600_000 == 0 && m != 0 => write!(f, "{}h", m / 3_600_000),
            m if m % 60_000 == 0 && m != 0 => write!(f, "{}m", m / 60_000),
            m if m % 1000 == 0 => write!(f, "{}s", m / 1000),
            m => write!(f, "{m}ms"),
        }
    }
}

/// RFC 3339 in UTC with milliseconds, by Howard Hinnant's civil-from-days algorithm
/// (<https://howardhinnant.github.io/date_algorithms.html>).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        let (days, in_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "1970-01-01T00:00:00.000Z")]
    #[case(951_782_400_000, "2000-02-29T00:00:00.000Z")]
    #[case(1_723_161_255_030, "2024-08-08T23:54:15.030Z")]
    #[case(-1, "1969-12-31T23:59:59.999Z")]
    fn moments_print_as_rfc_3339(#[case] millis: i64, #[case] text: &str) {
        assert_eq!(Timestamp(millis * 1_000_000).to_string(), text);
    }

    #[test]
    fn the_day_changes_at_midnight_utc() {
        let midnight = Timestamp(Span::hours(48).0);
        assert_eq!(midnight.utc_day(), 2);
        assert_eq!((midnight - Span(1)).utc_day(), 1);
    }
}

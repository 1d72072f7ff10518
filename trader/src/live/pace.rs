//! Event time by the wall clock.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sapphire_engine::time::{Span, Timestamp};

/// How fast event time passes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Speed {
    /// All the data in three minutes, or as they were recorded where that is shorter.
    #[default]
    Auto,
    /// As fast as it goes.
    Max,
    /// As it was recorded.
    Realtime,
    /// So many times as fast as recorded.
    Times(f64),
    /// All the data in this long.
    Whole(Duration),
}

/// Why a text is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no speed: write auto, max, realtime, a factor such as 60x, or how long the whole data \
     are to take, such as 90s, 3m or 1h"
)]
pub struct SpeedError(String);

const AUTO: Duration = Duration::from_secs(180);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        let wrong = || SpeedError(text.to_owned());
        let positive = |digits: &str| -> Result<f64, SpeedError> {
            let value: f64 = digits.parse().map_err(|_| wrong())?;
            (value.is_finite() && value > 0.0 && value < 1e12).then_some(value).ok_or_else(wrong)
        };
        match text {
            "auto" => return Ok(Self::Auto),
            "max" => return Ok(Self::Max),
            "realtime" => return Ok(Self::Realtime),
            _ => {}
        }
        let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
        if let Some(factor) = text.strip_suffix('x') {
            return positive(factor).map(Self::Times);
        }
        for (unit, seconds) in units {
            if let Some(digits) = text.strip_suffix(unit) {
                return Duration::try_from_secs_f64(positive(digits)? * seconds)
                    .map(Self::Whole)
                    .map_err(|_| wrong());
            }
        }
        Err(wrong())
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Max => f.write_str("max"),
            Self::Realtime => f.write_str("realtime"),
            Self::Times(factor) => write!(f, "{factor}x"),
            Self::Whole(whole) => write!(f, "{}s", whole.as_secs_f64()),
        }
    }
}

/// Where event time is, given the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    began: Instant,
    from: Timestamp,
    /// Event nanoseconds in a wall nanosecond; `None` without a limit.
    rate: Option<f64>,
}

impl Pace {
    /// Begins at `from`. `whole` is how much event time all the data span.
    #[must_use]
    pub fn begin(speed: Speed, from: Timestamp, whole: Span) -> Self {
        let recorded = whole.0.max(1) as f64;
        let in_this_long = |wall: Duration| recorded / (wall.as_nanos() as f64).max(1.0);
        let rate = match speed {
            Speed::Max => None,
            Speed::Realtime => Some(1.0),
            Speed::Times(factor) => Some(factor),
            Speed::Whole(wall) => Some(in_this_long(wall)),
            Speed::Auto => Some(in_this_long(AUTO).max(1.0)),
        };
        Self { began: Instant::now(), from, rate }
    }

    /// Event time now; `None` where nothing paces it.
    #[must_use]
    pub fn event_time(&self, now: Instant) -> Option<Timestamp> {
        let wall = now.saturating_duration_since(self.began).as_nanos() as f64;
        self.rate.map(|rate| self.from + Span((wall * rate) as i64))
    }

    /// How long from `now` until event time is `at`; zero when it is past.
    #[must_use]
    pub fn wait(&self, at: Timestamp, now: Instant) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let wall = Duration::from_nanos(((at - self.from).0.max(0) as f64 / rate) as u64);
        (self.began + wall).saturating_duration_since(now)
    }

    /// How long ago `at` was due; zero where nothing paces it.
    #[must_use]
    pub fn lag(&self, at: Timestamp, now: Instant) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let wall = Duration::from_nanos(((at - self.from).0.max(0) as f64 / rate) as u64);
        now.saturating_duration_since(self.began + wall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("auto", Speed::Auto)]
    #[case("max", Speed::Max)]
    #[case("realtime", Speed::Realtime)]
    #[case("60x", Speed::Times(60.0))]
    #[case("3m", Speed::Whole(Duration::from_secs(180)))]
    #[case("250ms", Speed::Whole(Duration::from_millis(250)))]
    fn speeds_are_read(#[case] text: &str, #[case] speed: Speed) {
        assert_eq!(text.parse(), Ok(speed));
    }

    #[rstest]
    #[case("")]
    #[case("fast")]
    #[case("0x")]
    #[case("-3m")]
    #[case("NaNs")]
    #[case("infx")]
    #[case("3 m")]
    fn what_is_no_speed_is_refused(#[case] text: &str) {
        assert!(text.parse::<Speed>().is_err());
    }

    #[test]
    fn the_whole_data_take_as_long_as_was_asked() {
        let from = Timestamp(Span::hours(1).0);
        let pace = Pace::begin(Speed::Whole(Duration::from_secs(10)), from, Span::hours(10));
        let half = pace.event_time(pace.began + Duration::from_secs(5));
        assert_eq!(half, Some(from + Span::hours(5)));
        let wait = pace.wait(from + Span::hours(10), pace.began);
        assert_eq!(wait, Duration::from_secs(10));
    }
}

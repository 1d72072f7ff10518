use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use sapphire_engine::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A moment in RFC 3339, UTC, with milliseconds. Event time, unless the field's name ends in
/// `WallTime`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, examples("2024-08-08T23:54:15.030Z"))]
pub struct Time(String);

impl Time {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Timestamp> for Time {
    fn from(moment: Timestamp) -> Self {
        Self(moment.to_string())
    }
}

/// For wall-clock fields; a clock before 1970 reads as 1970.
impl From<SystemTime> for Time {
    fn from(moment: SystemTime) -> Self {
        let since_1970 = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from(Timestamp(i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX)))
    }
}
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn wall_and_event_time_look_the_same() {
        let wall = UNIX_EPOCH + Duration::from_millis(1_723_161_255_030);
        assert_eq!(Time::from(wall).as_str(), "2024-08-08T23:54:15.030Z");
        assert_eq!(Time::from(wall), Time::from(Timestamp(1_723_161_255_030_000_000)));
    }
}

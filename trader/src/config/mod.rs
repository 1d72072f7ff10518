//! From manifests to integers: what a desk is made of, converted once, at the start.

mod agents;
mod environment;
mod error;
mod instruments;
mod overrides;
mod plan;
mod policy;

pub use environment::Environment;
pub use error::ConfigError;
pub use overrides::{OverrideError, replace};
pub use plan::{AgentPlan, DataPlan, Plan, states_in};
pub use policy::policy_change;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use sapphire_engine::money::DecimalError;
use sapphire_engine::time::Span;

/// A manifest's decimal as an engine's integer. Manifests allow at most eight places.
fn decimal<T: FromStr<Err = DecimalError>>(value: impl Display) -> Result<T, ConfigError> {
    value.to_string().parse().map_err(ConfigError::Decimal)
}

/// A manifest's duration as a span of event time.
pub(crate) fn span(duration: Duration) -> Span {
    Span(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

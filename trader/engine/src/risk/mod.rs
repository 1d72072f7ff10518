//! The risk gate: the only maker of an approved order.

mod drawdown;
mod facts;
mod gate;
mod order_rate;
mod rules;
mod trading_state;
mod verdict;

pub use drawdown::{DrawdownStage, LossWatch};
pub(crate) use facts::Facts;
pub(crate) use gate::judge;
pub use order_rate::OrderRate;
pub use trading_state::{Standing, Word};
pub use verdict::{Approved, Bound, RuleId, RuleResult, RuleValue, Verdict};

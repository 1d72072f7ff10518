//! Who may ask, and how often: in this order host, caller, rate.

pub(super) mod caller;
pub(super) mod host;
pub(super) mod rate;

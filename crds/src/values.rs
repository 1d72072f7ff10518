//! The texts that manifests carry: decimals, spans of time, names.
//!
//! Each is a type of its own, parsed once. Its [`Format`] is the single source of what is legal:
//! the pattern goes into the CRD's schema for the API server, parsing checks the same pattern, and
//! the local run says the remedy when it does not match. Each type serialises to one canonical form
//! (`"0.250"` → `"0.25"`, `"60s"` → `"1m"`), so equal values hash equally.

mod decimal;
mod format;
mod quantity;
mod text;
mod time;

pub(crate) use decimal::unless_decimal;
pub use decimal::{
    Amount, Fraction, Multiple, Positive, Proportion, Rate, RiskMultiplier, Share, Size, Step,
};
pub use format::{Format, FormatError, formats};
pub use quantity::Quantity;
pub use text::{
    ContainerName, Digest, EnvName, FilePath, ImageReference, KeyName, LabelKey, LabelValue,
    ObjectName, Symbol, Text, Url, VenueCode,
};
pub use time::{BarInterval, Delay, Duration};

/// A whole number, for defaults.
pub(crate) const fn whole<const N: u32>() -> u32 {
    N
}

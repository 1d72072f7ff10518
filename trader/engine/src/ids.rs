//! A newtype per identifier. All derive from the run and a counter; none is random.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A run of a desk: for recorded data the first 64 bits of the hash of manifests, data and seed;
/// live it is issued by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

macro_rules! counted {
    ($($(#[$doc:meta])* $name:ident($inner:ty) = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

counted! {
    /// An order of a run, from 1: an own counter, so that a restart never reuses one.
    OrderId(u64) = "o";
    /// A round of consensus, from 1.
    RoundId(u64) = "r";
    /// A decision, from 1.
    DecisionId(u64) = "d";
    /// A trading agent: its place in the desk's list, from 0.
    AgentId(u16) = "a";
    /// A person's command, from 1.
    CommandId(u64) = "c";
    /// The venue's number of a trade in which we took part; unique per symbol.
    TradeId(u64) = "t";
}

/// What the venue knows an order by: `sph-<run>-<order>-<attempt>`, the first two in base 36; at
/// most 36 characters of `[a-z0-9-]`, as the exchange allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientOrderId {
    /// The run.
    pub run: RunId,
    /// The order.
    pub order: OrderId,
    /// From 1; rises only after the venue refused, or nothing was sent.
    pub attempt: u8,
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sph-")?;
        base36(self.run.0, f)?;
        f.write_str("-")?;
        base36(self.order.0, f)?;
        write!(f, "-{}", self.attempt)
    }
}

fn base36(mut value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut reversed = [0_u8; 13];
    let mut len = 0;
    loop {
        reversed[len] = DIGITS[(value % 36) as usize];
        len += 1;
        value /= 36;
        if value == 0 {
            break;
        }
    }
    reversed[..len].iter().rev().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_client_id_fits_the_exchange() {
        let id =
            ClientOrderId { run: RunId(u64::MAX), order: OrderId(36_u64.pow(9)), attempt: 255 };
        let text = id.to_string();
        assert_eq!(text, "sph-3w5e11264sgsf-1000000000-255");
        assert!(text.len() <= 36);
    }
}

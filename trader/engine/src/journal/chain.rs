//! A chain of SHA-256 over every record: each hash covers the one before it, the sequence, the
//! moment and the record's bytes, so a flipped bit, a removed or a swapped record shows. A cleanly
//! cut tail shows only against a head that was published elsewhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::ids::RunId;
use crate::time::Timestamp;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Hash {
    type Err = ChainError;
    fn from_str(text: &str) -> Result<Self, ChainError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(ChainError::NotAHash(text.to_owned()));
        }
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16)
                .map_err(|_| ChainError::NotAHash(text.to_owned()))?;
        }
        Ok(Self(bytes))
    }
}
impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Not 64 hexadecimal digits.
    #[error("`{0}` is not a hash: give 64 hexadecimal digits")]
    NotAHash(String),
    /// A record is missing, or stands in another's place.
    #[error("record {expected} is missing: record {found} stands in its place")]
    Sequence {
        /// The sequence that should follow.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// The record's bytes or its place in the chain were changed.
    #[error("record {0} does not match its hash: it, or the record before it, was changed")]
    Mismatch(u64),
}

/// One record's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// From 1.
    pub sequence: u64,
    /// Over everything up to and including this record.
    pub hash: Hash,
}

/// The growing end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    head: Link,
}

impl Chain {
    /// An empty chain: its first link follows from the run's id alone.
    #[must_use]
    pub fn new(run: RunId) -> Self {
        let genesis = Sha256::digest(format!("sapphire journal v1 {run}"));
        Self { head: Link { sequence: 0, hash: Hash(genesis.into()) } }
    }

    /// A chain that goes on after a known link.
    #[must_use]
    pub const fn resume(head: Link) -> Self {
        Self { head }
    }

    /// The last link; sequence 0 when nothing was appended.
    #[must_use]
    pub const fn head(&self) -> Link {
        self.head
    }

    /// The link that a record would get.
    #[must_use]
    pub fn link(&self, at: Timestamp, payload: &[u8]) -> Link {
        let sequence = self.head.sequence + 1;
        let mut hasher = Sha256::new();
        hasher.update(self.head.hash.0);
        hasher.update(sequence.to_le_bytes());
        hasher.update(at.0.to_le_bytes());
        hasher.update(payload);
        Link { sequence, hash: Hash(hasher.finalize().into()) }
    }

    /// Appends a record's bytes.
    pub fn append(&mut self, at: Timestamp, payload: &[u8]) -> Link {
        self.head = self.link(at, payload);
        self.head
    }

    /// Checks that a stored record is the next one, and moves on to it.
    ///
    /// # Errors
    /// [`ChainError::Sequence`] or [`ChainError::Mismatch`]; the chain then stays where it was.
    pub fn verify_next(
        &mut self,
        stored: Link,
        at: Timestamp,
        payload: &[u8],
    ) -> Result<(), ChainError> {
        let expected = self.link(at, payload);
        if stored.sequence != expected.sequence {
            return Err(ChainError::Sequence {
                expected: expected.sequence,
                found: stored.sequence,
            });
        }
        if stored.hash != expected.hash {
            return Err(ChainError::Mismatch(stored.sequence));
        }
        self.head = expected;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(payloads: &[&str]) -> Vec<(Link, Timestamp, Vec<u8>)> {
        let mut chain = Chain::new(RunId(7));
        let append = |(i, p): (usize, &&str)| {
            let at = Timestamp(i64::try_from(i).unwrap());
            (chain.append(at, p.as_bytes()), at, p.as_bytes().to_vec())
        };
        payloads.iter().enumerate().map(append).collect()
    }

    fn verify(records: &[(Link, Timestamp, Vec<u8>)]) -> Result<(), ChainError> {
        let mut chain = Chain::new(RunId(7));
        records.iter().try_for_each(|(link, at, payload)| chain.verify_next(*link, *at, payload))
    }

    #[test]
    fn an_untouched_chain_verifies() {
        assert_eq!(verify(&chain_of(&["a", "b", "c"])), Ok(()));
    }

    #[test]
    fn a_flipped_bit_is_found_where_it_is() {
        let mut records = chain_of(&["a", "b", "c"]);
        records[1].2[0] ^= 1;
        assert_eq!(verify(&records), Err(ChainError::Mismatch(2)));
    }

    #[test]
    fn a_removed_record_is_found() {
        let mut records = chain_of(&["a", "b", "c"]);
        records.remove(1);
        assert_eq!(verify(&records), Err(ChainError::Sequence { expected: 2, found: 3 }));
    }

    #[test]
    fn swapped_records_are_found_even_when_renumbered() {
        let mut records = chain_of(&["a", "b", "c"]);
        records.swap(1, 2);
        (records[1].0.sequence, records[2].0.sequence) = (2, 3);
        assert_eq!(verify(&records), Err(ChainError::Mismatch(2)));
    }
}

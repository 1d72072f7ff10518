//! Whether a journal is what was written.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Chain, ChainError, Hash, Link};

use super::{JournalReader, StoreError, StoredRecord};

/// A head that was published outside of the store, as `SEQ:HASH`: the only way to see a cleanly cut
/// tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head(pub Link);

/// Why a text is no head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no journal head: write SEQUENCE:HASH as a report or log gives it, such as 120:9f86d0…"
)]
pub struct HeadError(String);

impl FromStr for Head {
    type Err = HeadError;
    fn from_str(text: &str) -> Result<Self, HeadError> {
        let parse = || {
            let (sequence, hash) = text.split_once(':')?;
            let (sequence, hash): (u64, Hash) = (sequence.parse().ok()?, hash.parse().ok()?);
            (sequence > 0).then_some(Self(Link { sequence, hash }))
        };
        parse().ok_or_else(|| HeadError(text.to_owned()))
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.sequence, self.0.hash)
    }
}

/// A run's journal that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whose.
    pub run: RunId,
    /// Its last record.
    pub head: Link,
}

/// What is wrong with a run's journal, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The chain breaks.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Records are missing at the end.
    #[error(
        "the tail was cut: the journal ends at record {ends}, but record {published} was published"
    )]
    CutTail {
        /// The last record here.
        ends: u64,
        /// The published one.
        published: u64,
    },
    /// The chain is whole, but it is not the one whose head was published.
    #[error(
        "record {sequence} has the hash {found}, but {published} was published: records up to it were rewritten"
    )]
    OtherHistory {
        /// Where.
        sequence: u64,
        /// The hash here.
        found: Hash,
        /// The published one.
        published: Hash,
    },
}

/// Follows a run's chain beside other work, as far as it holds: what comes after is not trusted
/// either way.
#[derive(Debug)]
pub struct Followed {
    path: PathBuf,
    run: RunId,
    chain: Chain,
    damage: Option<ChainError>,
}

impl Followed {
    /// Before the first record of `run` in the journal at `path`.
    #[must_use]
    pub fn new(path: &Path, run: RunId) -> Self {
        Self { path: path.to_owned(), run, chain: Chain::new(run), damage: None }
    }

    /// Takes in the next record.
    pub fn follow(&mut self, stored: &StoredRecord<'_>) {
        if self.damage.is_none() {
            let verified = self.chain.verify_next(stored.link, stored.at, &stored.payload);
            self.damage = verified.err();
        }
    }

    /// Where the chain broke.
    #[must_use]
    pub fn damage(self) -> Option<ChainError> {
        self.damage
    }

    /// Why the last record cannot be read: not because another build wrote it, where the chain broke.
    #[must_use]
    pub fn explain(&self, error: StoreError) -> StoreError {
        match (error, &self.damage) {
            (StoreError::AnotherBuilds { .. }, Some(damage)) => StoreError::BrokenChain {
                path: self.path.clone(),
                run: self.run.to_string(),
                error: damage.clone(),
            },
            (error, _) => error,
        }
    }
}

enum Stop {
    Store(StoreError),
    Damage(Damage),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Follows a run's chain from its first record to its last, and compares it with a published head.
///
/// # Errors
/// A [`StoreError`] when the journal cannot be read; what is wrong with one that can is the inner
/// result.
pub fn verify_run(
    reader: &mut JournalReader,
    run: RunId,
    head: Option<Head>,
) -> Result<Result<Verified, Damage>, StoreError> {
    let mut chain = Chain::new(run);
    let followed = reader.each(run, |stored| {
        chain
            .verify_next(stored.link, stored.at, &stored.payload)
            .map_err(|error| Stop::Damage(error.into()))?;
        match head {
            Some(Head(head)) if head.sequence == stored.link.sequence && head != stored.link => {
                Err(Stop::Damage(Damage::OtherHistory {
                    sequence: head.sequence,
                    found: stored.link.hash,
                    published: head.hash,
                }))
            }
            _ => Ok(()),
        }
    });
    match followed {
        Err(Stop::Store(error)) => return Err(error),
        Err(Stop::Damage(damage)) => return Ok(Err(damage)),
        Ok(()) => {}
    }
    let ends = chain.head().sequence;
    Ok(match head {
        Some(Head(head)) if head.sequence > ends => {
            Err(Damage::CutTail { ends, published: head.sequence })
        }
        _ => Ok(Verified { run, head: chain.head() }),
    })
}

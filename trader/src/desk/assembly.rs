//! A plan and its data, put together into a desk; as often as is wanted.

use std::path::Path;
use std::sync::Arc;

use sapphire_engine::event::PolicyChange;
use sapphire_engine::ids::RunId;
use sapphire_engine::journal::{Hash, RunStarted};
use sapphire_engine::time::Span;
use sapphire_engine::{Engine, VERSION};
use sha2::{Digest, Sha256};

use super::kernel::Parts;
use super::roster::{Roster, symbols_of};
use crate::config::Plan;
use crate::market::{DataError, MarketFeed, Reading, Recording};
use crate::venue::paper::{Feed, Latency, PaperConfigError, PaperVenue};

/// A plan with its data read.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// The plan.
    pub plan: Plan,
    /// Each symbol's recording.
    pub recordings: Vec<Arc<Recording>>,
}

/// Why no desk can be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// A recording that cannot be traded on.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What the paper venue refuses.
    #[error("venue.paper: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Venue(Vec<PaperConfigError>),
    /// Parameters that a strategy refuses.
    #[error("TradingAgent {agent}: {error}")]
    Parameters {
        /// Whose.
        agent: String,
        /// Why.
        error: sapphire_agents::ConfigError,
    },
    /// What was configured has no bytes to hash.
    #[error("cannot hash the configuration: {0}")]
    Hash(#[from] serde_json::Error),
}

impl Assembly {
    /// Reads a plan's data; `reading` is told of each file before it is read.
    ///
    /// # Errors
    /// [`AssemblyError::Data`].
    pub fn read(mut plan: Plan, mut reading: impl FnMut(&Path)) -> Result<Self, AssemblyError> {
        let mut recordings = Vec::new();
        for (data, listing) in plan.data.iter().zip(&mut plan.venue.instruments) {
            reading(&data.path);
            let how = Reading {
                instrument: &listing.instrument,
                bar_interval: plan.engine.bar_interval,
                volume_unit: data.volume_unit,
            };
            let recording = Recording::read(&data.path, &how)?;
            listing.feed = if recording.bars().is_some() { Feed::Bars } else { Feed::Depth };
            recordings.push(Arc::new(recording));
        }
        Ok(Self { plan, recordings })
    }

    /// The same data under another plan of the same symbols.
    #[must_use]
    pub fn with_plan(&self, mut plan: Plan) -> Self {
        for (listing, own) in plan.venue.instruments.iter_mut().zip(&self.plan.venue.instruments) {
            listing.feed = own.feed;
        }
        Self { plan, recordings: self.recordings.clone() }
    }

    /// The first record of a run: the `ordinal`-th of this plan in its store, from 0. Its id is the
    /// first 64 bits of the hash of configuration, data, seed and ordinal.
    ///
    /// # Errors
    /// [`AssemblyError::Hash`].
    pub fn started(&self, ordinal: u64) -> Result<RunStarted, AssemblyError> {
        let mut started = RunStarted {
            engine: VERSION.to_owned(),
            system: self.plan.system.clone(),
            config: self.plan.engine.clone(),
            manifests: self.plan.manifests,
            data: self.data(),
            seed: self.plan.venue.seed,
        };
        let identity = (&started.config, &started.manifests, &started.data, started.seed, ordinal);
        let digest = Sha256::digest(serde_json::to_vec(&identity)?);
        let (first, _) = digest
            .as_slice()
            .split_first_chunk()
            .ok_or_else(|| serde::de::Error::custom("a SHA-256 has 32 bytes"))
            .map_err(AssemblyError::Hash)?;
        started.config.run = RunId(u64::from_be_bytes(*first));
        Ok(started)
    }

    /// Each recording's hash.
    #[must_use]
    pub fn data(&self) -> Vec<Hash> {
        self.recordings.iter().map(|recording| recording.sha256()).collect()
    }

    /// The parts of a desk that is to run as `run`, beginning with `policy`.
    ///
    /// # Errors
    /// [`AssemblyError::Venue`] or [`AssemblyError::Parameters`].
    pub fn parts(
        &self,
        run: RunId,
        policy: PolicyChange,
    ) -> Result<Parts<PaperVenue>, AssemblyError> {
        let mut config = self.plan.engine.clone();
        (config.run, config.policy) = (run, policy);
        let mut roster = Roster::default();
        for (place, agent) in (0_u16..).zip(&self.plan.agents) {
            for symbol in symbols_of(&agent.config) {
                let mind = agent.strategy.agent(agent.config.horizon).map_err(|error| {
                    AssemblyError::Parameters { agent: agent.config.name.clone(), error }
                })?;
                roster.seat(sapphire_engine::ids::AgentId(place), symbol, agent.latency, mind);
            }
        }
        let Latency { report, jitter, .. } = self.plan.venue.latency;
        Ok(Parts {
            engine: Engine::new(config),
            venue: PaperVenue::new(&self.plan.venue).map_err(AssemblyError::Venue)?,
            roster,
            feed: MarketFeed::new(self.recordings.iter().cloned())
                .heard_after(Span(report.0.saturating_add(jitter.0))),
        })
    }
}

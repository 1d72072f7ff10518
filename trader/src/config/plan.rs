//! Everything that a desk is made of, checked and in integers.

use std::path::PathBuf;

use sapphire_agents::Strategy;
use sapphire_crds::canonical::canonical_hash;
use sapphire_crds::manifest::{Desk as Manifests, MarketData};
use sapphire_crds::trading_system::{self as crds, PaperVenue, VenueChoice};
use sapphire_crds::{TradingAgent, TradingSystemSpec};
use sapphire_engine::config::{AgentConfig, ConsensusConfig, EngineConfig, VenueConfig};
use sapphire_engine::ids::RunId;
use sapphire_engine::instrument::Instrument;
use sapphire_engine::journal::Hash;
use sapphire_engine::time::Span;
use sapphire_engine::venue::VenueCode;

use super::agents::agent;
use super::instruments::instrument;
use super::{ConfigError, Environment, decimal, policy_change, span};
use serde_json::Value as Json;

use crate::market::VolumeUnit;
use crate::venue::paper::{
    Fault, FaultKind, FaultTrigger, Feed, Funding, Latency, Listing, PaperConfig, TriggerBy,
};

/// What a desk is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub system: String,
    /// The engine's part; its run is 0 until one is chosen.
    pub engine: EngineConfig,
    /// The agents' part, by [`AgentId`](sapphire_engine::ids::AgentId).
    pub agents: Vec<AgentPlan>,
    /// The venue's part.
    pub venue: PaperConfig,
    /// Each symbol's recording.
    pub data: Vec<DataPlan>,
    /// SHA-256 of all this as understood, but for the policy and where the data are.
    pub manifests: Hash,
    /// What a person should know of how the manifests were taken.
    pub notes: Vec<String>,
}

/// A recording, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPlan {
    /// Where it is.
    pub path: PathBuf,
    /// What a plain `volume` column counts.
    pub volume_unit: VolumeUnit,
}

/// An agent, its strategy, and how long it thinks.
#[derive(Debug, Clone)]
pub struct AgentPlan {
    /// The engine's part.
    pub config: AgentConfig,
    /// What it does.
    pub strategy: Strategy,
    /// From a bar's close to its opinion's arrival, in event time.
    pub latency: Span,
}

impl Plan {
    /// Converts manifests that were loaded.
    ///
    /// # Errors
    /// A [`ConfigError`] for what is valid in itself but cannot be run here.
    pub fn of(manifests: &Manifests, environment: &Environment) -> Result<Self, ConfigError> {
        let spec = &manifests.system.spec;
        if spec.live && environment.paper_only {
            return Err(ConfigError::PaperOnly);
        }
        let paper = match spec.venue.choice()? {
            VenueChoice::Paper(paper) => paper,
            VenueChoice::Aster(_) => return Err(ConfigError::Venue("aster")),
        };
        let mut notes = notes(spec, environment);
        let mut policy = manifests.policy.spec.clone();
        environment.fill_in(&mut policy, |field| states(manifests, field))?;
        let policy = policy_change(&policy, 1)?;

        let symbols = symbols(manifests, environment, &mut notes)?;
        let instruments = symbols
            .iter()
            .filter_map(|symbol| paper.instruments.iter().find(|i| i.symbol.as_str() == symbol))
            .map(instrument)
            .collect::<Result<Vec<_>, _>>()?;
        let agents = manifests
            .agents
            .iter()
            .filter(|from| !from.spec.paused)
            .map(|from| agent(from, &instruments))
            .collect::<Result<Vec<_>, _>>()?;
        for paused in manifests.agents.iter().filter(|from| from.spec.paused) {
            let name = paused.metadata.name.as_deref().unwrap_or_default();
            notes.push(format!("TradingAgent {name} is paused: it has no say in this run"));
        }
        notes.extend(too_few_left(manifests));
        let data = recordings(manifests, &symbols)?;
        let venue = paper_config(paper, &instruments, spec)?;
        let engine = EngineConfig {
            run: RunId(0),
            bar_interval: span(spec.bar_interval.as_std()),
            agents: agents.iter().map(|agent| agent.config.clone()).collect(),
            consensus: consensus(&spec.consensus)?,
            policy,
            balance: decimal(paper.balance)?,
            venue: venue_config(paper, &venue)?,
            live: spec.live,
            instruments,
        };
        Ok(Self {
            system: manifests.system.metadata.name.clone().unwrap_or_default(),
            manifests: understood(manifests, &symbols)?,
            engine,
            agents,
            venue,
            data,
            notes,
        })
    }
}

/// Whether pauses leave fewer voters than must agree. That is no fault: what is open is to be tended.
fn too_few_left(manifests: &Manifests) -> Option<String> {
    let votes = |agent: &&TradingAgent| agent.spec.authority.consensus.is_some();
    let voters = manifests.agents.iter().filter(votes);
    let left = voters.clone().filter(|agent| !agent.spec.paused).count();
    let needed = manifests.system.spec.consensus.min_agents;
    let is_so = left < voters.count() && u32::try_from(left).is_ok_and(|left| left < needed);
    is_so.then(|| {
        format!(
            "{left} agents are left to vote, and {needed} must agree (consensus.minAgents): nothing is entered by vote"
        )
    })
}

/// Whether the policy's manifest itself names a field below `spec`: what is missing there is open
/// to the environment.
fn states(manifests: &Manifests, field: &str) -> bool {
    let name = manifests.policy.metadata.name.as_deref();
    let mut files = manifests.sources.iter().filter(|file| file.path == manifests.policy_file);
    files.any(|file| states_in(&file.text, name, field))
}

/// The same of the RiskPolicy `name` in a manifest's text.
pub fn states_in(text: &str, name: Option<&str>, field: &str) -> bool {
    let pointer = format!("/spec/{}", field.replace('.', "/"));
    let documents = serde_saphyr::from_multiple::<Json>(text).unwrap_or_default();
    documents
        .iter()
        .filter(|document| document["kind"] == "RiskPolicy")
        .filter(|document| document["metadata"]["name"].as_str() == name)
        .any(|policy| policy.pointer(&pointer).is_some())
}

fn notes(spec: &TradingSystemSpec, environment: &Environment) -> Vec<String> {
    let mut notes = Vec::new();
    if spec.storage.as_ref().is_some_and(|storage| storage.postgres.is_some()) {
        notes.push("storage.postgres is for clusters: this run keeps its journal in a file".into());
    }
    if spec.bus.as_ref().is_some_and(|bus| bus.redis.is_some()) {
        notes.push("bus.redis is for clusters: this run is one process".into());
    }
    for name in &environment.backends {
        notes.push(format!("{name} is ignored: a local run stays embedded"));
    }
    notes
}

/// What is traded: the manifest's list, or all that the venue has, narrowed by the environment.
fn symbols(
    manifests: &Manifests,
    environment: &Environment,
    notes: &mut Vec<String>,
) -> Result<Vec<String>, ConfigError> {
    let all: Vec<String> =
        manifests.symbols().iter().map(|symbol| symbol.as_str().to_owned()).collect();
    let wanted = &environment.trading_symbols;
    if wanted.is_empty() {
        return Ok(all);
    }
    if manifests.system.spec.symbols.list.is_some() {
        notes.push("TRADING_SYMBOLS is ignored: the manifest lists its symbols".into());
        return Ok(all);
    }
    let chosen: Vec<String> =
        all.iter().filter(|symbol| wanted.contains(symbol)).cloned().collect();
    if chosen.is_empty() {
        return Err(ConfigError::NoSymbols(wanted.join(","), all.join(", ")));
    }
    Ok(chosen)
}

fn recordings(manifests: &Manifests, symbols: &[String]) -> Result<Vec<DataPlan>, ConfigError> {
    let data = manifests.market_data();
    if data.is_empty() {
        return Err(ConfigError::Venue("paper.data.exchange"));
    }
    symbols
        .iter()
        .map(|symbol| {
            let own = |name: &str| name == symbol;
            let named = data
                .iter()
                .find(|file| file.symbol.as_ref().is_some_and(|name| own(name.as_str())));
            let only = data.iter().find(|file| file.symbol.is_none());
            match (named, only) {
                (Some(file), _) => Ok(recording(file)),
                (None, Some(file)) if symbols.len() == 1 => Ok(recording(file)),
                (None, Some(_)) => Err(ConfigError::OneFileManySymbols(symbols.join(", "))),
                (None, None) => Err(ConfigError::NoData(symbol.clone())),
            }
        })
        .collect()
}

fn recording(from: &MarketData) -> DataPlan {
    let volume_unit = match from.volume_unit {
        crds::VolumeUnit::Base => VolumeUnit::Base,
        crds::VolumeUnit::Quote => VolumeUnit::Quote,
    };
    DataPlan { path: from.path.clone(), volume_unit }
}

fn consensus(from: &crds::Consensus) -> Result<ConsensusConfig, ConfigError> {
    Ok(ConsensusConfig {
        min_agents: from.min_agents,
        approval: decimal(from.approval)?,
        timeout: span(from.timeout.as_std()),
        max_weight: decimal(from.max_weight)?,
    })
}

/// How long the paper venue may take to answer before an outcome is unknown.
const TIMEOUT: Span = Span::secs(2);
/// How long a request stays valid beyond the longest way to the venue.
const REQUEST_TTL: Span = Span::secs(5);

fn venue_config(paper: &PaperVenue, venue: &PaperConfig) -> Result<VenueConfig, ConfigError> {
    let longest_way = venue.latency.submit + venue.latency.jitter;
    let round_trip = longest_way + venue.latency.report + venue.latency.jitter;
    Ok(VenueConfig {
        request_ttl: REQUEST_TTL + longest_way,
        absence_grace: Span::secs(1) + round_trip,
        resolve_interval: Span::secs(1) + round_trip,
        verify_interval: Span::secs(1) + round_trip,
        check_interval: None,
        single_close_position_stop: venue.single_close_position,
        slippage: decimal(paper.slippage)?,
        orders_per_minute: 1200,
    })
}

/// The longest that a message may take: a day's decisions would otherwise be on their way at once.
const LONGEST_LATENCY: Span = Span::hours(1);

fn way(field: &'static str, delay: sapphire_crds::values::Delay) -> Result<Span, ConfigError> {
    let latency = span(delay.as_std());
    if latency > LONGEST_LATENCY {
        return Err(ConfigError::Latency { field, value: delay.to_string() });
    }
    Ok(latency)
}

/// The paper venue. Each market is taken for bars until its recording says otherwise.
fn paper_config(
    paper: &PaperVenue,
    instruments: &[Instrument],
    spec: &TradingSystemSpec,
) -> Result<PaperConfig, ConfigError> {
    let listing =
        |instrument: &Instrument| Listing { instrument: instrument.clone(), feed: Feed::Bars };
    let latency = Latency {
        submit: way("submit", paper.latency.submit)?,
        report: way("report", paper.latency.report)?,
        jitter: way("jitter", paper.latency.jitter)?,
    };
    let funding = |funding: &crds::Funding| -> Result<Funding, ConfigError> {
        Ok(Funding { rate: decimal(funding.rate)?, interval: span(funding.interval.as_std()) })
    };
    Ok(PaperConfig {
        instruments: instruments.iter().map(listing).collect(),
        balance: decimal(paper.balance)?,
        timeout: TIMEOUT + latency.submit + latency.report + latency.jitter + latency.jitter,
        latency,
        slippage: decimal(paper.slippage)?,
        funding: paper.funding.as_ref().map(funding).transpose()?,
        trigger_by: TriggerBy::default(),
        single_close_position: true,
        bar_interval: span(spec.bar_interval.as_std()),
        seed: paper.seed.into(),
        faults: paper.faults.iter().map(fault).collect(),
    })
}

fn fault(from: &crds::Fault) -> Fault {
    /// What a refusal and a late fill are where the manifest does not say.
    const REJECTED: VenueCode = VenueCode(-2010);
    const LATE: Span = Span::secs(5);
    Fault {
        on: match from.trigger {
            crds::FaultTrigger::Submit => FaultTrigger::Submit,
            crds::FaultTrigger::Cancel => FaultTrigger::Cancel,
            crds::FaultTrigger::Fill => FaultTrigger::Fill,
        },
        nth: from.nth,
        symbol: None,
        purpose: None,
        kind: match from.fault {
            crds::FaultKind::NeverSent => FaultKind::NeverSent,
            crds::FaultKind::AckLost => FaultKind::AckLost,
            crds::FaultKind::RequestLost => FaultKind::RequestLost,
            crds::FaultKind::DuplicateFill => FaultKind::DuplicateFill,
            crds::FaultKind::OutOfOrderFill => FaultKind::OutOfOrderFill,
            crds::FaultKind::LateFill => {
                FaultKind::LateFill(from.delay.map_or(LATE, |delay| span(delay.as_std())))
            }
            crds::FaultKind::Refused => {
                FaultKind::Refused(from.code.as_ref().map_or(REJECTED, |code| {
                    VenueCode(code.as_str().parse().unwrap_or(REJECTED.0))
                }))
            }
        },
    }
}

/// The hash of what decides how the desk trades: the system's venue (where its data lie aside),
/// bars and consensus, and the agents' parameters. Images and pods do not count.
fn understood(manifests: &Manifests, symbols: &[String]) -> Result<Hash, ConfigError> {
    let spec = &manifests.system.spec;
    let mut venue = serde_json::to_value(&spec.venue)?;
    if let Some(paper) = venue.get_mut("paper").and_then(serde_json::Value::as_object_mut) {
        // What the volumes count decides what is traded on.
        let of_these = |file: &MarketData| match &file.symbol {
            Some(symbol) => symbols.iter().any(|name| name == symbol.as_str()),
            None => true,
        };
        let counts: Vec<_> = manifests
            .market_data()
            .into_iter()
            .filter(of_these)
            .map(|file| (file.symbol, file.volume_unit))
            .collect();
        paper.insert("data".to_owned(), serde_json::to_value(counts)?);
    }
    let agents: Vec<_> = manifests
        .agents
        .iter()
        .map(|agent| {
            let spec = &agent.spec;
            let thinks = (&spec.strategy, &spec.authority, spec.horizon);
            (&agent.metadata.name, thinks, &spec.participation, &spec.decision_latency, spec.paused)
        })
        .collect();
    let name = &manifests.system.metadata.name;
    let whole = (name, venue, symbols, spec.bar_interval, &spec.consensus, spec.live, agents);
    let hash = canonical_hash(&whole)?;
    hash.parse().map_err(|_| ConfigError::Hash(serde::de::Error::custom("not a SHA-256")))
}

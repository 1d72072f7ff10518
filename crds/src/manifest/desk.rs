//! What a run is made of.

use std::path::{Path, PathBuf};

use super::document::{Document, Kind};
use super::files::ManifestFile;
use super::relations::Chosen;
use crate::canonical::canonical_hash;
use crate::trading_agent::AuthorityChoice;
use crate::trading_system::{PaperDataChoice, SymbolSelectionChoice, VenueChoice, VolumeUnit};
use crate::values::Symbol;
use crate::{RiskPolicy, TradingAgent, TradingSystem};

/// A system, its agents and its policy: valid, each by itself and with one another.
#[derive(Debug, Clone, PartialEq)]
pub struct Desk {
    /// What trades where.
    pub system: TradingSystem,
    /// Who has an opinion, in the order of their names.
    pub agents: Vec<TradingAgent>,
    /// What it may lose.
    pub policy: RiskPolicy,
    /// The manifest that holds the policy, for watching it.
    pub policy_file: PathBuf,
    /// The directory of the system's manifest, which its paths are relative to.
    pub directory: PathBuf,
    /// All manifests as they were read, in the order of reading.
    pub sources: Vec<Source>,
    /// Objects of other APIs that the manifests hold too, such as `Secret postgres`.
    pub ignored: Vec<String>,
}

/// A manifest as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl From<ManifestFile> for Source {
    fn from(ManifestFile { path, text }: ManifestFile) -> Self {
        Self { path, text }
    }
}

/// A recording that the paper venue plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketData {
    /// Whose it is; none where the one file holds every symbol.
    pub symbol: Option<Symbol>,
    /// Where it is, resolved against the manifest's directory.
    pub path: PathBuf,
    /// What its plain volumes count.
    pub volume_unit: VolumeUnit,
}

impl Desk {
    pub(super) fn of(chosen: &Chosen<'_>, documents: &[Document<'_>]) -> Self {
        let mut agents: Vec<TradingAgent> =
            chosen.agents.iter().map(|agent| agent.resource.clone()).collect();
        agents.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Self {
            system: chosen.system.resource.clone(),
            agents,
            policy: chosen.policy.resource.clone(),
            policy_file: chosen.policy.document.file.path.clone(),
            directory: directory_of(chosen.system.document.file).to_owned(),
            sources: Vec::new(),
            ignored: documents
                .iter()
                .filter(|document| matches!(document.kind, Kind::Foreign(_)))
                .filter_map(Document::label)
                .collect(),
        }
    }

    pub(super) fn with_sources(mut self, files: Vec<ManifestFile>) -> Self {
        self.sources = files.into_iter().map(Source::from).collect();
        self
    }

    /// What the system trades, in the manifest's order. Empty where a live venue is to say it.
    pub fn symbols(&self) -> Vec<Symbol> {
        symbols(&self.system)
    }

    /// The agents that vote on `symbol`, in the order of their names.
    pub fn voters<'d>(&'d self, symbol: &'d Symbol) -> impl Iterator<Item = &'d TradingAgent> {
        let symbols = self.symbols();
        self.agents.iter().filter(move |agent| votes_on(agent, &symbols).contains(symbol))
    }

    /// The agent that trades `symbol` alone, if one does.
    pub fn delegate(&self, symbol: &Symbol) -> Option<&TradingAgent> {
        self.agents.iter().find(|agent| delegated_to(agent).contains(symbol))
    }

    /// The recordings that the paper venue plays; empty on any other venue.
    pub fn market_data(&self) -> Vec<MarketData> {
        market_data(&self.system, &self.directory)
    }

    /// Hash of what the manifests mean: system, agents and policy with their defaults. Comments, order
    /// and spelling do not count.
    ///
    /// # Errors
    /// Never for a desk that was loaded; see [`canonical_hash`].
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        let agents: Vec<_> =
            self.agents.iter().map(|agent| (&agent.metadata.name, &agent.spec)).collect();
        canonical_hash(&(&self.system.metadata.name, &self.system.spec, agents, &self.policy.spec))
    }
}

/// The base of relative paths in a manifest.
pub(super) fn directory_of(file: &ManifestFile) -> &Path {
    file.path.parent().unwrap_or(Path::new(""))
}

/// What a system trades; empty where a live venue is to say it.
pub(super) fn symbols(system: &TradingSystem) -> Vec<Symbol> {
    match (system.spec.symbols.choice(), system.spec.venue.choice()) {
        (Ok(SymbolSelectionChoice::List(list)), _) => list.clone(),
        (_, Ok(VenueChoice::Paper(paper))) => {
            let instruments = paper.instruments.iter();
            instruments.map(|instrument| instrument.symbol.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// What an agent votes on in a system that trades `symbols`.
pub(super) fn votes_on(agent: &TradingAgent, symbols: &[Symbol]) -> Vec<Symbol> {
    match agent.spec.authority.choice() {
        Ok(AuthorityChoice::Consensus(consensus)) => {
            consensus.symbols.clone().unwrap_or_else(|| symbols.to_vec())
        }
        _ => Vec::new(),
    }
}

/// What an agent trades alone.
pub(super) fn delegated_to(agent: &TradingAgent) -> &[Symbol] {
    match agent.spec.authority.choice() {
        Ok(AuthorityChoice::Delegated(delegated)) => &delegated.symbols,
        _ => &[],
    }
}

/// The recordings that a system's paper venue plays.
pub(super) fn market_data(system: &TradingSystem, directory: &Path) -> Vec<MarketData> {
    let Ok(VenueChoice::Paper(paper)) = system.spec.venue.choice() else {
        return Vec::new();
    };
    match paper.data.choice() {
        Ok(PaperDataChoice::File(file)) => {
            vec![MarketData {
                symbol: None,
                path: directory.join(file.path.as_str()),
                volume_unit: file.volume_unit,
            }]
        }
        Ok(PaperDataChoice::Files(files)) => files
            .iter()
            .map(|file| MarketData {
                symbol: Some(file.symbol.clone()),
                path: directory.join(file.path.as_str()),
                volume_unit: file.volume_unit,
            })
            .collect(),
        _ => Vec::new(),
    }
}

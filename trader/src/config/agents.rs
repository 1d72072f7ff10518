//! TradingAgents → the engine's agents and their strategies.

use sapphire_agents as agents;
use sapphire_crds::TradingAgent;
use sapphire_crds::trading_agent::strategy::{self as crds, StrategyChoice};
use sapphire_crds::trading_agent::{AuthorityChoice, DelegatedExits};
use sapphire_engine::config::{AgentConfig, Authority, Delegation};
use sapphire_engine::instrument::{Instrument, SymbolId};
use sapphire_engine::money::{Amount, Ratio};

use super::plan::AgentPlan;
use super::{ConfigError, decimal, span};

/// Converts an agent of a desk that trades `instruments`.
pub(super) fn agent(
    from: &TradingAgent,
    instruments: &[Instrument],
) -> Result<AgentPlan, ConfigError> {
    let name = from.metadata.name.clone().unwrap_or_default();
    let choice = from.spec.strategy.choice()?;
    let strategy = strategy(choice, &name)?;
    strategy.validate().map_err(|error| ConfigError::Parameters { agent: name.clone(), error })?;
    Ok(AgentPlan {
        config: AgentConfig {
            strategy: choice.name().to_owned(),
            authority: authority(from, instruments)?,
            horizon: from.spec.horizon,
            participation: decimal(from.spec.participation)?,
            name,
        },
        strategy,
        latency: span(from.spec.decision_latency.as_std()),
    })
}

fn authority(from: &TradingAgent, instruments: &[Instrument]) -> Result<Authority, ConfigError> {
    let places = || (0_u16..).map(SymbolId).zip(instruments);
    Ok(match from.spec.authority.choice()? {
        AuthorityChoice::Consensus(consensus) => {
            let votes_on = |name: &str| match &consensus.symbols {
                Some(symbols) => symbols.iter().any(|symbol| symbol.as_str() == name),
                None => true,
            };
            let symbols = places().filter(|(_, instrument)| votes_on(instrument.symbol.as_str()));
            Authority::Consensus { symbols: symbols.map(|(place, _)| place).collect() }
        }
        AuthorityChoice::Delegated(delegated) => {
            let quantity: Amount = decimal(delegated.quantity)?;
            let trades = |name: &str| delegated.symbols.iter().any(|own| own.as_str() == name);
            let symbols = places().filter(|(_, instrument)| trades(instrument.symbol.as_str()));
            Authority::Delegated {
                symbols: symbols
                    .map(|(symbol, instrument)| Delegation {
                        symbol,
                        quantity: instrument.lots_floor(quantity.0),
                    })
                    .collect(),
                max_notional: decimal(delegated.max_notional)?,
                orders_per_second: delegated.orders_per_second,
                policy_exits: delegated.exits == DelegatedExits::Policy,
            }
        }
    })
}

fn strategy(choice: StrategyChoice<'_>, agent: &str) -> Result<agents::Strategy, ConfigError> {
    use agents::Strategy as S;
    Ok(match choice {
        StrategyChoice::EmaCross(from) => {
            S::EmaCross(agents::EmaCrossConfig { fast: from.fast, slow: from.slow })
        }
        StrategyChoice::TrendMomentum(from) => S::TrendMomentum(agents::TrendMomentumConfig {
            fast_period: from.fast_period,
            slow_period: from.slow_period,
            signal_period: from.signal_period,
            trend_period: from.trend_period,
            rsi_period: from.rsi_period,
            rsi_overbought: from.rsi_overbought,
            rsi_oversold: from.rsi_oversold,
        }),
        StrategyChoice::MarketPrediction(from) => {
            S::MarketPrediction(agents::MarketPredictionConfig {
                lookback: from.lookback,
                warmup: from.warmup,
                learning_rate: parameter(from.learning_rate)?,
                regularisation: parameter(from.regularisation)?,
                margin: parameter(from.margin)?,
            })
        }
        StrategyChoice::VolumeMicrostructure(from) => {
            S::VolumeMicrostructure(agents::VolumeMicrostructureConfig {
                imbalance_bars: from.imbalance_bars,
                volume_bars: from.volume_bars,
                threshold: parameter(from.threshold)?,
            })
        }
        StrategyChoice::Vpin(from) => S::Vpin(agents::VpinConfig {
            bucket_volume: from.bucket_volume.map(parameter).transpose()?,
            buckets: from.buckets,
            classification: match from.classification {
                crds::TradeClassification::Aggressor => agents::Classification::Aggressor,
                crds::TradeClassification::Bulk => agents::Classification::Bulk,
            },
            deviation_bars: from.deviation_bars,
            threshold: parameter(from.threshold)?,
        }),
        StrategyChoice::StrategyOptimisation(from) => {
            let candidate =
                |pair: &crds::Candidate| agents::Candidate { fast: pair.fast, slow: pair.slow };
            S::StrategyOptimisation(agents::StrategyOptimisationConfig {
                training_bars: from.training_bars,
                trading_bars: from.trading_bars,
                candidates: from.candidates.iter().map(candidate).collect(),
            })
        }
        StrategyChoice::FinancialSentiment(_)
        | StrategyChoice::MarketMaking(_)
        | StrategyChoice::LanguageModel(_) => {
            return Err(ConfigError::Strategy { agent: agent.to_owned(), strategy: choice.name() });
        }
    })
}

/// A parameter of a strategy, as the float that indicators use: never money.
fn parameter(value: impl std::fmt::Display) -> Result<f64, ConfigError> {
    decimal::<Ratio>(value).map(Ratio::to_f64)
}

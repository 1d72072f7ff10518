//! The catalogue.

use crate::agent::{Agent, Calibrated};
use crate::config::{Check, ConfigError, LONGEST_HORIZON};
use crate::ema_cross::{self, EmaCross, EmaCrossConfig};
use crate::market_prediction::{self, MarketPrediction, MarketPredictionConfig};
use crate::strategy_optimisation::{self, StrategyOptimisation, StrategyOptimisationConfig};
use crate::trend_momentum::{self, TrendMomentum, TrendMomentumConfig};
use crate::volume_microstructure::{self, VolumeMicrostructure, VolumeMicrostructureConfig};
use crate::vpin::{self, Vpin, VpinConfig};

/// A strategy of the catalogue with its parameters, which are named, limited and preset as in a
/// `TradingAgent`.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// A trend by a slow average, confirmed by MACD and RSI.
    TrendMomentum(TrendMomentumConfig),
    /// A regression that learns as it goes.
    MarketPrediction(MarketPredictionConfig),
    /// Order-flow imbalance and volume.
    VolumeMicrostructure(VolumeMicrostructureConfig),
    /// Informed flow.
    Vpin(VpinConfig),
    /// A walk-forward choice among average crosses.
    StrategyOptimisation(StrategyOptimisationConfig),
    /// A plain cross of two averages.
    EmaCross(EmaCrossConfig),
}

impl Strategy {
    /// Every strategy with its defaults.
    #[must_use]
    pub fn catalogue() -> [Self; 6] {
        [
            Self::TrendMomentum(TrendMomentumConfig::default()),
            Self::MarketPrediction(MarketPredictionConfig::default()),
            Self::VolumeMicrostructure(VolumeMicrostructureConfig::default()),
            Self::Vpin(VpinConfig::default()),
            Self::StrategyOptimisation(StrategyOptimisationConfig::default()),
            Self::EmaCross(EmaCrossConfig::default()),
        ]
    }

    /// Its name, as manifests write it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TrendMomentum(_) => trend_momentum::NAME,
            Self::MarketPrediction(_) => market_prediction::NAME,
            Self::VolumeMicrostructure(_) => volume_microstructure::NAME,
            Self::Vpin(_) => vpin::NAME,
            Self::StrategyOptimisation(_) => strategy_optimisation::NAME,
            Self::EmaCross(_) => ema_cross::NAME,
        }
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::TrendMomentum(config) => config.validate(),
            Self::MarketPrediction(config) => config.validate(),
            Self::VolumeMicrostructure(config) => config.validate(),
            Self::Vpin(config) => config.validate(),
            Self::StrategyOptimisation(config) => config.validate(),
            Self::EmaCross(config) => config.validate(),
        }
    }

    /// An agent that follows the strategy on one symbol, its opinions looking `horizon` bars ahead (1 to
    /// 10,000). A desk makes one for each symbol.
    ///
    /// # Errors
    /// All faults of the parameters at once, or the horizon's.
    pub fn agent(&self, horizon: u32) -> Result<Box<dyn Agent>, ConfigError> {
        let mut check = Check::new(self.name());
        check.whole("horizon", horizon, 1..=LONGEST_HORIZON);
        check.finish()?;
        Ok(match self {
            Self::TrendMomentum(config) => {
                Box::new(Calibrated::new(TrendMomentum::new(config)?, horizon))
            }
            Self::MarketPrediction(config) => {
                Box::new(Calibrated::new(MarketPrediction::new(config, horizon)?, horizon))
            }
            Self::VolumeMicrostructure(config) => {
                Box::new(Calibrated::new(VolumeMicrostructure::new(config)?, horizon))
            }
            Self::Vpin(config) => Box::new(Calibrated::new(Vpin::new(config)?, horizon)),
            Self::StrategyOptimisation(config) => {
                Box::new(Calibrated::new(StrategyOptimisation::new(config)?, horizon))
            }
            Self::EmaCross(config) => Box::new(Calibrated::new(EmaCross::new(config)?, horizon)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_sound_with_its_defaults_and_keeps_its_horizon() {
        for strategy in Strategy::catalogue() {
            assert_eq!(strategy.validate(), Ok(()));
            assert_eq!(strategy.agent(7).unwrap().horizon(), 7);
        }
    }

    #[test]
    fn a_horizon_of_nothing_is_refused() {
        for strategy in Strategy::catalogue() {
            let error = strategy.agent(0).unwrap_err().to_string();
            let expected = "horizon is 0: use a whole number from 1 to 10000";
            assert_eq!(error, format!("{}: {expected}", strategy.name()));
        }
    }

    #[test]
    fn no_agent_is_built_of_what_is_refused() {
        let strategy = Strategy::EmaCross(EmaCrossConfig { fast: 20, slow: 10 });
        assert!(strategy.validate().is_err());
        assert!(strategy.agent(1).is_err());
    }
}

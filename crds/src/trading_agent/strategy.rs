//! The catalogue of strategies with their parameters.

mod external;
mod indicator;
mod learned;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

pub use external::{
    FinancialSentiment, LanguageModel, LanguageModelFallback, LanguageModelProvider, MarketMaking,
    ModelEndpoint,
};
pub use indicator::{EmaCross, TradeClassification, TrendMomentum, VolumeMicrostructure, Vpin};
pub use learned::{Candidate, MarketPrediction, StrategyOptimisation};

use crate::one_of::one_of;
use crate::values::whole;

/// How an agent comes to its opinions: exactly one of the catalogue.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(
    validation = Rule::new("[has(self.trendMomentum), has(self.marketPrediction), has(self.volumeMicrostructure), has(self.vpin), has(self.strategyOptimisation), has(self.emaCross), has(self.financialSentiment), has(self.marketMaking), has(self.languageModel)].exists_one(x, x)")
        .message("an agent has one strategy; set exactly one, such as trendMomentum: {}")
)]
pub struct Strategy {
    /// Follows a trend that MACD, EMA and RSI agree on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend_momentum: Option<TrendMomentum>,
    /// Predicts the next move with a linear model that learns as it goes, from past bars only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_prediction: Option<MarketPrediction>,
    /// Reads order-flow imbalance and volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_microstructure: Option<VolumeMicrostructure>,
    /// Measures how informed the flow is (Easley, López de Prado, O'Hara 2012).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpin: Option<Vpin>,
    /// Chooses among parameter sets by walking forward over past bars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy_optimisation: Option<StrategyOptimisation>,
    /// Long above, short below: the cross of two EMAs. For delegated use and comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema_cross: Option<EmaCross>,
    /// Reads the news. The trader of this release refuses it: it has no engine for it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub financial_sentiment: Option<FinancialSentiment>,
    /// Quotes both sides. The trader of this release refuses it: it has no engine for it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub market_making: Option<MarketMaking>,
    /// Asks a language model. The trader of this release refuses it: it has no engine for it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_model: Option<LanguageModel>,
}

one_of! {
    /// How an agent comes to its opinions.
    StrategyChoice of Strategy {
        trend_momentum => TrendMomentum(TrendMomentum),
        market_prediction => MarketPrediction(MarketPrediction),
        volume_microstructure => VolumeMicrostructure(VolumeMicrostructure),
        vpin => Vpin(Vpin),
        strategy_optimisation => StrategyOptimisation(StrategyOptimisation),
        ema_cross => EmaCross(EmaCross),
        financial_sentiment => FinancialSentiment(FinancialSentiment),
        market_making => MarketMaking(MarketMaking),
        language_model => LanguageModel(LanguageModel),
    }
}

impl StrategyChoice<'_> {
    /// The name that the manifest gives it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TrendMomentum(_) => "trendMomentum",
            Self::MarketPrediction(_) => "marketPrediction",
            Self::VolumeMicrostructure(_) => "volumeMicrostructure",
            Self::Vpin(_) => "vpin",
            Self::StrategyOptimisation(_) => "strategyOptimisation",
            Self::EmaCross(_) => "emaCross",
            Self::FinancialSentiment(_) => "financialSentiment",
            Self::MarketMaking(_) => "marketMaking",
            Self::LanguageModel(_) => "languageModel",
        }
    }
}

//! Market prediction: a logistic regression that learns from each bar whose outcome has become known.

use sapphire_engine::indicators::{Ema, IndicatorError, RollingMoments, Sma};
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError, LONGEST_HORIZON};
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "marketPrediction";

/// Parameters of [`MarketPrediction`].
#[derive(Debug, Clone, PartialEq)]
pub struct MarketPredictionConfig {
    /// Past bars that the features look at, 2 to 500.
    pub lookback: u32,
    /// Outcomes that it must have learnt from before it votes, 10 to 100,000.
    pub warmup: u32,
    /// Weight of the newest outcome: the step of gradient descent, 0 to 1.
    pub learning_rate: f64,
    /// Strength of the pull of every weight towards zero, 0 to 1.
    pub regularisation: f64,
    /// Least probability above one half that is an opinion, 0 to 0.5.
    pub margin: f64,
}

impl Default for MarketPredictionConfig {
    fn default() -> Self {
        Self { lookback: 24, warmup: 200, learning_rate: 0.01, regularisation: 0.001, margin: 0.02 }
    }
}

impl MarketPredictionConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("lookback", self.lookback, 2..=500);
        check.whole("warmup", self.warmup, 10..=100_000);
        check.number("learningRate", self.learning_rate, 0.0..=1.0);
        check.number("regularisation", self.regularisation, 0.0..=1.0);
        check.number("margin", self.margin, 0.0..=0.5);
        check.finish()
    }
}

/// Features of a bar, the last one constant.
const FEATURES: usize = 7;
type Features = [f64; FEATURES];

/// No feature counts for more than so many standard deviations.
const CLIP: f64 = 3.0;

/// A bar whose outcome is still to come.
#[derive(Debug, Clone, Copy)]
struct Example {
    features: Features,
    close: f64,
}

/// The probability that the price is higher one horizon on, by a logistic regression on the bar's own
/// past: returns over one bar, a quarter of the lookback and all of it, and the distance from an average
/// of it, each in units of its usual size; volume in the bar's direction; where in its range the bar
/// closed. The model learns from a bar only when its outcome is known, one horizon later, and after it
/// was used to predict: the order of A. P. Dawid, *Statistical Theory: the Prequential Approach* (1984).
///
/// A probability within the margin of one half is no opinion: abstain.
#[derive(Debug, Clone)]
pub struct MarketPrediction {
    config: MarketPredictionConfig,
    past: Past,
    weights: Features,
    /// Bars whose outcome is still to come, a ring of one horizon.
    waiting: Box<[Option<Example>]>,
    next: usize,
    /// Outcomes learnt from.
    learnt: u32,
}

/// What the features are made of.
#[derive(Debug, Clone)]
struct Past {
    last_close: Option<f64>,
    spread: RollingMoments,
    short: Sma,
    average: Ema,
    volume: Sma,
    /// The square roots of the short lookback and of the whole.
    roots: [f64; 2],
}

impl Past {
    fn new(lookback: u32) -> Result<Self, IndicatorError> {
        let short = (lookback / 4).max(2);
        Ok(Self {
            last_close: None,
            spread: RollingMoments::new(lookback as usize)?,
            short: Sma::new(short as usize)?,
            average: Ema::new(lookback as usize)?,
            volume: Sma::new(lookback as usize)?,
            roots: [short, lookback].map(|n| libm::sqrt(f64::from(n))),
        })
    }

    /// The bar's features; `None` while any part is not ready, or where the price has not moved at all.
    fn update(&mut self, snapshot: &Snapshot<'_>) -> Option<Features> {
        let close = snapshot.close;
        let average = self.average.update(close);
        let volume = self.volume.update(snapshot.volume);
        let change = close / self.last_close.replace(close)? - 1.0;
        self.spread.update(change);
        let short = self.short.update(change);
        let deviation = self.spread.deviation().filter(|d| *d > 0.0)?;
        let (average, volume) = average.zip(volume)?;
        let (short, long) = short.zip(self.spread.mean())?;
        let range = snapshot.high - snapshot.low;
        let place =
            if range > 0.0 { (2.0 * close - snapshot.high - snapshot.low) / range } else { 0.0 };
        let busy = if volume > 0.0 { snapshot.volume / volume } else { 0.0 };
        let [short_root, long_root] = self.roots;
        let features = [
            change / deviation,
            // Means of returns: times √n they are in units of one bar's deviation.
            short_root * short / deviation,
            long_root * long / deviation,
            (close / average - 1.0) / (deviation * long_root),
            if change > 0.0 {
                busy
            } else if change < 0.0 {
                -busy
            } else {
                0.0
            },
            place,
            1.0,
        ];
        Some(features.map(|x| x.clamp(-CLIP, CLIP)))
    }
}

impl MarketPrediction {
    /// The rule for one symbol, predicting `horizon` bars ahead, 1 to 10,000.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &MarketPredictionConfig, horizon: u32) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut check = Check::new(NAME);
        check.whole("horizon", horizon, 1..=LONGEST_HORIZON);
        check.finish()?;
        Ok(Self {
            past: Past::new(config.lookback).map_err(|e| ConfigError::indicator(NAME, &e))?,
            weights: [0.0; FEATURES],
            waiting: vec![None; horizon as usize].into_boxed_slice(),
            next: 0,
            learnt: 0,
            config: config.clone(),
        })
    }

    /// The probability of a higher price.
    fn probability(&self, features: &Features) -> f64 {
        let logit: f64 = self.weights.iter().zip(features).map(|(w, x)| w * x).sum();
        1.0 / (1.0 + libm::exp(-logit))
    }

    /// One step of gradient descent on the logarithmic loss and the squares of the weights. A price
    /// that did not move teaches nothing.
    fn learn(&mut self, example: &Example, close: f64) {
        if close == example.close {
            return;
        }
        let outcome = if close > example.close { 1.0 } else { 0.0 };
        let error = outcome - self.probability(&example.features);
        let step = self.config.learning_rate;
        let pull = step * self.config.regularisation;
        for (weight, feature) in self.weights.iter_mut().zip(&example.features) {
            *weight += step * error * feature - pull * *weight;
        }
        self.learnt = self.learnt.saturating_add(1);
    }

    /// Puts a bar in the ring, and takes the one of a horizon ago out.
    fn exchange(&mut self, example: Option<Example>) -> Option<Example> {
        let due = self.waiting.get_mut(self.next).and_then(|slot| std::mem::replace(slot, example));
        self.next += 1;
        if self.next == self.waiting.len() {
            self.next = 0;
        }
        due
    }
}

impl Rule for MarketPrediction {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let close = snapshot.close;
        let features = self.past.update(snapshot);
        let due = self.exchange(features.map(|features| Example { features, close }));
        if let Some(example) = due {
            self.learn(&example, close);
        }
        let Some(features) = features else {
            let lookback = f64::from(self.config.lookback);
            return Call::abstain(
                "needs {0} returns, and a price that moves",
                [lookback, 0.0, 0.0],
            );
        };
        if self.learnt < self.config.warmup {
            let numbers = [f64::from(self.learnt), f64::from(self.config.warmup), 0.0];
            return Call::abstain("has learnt from {0} outcomes of {1}", numbers);
        }
        let p = self.probability(&features);
        let numbers = [p, f64::from(self.learnt), 0.0];
        let edge = (p - 0.5).abs();
        let Some(side) = toward(p - 0.5).filter(|_| edge >= self.config.margin) else {
            return Call::abstain("sees no edge: a higher price has probability {0}", numbers);
        };
        let strength = match edge {
            e if e >= 0.1 => Strength::Strong,
            e if e >= 0.05 => Strength::Fair,
            _ => Strength::Weak,
        };
        let text = "a higher price has probability {0} after {1} outcomes";
        Call::claim(side, strength, text, numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Agent, Calibrated};
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin, noise, wave};
    use rstest::rstest;
    use sapphire_engine::opinion::{Direction, View};

    const HORIZON: u32 = 12;

    fn rule() -> MarketPrediction {
        MarketPrediction::new(&MarketPredictionConfig::default(), HORIZON).unwrap()
    }

    #[rstest]
    #[case(0.003, Direction::Long)]
    #[case(-0.003, Direction::Short)]
    fn learns_a_drift(#[case] drift: f64, #[case] expected: Direction) {
        let mut rule = rule();
        let mut price = 1000.0;
        let mut said = None;
        for n in 0..1500 {
            price *= 1.0 + drift + 0.004 * noise(n);
            said = direction(&rule.observe(&bar(n, price)));
        }
        assert_eq!(said, Some(expected));
    }

    #[test]
    fn learns_how_a_wave_turns() {
        let mut agent = Calibrated::new(rule(), HORIZON);
        for bar in &wave(4_000, 100.0) {
            agent.opine(bar);
        }
        let hit_rate = agent.record().hit_rate().unwrap();
        assert!(hit_rate > 0.66, "{hit_rate}");
    }

    #[test]
    fn abstains_until_it_has_learnt_from_enough_outcomes() {
        let mut rule = rule();
        let calls: Vec<_> = (0..1000).map(|n| rule.observe(&bar(n, 100.0 + noise(n)))).collect();
        // 24 returns at index 24, the first outcome 12 bars on, 199 more after it.
        let waits = |call: &Call| match call {
            Call::Abstain(reason) => !reason.to_string().starts_with("sees no edge"),
            Call::Claim { .. } => false,
        };
        assert_eq!(calls.iter().position(|call| !waits(call)), Some(24 + 12 + 199));
    }

    #[test]
    fn a_price_that_never_moves_is_no_market() {
        let mut rule = rule();
        assert!((0..600).all(|n| direction(&rule.observe(&bar(n, 100.0))).is_none()));
    }

    #[test]
    fn learns_from_a_bar_only_once_its_outcome_is_known() {
        let mut rule = rule();
        for n in 0..24 + 12 {
            rule.observe(&bar(n, 100.0 + noise(n)));
        }
        assert_eq!((rule.learnt, rule.weights), (0, [0.0; FEATURES]));
        // The bar of index 24, at 100 and a little, turns out to have risen, or to have fallen.
        let taught = |close: f64| {
            let mut rule = rule.clone();
            rule.observe(&bar(36, close));
            rule.weights[FEATURES - 1]
        };
        assert!(taught(200.0) > 0.0 && taught(50.0) < 0.0);
    }

    #[test]
    fn on_real_bars_its_confidence_is_near_the_rate_at_which_it_is_right() {
        let mut agent = Calibrated::new(rule(), HORIZON);
        let bars = hours_of_bitcoin();
        let (mut claims, mut promised, mut kept) = (0.0, 0.0, 0.0);
        for (n, bar) in bars.iter().enumerate() {
            let answer = agent.opine(bar);
            let Some(outcome) = bars.get(n + HORIZON as usize) else { break };
            if let View::Opinion { direction, confidence } = answer.view {
                claims += 1.0;
                promised += confidence.to_f64();
                kept += f64::from(u8::from(crate::record::was_right(
                    direction,
                    bar.close,
                    outcome.close,
                )));
            }
        }
        assert!(claims > 5_000.0, "{claims}");
        assert!(
            (promised - kept).abs() / claims < 0.03,
            "{promised} promised, {kept} kept of {claims}"
        );
    }

    #[test]
    fn takes_both_sides_on_real_bars() {
        let said = directions_on(&mut rule(), hours_of_bitcoin());
        assert!(said.contains(&Direction::Long) && said.contains(&Direction::Short));
    }

    #[test]
    fn all_bad_parameters_are_told_at_once() {
        let config = MarketPredictionConfig {
            lookback: 1,
            learning_rate: f64::NAN,
            margin: 0.6,
            ..MarketPredictionConfig::default()
        };
        let error = config.validate().unwrap_err();
        let parameters: Vec<_> = error.faults.iter().map(|f| f.parameter).collect();
        assert_eq!(parameters, ["lookback", "learningRate", "margin"]);
    }
}

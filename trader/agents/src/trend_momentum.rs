//! Trend and momentum: a slow average gives the trend, MACD and RSI must confirm it.

use sapphire_engine::indicators::{Ema, IndicatorError, Macd, Rsi};
use sapphire_engine::opinion::Direction;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "trendMomentum";

/// Parameters of [`TrendMomentum`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendMomentumConfig {
    /// Bars of MACD's fast average, 2 to 1000, below `slow_period`.
    pub fast_period: u32,
    /// Bars of MACD's slow average, 3 to 2000.
    pub slow_period: u32,
    /// Bars of MACD's signal line, 2 to 1000.
    pub signal_period: u32,
    /// Bars of the average that tells the trend, 2 to 2000.
    pub trend_period: u32,
    /// Bars of Wilder's RSI, 2 to 500.
    pub rsi_period: u32,
    /// RSI above which a long is too late, 51 to 99.
    pub rsi_overbought: u32,
    /// RSI below which a short is too late, 1 to 49.
    pub rsi_oversold: u32,
}

impl Default for TrendMomentumConfig {
    fn default() -> Self {
        Self {
            fast_period: 12,
            slow_period: 26,
            signal_period: 9,
            trend_period: 50,
            rsi_period: 14,
            rsi_overbought: 70,
            rsi_oversold: 30,
        }
    }
}

impl TrendMomentumConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("fastPeriod", self.fast_period, 2..=1000);
        check.whole("slowPeriod", self.slow_period, 3..=2000);
        check.below("fastPeriod", self.fast_period, "slowPeriod", self.slow_period);
        check.whole("signalPeriod", self.signal_period, 2..=1000);
        check.whole("trendPeriod", self.trend_period, 2..=2000);
        check.whole("rsiPeriod", self.rsi_period, 2..=500);
        check.whole("rsiOverbought", self.rsi_overbought, 51..=99);
        check.whole("rsiOversold", self.rsi_oversold, 1..=49);
        check.finish()
    }
}

/// The trend is up while the price is above its slow average, down while it is below. It is called when
/// momentum confirms it: MACD beyond its signal and RSI beyond 50, both on the trend's side, and RSI not
/// so far that it is too late. The call then stands, however far RSI goes, until the price crosses the
/// average, or MACD and RSI both turn against it: it is not taken back at every breath of the market.
/// Otherwise flat: a trend without momentum is not worth the cost.
#[derive(Debug, Clone)]
pub struct TrendMomentum {
    trend: Ema,
    macd: Macd,
    rsi: Rsi,
    overbought: f64,
    oversold: f64,
    /// Bars still missing before everything is ready.
    missing: u32,
    standing: Option<Direction>,
}

impl TrendMomentum {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &TrendMomentumConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let macd_ready = config.slow_period + config.signal_period - 1;
        let build = || -> Result<Self, IndicatorError> {
            Ok(Self {
                trend: Ema::new(config.trend_period as usize)?,
                macd: Macd::new(
                    config.fast_period as usize,
                    config.slow_period as usize,
                    config.signal_period as usize,
                )?,
                rsi: Rsi::new(config.rsi_period as usize)?,
                overbought: f64::from(config.rsi_overbought),
                oversold: f64::from(config.rsi_oversold),
                missing: config.trend_period.max(macd_ready).max(config.rsi_period + 1),
                standing: None,
            })
        };
        build().map_err(|error| ConfigError::indicator(NAME, &error))
    }
}

impl Rule for TrendMomentum {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let close = snapshot.close;
        let trend = self.trend.update(close);
        let (macd, rsi) = (self.macd.update(close), self.rsi.update(close));
        self.missing = self.missing.saturating_sub(1);
        let (Some(trend), Some(macd), Some(rsi)) = (trend, macd, rsi) else {
            return Call::abstain("needs {0} more bars", [f64::from(self.missing), 0.0, 0.0]);
        };
        let gap = 100.0 * (close / trend - 1.0);
        let numbers = [gap, macd.histogram, rsi];
        let Some(side) = toward(close - trend) else {
            self.standing = None;
            return Call::claim(
                Direction::Flat,
                Strength::Weak,
                "no trend: the price is its average",
                numbers,
            );
        };
        let macd_side = toward(macd.histogram);
        let rsi_side = toward(rsi - 50.0);
        let confirmed = macd_side == Some(side) && rsi_side == Some(side);
        let refuted = macd_side.is_some_and(|m| m != side) && rsi_side.is_some_and(|r| r != side);
        let too_late = match side {
            Direction::Long => rsi > self.overbought,
            _ => rsi < self.oversold,
        };
        if self.standing == Some(side) && !refuted {
            let strength = if confirmed { Strength::Strong } else { Strength::Weak };
            let text = "{0} % from its average, the trend stands: MACD's histogram {1}, RSI {2}";
            Call::claim(side, strength, text, numbers)
        } else if confirmed && !too_late {
            self.standing = Some(side);
            let text =
                "{0} % from its average, a trend that MACD's histogram {1} and RSI {2} confirm";
            Call::claim(side, Strength::Fair, text, numbers)
        } else {
            self.standing = None;
            let text = if confirmed {
                "{0} % from its average, too late to join: MACD's histogram {1}, RSI {2}"
            } else {
                "{0} % from its average, a trend without momentum: MACD's histogram {1}, RSI {2}"
            };
            Call::claim(Direction::Flat, Strength::Fair, text, numbers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin, noise, wave};
    use rstest::rstest;

    fn rule() -> TrendMomentum {
        TrendMomentum::new(&TrendMomentumConfig::default()).unwrap()
    }

    fn said(rule: &mut TrendMomentum, prices: impl Iterator<Item = f64>) -> Vec<Direction> {
        prices.filter_map(|p| direction(&rule.observe(&bar(0, p)))).collect()
    }

    #[test]
    fn abstains_for_as_many_bars_as_it_says() {
        let mut rule = rule();
        for n in 0..49 {
            let missing = [49.0 - f64::from(n), 0.0, 0.0];
            assert_eq!(rule.observe(&bar(n, 100.0)), Call::abstain("needs {0} more bars", missing));
        }
        assert!(direction(&rule.observe(&bar(49, 100.0))).is_some());
    }

    #[rstest]
    #[case(1.0, Direction::Long)]
    #[case(-1.0, Direction::Short)]
    fn a_trend_that_begins_is_joined_and_held(#[case] sign: f64, #[case] expected: Direction) {
        let mut rule = rule();
        said(&mut rule, (0..100).map(|n| 1000.0 + noise(n)));
        let trend = (0..150).map(|n| 1000.0 + sign * f64::from(n) + noise(n));
        assert!(said(&mut rule, trend).iter().rev().take(100).all(|d| *d == expected));
    }

    #[test]
    fn a_market_that_stands_still_is_flat() {
        assert_eq!(said(&mut rule(), (0..100).map(|_| 500.0)).last(), Some(&Direction::Flat));
    }

    #[test]
    fn a_trend_that_rsi_calls_overdone_is_not_joined_any_more() {
        // Nothing but rises from the first bar: RSI is 100 before the rule is ready.
        let rises = (0..120).map(|n| 100.0 * 1.01_f64.powi(n));
        assert!(said(&mut rule(), rises).iter().all(|d| *d == Direction::Flat));
    }

    #[test]
    fn a_trend_that_turns_is_left_and_then_followed_the_other_way() {
        let mut rule = rule();
        said(&mut rule, (0..100).map(|n| 1000.0 + noise(n)));
        let rise = |n: i32| 1000.0 + 3.0 * f64::from(n) + noise(n);
        assert_eq!(said(&mut rule, (0..100).map(rise)).last(), Some(&Direction::Long));
        let falling =
            said(&mut rule, (0..60).map(|n| rise(100) - 2.0 * f64::from(n) + 4.0 * noise(n)));
        let left = falling.iter().position(|d| *d != Direction::Long).unwrap();
        let turned = falling.iter().position(|d| *d == Direction::Short).unwrap();
        assert!(left < 40 && left <= turned, "left at {left}, turned at {turned}");
    }

    #[test]
    fn follows_a_long_wave_in_both_directions() {
        let said = directions_on(&mut rule(), &wave(600, 200.0));
        assert!(said.contains(&Direction::Long) && said.contains(&Direction::Short));
    }

    #[test]
    fn is_long_in_the_bull_market_of_2017_and_short_in_its_crash() {
        let bars = hours_of_bitcoin();
        let said = directions_on(&mut rule(), bars);
        let skipped = bars.len() - said.len();
        let share = |from: usize, to: usize, wanted: Direction| {
            let part = &said[from - skipped..to - skipped];
            part.iter().filter(|d| **d == wanted).count() as f64 / part.len() as f64
        };
        // The month to 2017-12-17, the top, and six weeks after it.
        let top = bars.iter().position(|b| b.close >= 19_700.0).unwrap();
        assert!(
            share(top - 720, top, Direction::Long) > share(top - 720, top, Direction::Short) + 0.2
        );
        assert!(share(top, top + 1000, Direction::Short) > share(top, top + 1000, Direction::Long));
    }

    #[test]
    fn all_bad_parameters_are_told_at_once() {
        let config = TrendMomentumConfig {
            fast_period: 26,
            signal_period: 0,
            rsi_overbought: 100,
            ..TrendMomentumConfig::default()
        };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "trendMomentum: fastPeriod is 26: it must be below slowPeriod, which is 26; signalPeriod is 0: \
             use a whole number from 2 to 1000; rsiOverbought is 100: use a whole number from 51 to 99"
        );
    }
}

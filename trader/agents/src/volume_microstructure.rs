//! Volume and microstructure: who presses, and whether there is volume behind it.

use sapphire_engine::indicators::{BulkVolume, IndicatorError, Sma};
use sapphire_engine::opinion::Direction;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::flow::taken_share;
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "volumeMicrostructure";

/// Parameters of [`VolumeMicrostructure`].
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeMicrostructureConfig {
    /// Bars over which imbalance is summed, 1 to 1000.
    pub imbalance_bars: u32,
    /// Bars of volume that the last one is compared with, 2 to 2000. Where the data do not say who
    /// took, also the price changes against whose spread a bar is classified in bulk.
    pub volume_bars: u32,
    /// Least imbalance, as a share of the volume, that is a side: 0 to 1.
    pub threshold: f64,
}

impl Default for VolumeMicrostructureConfig {
    fn default() -> Self {
        Self { imbalance_bars: 12, volume_bars: 48, threshold: 0.2 }
    }
}

impl VolumeMicrostructureConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("imbalanceBars", self.imbalance_bars, 1..=1000);
        check.whole("volumeBars", self.volume_bars, 2..=2000);
        check.number("threshold", self.threshold, 0.0..=1.0);
        check.finish()
    }
}

/// Imbalance is flow over volume, both summed over the window. Flow is the order-flow imbalance at the
/// best quotes where there is a book, else bought less sold volume: exact where the data say who took,
/// in bulk where they do not; all three in base units. A side is called when the imbalance reaches the
/// threshold on a bar of at least the usual volume, and stands until the imbalance changes sign;
/// otherwise flat.
#[derive(Debug, Clone)]
pub struct VolumeMicrostructure {
    config: VolumeMicrostructureConfig,
    bulk: BulkVolume,
    usual_volume: Sma,
    volume: Sma,
    flow: Sma,
    standing: Option<Direction>,
}

impl VolumeMicrostructure {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &VolumeMicrostructureConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let build = || -> Result<Self, IndicatorError> {
            Ok(Self {
                bulk: BulkVolume::new(config.volume_bars as usize)?,
                usual_volume: Sma::new(config.volume_bars as usize)?,
                volume: Sma::new(config.imbalance_bars as usize)?,
                flow: Sma::new(config.imbalance_bars as usize)?,
                standing: None,
                config: config.clone(),
            })
        };
        build().map_err(|error| ConfigError::indicator(NAME, &error))
    }

    /// The bar's flow in base units; `None` while it cannot be told who bought.
    fn flow(&mut self, snapshot: &Snapshot<'_>) -> Option<f64> {
        // Kept up to date for the day that the better sources fall silent.
        let bulk = self.bulk.update(snapshot.close);
        if let Some(book) = snapshot.book
            && book.order_flow_imbalance.is_finite()
        {
            return Some(book.order_flow_imbalance);
        }
        let share = taken_share(snapshot).or(bulk)?;
        Some((2.0 * share - 1.0) * snapshot.volume)
    }
}

impl Rule for VolumeMicrostructure {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let usual = self.usual_volume.update(snapshot.volume);
        let Some(flow) = self.flow(snapshot) else {
            let bars = f64::from(self.config.volume_bars);
            return Call::abstain(
                "who bought cannot be told before {0} price changes",
                [bars, 0.0, 0.0],
            );
        };
        let sums = self.flow.update(flow).zip(self.volume.update(snapshot.volume));
        let (Some(usual), Some((flow, volume))) = (usual, sums) else {
            let bars = [self.config.volume_bars, self.config.imbalance_bars].map(f64::from);
            return Call::abstain(
                "needs {0} bars of volume and {1} of flow",
                [bars[0], bars[1], 0.0],
            );
        };
        if volume <= 0.0 || usual <= 0.0 {
            return Call::abstain("nothing was traded", [0.0; 3]);
        }
        let imbalance = flow / volume;
        let busy = snapshot.volume / usual;
        let side = toward(imbalance);
        let presses = imbalance.abs() >= self.config.threshold;
        if presses && busy >= 1.0 {
            self.standing = side;
        } else if self.standing != side {
            self.standing = None;
        }
        let numbers = [imbalance, busy, 0.0];
        match self.standing {
            Some(side) => {
                let strength = match (presses, busy >= 1.0) {
                    (true, true) => Strength::Strong,
                    (true, false) => Strength::Fair,
                    (false, _) => Strength::Weak,
                };
                let text = match side {
                    Direction::Short => {
                        "sellers press: imbalance {0}, last bar {1} times the usual volume"
                    }
                    _ => "buyers press: imbalance {0}, last bar {1} times the usual volume",
                };
                Call::claim(side, strength, text, numbers)
            }
            None => {
                let text = "nobody presses: imbalance {0}, last bar {1} times the usual volume";
                Call::claim(Direction::Flat, Strength::Fair, text, numbers)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin, noise};
    use rstest::rstest;
    use sapphire_engine::snapshot::BookView;

    fn rule() -> VolumeMicrostructure {
        let config =
            VolumeMicrostructureConfig { imbalance_bars: 4, volume_bars: 20, threshold: 0.2 };
        VolumeMicrostructure::new(&config).unwrap()
    }

    fn taken(n: i32, volume: f64, share: f64) -> Snapshot<'static> {
        Snapshot { volume, taker_buy_volume: Some(volume * share), ..bar(n, 100.0) }
    }

    #[rstest]
    #[case(0.9, Direction::Long)]
    #[case(0.1, Direction::Short)]
    fn takers_on_one_side_are_followed(#[case] share: f64, #[case] expected: Direction) {
        let mut rule = rule();
        let even: Vec<_> = (0..60).map(|n| taken(n, 10.0, 0.5)).collect();
        assert!(directions_on(&mut rule, &even).iter().all(|d| *d == Direction::Flat));
        let pressed: Vec<_> = (60..64).map(|n| taken(n, 12.0, share)).collect();
        assert_eq!(directions_on(&mut rule, &pressed).last(), Some(&expected));
    }

    #[test]
    fn a_side_stands_while_the_imbalance_keeps_its_sign() {
        let mut rule = rule();
        let bars: Vec<_> =
            (0..30).map(|n| taken(n, 10.0, if n < 25 { 0.9 } else { 0.55 })).collect();
        assert!(directions_on(&mut rule, &bars).iter().all(|d| *d == Direction::Long));
        let turned: Vec<_> = (30..34).map(|n| taken(n, 5.0, 0.45)).collect();
        assert_eq!(directions_on(&mut rule, &turned).last(), Some(&Direction::Flat));
    }

    #[test]
    fn a_book_that_is_bought_is_long_whatever_the_bars_say() {
        let mut rule = rule();
        let bars: Vec<_> = (0..40)
            .map(|n| {
                let book = BookView {
                    bid: 99.9,
                    bid_quantity: 1.0,
                    ask: 100.1,
                    ask_quantity: 1.0,
                    bid_depth: 10.0,
                    ask_depth: 10.0,
                    order_flow_imbalance: 3.0,
                };
                Snapshot { book: Some(book), ..bar(n, 100.0 - f64::from(n)) }
            })
            .collect();
        assert_eq!(directions_on(&mut rule, &bars).last(), Some(&Direction::Long));
    }

    #[test]
    fn without_book_or_takers_the_price_change_decides() {
        let mut rule = rule();
        let bars: Vec<_> = (0..60)
            .map(|n| {
                bar(n, if n < 50 { 100.0 + noise(n) } else { 100.0 + 2.0 * f64::from(n - 49) })
            })
            .collect();
        assert_eq!(directions_on(&mut rule, &bars).last(), Some(&Direction::Long));
    }

    #[test]
    fn pressure_without_volume_behind_it_is_no_call() {
        let mut rule = rule();
        let bars: Vec<_> = (0..60)
            .map(|n| if n < 50 { taken(n, 10.0, 0.5) } else { taken(n, 1.0, 1.0) })
            .collect();
        assert_eq!(directions_on(&mut rule, &bars).last(), Some(&Direction::Flat));
    }

    #[test]
    fn abstains_until_volume_and_flow_are_known() {
        let first = |bars: Vec<Snapshot<'_>>| {
            let mut rule = rule();
            bars.iter().position(|bar| direction(&rule.observe(bar)).is_some())
        };
        assert_eq!(first((0..60).map(|n| taken(n, 10.0, 0.5)).collect()), Some(19));
        // In bulk, 20 price changes come first, and then 4 bars of flow.
        assert_eq!(first((0..60).map(|n| bar(n, 100.0 + noise(n))).collect()), Some(20 + 3));
    }

    #[test]
    fn without_any_volume_it_abstains() {
        let mut rule = rule();
        for n in 0..60 {
            let call = rule.observe(&Snapshot { volume: 0.0, ..bar(n, 100.0 + noise(n)) });
            assert_eq!(direction(&call), None);
        }
    }

    #[test]
    fn takes_every_side_on_real_bars() {
        let config = VolumeMicrostructureConfig::default();
        let said =
            directions_on(&mut VolumeMicrostructure::new(&config).unwrap(), hours_of_bitcoin());
        for wanted in [Direction::Long, Direction::Short, Direction::Flat] {
            let share = said.iter().filter(|d| **d == wanted).count() as f64 / said.len() as f64;
            assert!((0.1..0.8).contains(&share), "{wanted:?} {share}");
        }
    }

    #[test]
    fn all_bad_parameters_are_told_at_once() {
        let config =
            VolumeMicrostructureConfig { imbalance_bars: 0, volume_bars: 48, threshold: -1.0 };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "volumeMicrostructure: imbalanceBars is 0: use a whole number from 1 to 1000; threshold is -1: \
             use a number from 0 to 1"
        );
    }
}

//! Informed flow: when those who know more are trading, take their side.

use sapphire_engine::indicators::{self, Aggressor, BulkVolume, IndicatorError, Sma};
use sapphire_engine::opinion::Direction;
use sapphire_engine::order::Side;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::flow::taken_share;
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "vpin";

/// Parameters of [`Vpin`].
#[derive(Debug, Clone, PartialEq)]
pub struct VpinConfig {
    /// Volume of one bucket in base units, above 0. `None`: the mean volume of one bar, measured over
    /// the first `buckets` bars.
    pub bucket_volume: Option<f64>,
    /// Buckets in the mean, 2 to 1000.
    pub buckets: u32,
    /// How a trade's side is known.
    pub classification: Classification,
    /// Price changes over which bulk classification takes its standard deviation, 10 to 10,000.
    pub deviation_bars: u32,
    /// VPIN from which the flow is informed, 0 to 1.
    pub threshold: f64,
}

/// How a trade's side is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classification {
    /// By the venue's flag, of each trade or counted in the bar: exact.
    Aggressor,
    /// By the bar's price change, `V·Φ(ΔP/σ)`.
    Bulk,
}

impl Default for VpinConfig {
    fn default() -> Self {
        Self {
            bucket_volume: None,
            buckets: 50,
            classification: Classification::Aggressor,
            deviation_bars: 100,
            threshold: 0.35,
        }
    }
}

impl VpinConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        if let Some(volume) = self.bucket_volume {
            check.number("bucketVolume", volume, f64::MIN_POSITIVE..=1e18);
        }
        check.whole("buckets", self.buckets, 2..=1000);
        check.whole("deviationBars", self.deviation_bars, 10..=10_000);
        check.number("threshold", self.threshold, 0.0..=1.0);
        check.finish()
    }
}

/// Flow is informed while VPIN is at the threshold or above; then the agent takes the side on which the
/// buckets lean. Other flow says nothing of where the price goes: abstain.
///
/// Easley, López de Prado and O'Hara (2012) read VPIN as the risk of trading against the informed;
/// which side these are on is our addition.
#[derive(Debug, Clone)]
pub struct Vpin {
    config: VpinConfig,
    bulk: BulkVolume,
    buckets: Buckets,
}

/// Buckets need a volume, which may first have to be measured.
#[derive(Debug, Clone)]
enum Buckets {
    /// The mean volume of the first bars.
    Measuring(Sma),
    /// As many as were asked for.
    Filling(indicators::Vpin),
}

impl Vpin {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &VpinConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let build = || -> Result<Self, IndicatorError> {
            let buckets = config.buckets as usize;
            Ok(Self {
                bulk: BulkVolume::new(config.deviation_bars as usize)?,
                buckets: match config.bucket_volume {
                    Some(volume) => Buckets::Filling(indicators::Vpin::new(volume, buckets)?),
                    None => Buckets::Measuring(Sma::new(buckets)?),
                },
                config: config.clone(),
            })
        };
        build().map_err(|error| ConfigError::indicator(NAME, &error))
    }

    /// Measures on; once the first bars are known, and something was traded in them, buckets begin with
    /// the next bar.
    fn measure(&mut self, volume: f64) {
        let Buckets::Measuring(mean) = &mut self.buckets else { return };
        if let Some(mean) = mean.update(volume)
            && let Ok(vpin) = indicators::Vpin::new(mean, self.config.buckets as usize)
        {
            self.buckets = Buckets::Filling(vpin);
        }
    }
}

/// Fills buckets with a bar: trade by trade where the trades are known, else evenly; whether it was
/// known who bought.
fn fill(
    vpin: &mut indicators::Vpin,
    snapshot: &Snapshot<'_>,
    classification: Classification,
    bulk: Option<f64>,
) -> bool {
    let share = match classification {
        Classification::Bulk => bulk,
        Classification::Aggressor if snapshot.trades.is_empty() => taken_share(snapshot),
        Classification::Aggressor => {
            for trade in snapshot.trades {
                let aggressor = match trade.aggressor {
                    Side::Buy => Aggressor::Buyer,
                    Side::Sell => Aggressor::Seller,
                };
                vpin.trade(trade.quantity.0 as f64 * snapshot.lot, aggressor);
            }
            return true;
        }
    };
    if let Some(share) = share {
        vpin.bulk(snapshot.volume, share);
    }
    share.is_some() || snapshot.volume == 0.0
}

impl Rule for Vpin {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let bulk = self.bulk.update(snapshot.close);
        let needed = f64::from(self.config.buckets);
        let Buckets::Filling(vpin) = &mut self.buckets else {
            self.measure(snapshot.volume);
            return Call::abstain("measures the volume of its first {0} bars", [needed, 0.0, 0.0]);
        };
        if !fill(vpin, snapshot, self.config.classification, bulk) {
            return match self.config.classification {
                Classification::Aggressor => Call::abstain(
                    "the data do not say who took; these need classification: Bulk",
                    [0.0; 3],
                ),
                Classification::Bulk => {
                    let bars = f64::from(self.config.deviation_bars);
                    Call::abstain(
                        "who bought cannot be told before {0} price changes",
                        [bars, 0.0, 0.0],
                    )
                }
            };
        }
        let Some((value, lean)) = vpin.value().zip(vpin.lean()) else {
            return Call::abstain("needs {0} full buckets", [needed, 0.0, 0.0]);
        };
        let threshold = self.config.threshold;
        let numbers = [value, threshold, lean];
        let Some(side) = toward(lean).filter(|_| value >= threshold) else {
            return Call::abstain(
                "the flow is not informed: VPIN {0}, from {1} it would be",
                numbers,
            );
        };
        // All of the imbalance on one side, most of it, or neither.
        let strength = match lean.abs() / value {
            one_sided if one_sided >= 0.5 => Strength::Strong,
            one_sided if one_sided >= 0.2 => Strength::Fair,
            _ => Strength::Weak,
        };
        let text = match side {
            Direction::Short => "informed flow sells: VPIN {0}, lean {2}",
            _ => "informed flow buys: VPIN {0}, lean {2}",
        };
        Call::claim(side, strength, text, numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin, noise, trade};
    use rstest::rstest;

    fn rule(config: &VpinConfig) -> Vpin {
        Vpin::new(config).unwrap()
    }

    fn quick() -> VpinConfig {
        VpinConfig { bucket_volume: Some(10.0), buckets: 4, ..VpinConfig::default() }
    }

    fn taken(n: i32, share: f64) -> Snapshot<'static> {
        Snapshot { volume: 10.0, taker_buy_volume: Some(10.0 * share), ..bar(n, 100.0) }
    }

    #[rstest]
    #[case(0.9, Some(Direction::Long))]
    #[case(0.1, Some(Direction::Short))]
    #[case(0.6, None)]
    fn one_sided_flow_is_followed_and_other_flow_says_nothing(
        #[case] share: f64,
        #[case] expected: Option<Direction>,
    ) {
        let mut rule = rule(&quick());
        let said: Vec<_> = (0..8).map(|n| direction(&rule.observe(&taken(n, share)))).collect();
        assert_eq!(said[..3], [None; 3], "before its buckets are full");
        assert_eq!(said[3..], [expected; 5]);
    }

    #[test]
    fn trades_fill_buckets_in_their_order() {
        // Each bar is balanced, but its buckets are not: only trade by trade can that be seen.
        let mut rule = rule(&quick());
        let turns = [trade(Side::Buy, 20), trade(Side::Sell, 20)];
        let bars: Vec<_> = (0..4)
            .map(|n| Snapshot { volume: 40.0, lot: 1.0, trades: &turns, ..bar(n, 100.0) })
            .collect();
        for bar in &bars {
            // As toxic as can be, and leaning nowhere.
            let Call::Abstain(reason) = rule.observe(bar) else { panic!("took a side") };
            assert!(reason.to_string().starts_with("the flow is not informed: VPIN 1"), "{reason}");
        }
        let bought = Snapshot { volume: 20.0, lot: 1.0, trades: &turns[..1], ..bar(5, 100.0) };
        rule.observe(&bought);
        assert_eq!(direction(&rule.observe(&bought)), Some(Direction::Long));
    }

    #[test]
    fn a_bucket_is_the_mean_bar_of_the_first_ones_unless_it_is_given() {
        let config = VpinConfig { bucket_volume: None, ..quick() };
        let mut measured = rule(&config);
        for n in 0..4 {
            let call =
                measured.observe(&Snapshot { volume: 5.0 * f64::from(n + 1), ..taken(n, 0.9) });
            assert_eq!(direction(&call), None);
        }
        let Buckets::Filling(vpin) = &measured.buckets else { panic!("still measuring") };
        let expected = indicators::Vpin::new(12.5, 4).unwrap();
        assert_eq!(format!("{vpin:?}"), format!("{expected:?}"));
    }

    #[test]
    fn data_that_do_not_say_who_took_are_named_with_their_remedy() {
        let mut rule = rule(&quick());
        let Call::Abstain(reason) = rule.observe(&bar(0, 100.0)) else { panic!("guessed") };
        assert!(reason.to_string().ends_with("need classification: Bulk"), "{reason}");
    }

    #[test]
    fn in_bulk_the_price_change_decides() {
        let config =
            VpinConfig { classification: Classification::Bulk, deviation_bars: 10, ..quick() };
        let mut rule = rule(&config);
        let calm: Vec<_> = (0..30).map(|n| bar(n, 100.0 + noise(n))).collect();
        directions_on(&mut rule, &calm);
        let rising: Vec<_> = (30..36).map(|n| bar(n, 100.0 + 3.0 * f64::from(n - 29))).collect();
        assert_eq!(directions_on(&mut rule, &rising).last(), Some(&Direction::Long));
    }

    #[test]
    fn bars_without_volume_change_nothing() {
        let mut rule = rule(&quick());
        directions_on(&mut rule, &[taken(0, 1.0), taken(1, 1.0), taken(2, 1.0), taken(3, 1.0)]);
        let silent = Snapshot { volume: 0.0, ..bar(4, 100.0) };
        assert_eq!(direction(&rule.observe(&silent)), Some(Direction::Long));
    }

    #[test]
    fn takes_both_sides_on_real_bars() {
        let config = VpinConfig { classification: Classification::Bulk, ..VpinConfig::default() };
        let said = directions_on(&mut rule(&config), hours_of_bitcoin());
        for wanted in [Direction::Long, Direction::Short] {
            let share = said.iter().filter(|d| **d == wanted).count() as f64 / said.len() as f64;
            assert!(share > 0.2, "{wanted:?} {share}");
        }
    }

    #[test]
    fn all_bad_parameters_are_told_at_once() {
        let config = VpinConfig {
            bucket_volume: Some(0.0),
            buckets: 1,
            threshold: 2.0,
            ..VpinConfig::default()
        };
        let error = config.validate().unwrap_err();
        let parameters: Vec<_> = error.faults.iter().map(|f| f.parameter).collect();
        assert_eq!(parameters, ["bucketVolume", "buckets", "threshold"]);
    }
}

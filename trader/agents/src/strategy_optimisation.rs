//! Strategy optimisation: follow the average cross that has earned most of late, chosen walk-forward.

use sapphire_engine::indicators::{Ema, IndicatorError, RollingMoments};
use sapphire_engine::opinion::Direction;
use sapphire_engine::snapshot::Snapshot;

use crate::config::{Check, ConfigError};
use crate::record::ROUND_TRIP_COST;
use crate::rule::{Call, Rule, Strength, toward};

pub(crate) const NAME: &str = "strategyOptimisation";

/// The most parameter sets to choose from.
const MOST_CANDIDATES: u32 = 32;

/// What a set pays to go from nothing to a full position, as a share of it; a reversal pays it twice.
const ONE_WAY_COST: f64 = ROUND_TRIP_COST / 2.0;

/// A parameter set: the periods of two averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Bars of the fast average, 2 to 1000, below `slow`.
    pub fast: u32,
    /// Bars of the slow average, 3 to 2000.
    pub slow: u32,
}

/// Parameters of [`StrategyOptimisation`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrategyOptimisationConfig {
    /// Bars that candidates are judged on, 50 to 100,000.
    pub training_bars: u32,
    /// Bars that the chosen one is used for, 10 to 100,000.
    pub trading_bars: u32,
    /// What is chosen among, 2 to 32; the first of equals is taken.
    pub candidates: Vec<Candidate>,
}

impl Default for StrategyOptimisationConfig {
    fn default() -> Self {
        let candidates = [(5, 20), (10, 20), (10, 50), (20, 50), (20, 100), (50, 200)];
        Self {
            training_bars: 500,
            trading_bars: 100,
            candidates: candidates.map(|(fast, slow)| Candidate { fast, slow }).to_vec(),
        }
    }
}

impl StrategyOptimisationConfig {
    /// Checks every parameter.
    ///
    /// # Errors
    /// All faults at once.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut check = Check::new(NAME);
        check.whole("trainingBars", self.training_bars, 50..=100_000);
        check.whole("tradingBars", self.trading_bars, 10..=100_000);
        let count = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX);
        check.whole("the number of candidates", count, 2..=MOST_CANDIDATES);
        for candidate in self.candidates.iter().take(MOST_CANDIDATES as usize) {
            check.whole("candidates.fast", candidate.fast, 2..=1000);
            check.whole("candidates.slow", candidate.slow, 3..=2000);
            check.below("candidates.fast", candidate.fast, "its slow", candidate.slow);
        }
        check.finish()
    }
}

/// A set traded on paper.
#[derive(Debug, Clone)]
struct Trial {
    periods: Candidate,
    fast: Ema,
    slow: Ema,
    /// What it held over the bar that is about to close: 1, −1, or 0 before it was ready.
    held: f64,
    /// What going there cost it, to be taken from that bar's return.
    owed: f64,
    earned: RollingMoments,
}

impl Trial {
    fn new(periods: Candidate, window: u32) -> Result<Self, IndicatorError> {
        Ok(Self {
            periods,
            fast: Ema::new(periods.fast as usize)?,
            slow: Ema::new(periods.slow as usize)?,
            held: 0.0,
            owed: 0.0,
            earned: RollingMoments::new(window as usize)?,
        })
    }

    /// Books the closed bar's return on what was held **before** it, and only then lets its close
    /// decide what to hold over the next.
    fn update(&mut self, change: Option<f64>, close: f64, cost: f64) {
        let averages = self.fast.update(close).zip(self.slow.update(close));
        if self.held != 0.0
            && let Some(change) = change
        {
            self.earned.update(self.held * change - self.owed);
            self.owed = 0.0;
        }
        if let Some((fast, slow)) = averages {
            let wanted = match toward(fast - slow) {
                Some(Direction::Short) => -1.0,
                Some(_) => 1.0,
                None => self.held,
            };
            self.owed += cost * (wanted - self.held).abs();
            self.held = wanted;
        }
    }
}

/// Every set trades on paper, always long or short by the cross of its averages, and pays half of
/// [`ROUND_TRIP_COST`] each way. Every `tradingBars` the one with the highest mean return over the last
/// `trainingBars` is chosen, and its side is the call until the next choice; flat while it has earned
/// nothing. A set's return over a bar is that of the side it took before the bar, so nothing is chosen
/// by the bar it is traded on.
#[derive(Debug, Clone)]
pub struct StrategyOptimisation {
    trials: Vec<Trial>,
    training_bars: u32,
    trading_bars: u32,
    last_close: Option<f64>,
    /// The chosen trial's place, and bars until the next choice.
    chosen: Option<(usize, u32)>,
}

impl StrategyOptimisation {
    /// The rule for one symbol.
    ///
    /// # Errors
    /// All faults of the configuration at once.
    pub fn new(config: &StrategyOptimisationConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let trials: Result<Vec<_>, _> =
            config.candidates.iter().map(|c| Trial::new(*c, config.training_bars)).collect();
        Ok(Self {
            trials: trials.map_err(|error| ConfigError::indicator(NAME, &error))?,
            training_bars: config.training_bars,
            trading_bars: config.trading_bars,
            last_close: None,
            chosen: None,
        })
    }

    /// The set that earned most per bar; `None` until all can be compared.
    fn best(&self) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (place, trial) in self.trials.iter().enumerate() {
            let mean = trial.earned.mean()?;
            if best.is_none_or(|(_, highest)| mean > highest) {
                best = Some((place, mean));
            }
        }
        best.map(|(place, _)| place)
    }

    /// The standing choice, renewed when it has served its bars.
    fn choose(&mut self) -> Option<usize> {
        self.chosen = match self.chosen {
            Some((place, bars)) if bars > 1 => Some((place, bars - 1)),
            _ => self.best().map(|place| (place, self.trading_bars)),
        };
        self.chosen.map(|(place, _)| place)
    }
}

impl Rule for StrategyOptimisation {
    fn observe(&mut self, snapshot: &Snapshot<'_>) -> Call {
        let close = snapshot.close;
        let change = self.last_close.replace(close).map(|last| close / last - 1.0);
        for trial in &mut self.trials {
            trial.update(change, close, ONE_WAY_COST);
        }
        let chosen = self.choose().and_then(|place| self.trials.get(place));
        let Some((trial, mean, deviation)) =
            chosen.and_then(|t| Some((t, t.earned.mean()?, t.earned.deviation()?)))
        else {
            let text = "every set needs {0} bars of returns";
            return Call::abstain(text, [f64::from(self.training_bars), 0.0, 0.0]);
        };
        let (fast, slow) = (f64::from(trial.periods.fast), f64::from(trial.periods.slow));
        let numbers = [fast, slow, 100.0 * mean * f64::from(self.training_bars)];
        match toward(trial.held) {
            Some(side) if mean > 0.0 => {
                // The mean in standard errors.
                let clarity = mean * libm::sqrt(f64::from(self.training_bars));
                let strength = if clarity >= 2.0 * deviation {
                    Strength::Strong
                } else if clarity >= deviation {
                    Strength::Fair
                } else {
                    Strength::Weak
                };
                let text = "the cross of {0} and {1} earned most: {2} % over the window";
                Call::claim(side, strength, text, numbers)
            }
            _ => {
                let text =
                    "no cross earned anything; the best, of {0} and {1}, {2} % over the window";
                Call::claim(Direction::Flat, Strength::Fair, text, numbers)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, direction, directions_on, hours_of_bitcoin, wave};
    use proptest::prelude::*;

    fn config(candidates: &[(u32, u32)]) -> StrategyOptimisationConfig {
        let candidates = candidates.iter().map(|&(fast, slow)| Candidate { fast, slow }).collect();
        StrategyOptimisationConfig { training_bars: 100, trading_bars: 10, candidates }
    }

    #[test]
    fn follows_a_trend_up_and_down() {
        for (growth, expected) in [(1.002_f64, Direction::Long), (0.998, Direction::Short)] {
            let mut rule = StrategyOptimisation::new(&config(&[(5, 20), (10, 50)])).unwrap();
            let last =
                (0..400).map(|n| direction(&rule.observe(&bar(n, 1000.0 * growth.powi(n))))).last();
            assert_eq!(last, Some(Some(expected)));
        }
    }

    #[test]
    fn chooses_the_set_that_fits_the_market() {
        // On a wave of 40 bars a cross of 3 and 8 follows each swing, one of 40 and 120 sleeps.
        let mut rule = StrategyOptimisation::new(&config(&[(40, 120), (3, 8)])).unwrap();
        directions_on(&mut rule, &wave(1_000, 40.0));
        assert_eq!(rule.chosen.map(|(place, _)| place), Some(1));
    }

    #[test]
    fn a_market_in_which_no_cross_earns_is_flat() {
        // Up one bar, down the next: every side taken at a close loses at the next.
        let mut rule = StrategyOptimisation::new(&config(&[(2, 3), (2, 4)])).unwrap();
        let last =
            (0..400).map(|n| direction(&rule.observe(&bar(n, 100.0 + f64::from(n % 2))))).last();
        assert_eq!(last, Some(Some(Direction::Flat)));
    }

    #[test]
    fn a_choice_stands_for_its_trading_bars() {
        let mut rule = StrategyOptimisation::new(&config(&[(3, 8), (5, 20), (10, 50)])).unwrap();
        let mut changes = Vec::new();
        let mut last = None;
        for (n, bar) in hours_of_bitcoin().iter().enumerate() {
            rule.observe(bar);
            let place = rule.chosen.map(|(place, _)| place);
            if place != last {
                changes.push(n);
                last = place;
            }
        }
        assert!(changes.len() > 20, "{}", changes.len());
        assert!(changes.iter().all(|n| (n - changes[0]) % 10 == 0));
    }

    #[test]
    fn a_set_is_not_paid_for_the_bar_that_turned_it() {
        // Falling, then one huge bar upward that turns the cross long: the set was short over that bar
        // and must have lost by it.
        let mut trial = Trial::new(Candidate { fast: 2, slow: 5 }, 10).unwrap();
        let mut last = None;
        for n in 0..30 {
            let close = 200.0 - f64::from(n);
            trial.update(last.map(|l| close / l - 1.0), close, 0.0);
            last = Some(close);
        }
        let before = trial.earned.mean().unwrap();
        assert_eq!(trial.held, -1.0);
        trial.update(Some(1.0), 342.0, 0.0);
        assert_eq!(trial.held, 1.0);
        let loss = trial.earned.mean().unwrap() - before;
        assert!(loss < -0.09, "a tenth of −100 %: {loss}");
    }

    #[test]
    fn turning_costs_twice_the_way_in() {
        let mut trial = Trial::new(Candidate { fast: 1, slow: 2 }, 1).unwrap();
        // Long at the second close, turned at the third: the fourth bar pays for a reversal.
        trial.update(None, 100.0, 0.01);
        trial.update(Some(0.0), 110.0, 0.01);
        assert_eq!((trial.held, trial.owed), (1.0, 0.01));
        trial.update(Some(-0.1), 99.0, 0.01);
        assert!((trial.earned.mean().unwrap() + 0.11).abs() < 1e-12);
        assert_eq!((trial.held, trial.owed), (-1.0, 0.02));
    }

    proptest! {
        /// What the trials have booked and chosen at a bar does not depend on what comes after the
        /// bar before: the return of bar n is that of a side fixed at bar n − 1.
        #[test]
        fn returns_are_booked_on_the_side_taken_before(
            closes in prop::collection::vec(50.0..150.0_f64, 30..80),
            last in 50.0..150.0_f64,
        ) {
            let mut trial = Trial::new(Candidate { fast: 2, slow: 5 }, 1).unwrap();
            for pair in closes.windows(2) {
                trial.update(Some(pair[1] / pair[0] - 1.0), pair[1], 0.0);
            }
            let held = trial.held;
            let change = last / closes[closes.len() - 1] - 1.0;
            trial.update(Some(change), last, 0.0);
            prop_assert_eq!(trial.earned.mean(), Some(held * change));
        }
    }

    #[test]
    fn abstains_until_every_set_has_a_window_of_returns() {
        let mut rule = StrategyOptimisation::new(&config(&[(3, 8), (10, 50)])).unwrap();
        let said = directions_on(&mut rule, hours_of_bitcoin());
        // The slowest is ready at index 49 and has 100 returns 100 bars later.
        assert_eq!(hours_of_bitcoin().len() - said.len(), 149);
    }

    #[test]
    fn all_bad_parameters_are_told_at_once() {
        let bad = StrategyOptimisationConfig { training_bars: 0, ..config(&[(8, 3), (5, 20)]) };
        assert_eq!(
            bad.validate().unwrap_err().to_string(),
            "strategyOptimisation: trainingBars is 0: use a whole number from 50 to 100000; candidates.fast \
             is 8: it must be below its slow, which is 3"
        );
        assert!(StrategyOptimisation::new(&config(&[(5, 20)])).is_err(), "one is no choice");
    }
}

//! Losses that change what the desk may do: drawdown from the high-water mark, and the day's loss.

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Ratio};
use crate::policy::Limits;

/// How far a drawdown has come, as a share of its limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub enum DrawdownStage {
    /// Below half of the limit.
    #[default]
    Normal,
    /// From half of it: half size.
    Caution,
    /// From 80 % of it: nothing that grows exposure.
    Reducing,
    /// The limit is reached: halted, until a person resumes.
    Halted,
}

/// Watches marked equity, open losses included.
#[derive(Debug, Clone)]
pub struct LossWatch {
    high_water_mark: Amount,
    day: i64,
    day_start: Amount,
    equity: Amount,
}

impl LossWatch {
    /// Starts at a balance, before the first day.
    #[must_use]
    pub const fn new(equity: Amount) -> Self {
        Self { high_water_mark: equity, day: i64::MIN, day_start: equity, equity }
    }

    /// Takes the marked equity; a new high raises the mark.
    pub fn observe(&mut self, equity: Amount) {
        self.equity = equity;
        self.high_water_mark = self.high_water_mark.max(equity);
    }

    /// Begins a UTC day if it is a new one, and says whether it was.
    pub fn begin_day(&mut self, day: i64) -> bool {
        let new = day > self.day;
        if new {
            self.day = day;
            self.day_start = self.equity;
        }
        new
    }

    /// Money that came or left is neither gain nor loss: both references move with it.
    pub fn transfer(&mut self, amount: Amount) {
        self.high_water_mark += amount;
        self.day_start += amount;
        self.equity += amount;
    }

    /// Counts from here: what a person's resume does to the high-water mark.
    pub fn rebase(&mut self) {
        self.high_water_mark = self.equity;
    }

    /// The highest marked equity, adjusted for transfers.
    #[must_use]
    pub const fn high_water_mark(&self) -> Amount {
        self.high_water_mark
    }

    /// Marked equity at 00:00 UTC.
    #[must_use]
    pub const fn day_start(&self) -> Amount {
        self.day_start
    }

    /// Drawdown as a share of the high-water mark. When nothing was ever there to lose, any debt is
    /// all of it.
    #[must_use]
    pub fn drawdown(&self) -> Ratio {
        loss_share(self.high_water_mark - self.equity, self.high_water_mark)
    }

    /// Loss since 00:00 UTC as a share of the equity then; negative is a gain.
    #[must_use]
    pub fn daily_loss(&self) -> Ratio {
        loss_share(self.day_start - self.equity, self.day_start)
    }

    /// How far the drawdown has come.
    #[must_use]
    pub fn stage(&self, limits: &Limits) -> DrawdownStage {
        let lost = self.high_water_mark - self.equity;
        if lost.0 <= 0 {
            return DrawdownStage::Normal;
        }
        // In money, without a division: lost ≥ mark × limit × share.
        let limit = self.high_water_mark.times_ceil(limits.max_drawdown);
        let at_least = |percent: i64| lost >= limit.times_ceil(Ratio::percent(percent));
        match () {
            () if at_least(100) => DrawdownStage::Halted,
            () if at_least(80) => DrawdownStage::Reducing,
            () if at_least(50) => DrawdownStage::Caution,
            () => DrawdownStage::Normal,
        }
    }

    /// Whether the day's loss has reached its limit.
    #[must_use]
    pub fn day_is_lost(&self, limits: &Limits) -> bool {
        let lost = self.day_start - self.equity;
        lost.0 > 0 && lost >= self.day_start.times_ceil(limits.max_daily_loss)
    }
}

fn loss_share(lost: Amount, of: Amount) -> Ratio {
    lost.ratio_of(of).unwrap_or(if lost.0 > 0 { Ratio::ONE } else { Ratio::ZERO })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn limits() -> Limits {
        crate::policy::tests::policy().limits
    }

    #[rstest]
    #[case(100_000, DrawdownStage::Normal)]
    #[case(87_501, DrawdownStage::Normal)]
    #[case(87_500, DrawdownStage::Caution)]
    #[case(80_000, DrawdownStage::Reducing)]
    #[case(75_001, DrawdownStage::Reducing)]
    #[case(75_000, DrawdownStage::Halted)]
    #[case(-5, DrawdownStage::Halted)]
    fn drawdown_has_stages(#[case] equity: i64, #[case] stage: DrawdownStage) {
        let mut watch = LossWatch::new(Amount::whole(100_000));
        watch.observe(Amount::whole(equity));
        assert_eq!(watch.stage(&limits()), stage);
    }

    #[test]
    fn a_transfer_is_neither_gain_nor_loss() {
        let mut watch = LossWatch::new(Amount::whole(100_000));
        watch.transfer(Amount::whole(-60_000));
        assert_eq!(watch.drawdown(), Ratio::ZERO);
        assert_eq!(watch.daily_loss(), Ratio::ZERO);
    }

    #[test]
    fn the_day_counts_from_its_own_start() {
        let mut watch = LossWatch::new(Amount::whole(100_000));
        assert!(watch.begin_day(10));
        watch.observe(Amount::whole(95_000));
        assert!(watch.day_is_lost(&limits()));
        assert!(!watch.begin_day(10));
        assert!(watch.begin_day(11));
        assert!(!watch.day_is_lost(&limits()));
        assert_eq!(watch.drawdown(), Ratio::percent(5));
    }
}

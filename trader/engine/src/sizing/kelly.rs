//! The Kelly fraction on what the desk has shown, not on what it hopes.

use crate::money::{Amount, Ratio};

/// With fewer closed trades there is no Kelly term, and the risk budget is a quarter.
pub const COLD_START_TRADES: u64 = 50;

/// One-sided 90 % quantile of the standard normal distribution.
const Z: f64 = 1.281_551_565_544_600_4;

/// The desk's closed trades, as far as Kelly needs them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TradeOutcomes {
    wins: u64,
    losses: u64,
    won: Amount,
    lost: Amount,
    /// Told on every market event, changed only by a trade.
    kelly: Option<Ratio>,
}

impl TradeOutcomes {
    /// Counts a trade by its gain after all costs; nothing gained is a loss.
    pub fn count_trade(&mut self, net: Amount) {
        if net.0 > 0 {
            self.wins += 1;
            self.won += net;
        } else {
            self.losses += 1;
            self.lost -= net;
        }
        self.kelly = self.kelly_now();
    }

    /// Closed trades.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.wins + self.losses
    }

    /// Trades that gained.
    #[must_use]
    pub const fn wins(&self) -> u64 {
        self.wins
    }

    /// Full Kelly on the lower Wilson bound of the win rate, never below 0; `None` in a cold start,
    /// or when nothing was ever lost (there is no ratio then, and the other terms bind).
    #[must_use]
    pub const fn kelly(&self) -> Option<Ratio> {
        self.kelly
    }

    /// Whether the desk's own record shows no edge: Kelly stakes nothing, and without a trade that
    /// does not change.
    #[must_use]
    pub fn shows_no_edge(&self) -> bool {
        self.kelly == Some(Ratio::ZERO)
    }

    fn kelly_now(&self) -> Option<Ratio> {
        if self.count() < COLD_START_TRADES || self.losses == 0 || self.lost.0 == 0 {
            return None;
        }
        if self.wins == 0 {
            return Some(Ratio::ZERO);
        }
        let p = wilson_lower(self.wins, self.count());
        Some(Ratio::from_f64(kelly_fraction(p, self.win_loss_ratio())).max(Ratio::ZERO))
    }

    /// Mean win over mean loss.
    #[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
    fn win_loss_ratio(&self) -> f64 {
        (self.won.0 as f64 / self.wins as f64) / (self.lost.0 as f64 / self.losses as f64)
    }
}

/// `f* = p − (1 − p) / b`: the share of equity to lose at the stop that grows capital fastest, for a
/// win rate `p` and a mean win of `b` mean losses (Kelly 1956).
#[allow(clippy::float_arithmetic)]
fn kelly_fraction(p: f64, b: f64) -> f64 {
    p - (1.0 - p) / b
}

/// Lower end of Wilson's score interval, one-sided 90 % (Wilson 1927).
#[allow(clippy::float_arithmetic, clippy::cast_precision_loss)]
fn wilson_lower(wins: u64, trades: u64) -> f64 {
    let n = trades as f64;
    let p = wins as f64 / n;
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * n);
    let margin = Z * libm::sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
    (centre - margin) / (1.0 + z2 / n)
}

#[cfg(test)]
#[allow(clippy::float_arithmetic)]
mod tests {
    use super::*;

    fn outcomes(wins: u64, win: i64, losses: u64, loss: i64) -> TradeOutcomes {
        let mut outcomes = TradeOutcomes::default();
        (0..wins).for_each(|_| outcomes.count_trade(Amount::whole(win)));
        (0..losses).for_each(|_| outcomes.count_trade(Amount::whole(-loss)));
        outcomes
    }

    #[test]
    fn the_textbook_case() {
        assert!((kelly_fraction(0.55, 1.5) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_wilson_bound_is_that_of_the_tables() {
        // 55 of 100 at z = 1.28155: (0.55 + 0.0082119 − 1.28155·√(0.002475 + 0.0000410584)) / 1.0164238.
        assert!((wilson_lower(55, 100) - 0.485_948).abs() < 1e-5);
    }

    #[test]
    fn few_trades_have_no_kelly_term() {
        assert_eq!(outcomes(30, 3, 19, 1).kelly(), None);
        assert!(outcomes(30, 3, 20, 1).kelly().is_some());
    }

    #[test]
    fn a_desk_without_an_edge_stakes_nothing() {
        assert_eq!(outcomes(50, 1, 50, 1).kelly(), Some(Ratio::ZERO));
        assert_eq!(outcomes(0, 1, 60, 1).kelly(), Some(Ratio::ZERO));
    }

    #[test]
    fn a_trade_that_gained_nothing_is_no_win() {
        let mut even = TradeOutcomes::default();
        even.count_trade(Amount::ZERO);
        assert_eq!((even.count(), even.wins()), (1, 0));
    }

    #[test]
    fn a_desk_that_never_lost_has_no_ratio() {
        assert_eq!(outcomes(60, 1, 0, 1).kelly(), None);
    }
}

//! Which part of a bar's volume buyers started, as far as the data say.

use sapphire_engine::order::Side;
use sapphire_engine::snapshot::Snapshot;

/// The bought share of a bar's volume, 0 to 1: by the venue's own count, else by the bar's trades;
/// `None` where neither says.
pub(crate) fn taken_share(snapshot: &Snapshot<'_>) -> Option<f64> {
    let share = match snapshot.taker_buy_volume {
        Some(bought) if snapshot.volume > 0.0 => bought / snapshot.volume,
        _ => {
            let (mut bought, mut all) = (0_i128, 0_i128);
            for trade in snapshot.trades {
                all += i128::from(trade.quantity.0);
                if trade.aggressor == Side::Buy {
                    bought += i128::from(trade.quantity.0);
                }
            }
            bought as f64 / all as f64
        }
    };
    // 0 / 0, or a count above the volume: the data say nothing usable.
    (0.0..=1.0).contains(&share).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{bar, trade};

    #[test]
    fn the_venues_own_count_comes_first() {
        let trades = [trade(Side::Sell, 3)];
        let snapshot =
            Snapshot { volume: 4.0, taker_buy_volume: Some(3.0), trades: &trades, ..bar(0, 100.0) };
        assert_eq!(taken_share(&snapshot), Some(0.75));
    }

    #[test]
    fn else_trades_are_counted_by_their_aggressor() {
        let trades = [trade(Side::Buy, 1), trade(Side::Sell, 3)];
        assert_eq!(taken_share(&Snapshot { trades: &trades, ..bar(0, 100.0) }), Some(0.25));
    }

    #[test]
    fn a_count_that_cannot_be_is_not_believed() {
        for bought in [-1.0, 5.0, f64::NAN] {
            let snapshot = Snapshot { volume: 4.0, taker_buy_volume: Some(bought), ..bar(0, 9.0) };
            assert_eq!(taken_share(&snapshot), None);
        }
    }

    #[test]
    fn a_bar_that_does_not_say_says_nothing() {
        assert_eq!(taken_share(&bar(0, 9.0)), None);
        let silent = Snapshot { volume: 0.0, taker_buy_volume: Some(0.0), ..bar(0, 9.0) };
        assert_eq!(taken_share(&silent), None);
    }
}

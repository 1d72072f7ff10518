use std::collections::BTreeSet;

use crate::ids::TradeId;

/// How many trades are remembered one by one.
const REMEMBERED: usize = 8192;

/// Trades of one symbol that were counted: a venue may tell of one twice. Their numbers rise, so what
/// is older than the oldest of a full memory was seen.
#[derive(Debug, Clone, Default)]
pub struct SeenTrades {
    seen: BTreeSet<TradeId>,
    forgotten_up_to: Option<TradeId>,
}

impl SeenTrades {
    /// Whether a trade was not counted before; from now on it was.
    pub fn is_new(&mut self, trade: TradeId) -> bool {
        if self.forgotten_up_to.is_some_and(|last| trade <= last) || !self.seen.insert(trade) {
            return false;
        }
        if self.seen.len() > REMEMBERED {
            self.forgotten_up_to = self.seen.pop_first();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_counts_once_in_whatever_order_they_come() {
        let mut trades = SeenTrades::default();
        let counted = [3, 1, 3, 2, 1, 4].map(|number| trades.is_new(TradeId(number)));
        assert_eq!(counted, [true, true, false, true, false, true]);
    }

    #[test]
    fn what_was_forgotten_was_seen() {
        let mut trades = SeenTrades::default();
        let last = REMEMBERED as u64 + 10;
        assert!((1..=last).all(|number| trades.is_new(TradeId(number))));
        assert!((1..=last).all(|number| !trades.is_new(TradeId(number))));
        assert!(trades.is_new(TradeId(last + 1)));
        assert_eq!(trades.seen.len(), REMEMBERED);
    }
}

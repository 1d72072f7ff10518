//! What doing nothing clever would have brought.

use sapphire_engine::instrument::{PriceTicks, SymbolId};
use sapphire_engine::money::Amount;

/// The initial balance divided equally among the symbols, each part bought at the symbol's first
/// price and held, without costs.
#[derive(Debug, Clone)]
pub struct BuyAndHold {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    amount: Amount,
    /// First and last price.
    prices: Option<(PriceTicks, PriceTicks)>,
}

impl BuyAndHold {
    /// Before any price: all in cash.
    #[must_use]
    pub fn new(initial: Amount, symbols: usize) -> Self {
        let count = i128::try_from(symbols.max(1)).unwrap_or(i128::MAX);
        let part = Amount(initial.0.div_euclid(count));
        let mut parts = vec![Part { amount: part, prices: None }; symbols.max(1)];
        parts[0].amount += Amount(initial.0.rem_euclid(count));
        Self { parts }
    }

    /// Takes a symbol's price: buys at the first.
    pub fn observe(&mut self, symbol: SymbolId, price: PriceTicks) {
        if let Some(part) = self.parts.get_mut(symbol.index()) {
            part.prices = Some((part.prices.map_or(price, |(first, _)| first), price));
        }
    }

    /// What it is worth.
    #[must_use]
    pub fn value(&self) -> Amount {
        let value = |part: &Part| match part.prices {
            None => part.amount,
            Some((first, last)) => {
                let scaled = part.amount.0.saturating_mul(i128::from(last.0));
                Amount(scaled.div_euclid(i128::from(first.0.max(1))))
            }
        };
        self.parts.iter().map(value).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_balance_is_divided_and_follows_the_prices() {
        let mut hold = BuyAndHold::new(Amount::whole(1000), 2);
        assert_eq!(hold.value(), Amount::whole(1000));
        hold.observe(SymbolId(0), PriceTicks(200));
        hold.observe(SymbolId(0), PriceTicks(300));
        assert_eq!(hold.value(), Amount::whole(1250));
        hold.observe(SymbolId(1), PriceTicks(10));
        hold.observe(SymbolId(1), PriceTicks(5));
        assert_eq!(hold.value(), Amount::whole(1000));
    }

    #[test]
    fn nothing_is_lost_in_the_division() {
        assert_eq!(BuyAndHold::new(Amount(100), 3).value(), Amount(100));
    }
}

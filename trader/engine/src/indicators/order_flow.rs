//! Order-flow imbalance at the best quotes.

use super::window::Window;
use super::{IndicatorError, checked_period, is_input};

/// The best bid and ask with the size resting at each. Prices and quantities in any unit, the same
/// throughout: ticks and lots, or quote and base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quotes {
    /// Best bid price.
    pub bid_price: f64,
    /// Quantity at the best bid, not negative.
    pub bid_quantity: f64,
    /// Best ask price.
    pub ask_price: f64,
    /// Quantity at the best ask, not negative.
    pub ask_quantity: f64,
}

impl Quotes {
    fn are_input(&self) -> bool {
        is_input(self.bid_price)
            && is_input(self.ask_price)
            && (0.0..=super::LARGEST_INPUT).contains(&self.bid_quantity)
            && (0.0..=super::LARGEST_INPUT).contains(&self.ask_quantity)
    }
}

/// What one change of the quotes adds to demand less supply, in the unit of quantity:
/// `e = q_b·1{P_b ≥ P_b⁻} − q_b⁻·1{P_b ≤ P_b⁻} − q_a·1{P_a ≤ P_a⁻} + q_a⁻·1{P_a ≥ P_a⁻}`.
///
/// A better bid counts in full, a worse one takes away what stood there, an unchanged one counts its
/// change in size; asks the other way about.
///
/// Source: R. Cont, A. Kukanov, S. Stoikov, *The Price Impact of Order Book Events*, Journal of
/// Financial Econometrics 12(1), 2014.
#[must_use]
pub fn order_flow_event(before: &Quotes, now: &Quotes) -> f64 {
    let when = |holds: bool, quantity: f64| if holds { quantity } else { 0.0 };
    when(now.bid_price >= before.bid_price, now.bid_quantity)
        - when(now.bid_price <= before.bid_price, before.bid_quantity)
        - when(now.ask_price <= before.ask_price, now.ask_quantity)
        + when(now.ask_price >= before.ask_price, before.ask_quantity)
}

/// The sum of [`order_flow_event`] over the last n changes of the best quotes: positive when buyers
/// press. First defined at the (n + 1)-th quotes, when n changes are known.
#[derive(Debug, Clone)]
pub struct OrderFlowImbalance {
    window: Window,
    sum: f64,
    last: Option<Quotes>,
}

impl OrderFlowImbalance {
    /// A sum over `events` changes, 1 to [`super::LONGEST_PERIOD`].
    ///
    /// # Errors
    /// [`IndicatorError::Period`] for any other.
    pub fn new(events: usize) -> Result<Self, IndicatorError> {
        let events = checked_period("order-flow imbalance", "events", events, 1)?;
        Ok(Self { window: Window::new(events), sum: 0.0, last: None })
    }

    /// Takes the next quotes in and answers the imbalance in the unit of quantity, or `None` while not
    /// ready or for quotes with a number that is none or a quantity below zero.
    #[inline]
    pub fn update(&mut self, quotes: Quotes) -> Option<f64> {
        if !quotes.are_input() {
            return None;
        }
        let before = self.last.replace(quotes)?;
        let event = order_flow_event(&before, &quotes);
        let displaced = self.window.push(event);
        if self.window.has_wrapped() {
            self.sum = self.window.values().iter().sum();
        } else {
            self.sum += event - displaced;
        }
        self.value()
    }

    /// The imbalance as of the last update, `None` while not ready.
    #[inline]
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.window.is_full().then_some(self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn quotes(bid_price: f64, bid_quantity: f64, ask_price: f64, ask_quantity: f64) -> Quotes {
        Quotes { bid_price, bid_quantity, ask_price, ask_quantity }
    }

    // Before: 5 bid at 100, 7 asked at 101.
    #[rstest]
    #[case::bid_grows(quotes(100.0, 8.0, 101.0, 7.0), 3.0)]
    #[case::bid_shrinks(quotes(100.0, 1.0, 101.0, 7.0), -4.0)]
    #[case::bid_improves(quotes(100.5, 2.0, 101.0, 7.0), 2.0)]
    #[case::bid_is_lifted_away(quotes(99.5, 9.0, 101.0, 7.0), -5.0)]
    #[case::ask_grows(quotes(100.0, 5.0, 101.0, 9.0), -2.0)]
    #[case::ask_shrinks(quotes(100.0, 5.0, 101.0, 1.0), 6.0)]
    #[case::ask_improves(quotes(100.0, 5.0, 100.5, 3.0), -3.0)]
    #[case::ask_is_taken(quotes(100.0, 5.0, 101.5, 3.0), 7.0)]
    #[case::both_step_up(quotes(101.0, 2.0, 102.0, 3.0), 9.0)]
    #[case::nothing_changes(quotes(100.0, 5.0, 101.0, 7.0), 0.0)]
    fn each_change_counts_as_the_paper_says(#[case] now: Quotes, #[case] event: f64) {
        assert_eq!(order_flow_event(&quotes(100.0, 5.0, 101.0, 7.0), &now), event);
    }

    #[test]
    fn an_empty_window_is_refused() {
        let error = OrderFlowImbalance::new(0).unwrap_err().to_string();
        assert_eq!(error, "order-flow imbalance: events is 0; use a whole number from 1 to 100000");
    }

    #[test]
    fn is_ready_when_its_window_of_changes_is_full() {
        let mut flow = OrderFlowImbalance::new(2).unwrap();
        assert_eq!(flow.update(quotes(100.0, 5.0, 101.0, 7.0)), None);
        assert_eq!(flow.update(quotes(100.0, 8.0, 101.0, 7.0)), None);
        assert_eq!(flow.update(quotes(100.0, 8.0, 101.0, f64::NAN)), None);
        assert_eq!(flow.update(quotes(100.0, -1.0, 101.0, 7.0)), None);
        assert_eq!(flow.update(quotes(100.0, 8.0, 101.0, 6.0)), Some(4.0));
        assert_eq!(flow.update(quotes(100.0, 8.0, 101.0, 6.0)), Some(1.0));
    }

    fn any_quotes() -> impl Strategy<Value = Quotes> {
        (90_i32..100, 0_i32..50, 1_i32..5, 0_i32..50).prop_map(
            |(bid, bid_quantity, spread, ask_quantity)| {
                quotes(bid.into(), bid_quantity.into(), (bid + spread).into(), ask_quantity.into())
            },
        )
    }

    proptest! {
        /// Mirrored in price, with the sides exchanged, the same event presses the other way.
        #[test]
        fn the_sides_are_symmetric(before in any_quotes(), now in any_quotes()) {
            let mirror = |q: &Quotes| quotes(-q.ask_price, q.ask_quantity, -q.bid_price, q.bid_quantity);
            prop_assert_eq!(
                order_flow_event(&before, &now),
                -order_flow_event(&mirror(&before), &mirror(&now))
            );
        }

        #[test]
        fn equals_the_sum_over_its_window(stream in prop::collection::vec(any_quotes(), 2..100), events in 1_usize..20) {
            let mut flow = OrderFlowImbalance::new(events).unwrap();
            let steps: Vec<f64> = stream.windows(2).map(|w| order_flow_event(&w[0], &w[1])).collect();
            for (index, q) in stream.iter().enumerate() {
                let expected = (index >= events).then(|| steps[index - events..index].iter().sum::<f64>());
                prop_assert_eq!(flow.update(*q), expected);
            }
        }
    }
}

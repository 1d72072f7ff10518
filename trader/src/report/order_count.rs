//! How orders ended, followed through the journal by the one table of legal transitions.

use std::collections::{BTreeMap, VecDeque};

use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::{PriceTicks, QtyLots};
use sapphire_engine::journal::IntentRecord;
use sapphire_engine::order::{OrderRequest, OrderState, Trigger};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::{Fill, Removal, SubmitOutcome, VenueOrderState};

use super::ledger::Origin;

/// Ended orders that are kept for late fills.
const ENDED_KEPT: usize = 1024;

#[derive(Debug, Clone, Copy)]
struct Followed {
    request: OrderRequest,
    state: OrderState,
    filled: QtyLots,
    expected: Option<PriceTicks>,
}

/// The orders of a run, by state.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderCount {
    followed: BTreeMap<OrderId, Followed>,
    ended: VecDeque<OrderId>,
    /// States of orders that are followed no more.
    settled: BTreeMap<OrderState, u64>,
}

impl OrderCount {
    /// Takes an intent and its verdict.
    pub(super) fn intent(&mut self, intent: &IntentRecord, expected: Option<PriceTicks>) {
        let request = intent.request;
        if !intent.verdict.approved {
            *self.settled.entry(OrderState::Denied).or_default() += 1;
            return;
        }
        let state = OrderState::Submitted;
        let followed = Followed { request, state, filled: QtyLots::ZERO, expected };
        self.followed.insert(request.id, followed);
    }

    /// Takes the answer to a submit.
    pub(super) fn outcome(&mut self, order: OrderId, outcome: SubmitOutcome) {
        let trigger = match outcome {
            SubmitOutcome::Accepted => Trigger::Accept,
            SubmitOutcome::Refused(_) => Trigger::Reject,
            SubmitOutcome::NotSent => Trigger::NeverSent,
            SubmitOutcome::Unknown(_) => Trigger::LoseTrack,
        };
        self.apply(order, trigger);
    }

    /// Takes the venue's word that an order is gone.
    pub(super) fn removed(&mut self, order: OrderId, removal: Removal) {
        self.apply(
            order,
            match removal {
                Removal::Canceled => Trigger::Cancel,
                Removal::Expired => Trigger::Expire,
            },
        );
    }

    /// Takes the answer to a query. Absence is proof only once the request can no longer arrive,
    /// `grace` after its expiry.
    pub(super) fn status(
        &mut self,
        order: OrderId,
        state: VenueOrderState,
        at: Timestamp,
        grace: Span,
    ) {
        let Some(followed) = self.followed.get(&order) else { return };
        let trigger = match state {
            VenueOrderState::Open => Trigger::Accept,
            VenueOrderState::Filled => Trigger::FillAll,
            VenueOrderState::Canceled => Trigger::Cancel,
            VenueOrderState::Expired => Trigger::Expire,
            VenueOrderState::Absent if at > followed.request.expires + grace => {
                Trigger::ProveAbsent
            }
            VenueOrderState::Absent => return,
        };
        if followed.state.is_working() {
            self.apply(order, trigger);
        }
    }

    /// Takes a fill, after the position has counted it.
    pub(super) fn fill(&mut self, fill: &Fill, position: QtyLots) {
        let Some(order) = fill.order else { return };
        let Some(followed) = self.followed.get_mut(&order) else { return };
        followed.filled += fill.quantity;
        let request = &followed.request;
        // A close-position order takes what the position is when it triggers, not what it was.
        let complete = if request.close_position {
            position.signum() * request.side.sign() >= 0
        } else {
            followed.filled >= request.quantity
        };
        self.apply(order, if complete { Trigger::FillAll } else { Trigger::FillPart });
    }

    /// What is known of the order behind a fill.
    pub(super) fn origin(&self, fill: &Fill) -> Origin {
        let followed = fill.order.and_then(|order| self.followed.get(&order));
        followed.map_or_else(Origin::default, |followed| Origin {
            purpose: Some(followed.request.purpose),
            decision: followed.request.decision,
            expected: followed.expected,
        })
    }

    /// Moves an order by the table; what the table does not hold moves nothing.
    fn apply(&mut self, order: OrderId, trigger: Trigger) {
        let Some(followed) = self.followed.get_mut(&order) else { return };
        let Ok(next) = followed.state.next(trigger) else { return };
        let ends = followed.state.is_working() && !next.is_working();
        followed.state = next;
        if ends {
            self.ended.push_back(order);
        }
        if self.ended.len() > ENDED_KEPT
            && let Some(oldest) = self.ended.pop_front()
            && let Some(followed) = self.followed.remove(&oldest)
        {
            *self.settled.entry(followed.state).or_default() += 1;
        }
    }

    /// How many orders are in each state.
    pub(super) fn by_state(&self) -> BTreeMap<OrderState, u64> {
        let mut states = self.settled.clone();
        for followed in self.followed.values() {
            *states.entry(followed.state).or_default() += 1;
        }
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{fill_of, intent};
    use rstest::rstest;
    use sapphire_engine::order::Side;
    use sapphire_engine::venue::{UnknownCause, VenueCode};

    const GRACE: Span = Span::secs(1);

    fn after(tell: impl FnOnce(&mut OrderCount)) -> Vec<(OrderState, u64)> {
        let mut orders = OrderCount::default();
        orders.intent(&intent(1, Side::Buy, 10, true), None);
        tell(&mut orders);
        orders.by_state().into_iter().collect()
    }

    const ID: OrderId = OrderId(1);
    const LOST: SubmitOutcome = SubmitOutcome::Unknown(UnknownCause::Timeout);
    const REFUSED: SubmitOutcome = SubmitOutcome::Refused(VenueCode::BAD_PRICE);

    #[rstest]
    #[case(SubmitOutcome::Accepted, OrderState::Accepted)]
    #[case(REFUSED, OrderState::Rejected)]
    #[case(SubmitOutcome::NotSent, OrderState::NotAccepted)]
    #[case(LOST, OrderState::Unknown)]
    fn an_answer_moves_an_order(#[case] outcome: SubmitOutcome, #[case] state: OrderState) {
        assert_eq!(after(|orders| orders.outcome(ID, outcome)), [(state, 1)]);
    }

    #[test]
    fn fills_complete_an_order() {
        let part = |orders: &mut OrderCount| orders.fill(&fill_of(1, 4), QtyLots(4));
        assert_eq!(after(part), [(OrderState::PartiallyFilled, 1)]);
        let whole = |orders: &mut OrderCount| {
            part(orders);
            orders.fill(&fill_of(1, 6), QtyLots(10));
        };
        assert_eq!(after(whole), [(OrderState::Filled, 1)]);
    }

    #[test]
    fn absence_is_proof_only_after_expiry_and_grace() {
        let at = |seconds| {
            after(|orders| {
                orders.outcome(ID, LOST);
                let at = Timestamp(Span::secs(seconds).0);
                orders.status(ID, VenueOrderState::Absent, at, GRACE);
            })
        };
        // The request expires at 5 s.
        assert_eq!(at(6), [(OrderState::Unknown, 1)]);
        assert_eq!(at(7), [(OrderState::NotAccepted, 1)]);
    }

    #[test]
    fn orders_that_ended_long_ago_still_count() {
        let states = after(|orders| {
            orders.removed(ID, Removal::Canceled);
            for id in 2..3000 {
                orders.intent(&intent(id, Side::Buy, 10, id % 3 != 0), None);
                orders.removed(OrderId(id), Removal::Expired);
            }
            assert!(orders.followed.len() <= ENDED_KEPT);
        });
        let expected =
            [(OrderState::Denied, 999), (OrderState::Canceled, 1), (OrderState::Expired, 1999)];
        assert_eq!(states, expected);
    }
}

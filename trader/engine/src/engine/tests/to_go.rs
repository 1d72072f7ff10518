//! Whatever happens, in whatever order: never more than two orders close a position at a time, and once
//! the venue does as it is asked, a position that is to go is gone.

use proptest::prelude::*;

use super::stops_stay::{perform, steps};
use super::*;
use crate::venue::{Removal, VenueOrderState};

fn closing(rig: &Rig) -> usize {
    rig.engine.working_orders().filter(|t| t.order.request.purpose.closes()).count()
}

/// The venue does as it is asked, for long enough: it takes and fills what trades at once, cancels what
/// is to be cancelled, unless the cancel comes too `late`, and never had what is of unknown fate.
fn obliging(rig: &mut Rig, late: bool) {
    for _ in 0..80 {
        let orders: Vec<_> = rig.engine.working_orders().map(|t| t.order).collect();
        for order in orders {
            let OrderRequest { id, kind, expires, .. } = order.request;
            match order.state {
                OrderState::Submitted => rig.outcome(id, SubmitOutcome::Accepted),
                OrderState::Unknown => {
                    let at = rig.now.max(expires + Span::secs(6));
                    let (state, filled) = (VenueOrderState::Absent, order.filled);
                    rig.report(VenueReport::OrderStatus { order: id, state, filled, at });
                }
                _ if order.pending.is_some() && !(late && kind.is_immediate()) => {
                    rig.removed(id, Removal::Canceled);
                }
                _ if kind.is_immediate() => fill_the_rest(rig, &order),
                _ => {}
            }
        }
        rig.confirm_position();
        rig.wait(Span::secs(1));
    }
}

fn fill_the_rest(rig: &mut Rig, order: &crate::order::Order) {
    let request = &order.request;
    let position = rig.position();
    let against = position.signum() * request.side.sign() < 0;
    let room = match (request.only_reduces(), against) {
        (false, _) => i64::MAX,
        (true, true) => position.abs().0,
        (true, false) => 0,
    };
    match order.remaining().0.min(room) {
        0 => rig.removed(request.id, Removal::Expired),
        quantity => rig.fill(request, 500_000, quantity),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_to_go_goes_and_few_orders_are_sent_for_it(
        steps in steps(),
        alone in any::<bool>(),
        late in any::<bool>(),
    ) {
        let mut config = if alone { delegated() } else { config() };
        config.policy.policy.exits.time_stop_bars = Some(5);
        let mut rig = Rig::warm(config);
        let mut generation = 1;
        for step in &steps {
            perform(&mut rig, step, &mut generation);
            prop_assert!(closing(&rig) <= 2, "{step:?} sent another one to close");
        }
        let (held, wanted) = (rig.position().signum(), rig.engine.leaving_by(BTC));
        let newest = rig.engine.symbols[BTC.index()].wanted;
        obliging(&mut rig, late);
        prop_assert!(
            newest != Some(Direction::Flat) || rig.position() == QtyLots::ZERO,
            "the newest word is to be out: {:?} is held", rig.position()
        );
        // A wish about one position ends where that one turns over.
        let turned = rig.position().signum() == -held && rig.engine.leaving_by(BTC).is_none();
        prop_assert!(
            wanted.is_none() || rig.position() == QtyLots::ZERO || turned,
            "{wanted:?} wanted the position gone: {:?} is held", rig.position()
        );
    }
}

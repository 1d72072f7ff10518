//! No path takes a protective stop away from an open position: whatever happens, in whatever order,
//! a stop that the venue has is cancelled only when the position is proven flat, or has turned over,
//! or another stop stands that covers it.

use proptest::prelude::*;

use super::*;
use crate::policy::{OnHalt, TradingState};
use crate::venue::{Removal, UnknownCause, VenueCode};

#[derive(Debug, Clone)]
pub(super) enum Step {
    Bar(i64),
    Say(Direction),
    Answer(usize, u8),
    Fill(usize, i64),
    Remove(usize),
    Confirm,
    Wait(i64),
    Halt(bool),
    Resume,
    Close,
    CancelAny(usize),
    Policy(bool, bool),
    Stop,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let direction =
        prop_oneof![Just(Direction::Long), Just(Direction::Short), Just(Direction::Flat)];
    let step = prop_oneof![
        6 => (-300_i64..300).prop_map(Step::Bar),
        6 => direction.prop_map(Step::Say),
        8 => (0_usize..6, 0_u8..6).prop_map(|(i, o)| Step::Answer(i, o)),
        6 => (0_usize..6, 1_i64..6000).prop_map(|(i, q)| Step::Fill(i, q)),
        2 => (0_usize..6).prop_map(Step::Remove),
        5 => Just(Step::Confirm),
        4 => (1_i64..20_000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Halt),
        1 => Just(Step::Resume),
        1 => Just(Step::Close),
        2 => (0_usize..6).prop_map(Step::CancelAny),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(h, f)| Step::Policy(h, f)),
        1 => Just(Step::Stop),
    ];
    prop::collection::vec(step, 1..120)
}

fn working(rig: &Rig, i: usize) -> Option<OrderRequest> {
    let orders: Vec<OrderRequest> = rig.engine.working_orders().map(|t| t.order.request).collect();
    (!orders.is_empty()).then(|| orders[i % orders.len()])
}

pub(super) fn perform(rig: &mut Rig, step: &Step, generation: &mut u64) {
    match step {
        Step::Bar(move_by) => {
            let last = rig.engine.symbol_view(BTC).unwrap().last_bar.unwrap().close.0;
            rig.bar((last + move_by).max(1000));
        }
        Step::Say(direction) => rig.all_say(*direction),
        Step::Answer(i, outcome) => {
            if let Some(request) = working(rig, *i) {
                let outcome = match outcome {
                    0..=2 => SubmitOutcome::Accepted,
                    3 => SubmitOutcome::Refused(VenueCode(-4045)),
                    4 => SubmitOutcome::Unknown(UnknownCause::Timeout),
                    _ => SubmitOutcome::NotSent,
                };
                // A venue answers a submit once.
                if rig.state_of(request.id) == OrderState::Submitted {
                    rig.outcome(request.id, outcome);
                }
            }
        }
        Step::Fill(i, quantity) => {
            if let Some(request) = working(rig, *i) {
                let reduces = request.reduce_only || request.close_position;
                let position = rig.position();
                let room = if reduces { position.abs().0 } else { i64::MAX };
                let against = position.signum() * request.side.sign() < 0;
                let quantity = (*quantity).min(request.quantity.0).min(room);
                if quantity > 0 && (!reduces || against) {
                    rig.fill(&request, 500_000, quantity);
                }
            }
        }
        Step::Remove(i) => {
            if let Some(request) = working(rig, *i) {
                rig.removed(request.id, Removal::Canceled);
            }
        }
        Step::Confirm => rig.confirm_position(),
        Step::Wait(millis) => rig.wait(Span::millis(*millis)),
        Step::Halt(flatten) => rig.command(Command::Halt { flatten: *flatten }),
        Step::Resume => rig.command(Command::Resume),
        Step::Close => rig.command(Command::Close { symbol: BTC }),
        Step::CancelAny(i) => {
            if let Some(request) = working(rig, *i) {
                rig.command(Command::Cancel { order: request.id });
            }
        }
        Step::Policy(halt, flatten) => {
            *generation += 1;
            let mut policy = policy();
            policy.trading_state = if *halt { TradingState::Halted } else { TradingState::Active };
            policy.on_halt = if *flatten { OnHalt::Flatten } else { OnHalt::CancelOnly };
            let change = PolicyChange { generation: *generation, hash: String::new(), policy };
            rig.event(EventKind::Policy(&change));
            rig.event(EventKind::PolicyDurable { generation: *generation });
        }
        Step::Stop => rig.event(EventKind::Stopping),
    }
}

fn check(rig: &mut Rig, step: &Step) -> Result<(), TestCaseError> {
    let position = rig.position();
    let verified = rig.engine.symbol_view(BTC).unwrap().verified;
    for order in cancelled(&rig.take()) {
        let request = rig.engine.order(order).unwrap().order.request;
        if request.purpose != Purpose::Stop {
            continue;
        }
        let flat = position == QtyLots::ZERO && verified;
        let protects = position != QtyLots::ZERO && opposes(&request, Side::of_position(position));
        let other_stands = rig.engine.working_orders().map(|t| &t.order).any(|other| {
            other.request.id != order
                && other.request.purpose == Purpose::Stop
                && matches!(other.state, OrderState::Accepted | OrderState::PartiallyFilled)
                && other.pending.is_none()
                && opposes(&other.request, Side::of_position(position))
                && (other.request.close_position || other.remaining() >= position.abs())
        });
        let turned_over = position != QtyLots::ZERO && !protects;
        prop_assert!(
            flat || turned_over || other_stands,
            "{step:?} took the stop of {position:?} away"
        );
    }
    Ok(())
}

fn never_bare(config: EngineConfig, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut rig = Rig::warm(config);
    let mut generation = 1;
    for step in steps {
        perform(&mut rig, step, &mut generation);
        check(&mut rig, step)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_path_takes_a_stop_away_from_an_open_position(steps in steps(), single in any::<bool>()) {
        let mut config = config();
        config.policy.policy.exits.trailing_atr = Some(Ratio::percent(150));
        config.policy.policy.exits.take_profit_atr = Some(Ratio::percent(300));
        config.venue.single_close_position_stop = single;
        never_bare(config, &steps)?;
    }
}

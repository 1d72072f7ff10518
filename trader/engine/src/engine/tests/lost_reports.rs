//! Of what a venue did and did not tell, the desk learns by asking.

use super::*;
use crate::venue::VenueOrderState;

/// A venue whose reports may be lost.
fn forgetful() -> EngineConfig {
    let mut config = config();
    config.venue.check_interval = Some(Span::secs(60));
    config
}

fn verifies(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::VerifyPosition(BTC)))
}

fn answer(rig: &mut Rig, order: OrderId, state: VenueOrderState, filled: QtyLots) {
    let at = rig.now;
    rig.report(VenueReport::OrderStatus { order, state, filled, at });
}

#[test]
fn a_stop_whose_fill_was_lost_is_asked_about_once_the_venue_knows_another_position() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.report(VenueReport::Position { symbol: BTC, quantity: QtyLots::ZERO, at: rig.now });
    assert_eq!(asked(&rig.take()), [stop.id]);
    let quantity = rig.position();
    rig.fill(&stop, 490_000, quantity.0);
    answer(&mut rig, stop.id, VenueOrderState::Filled, quantity);
    rig.confirm_position();
    assert_eq!(rig.position(), QtyLots::ZERO);
    assert_eq!(rig.state_of(stop.id), OrderState::Filled);
}

/// A stop takes what the position is, and an entry that turned it over in between makes it look done.
#[test]
fn a_stop_that_was_taken_for_done_is_asked_about_too() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let quantity = rig.position();
    rig.fill(&stop, 490_000, quantity.0);
    rig.confirm_position();
    assert_eq!(rig.state_of(stop.id), OrderState::Filled);
    rig.wait(Span::secs(1));
    rig.take();
    rig.report(VenueReport::Position { symbol: BTC, quantity: -quantity, at: rig.now });
    assert_eq!(asked(&rig.take()), [stop.id]);
}

#[test]
fn however_many_reports_differ_orders_are_asked_about_no_oftener_than_the_position() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    let pause = rig.engine.config().venue.verify_interval;
    for _ in 0..100 {
        rig.report(VenueReport::Position { symbol: BTC, quantity: QtyLots::ZERO, at: rig.now });
    }
    assert_eq!(asked(&rig.take()), [stop.id]);
    rig.wait(pause);
    rig.take();
    rig.report(VenueReport::Position { symbol: BTC, quantity: QtyLots::ZERO, at: rig.now });
    assert_eq!(asked(&rig.take()), [stop.id]);
}

#[test]
fn a_position_and_its_stop_are_asked_about_though_nothing_was_heard_of_them() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, forgetful());
    rig.wait(Span::secs(59));
    assert!(asked(&rig.take()).is_empty());
    for _ in 0..3 {
        rig.wait(Span::secs(60));
        let effects = rig.take();
        assert!(verifies(&effects));
        assert_eq!(asked(&effects), [stop.id]);
        answer(&mut rig, stop.id, VenueOrderState::Open, QtyLots::ZERO);
        rig.confirm_position();
        assert!(rig.sent().is_empty());
    }
}

#[test]
fn nothing_is_asked_of_a_venue_that_loses_no_report() {
    let (mut rig, _) = Rig::in_position(Direction::Long, config());
    rig.wait(Span::hours(1));
    let effects = rig.take();
    assert!(asked(&effects).is_empty());
    assert!(!verifies(&effects));
}

#[rstest::rstest]
#[case(VenueOrderState::Canceled)]
#[case(VenueOrderState::Expired)]
#[case(VenueOrderState::Absent)]
fn a_stop_that_the_venue_took_away_unheard_is_placed_anew(#[case] state: VenueOrderState) {
    let (mut rig, stop) = Rig::in_position(Direction::Long, forgetful());
    rig.wait(Span::secs(60));
    assert_eq!(asked(&rig.take()), [stop.id]);
    answer(&mut rig, stop.id, state, QtyLots::ZERO);
    rig.wait(Span::secs(1));
    let anew = rig.sent_one();
    assert_eq!((anew.purpose, anew.kind), (Purpose::Stop, stop.kind));
}

#[test]
fn a_stop_is_not_taken_for_gone_by_a_venue_that_may_not_have_written_it_down() {
    let (mut rig, stop) = Rig::in_position(Direction::Long, config());
    rig.wait(Span::secs(9));
    answer(&mut rig, stop.id, VenueOrderState::Absent, QtyLots::ZERO);
    assert_eq!(rig.state_of(stop.id), OrderState::Accepted);
    assert!(rig.sent().is_empty());
}

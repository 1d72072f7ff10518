//! Orders, and why they ended.

use std::collections::BTreeMap;

use sapphire_engine::Engine;
use sapphire_engine::ids::OrderId;
use sapphire_engine::journal::Record;
use sapphire_engine::venue::{SubmitOutcome, VenueReport};

use crate::api::view;
use crate::lineage::Narrator;

/// Closed orders that are shown; every open one is.
const CLOSED_SHOWN: usize = 500;
/// Reasons that are remembered: more than orders are.
const REASONS_KEPT: usize = 2048;

/// Why orders were denied, rejected or cancelled.
#[derive(Debug, Default)]
pub(super) struct Reasons {
    by_order: BTreeMap<OrderId, String>,
}

impl Reasons {
    pub(super) fn take(&mut self, record: &Record, narrator: &Narrator) {
        let (order, reason) = match record {
            Record::Intent(intent) if !intent.verdict.approved => {
                let symbol = intent.request.symbol;
                let denials = intent.verdict.denials().map(|rule| narrator.denial(symbol, rule));
                let denials: Vec<_> = denials.collect();
                (intent.request.id, denials.join("; "))
            }
            Record::CancelIntent { order, reason } => (*order, reason.clone()),
            Record::Venue(VenueReport::Submit { order, outcome: SubmitOutcome::Refused(code) }) => {
                (*order, format!("the venue refused it with code {}", code.0))
            }
            _ => return,
        };
        self.by_order.insert(order, reason);
        if self.by_order.len() > REASONS_KEPT {
            self.by_order.pop_first();
        }
    }
}

/// The newest first: every open one, and the last that ended.
pub(super) fn orders(engine: &Engine, reasons: &Reasons) -> view::Orders {
    let mut closed = 0;
    let shown = engine.orders().filter(|tracked| {
        let ended = tracked.order.state.is_closed();
        closed += usize::from(ended);
        !ended || closed <= CLOSED_SHOWN
    });
    let order = |tracked: &sapphire_engine::Tracked| {
        let order = &tracked.order;
        let instrument = engine.config().instruments.get(order.request.symbol.index())?;
        let reason = reasons.by_order.get(&order.request.id).cloned();
        // A cancel that is still on its way has not ended anything.
        Some(view::Order::of(order, instrument, reason.filter(|_| order.state.is_closed())))
    };
    view::Orders { orders: shown.filter_map(order).collect() }
}

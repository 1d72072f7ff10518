//! Orders that the engine knows: all that work, and the last that ended.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::OrderId;
use crate::instrument::{PriceTicks, QtyLots, SymbolId};
use crate::order::{IllegalTransition, Order, OrderRequest, OrderState, Pending, Trigger};
use crate::time::Timestamp;
use crate::venue::Removal;

/// Ended orders that are kept, for late fills and for people: so many that filled, and as many that did
/// not.
const ENDED_KEPT: usize = 256;

/// An order and what we expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracked {
    /// The order.
    pub order: Order,
    /// The price expected when it was made: slippage is counted from it.
    pub expected: Option<PriceTicks>,
    /// How often the venue was asked what became of it.
    pub(super) asked: u32,
    /// When the venue was first asked to cancel it.
    pub(super) withdrawn: Option<Timestamp>,
    /// When to look into its cancel: an earlier wake-up is of an earlier one. `None` while it is to be sent again as soon
    /// as the venue has the order.
    pub(super) cancel_due: Option<Timestamp>,
    /// How often the venue refused a cancel without a word on the order.
    pub(super) cancels_refused: u32,
    /// It left the book, and fills of it are still to be told.
    pub(super) removed: Option<Removed>,
    /// It was to turn over a position that something else closed since: it opens more than was judged.
    pub(super) opens_too_much: bool,
    /// The venue's code, when it refused.
    pub refusal: Option<crate::venue::VenueCode>,
}

impl Tracked {
    const fn new(order: Order, expected: Option<PriceTicks>) -> Self {
        Self {
            order,
            expected,
            asked: 0,
            withdrawn: None,
            cancel_due: None,
            cancels_refused: 0,
            removed: None,
            opens_too_much: false,
            refusal: None,
        }
    }
}

/// How an order left the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Removed {
    /// Why.
    pub(super) removal: Removal,
    /// What it had filled before.
    pub(super) filled: QtyLots,
}

/// The orders of a desk.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    all: BTreeMap<OrderId, Tracked>,
    working: Vec<OrderId>,
    /// Ended, and filled at least in part.
    filled: VecDeque<OrderId>,
    /// Ended without a fill. However many are refused, they do not push out what opened the position.
    idle: VecDeque<OrderId>,
}

impl Orders {
    /// Adds an approved order that is about to be handed over.
    pub(super) fn submit(
        &mut self,
        request: OrderRequest,
        expected: Option<PriceTicks>,
        now: Timestamp,
    ) {
        let order = Order {
            request,
            state: OrderState::Submitted,
            pending: None,
            filled: QtyLots::ZERO,
            filled_value: 0,
            created: now,
            updated: now,
        };
        self.all.insert(request.id, Tracked::new(order, expected));
        self.working.push(request.id);
    }

    /// Adds one that the gate denied, for people.
    pub(super) fn deny(&mut self, request: OrderRequest, now: Timestamp) {
        let order = Order {
            request,
            state: OrderState::Denied,
            pending: None,
            filled: QtyLots::ZERO,
            filled_value: 0,
            created: now,
            updated: now,
        };
        self.all.insert(request.id, Tracked::new(order, None));
        self.end(request.id);
    }

    pub(super) fn get(&self, id: OrderId) -> Option<&Tracked> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: OrderId) -> Option<&mut Tracked> {
        self.all.get_mut(&id)
    }

    /// Moves an order by the table.
    pub(super) fn apply(
        &mut self,
        id: OrderId,
        trigger: Trigger,
        now: Timestamp,
    ) -> Result<OrderState, IllegalTransition> {
        let Some(tracked) = self.all.get_mut(&id) else {
            return Err(IllegalTransition { from: OrderState::Created, trigger });
        };
        let order = &mut tracked.order;
        let was_working = order.state.is_working();
        order.state = order.state.next(trigger)?;
        order.updated = now;
        let state = order.state;
        match (was_working, state.is_working()) {
            (true, true) => {}
            (true, false) => {
                order.pending = None;
                self.working.retain(|working| *working != id);
                self.end(id);
            }
            // It was taken for over, or for one without a fill, and is not.
            (false, works) => {
                self.filled.retain(|ended| *ended != id);
                self.idle.retain(|ended| *ended != id);
                if works { self.working.push(id) } else { self.end(id) }
            }
        }
        Ok(state)
    }

    fn end(&mut self, id: OrderId) {
        let has_filled = |tracked: &Tracked| tracked.order.filled > QtyLots::ZERO;
        let ended = match self.all.get(&id).is_some_and(has_filled) {
            true => &mut self.filled,
            false => &mut self.idle,
        };
        ended.push_back(id);
        if ended.len() > ENDED_KEPT
            && let Some(oldest) = ended.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    /// Marks that a cancel is on its way.
    pub(super) fn withdraw(&mut self, id: OrderId, now: Timestamp) {
        if let Some(tracked) = self.all.get_mut(&id) {
            tracked.order.pending = Some(Pending::Cancel);
            tracked.withdrawn.get_or_insert(now);
        }
    }

    /// Marks that what works opens more than was judged.
    pub(super) fn opens_too_much(&mut self, id: OrderId) {
        if let Some(tracked) = self.all.get_mut(&id) {
            tracked.opens_too_much = true;
        }
    }

    /// Marks that no cancel is on its way any more.
    pub(super) fn settle_pending(&mut self, id: OrderId) {
        if let Some(tracked) = self.all.get_mut(&id) {
            tracked.order.pending = None;
        }
    }

    /// Orders that work, oldest first.
    pub(super) fn working(&self) -> impl Iterator<Item = &Tracked> {
        self.working.iter().filter_map(|id| self.all.get(id))
    }

    /// A symbol's orders that work, oldest first.
    pub(super) fn working_on(&self, symbol: SymbolId) -> impl Iterator<Item = &Tracked> {
        self.working().filter(move |tracked| tracked.order.request.symbol == symbol)
    }

    /// Whether an order that closes works on a symbol, and is not of unknown fate.
    pub(super) fn is_closing(&self, symbol: SymbolId) -> bool {
        self.closing_orders(symbol).any(|tracked| tracked.order.state != OrderState::Unknown)
    }

    /// How many orders that close are of unknown fate.
    pub(super) fn closing_in_doubt(&self, symbol: SymbolId) -> usize {
        self.closing_orders(symbol)
            .filter(|tracked| tracked.order.state == OrderState::Unknown)
            .count()
    }

    fn closing_orders(&self, symbol: SymbolId) -> impl Iterator<Item = &Tracked> {
        self.working_on(symbol).filter(|tracked| tracked.order.request.purpose.closes())
    }

    /// Whether what would shrink a symbol's position is of unknown fate: it may have done so.
    pub(super) fn has_unknown_reduction(&self, symbol: SymbolId) -> bool {
        self.working_on(symbol).any(|tracked| {
            tracked.order.request.only_reduces() && tracked.order.state == OrderState::Unknown
        })
    }

    /// All that are known, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Tracked> {
        self.all.values().rev()
    }

    pub(super) fn none_working(&self) -> bool {
        self.working.is_empty()
    }
}

//! Orders that are over, and where to find orders by what their client calls them.

use std::collections::BTreeMap;

use sapphire_engine::instrument::{QtyLots, SymbolId};
use sapphire_engine::time::{Span, Timestamp};
use sapphire_engine::venue::VenueOrderState;

use crate::order::{AccountId, ClientId, OrderNumber};

/// How long an order that is over can still be asked about; the exchange forgets unfilled ones
/// after 7 days.
const RETENTION: Span = Span::hours(7 * 24);

/// An order that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub account: AccountId,
    pub client: ClientId,
    pub state: VenueOrderState,
    pub filled: QtyLots,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Archive {
    closed: BTreeMap<OrderNumber, Closed>,
    /// The latest order of each name, open or closed.
    names: BTreeMap<(AccountId, ClientId), (SymbolId, OrderNumber)>,
}

impl Archive {
    pub(crate) fn name(
        &mut self,
        account: AccountId,
        client: ClientId,
        symbol: SymbolId,
        number: OrderNumber,
    ) {
        self.names.insert((account, client), (symbol, number));
    }

    pub(crate) fn find(
        &self,
        account: AccountId,
        client: ClientId,
    ) -> Option<(SymbolId, OrderNumber)> {
        self.names.get(&(account, client)).copied()
    }

    pub(crate) fn closed(&self, number: OrderNumber) -> Option<&Closed> {
        self.closed.get(&number)
    }

    /// Keeps an order that is over, and forgets the oldest numbers past their time.
    pub(crate) fn close(&mut self, number: OrderNumber, order: Closed) {
        let horizon = order.at - RETENTION;
        self.closed.insert(number, order);
        while let Some(oldest) = self.closed.first_entry() {
            if oldest.get().at >= horizon {
                break;
            }
            let (number, order) = oldest.remove_entry();
            let name = (order.account, order.client);
            // A later order may bear the name by now.
            if self.names.get(&name).is_some_and(|&(_, latest)| latest == number) {
                self.names.remove(&name);
            }
        }
    }
}

//! The exchange: accounts, their orders, and the way of an order from arrival to its end.

use sapphire_engine::instrument::{Instrument, PriceTicks, QtyLots, SymbolId};
use sapphire_engine::money::{Amount, Ratio, SCALE};
use sapphire_engine::order::{OrderType, TimeInForce};
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::{Removal, VenueCode, VenueOrderState};

use crate::account::{Account, Holding};
use crate::archive::{Archive, Closed};
use crate::event::Event;
use crate::ledger::{Counterparty, Ledger};
use crate::market::{Floor, Market};
use crate::order::{AccountId, ClientId, NewOrder, Order, OrderNumber, Stage};
use crate::position::Position;
use crate::rules::{Listing, RuleError, Rules, code};

/// A simulated exchange. See the [crate's page](crate) for what it assumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub(crate) rules: Rules,
    pub(crate) markets: Vec<Market>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) ledger: Ledger,
    pub(crate) archive: Archive,
    /// The latest moment told; it never goes back.
    pub(crate) now: Timestamp,
    /// When funding is due next; `None` before the first moment is known.
    pub(crate) next_funding: Option<Timestamp>,
    /// When the first waiting order expires.
    pub(crate) next_expiry: Option<Timestamp>,
    pub(crate) orders: u64,
    /// Positions that are not flat, of all accounts.
    pub(crate) positions: usize,
    pub(crate) events: Vec<Event>,
    /// Numbers of the orders that one market event concerns; empty between calls, kept for its
    /// memory.
    pub(crate) queue: Vec<OrderNumber>,
}

/// What the exchange knows of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderStatus {
    /// Where it stands. [`VenueOrderState::Filled`] is: as much as was asked for.
    pub state: VenueOrderState,
    /// Filled so far.
    pub filled: QtyLots,
}

impl Exchange {
    /// An exchange before its first event; a [`SymbolId`] is a place in `listings`.
    ///
    /// # Errors
    /// Everything that is wrong with listings and rules.
    pub fn new(listings: Vec<Listing>, rules: Rules) -> Result<Self, Vec<RuleError>> {
        let errors = rules.errors(&listings);
        if !errors.is_empty() {
            return Err(errors);
        }
        let market = vec![Counterparty::default(); listings.len()];
        Ok(Self {
            rules,
            markets: listings.into_iter().map(Market::new).collect(),
            accounts: Vec::new(),
            ledger: Ledger { market, ..Ledger::default() },
            archive: Archive::default(),
            now: Timestamp(i64::MIN),
            next_funding: None,
            next_expiry: None,
            orders: 0,
            positions: 0,
            events: Vec::new(),
            queue: Vec::new(),
        })
    }

    /// Opens an account with money in it.
    pub fn open_account(&mut self, deposit: Amount) -> AccountId {
        let id = AccountId(u32::try_from(self.accounts.len()).unwrap_or(u32::MAX));
        let holding = |market: &Market| Holding {
            position: Position::default(),
            initial_margin: market.instrument.initial_margin,
        };
        self.accounts.push(Account {
            wallet: Amount::ZERO,
            holdings: self.markets.iter().map(holding).collect(),
            held: Vec::new(),
        });
        self.transfer(id, deposit);
        id
    }

    /// Moves money into (positive) or out of an account. An unknown account is left alone.
    pub fn transfer(&mut self, account: AccountId, amount: Amount) {
        if let Some(account) = self.accounts.get_mut(account.index()) {
            account.wallet += amount;
            self.ledger.deposits += amount;
        }
    }

    /// Sets the margin of new exposure in a symbol to 1 / `leverage`.
    ///
    /// # Errors
    /// -1121 for an unknown symbol or account; -4028 for zero, or more than the instrument allows.
    pub fn set_leverage(
        &mut self,
        account: AccountId,
        symbol: SymbolId,
        leverage: u32,
    ) -> Result<(), VenueCode> {
        let market = self.markets.get(symbol.index()).ok_or(VenueCode::INVALID_SYMBOL)?;
        let account = self.accounts.get_mut(account.index()).ok_or(VenueCode::INVALID_SYMBOL)?;
        let share = (SCALE.checked_div(i64::from(leverage)))
            .map(|floor| Ratio(floor + i64::from(SCALE % i64::from(leverage) != 0)))
            .ok_or(code::BAD_LEVERAGE)?;
        if share < market.instrument.initial_margin {
            return Err(code::BAD_LEVERAGE);
        }
        account.holdings[symbol.index()].initial_margin = share;
        Ok(())
    }

    /// Takes an order in at `at`. What it does at once is told by [`Exchange::drain_events`].
    ///
    /// # Errors
    /// The exchange's code, see [`crate::code`] and [`VenueCode`]; nothing has changed then.
    pub fn place(
        &mut self,
        at: Timestamp,
        account: AccountId,
        order: &NewOrder,
    ) -> Result<OrderNumber, VenueCode> {
        self.advance(at);
        self.admit(account, order)?;
        self.orders += 1;
        let number = OrderNumber(self.orders);
        self.archive.name(account, order.client, order.symbol, number);
        self.arrive(Order {
            number,
            account,
            client: order.client,
            symbol: order.symbol,
            side: order.side,
            kind: order.kind,
            quantity: order.quantity,
            open: order.quantity,
            filled: QtyLots::ZERO,
            reduce_only: order.reduce_only,
            close_position: order.close_position,
            stage: Stage::New,
        });
        self.settle_reduce_only(account, order.symbol);
        Ok(number)
    }

    /// Cancels an open order; its removal is told as an event.
    ///
    /// # Errors
    /// -2011 when no such order is open.
    pub fn cancel(
        &mut self,
        at: Timestamp,
        account: AccountId,
        client: ClientId,
    ) -> Result<(), VenueCode> {
        self.advance(at);
        let open = self.find_open(account, client).ok_or(VenueCode::CANCEL_REJECTED)?;
        let order = self.markets[open.0.index()]
            .take(|order| order.number == open.1)
            .ok_or(VenueCode::CANCEL_REJECTED)?;
        self.finish(order, Removal::Canceled);
        Ok(())
    }

    /// What is known of the latest order that the account called `client`; `None` when it never
    /// arrived, was refused, or was over more than 7 days ago.
    #[must_use]
    pub fn order_status(&self, account: AccountId, client: ClientId) -> Option<OrderStatus> {
        let (symbol, number) = self.archive.find(account, client)?;
        if let Some(closed) = self.archive.closed(number) {
            return Some(OrderStatus { state: closed.state, filled: closed.filled });
        }
        let order = self.markets[symbol.index()].working.iter().find(|o| o.number == number)?;
        Some(OrderStatus { state: VenueOrderState::Open, filled: order.filled })
    }

    /// What an account has in a symbol; `None` for an unknown account or symbol.
    #[must_use]
    pub fn holding(&self, account: AccountId, symbol: SymbolId) -> Option<&Holding> {
        self.accounts.get(account.index())?.holdings.get(symbol.index())
    }

    /// An account's wallet: without the profit of what is open. Zero for an unknown account.
    #[must_use]
    pub fn wallet(&self, account: AccountId) -> Amount {
        self.accounts.get(account.index()).map_or(Amount::ZERO, |account| account.wallet)
    }

    /// The instrument of a symbol.
    #[must_use]
    pub fn instrument(&self, symbol: SymbolId) -> Option<&Instrument> {
        self.markets.get(symbol.index()).map(|market| &market.instrument)
    }

    /// What positions in a symbol are valued at; `None` before the first price.
    #[must_use]
    pub fn mark(&self, symbol: SymbolId) -> Option<PriceTicks> {
        self.markets.get(symbol.index())?.mark
    }

    /// Fees that were collected, liquidation fees included.
    #[must_use]
    pub const fn fees_collected(&self) -> Amount {
        self.ledger.fees
    }

    /// What conservation of money is off by: zero. What accounts paid in must be what they, the
    /// fees, the funding and the market hold now; and nobody may hold lots that the market did not
    /// sell (each such lot counts as one unit).
    #[must_use]
    pub fn imbalance(&self) -> Amount {
        let accounts: Amount = self
            .accounts
            .iter()
            .map(|account| {
                let cost: Amount = account.holdings.iter().map(|h| h.position.cost).sum();
                account.wallet - cost
            })
            .sum();
        let market: Amount = self.ledger.market.iter().map(|market| market.cash).sum();
        let lots: i128 = (0..self.markets.len())
            .map(|symbol| {
                let held: i64 =
                    self.accounts.iter().map(|a| a.holdings[symbol].position.quantity.0).sum();
                i128::from((held + self.ledger.market[symbol].quantity.0).abs())
            })
            .sum();
        let ledger = self.ledger.fees + self.ledger.funding - self.ledger.deposits;
        accounts + market + ledger + Amount(lots)
    }

    /// What happened since the last call, in order.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Whether [`Exchange::drain_events`] has something.
    #[must_use]
    pub const fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When something is due that no market event brings: funding, or the expiry of an order that
    /// waits.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let funding = self.next_funding.filter(|_| self.positions > 0);
        [self.next_expiry, funding].into_iter().flatten().min()
    }

    /// Moves on to `now` and does what is due by then. Time does not go back: an earlier moment
    /// counts as the latest one.
    pub fn advance(&mut self, now: Timestamp) {
        if now <= self.now {
            return;
        }
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            self.now = due.max(self.now);
            // At one moment an order expires before funding is paid; they do not touch.
            if self.next_expiry == Some(due) {
                self.expire_waiting();
            } else {
                self.pay_funding();
            }
        }
        self.now = now;
        self.schedule_funding();
    }

    /// The symbol and number of an open order.
    pub(crate) fn find_open(
        &self,
        account: AccountId,
        client: ClientId,
    ) -> Option<(SymbolId, OrderNumber)> {
        let found = self.archive.find(account, client)?;
        self.archive.closed(found.1).is_none().then_some(found)
    }

    /// Handles an order whose time has come: new, or let go from waiting.
    pub(crate) fn arrive(&mut self, mut order: Order) {
        let market = &mut self.markets[order.symbol.index()];
        if order.kind.trigger().is_some() && order.stage == Stage::New {
            order.stage = Stage::Armed;
            market.put(order);
            return;
        }
        if !market.is_trading() {
            self.wait(order);
            return;
        }
        match market.floor {
            Floor::Bars { open: Some(open) } => self.arrive_on_bar(order, open),
            Floor::Bars { open: None } => self.wait(order),
            Floor::Depth(_) => self.arrive_on_depth(order),
        }
    }

    /// Lets an order wait for a market.
    pub(crate) fn wait(&mut self, mut order: Order) {
        let until = match (order.stage, order.kind) {
            (Stage::Waiting { until }, _) => until,
            // A triggered stop protects: it stays until it can trade.
            (Stage::Triggered, _) => None,
            (_, OrderType::Limit { time_in_force, .. }) => match time_in_force {
                TimeInForce::Gtc | TimeInForce::PostOnly => None,
                TimeInForce::Ioc | TimeInForce::Fok => Some(self.now + self.rules.patience),
            },
            _ => Some(self.now + self.rules.patience),
        };
        if order.stage != Stage::Triggered {
            order.stage = Stage::Waiting { until };
        }
        self.next_expiry = [self.next_expiry, until].into_iter().flatten().min();
        self.markets[order.symbol.index()].put(order);
    }

    /// Ends orders that waited for a market long enough.
    fn expire_waiting(&mut self) {
        let now = self.now;
        let over = |order: &Order| matches!(order.stage, Stage::Waiting { until: Some(until) } if until <= now);
        for symbol in 0..self.markets.len() {
            while let Some(order) = self.markets[symbol].take(over) {
                self.finish(order, Removal::Expired);
            }
        }
        self.refresh_expiry();
    }

    pub(crate) fn refresh_expiry(&mut self) {
        let until = |order: &Order| match order.stage {
            Stage::Waiting { until } => until,
            _ => None,
        };
        let waiting = self.markets.iter().flat_map(|market| &market.working);
        self.next_expiry = waiting.filter_map(until).min();
    }

    /// Gives orders that waited for this market their turn, in order of arrival. Some may have to
    /// wait on.
    pub(crate) fn release_waiting(&mut self, symbol: SymbolId) {
        let waits =
            |order: &&Order| matches!(order.stage, Stage::Waiting { .. } | Stage::Triggered);
        let mut queue = std::mem::take(&mut self.queue);
        let working = &self.markets[symbol.index()].working;
        queue.extend(working.iter().filter(waits).map(|order| order.number));
        for &number in &queue {
            let order = self.markets[symbol.index()].take(|order| order.number == number);
            let Some(order) = order else { continue }; // cancelled by a fill before it
            let account = order.account;
            self.arrive(order);
            self.settle_reduce_only(account, symbol);
        }
        if !queue.is_empty() {
            self.refresh_expiry();
        }
        queue.clear();
        self.queue = queue;
    }

    /// Ends an order that is in nobody's hands any more. One that filled as much as was asked for
    /// is filled, any other was removed, also where the exchange itself cut its quantity.
    pub(crate) fn finish(&mut self, order: Order, removal: Removal) {
        let state = if order.filled >= order.quantity {
            VenueOrderState::Filled
        } else {
            match removal {
                Removal::Canceled => VenueOrderState::Canceled,
                Removal::Expired => VenueOrderState::Expired,
            }
        };
        if state != VenueOrderState::Filled {
            self.events.push(Event::Removed {
                account: order.account,
                order: order.number,
                removal,
                filled: order.filled,
                at: self.now,
            });
        }
        let Order { account, client, filled, number, .. } = order;
        self.archive.close(number, Closed { account, client, state, filled, at: self.now });
    }
}

//! Venues behind one trait. What a venue answers arrives later, as reports; nothing is assumed of
//! a request that was handed over.

pub mod paper;

use sapphire_engine::ids::OrderId;
use sapphire_engine::instrument::SymbolId;
use sapphire_engine::order::OrderRequest;
use sapphire_engine::risk::Approved;
use sapphire_engine::time::Timestamp;
use sapphire_engine::venue::VenueReport;

use crate::market::FeedEvent;

/// A venue, as the desk uses it. What it takes, it takes away: an approved order is sent once.
///
/// ```compile_fail,E0382
/// # use sapphire_engine::{order::OrderRequest, risk::Approved, time::Timestamp};
/// # use sapphire_trader::venue::Venue;
/// fn twice(venue: &mut dyn Venue, order: Approved<OrderRequest>) {
///     venue.submit(Timestamp(0), order);
///     venue.submit(Timestamp(1), order);
/// }
/// ```
/// ```compile_fail,E0308
/// # use sapphire_engine::{order::OrderRequest, time::Timestamp};
/// # use sapphire_trader::venue::Venue;
/// fn unapproved(venue: &mut dyn Venue, order: OrderRequest) {
///     venue.submit(Timestamp(0), order);
/// }
/// ```
/// ```
/// # use sapphire_engine::{order::OrderRequest, risk::Approved, time::Timestamp};
/// # use sapphire_trader::venue::Venue;
/// fn once(venue: &mut dyn Venue, order: Approved<OrderRequest>) {
///     venue.submit(Timestamp(0), order);
/// }
/// ```
pub trait Venue {
    /// Hands an approved order over at `at`. It is not sent after its expiry.
    fn submit(&mut self, at: Timestamp, order: Approved<OrderRequest>);
    /// Asks to cancel an order.
    fn cancel(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId);
    /// Asks what became of an order.
    fn query_order(&mut self, at: Timestamp, symbol: SymbolId, order: OrderId);
    /// Asks for the venue's word on a position.
    fn query_position(&mut self, at: Timestamp, symbol: SymbolId);
    /// When something happens at the venue, or a report arrives, next.
    fn next_due(&self) -> Option<Timestamp>;
    /// Moves on to `now`, and appends the reports that have arrived by then, in order of arrival.
    fn advance(&mut self, now: Timestamp, reports: &mut Vec<(Timestamp, VenueReport)>);

    /// The market moved, at `at`. A simulated venue trades against it; a real one knows already.
    fn on_market(&mut self, at: Timestamp, symbol: SymbolId, event: &FeedEvent<'_>) {
        let _ = (at, symbol, event);
    }
}

//! How many connections one address has, and which of them makes room for its next.

use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;

/// The places of every address, its oldest first.
#[derive(Debug)]
pub(super) struct Places {
    per_address: usize,
    by_address: Mutex<HashMap<IpAddr, Vec<Arc<Seat>>>>,
}

#[derive(Debug, Default)]
struct Seat {
    answering: AtomicBool,
    leave: Notify,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
    seat: Arc<Seat>,
}

impl Places {
    pub(super) fn new(per_address: usize) -> Self {
        Self { per_address, by_address: Mutex::default() }
    }

    /// A place for an address's next connection. Where it has as many as it may, the oldest leaves that
    /// asks for nothing, or else the oldest: so many slow ones keep neither another address out nor a
    /// probe or a halt from their own.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Place {
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let seats = by_address.entry(address).or_default();
        if seats.len() >= self.per_address && !seats.is_empty() {
            let idle = seats.iter().position(|seat| !seat.answering.load(Ordering::Relaxed));
            seats.remove(idle.unwrap_or(0)).leave.notify_one();
        }
        let seat = Arc::new(Seat::default());
        seats.push(seat.clone());
        Place { places: self.clone(), address, seat }
    }
}

impl Place {
    /// Ready when the connection has to make room.
    pub(super) async fn left(&self) {
        self.seat.leave.notified().await;
    }

    /// A request is taken in: until what this gives has gone, it is being answered.
    pub(super) fn answer(&self) -> Answering {
        self.seat.answering.store(true, Ordering::Relaxed);
        Answering(self.seat.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.places.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seats) = by_address.get_mut(&self.address) {
            seats.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
            if seats.is_empty() {
                by_address.remove(&self.address);
            }
        }
    }
}

/// That a request is being answered.
#[derive(Debug)]
pub(super) struct Answering(Arc<Seat>);

impl Answering {
    /// It is until the last of the answer has left.
    pub(super) fn until_sent(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Answer { body, _answering: self }))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.store(false, Ordering::Relaxed);
    }
}

struct Answer {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    /// Whether it was told to leave; asked once.
    async fn leaves(place: &Place) -> bool {
        tokio::select! {
            biased;
            () = place.left() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn the_oldest_that_asks_for_nothing_makes_room() {
        let places = Arc::new(Places::new(3));
        let (asks, idle, newer) = (places.take(HERE), places.take(HERE), places.take(HERE));
        let elsewhere = places.take(THERE);
        let answering = asks.answer();
        let _next = places.take(HERE);
        assert!(leaves(&idle).await);
        assert!(!leaves(&asks).await && !leaves(&newer).await && !leaves(&elsewhere).await);
        // Answered, it asks for nothing either.
        drop(answering);
        let _next = places.take(HERE);
        assert!(leaves(&asks).await && !leaves(&newer).await);
    }

    #[tokio::test]
    async fn where_all_are_being_answered_the_oldest_makes_room() {
        let places = Arc::new(Places::new(2));
        let (first, second) = (places.take(HERE), places.take(HERE));
        let _answering = (first.answer(), second.answer());
        let _third = places.take(HERE);
        assert!(leaves(&first).await && !leaves(&second).await);
    }

    #[tokio::test]
    async fn a_place_that_is_given_back_is_free() {
        let places = Arc::new(Places::new(1));
        drop(places.take(HERE));
        assert!(places.by_address.lock().unwrap().is_empty());
        let first = places.take(HERE);
        assert!(!leaves(&first).await);
        let second = places.take(HERE);
        assert!(leaves(&first).await);
        // What left does not give the other's place back.
        drop(first);
        let _third = places.take(HERE);
        assert!(leaves(&second).await);
    }
}

//! `/api/stream`: every section as it changes, at most five times a second each.
//!
//! A stream looks at the sections at a fixed pace and tells what differs from what it told last.
//! So the latest value wins, the desk does nothing for a stream, and a client that reads slowly
//! costs one look's worth of memory: the next look waits until the last one was taken.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use sapphire_engine::time::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use utoipa::IntoParams;

use super::read::{self, json, newest_orders, newest_rounds};
use crate::api::App;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::extract::Asked;
use crate::api::guard::caller::Caller;
use crate::api::openapi::ReadErrors;
use crate::api::published::{Edition, MarketSeries, PortfolioState, Published, Section};
use crate::api::view::{self, Portfolio, PortfolioUpdate};

/// At most five of each section a second.
const PACE: Duration = Duration::from_millis(200);
/// How often a look is tried while the desk publishes, and how long after one another: longer than it takes to publish.
const LOOKS: u32 = 50;
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Before a client that found no place asks again.
const NO_PLACE_WAIT: Duration = Duration::from_secs(10);
const ROUNDS: usize = 10;
/// Its rate changes with every event, and nobody reads it at that pace.
const HEALTH_PACE: Duration = Duration::from_secs(10);
/// Bars that a stream begins with: what closed between a load of the market and its stream.
const BARS_AT_FIRST: usize = 50;
/// Bars of the first symbol that a stream with history begins with.
const BARS_OF_HISTORY: usize = 500;

/// The stream's path.
pub(in crate::api) const STREAM: &str = "/api/stream";

/// What to begin with.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct StreamQuery {
    /// Whether to begin with what charts and lists need: the first `portfolio` with the curve of 500
    /// points, the first `decisions` with 50 rounds, and the first symbol's first `market` with 500
    /// bars and the fills on them. So a page needs no other request, and what it shows is of one
    /// piece.
    #[serde(default)]
    history: bool,
}

/// Named events, each with the same body as its page: `status`, `positions`, `orders` (the newest
/// 100), `agents`, `risk`, `decisions` (the newest 10), `health` (every 10 s), `portfolio` (with the
/// newest point instead of the history) and `market` (with the bars that closed and the fills not
/// told yet). The id is a number of the journal: sent back as `last-event-id`, no fill is missed.
#[utoipa::path(get, path = "/api/stream", tag = "desk",
    params(("last-event-id" = Option<u64>, Header, description = "The id of the last event that came."), StreamQuery),
    responses(
    (status = OK, description = "Server-sent events.", content_type = "text/event-stream", body = String),
    ReadErrors,
))]
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<StreamQuery>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, ApiError> {
    let place = StreamPlaces::take(&app, caller.address)?;
    let told = Told::new(&app, last_event_id(&headers)?, query.history);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stopping = app.stopping.clone();
    let keep_alive = KeepAlive::new().interval(app.config.keep_alive).text("keep-alive");
    let teller = Teller { app, told, ready: VecDeque::new(), pace, stopping, _place: place };
    let events = futures::stream::unfold(teller, Teller::next);
    Ok(Sse::new(events).keep_alive(keep_alive))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| {
        ApiError::new(
            ErrorCode::BadRequest,
            "`last-event-id` is no number of the journal: send back the id of the last event, or none",
        )
    })
}

/// One client's stream.
struct Teller {
    app: Arc<App>,
    told: Told,
    ready: VecDeque<Event>,
    pace: Interval,
    stopping: watch::Receiver<bool>,
    _place: StreamPlace,
}

impl Teller {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let is_over = tokio::select! {
                _ = self.stopping.wait_for(|stopping| *stopping) => true,
                _ = self.pace.tick() => false,
            };
            if is_over {
                return None;
            }
            let seen = Seen::of_one_moment(&self.app.published).await;
            // What went wrong was logged where it happened; the client comes back.
            self.ready = self.told.tell(&self.app, &seen).ok()?;
        }
    }
}

/// What one client knows: versions of sections, and how many fills of each symbol.
#[derive(Debug)]
struct Told {
    status: u64,
    portfolio: u64,
    positions: u64,
    orders: u64,
    agents: u64,
    decisions: u64,
    risk: u64,
    health: u64,
    health_due: Instant,
    /// Whether each section begins with its history.
    history: bool,
    markets: Vec<ToldMarket>,
    /// Every fill up to this record of the journal was told.
    fills_up_to: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct ToldMarket {
    version: u64,
    fills: u64,
    /// The newest bar's open time.
    bar: Option<Timestamp>,
}

impl Told {
    /// Of a client that comes back: what it missed. Of a new one, which has the fills from
    /// `/api/market`: only what comes from now on.
    fn new(app: &App, last_event_id: Option<u64>, history: bool) -> Self {
        let fills = |series: &MarketSeries| match last_event_id {
            Some(id) => series.fills_seen_at(id),
            None => series.fills_seen(),
        };
        let market = |section: &Section<_>| ToldMarket {
            version: 0,
            fills: section.current().map_or(0, |edition| fills(&edition.value)),
            bar: None,
        };
        Self {
            status: 0,
            portfolio: 0,
            positions: 0,
            orders: 0,
            agents: 0,
            decisions: 0,
            risk: 0,
            health: 0,
            health_due: Instant::now(),
            history,
            markets: app.published.markets.iter().map(market).collect(),
            fills_up_to: last_event_id.unwrap_or(0),
        }
    }

    /// What changed since the last look. Markets come first, so that every later event may carry
    /// the id up to which fills are complete.
    fn tell(&mut self, app: &App, seen: &Seen) -> Result<VecDeque<Event>, ApiError> {
        let complete = seen.status.as_ref().map_or(0, |edition| edition.sequence);
        let mut events = Events { ready: VecDeque::new(), id: self.fills_up_to };
        self.tell_markets(app, seen, complete, &mut events)?;
        self.fills_up_to = self.fills_up_to.max(complete);
        events.id = self.fills_up_to;

        if let Some(edition) = news(&mut self.status, seen.status.as_ref()) {
            events.push("status", &edition.body(json)?)?;
        }
        let first = self.portfolio == 0;
        if let Some(edition) = news(&mut self.portfolio, seen.portfolio.as_ref()) {
            let summary = edition.value.summary.clone();
            let curve = &edition.value.curve;
            let body = if first && self.history {
                let history = curve.evenly(read::CURVE_POINTS).into_iter().map(Into::into);
                json(&Portfolio { summary, history: history.collect() })?
            } else {
                json(&PortfolioUpdate { summary, point: curve.newest().map(Into::into) })?
            };
            events.push("portfolio", &body)?;
        }
        if let Some(edition) = news(&mut self.positions, seen.positions.as_ref()) {
            events.push("positions", &edition.body(json)?)?;
        }
        if let Some(edition) = news(&mut self.orders, seen.orders.as_ref()) {
            events.push("orders", &newest_orders(edition)?)?;
        }
        if let Some(edition) = news(&mut self.agents, seen.agents.as_ref()) {
            events.push("agents", &edition.body(json)?)?;
        }
        let rounds = if self.decisions == 0 && self.history { read::ROUNDS } else { ROUNDS };
        if let Some(edition) = news(&mut self.decisions, seen.decisions.as_ref()) {
            events.push("decisions", &newest_rounds(&edition.value, rounds)?)?;
        }
        if self.health_due <= Instant::now()
            && let Some(edition) = news(&mut self.health, seen.health.as_ref())
        {
            self.health_due = Instant::now() + HEALTH_PACE;
            events.push("health", &edition.body(json)?)?;
        }
        if let Some(edition) = news(&mut self.risk, seen.risk.as_ref()) {
            events.push("risk", &edition.body(json)?)?;
        }
        Ok(events.ready)
    }

    fn tell_markets(
        &mut self,
        app: &App,
        seen: &Seen,
        complete: u64,
        events: &mut Events,
    ) -> Result<(), ApiError> {
        let (shown, history) = (&app.published, self.history);
        let mut changed = Vec::new();
        for (index, (told, edition)) in self.markets.iter_mut().zip(&seen.markets).enumerate() {
            let first = told.version == 0;
            if let Some(edition) = news(&mut told.version, edition.as_ref()) {
                let instrument = &shown.facts.instruments[index];
                let bars = match (first, history && index == 0) {
                    (true, true) => BARS_OF_HISTORY,
                    (true, false) => BARS_AT_FIRST,
                    (false, _) => usize::MAX,
                };
                if bars == BARS_OF_HISTORY {
                    told.fills = edition.value.fills_seen_before_bars(bars);
                }
                changed.push(edition.value.update(instrument, told.bar, bars, told.fills));
                told.fills = edition.value.fills_seen();
                told.bar = edition.value.newest_bar();
            }
        }
        let last = changed.len().saturating_sub(1);
        for (index, update) in changed.iter().enumerate() {
            if index == last {
                events.id = events.id.max(complete);
            }
            events.push("market", &json(update)?)?;
        }
        Ok(())
    }
}

/// A section's edition, if it was not told yet.
fn news<'e, T>(
    told: &mut u64,
    edition: Option<&'e Arc<Edition<T>>>,
) -> Option<&'e Arc<Edition<T>>> {
    let edition = edition.filter(|edition| edition.version != *told)?;
    *told = edition.version;
    Some(edition)
}

/// What a section shows, if anything yet.
type Shown<T> = Option<Arc<Edition<T>>>;

/// The sections as one look found them.
struct Seen {
    status: Shown<view::SystemStatus>,
    portfolio: Shown<PortfolioState>,
    positions: Shown<view::Positions>,
    orders: Shown<view::Orders>,
    agents: Shown<view::Agents>,
    decisions: Shown<view::Decisions>,
    health: Shown<view::Health>,
    risk: Shown<view::Risk>,
    markets: Vec<Shown<MarketSeries>>,
}

impl Seen {
    /// Looks while the desk does not publish. A desk that publishes all the time is told as it is found.
    async fn of_one_moment(published: &Published) -> Self {
        for _ in 0..LOOKS {
            let moment = published.moment();
            let seen = Self::now(published);
            if moment.is_some() && moment == published.moment() {
                return seen;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Self::now(published)
    }

    fn now(published: &Published) -> Self {
        // The status before the markets, which the desk publishes first: whatever had been filled by then is in them.
        Self {
            status: published.status.current(),
            portfolio: published.portfolio.current(),
            positions: published.positions.current(),
            orders: published.orders.current(),
            agents: published.agents.current(),
            decisions: published.decisions.current(),
            health: published.health.current(),
            risk: published.risk.current(),
            markets: published.markets.iter().map(Section::current).collect(),
        }
    }
}

struct Events {
    ready: VecDeque<Event>,
    id: u64,
}

impl Events {
    fn push(&mut self, name: &str, body: &Bytes) -> Result<(), ApiError> {
        let text = std::str::from_utf8(body).map_err(ApiError::internal)?;
        self.ready.push_back(Event::default().event(name).id(self.id.to_string()).data(text));
        Ok(())
    }
}

/// How many streams are open, in all and by address.
#[derive(Debug, Default)]
pub(in crate::api) struct StreamPlaces {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, given back when it is dropped.
struct StreamPlace {
    app: Arc<App>,
    address: IpAddr,
}

impl StreamPlaces {
    fn take(app: &Arc<App>, address: IpAddr) -> Result<StreamPlace, ApiError> {
        let mut by_address = app.streams.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let open: usize = by_address.values().sum();
        let of_address = by_address.get(&address).copied().unwrap_or(0);
        let full = if of_address >= app.config.max_streams_per_address {
            Some(format!("{of_address} streams of this address are open, and no more are given"))
        } else if open >= app.config.max_streams {
            Some(format!("{open} streams are open, and no more are given"))
        } else {
            None
        };
        if let Some(full) = full {
            let message =
                format!("{full}: close one, such as a page in another tab, and try again");
            return Err(ApiError::new(ErrorCode::Unavailable, message).retry_after(NO_PLACE_WAIT));
        }
        by_address.insert(address, of_address + 1);
        app.metrics.http.streams.inc();
        Ok(StreamPlace { app: app.clone(), address })
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut by_address =
            self.app.streams.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_address.get_mut(&self.address) {
            *open -= 1;
            if *open == 0 {
                by_address.remove(&self.address);
            }
        }
        self.app.metrics.http.streams.dec();
    }
}

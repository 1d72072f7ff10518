//! What the desk shows.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::App;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::extract::{Asked, within};
use crate::api::lineage::LineageId;
use crate::api::openapi::ReadErrors;
use crate::api::published::{BARS_MAX, CURVE_POINTS_MAX, Edition, Section};
use crate::api::view::{
    Agents, Decisions, Health, Lineage, Market, Order, Orders, Portfolio, Positions, Risk, Round,
    SystemStatus,
};

pub(super) const CURVE_POINTS: usize = 500;
const BARS: usize = 300;
const ORDERS: usize = 100;
const ORDERS_MAX: usize = 500;
pub(super) const ROUNDS: usize = 50;
const ROUNDS_MAX: usize = 200;

/// Everything at a glance.
#[utoipa::path(get, path = "/api/system-status", tag = "desk", params(NoQuery), responses(
    (status = OK, description = "As of now.", body = SystemStatus), ReadErrors,
))]
pub(super) async fn system_status(
    State(app): State<Arc<App>>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    whole(&app.published.status)
}

/// How the process is doing.
#[utoipa::path(get, path = "/api/health-metrics", tag = "desk", params(NoQuery), responses(
    (status = OK, description = "As of now.", body = Health), ReadErrors,
))]
pub(super) async fn health_metrics(
    State(app): State<Arc<App>>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    whole(&app.published.health)
}

/// The account and its curve.
#[utoipa::path(get, path = "/api/portfolio", tag = "desk", params(PortfolioQuery), responses(
    (status = OK, description = "As of now.", body = Portfolio), ReadErrors,
))]
pub(super) async fn portfolio(
    State(app): State<Arc<App>>,
    Asked(query): Asked<PortfolioQuery>,
) -> Result<Response, ApiError> {
    let points = within("points", query.points, CURVE_POINTS, 2..=CURVE_POINTS_MAX)?;
    let edition = current(&app.published.portfolio)?;
    let render = |state: &crate::api::published::PortfolioState| {
        json(&Portfolio {
            summary: state.summary.clone(),
            history: state.curve.evenly(points).into_iter().map(Into::into).collect(),
        })
    };
    let body = if points == CURVE_POINTS { edition.body(render) } else { render(&edition.value) };
    body.map(json_response)
}

/// One symbol's bars, the desk's fills on them, and its stops.
#[utoipa::path(get, path = "/api/market", tag = "desk", params(MarketQuery), responses(
    (status = OK, description = "As of now.", body = Market), ReadErrors,
))]
pub(super) async fn market(
    State(app): State<Arc<App>>,
    Asked(query): Asked<MarketQuery>,
) -> Result<Response, ApiError> {
    let points = within("points", query.points, BARS, 1..=BARS_MAX)?;
    let symbol = app.symbol(&query.symbol)?;
    let facts = &app.published.facts;
    let (section, instrument) =
        (&app.published.markets[symbol.index()], &facts.instruments[symbol.index()]);
    let edition = current(section)?;
    let render = |series: &crate::api::published::MarketSeries| {
        json(&series.market(instrument, facts.bar_interval, points))
    };
    let body = if points == BARS { edition.body(render) } else { render(&edition.value) };
    body.map(json_response)
}

/// What is open.
#[utoipa::path(get, path = "/api/positions", tag = "desk", params(NoQuery), responses(
    (status = OK, description = "As of now.", body = Positions), ReadErrors,
))]
pub(super) async fn positions(
    State(app): State<Arc<App>>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    whole(&app.published.positions)
}

/// Orders, the newest first.
#[utoipa::path(get, path = "/api/orders", tag = "desk", params(OrdersQuery), responses(
    (status = OK, description = "As of now.", body = Orders), ReadErrors,
))]
pub(super) async fn orders(
    State(app): State<Arc<App>>,
    Asked(query): Asked<OrdersQuery>,
) -> Result<Response, ApiError> {
    let limit = within("limit", query.limit, ORDERS, 1..=ORDERS_MAX)?;
    let edition = current(&app.published.orders)?;
    if query.state == OrdersShown::All && limit == ORDERS {
        return newest_orders(&edition).map(json_response);
    }
    let shown = |order: &&Order| query.state == OrdersShown::All || order.state.is_open();
    let orders = edition.value.orders.iter().filter(shown).take(limit).collect();
    json(&OrdersOf { orders }).map(json_response)
}

/// [`Orders`], without a copy of what is told of them.
#[derive(Serialize)]
struct OrdersOf<'a> {
    orders: Vec<&'a Order>,
}

/// [`Decisions`], without a copy of what is told of them.
#[derive(Serialize)]
struct RoundsOf<'a> {
    rounds: &'a [Round],
}

/// What the stream tells too: the default of `/api/orders`.
pub(super) fn newest_orders(edition: &Edition<Orders>) -> Result<Bytes, ApiError> {
    edition.body(|all| json(&OrdersOf { orders: all.orders.iter().take(ORDERS).collect() }))
}

/// Everybody with an opinion.
#[utoipa::path(get, path = "/api/agents", tag = "desk", params(NoQuery), responses(
    (status = OK, description = "As of now.", body = Agents), ReadErrors,
))]
pub(super) async fn agents(
    State(app): State<Arc<App>>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    whole(&app.published.agents)
}

/// The newest rounds, with votes, dissent, and what came of them.
#[utoipa::path(get, path = "/api/decisions", tag = "desk", params(DecisionsQuery), responses(
    (status = OK, description = "As of now.", body = Decisions), ReadErrors,
))]
pub(super) async fn decisions(
    State(app): State<Arc<App>>,
    Asked(query): Asked<DecisionsQuery>,
) -> Result<Response, ApiError> {
    let limit = within("limit", query.limit, ROUNDS, 1..=ROUNDS_MAX)?;
    let edition = current(&app.published.decisions)?;
    let render = |all: &Decisions| newest_rounds(all, limit);
    let body = if limit == ROUNDS { edition.body(render) } else { render(&edition.value) };
    body.map(json_response)
}

pub(super) fn newest_rounds(all: &Decisions, limit: usize) -> Result<Bytes, ApiError> {
    json(&RoundsOf { rounds: &all.rounds[..all.rounds.len().min(limit)] })
}

/// The policy in force, and how near its limits are.
#[utoipa::path(get, path = "/api/risk", tag = "desk", params(NoQuery), responses(
    (status = OK, description = "As of now.", body = Risk), ReadErrors,
))]
pub(super) async fn risk(
    State(app): State<Arc<App>>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    whole(&app.published.risk)
}

/// Where a decision (d7), order (o12), round (r41), fill (t9) or command (c3) came from, and what
/// came of it, record by record.
#[utoipa::path(get, path = "/api/why/{id}", tag = "desk",
    params(("id" = String, Path, description = "Such as o12."), NoQuery), responses(
    (status = OK, description = "As of now.", body = Lineage), ReadErrors,
))]
pub(super) async fn why(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Asked(NoQuery {}): Asked<NoQuery>,
) -> Result<Response, ApiError> {
    let id: LineageId = id.parse().map_err(|error: crate::api::lineage::LineageIdError| {
        ApiError::new(ErrorCode::BadRequest, error.to_string())
    })?;
    let lineage = app.lineage.lineage(id).await.map_err(|error| {
        ApiError::new(ErrorCode::Unavailable, format!("{error}; `sapphire-trader journal verify`"))
    })?;
    let lineage = lineage
        .ok_or_else(|| ApiError::new(ErrorCode::NotFound, format!("this run has no {id}")))?;
    json(&lineage).map(json_response)
}

/// Nothing may be asked: an unknown name is refused, not ignored.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NoQuery {}

/// What of the account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct PortfolioQuery {
    /// Points of the curve.
    #[param(minimum = 2, maximum = 4096, default = 500)]
    points: Option<usize>,
}

/// What of a market.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct MarketQuery {
    /// Which symbol.
    symbol: String,
    /// Bars, the newest ones.
    #[param(minimum = 1, maximum = 2000, default = 300)]
    points: Option<usize>,
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct OrdersQuery {
    /// Open ones, or all.
    #[serde(default)]
    #[param(inline)]
    state: OrdersShown,
    /// How many, the newest ones.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
}

/// Open orders, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) enum OrdersShown {
    /// Of which more is expected.
    Open,
    /// All.
    #[default]
    All,
}

/// How many rounds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct DecisionsQuery {
    /// How many, the newest ones.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// A section as it is.
fn whole<T: Serialize>(section: &Section<T>) -> Result<Response, ApiError> {
    current(section)?.body(json).map(json_response)
}

fn current<T>(section: &Section<T>) -> Result<Arc<Edition<T>>, ApiError> {
    section.current().ok_or_else(|| {
        ApiError::new(
            ErrorCode::Unavailable,
            "the desk is starting and has not shown this yet: see /readyz, and try again",
        )
        .retry_after(std::time::Duration::from_secs(1))
    })
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, ApiError> {
    serde_json::to_vec(value).map(Into::into).map_err(ApiError::internal)
}

fn json_response(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

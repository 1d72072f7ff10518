//! What is answered, route by route. Every route of the API is registered together with its
//! description, so that none can be left out of `/api/openapi.json`.

mod command;
mod page;
mod probe;
mod read;
mod stream;

pub use page::Page;
pub(super) use stream::{STREAM, StreamPlaces};

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::openapi::Described;

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(<Described as utoipa::OpenApi>::openapi())
        .routes(routes!(probe::healthz))
        .routes(routes!(probe::readyz))
        .routes(routes!(probe::metrics))
        .routes(routes!(probe::openapi))
        .routes(routes!(read::system_status))
        .routes(routes!(read::health_metrics))
        .routes(routes!(read::portfolio))
        .routes(routes!(read::market))
        .routes(routes!(read::positions))
        .routes(routes!(read::orders))
        .routes(routes!(read::agents))
        .routes(routes!(read::decisions))
        .routes(routes!(read::risk))
        .routes(routes!(read::why))
        .routes(routes!(stream::stream))
        .routes(routes!(command::halt))
        .routes(routes!(command::resume))
        .routes(routes!(command::close))
        .routes(routes!(command::cancel))
        .routes(routes!(command::pause))
        .routes(routes!(command::unpause))
}

/// Every route, the page's among them, with their description.
pub(super) fn all() -> (Router<Arc<App>>, OpenApi) {
    let (api, description) = described().split_for_parts();
    let page =
        Router::new().route("/", get(page::index)).route("/assets/{*path}", get(page::asset));
    (api.merge(page), description)
}

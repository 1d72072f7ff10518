//! The description of the API, for people and for generators of clients.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::error::ErrorBody;

/// What stands above the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sapphire trader",
        description = "A trading desk's state, its stream, and the commands it takes.\n\n\
            Amounts, prices, quantities and ratios are decimal strings. Times are RFC 3339 in UTC, in \
            event time unless the name ends in `WallTime`. `x-correlation-id` (1 to 64 of \
            `A-Z a-z 0-9 . _ -`) is taken over and always returned. Without a token an address has 60 \
            requests a minute answered, unless configured otherwise.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "desk", description = "What the desk does."),
        (name = "commands", description = "What a person may order: needs the desk's token."),
        (name = "probes", description = "What machines ask; not limited in number."),
    ),
    modifiers(&TokenScheme),
)]
pub(super) struct Described;

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token in the file that `sapphire-trader run` prints."))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The description as `/api/openapi.json` serves it.
///
/// # Errors
/// A description that is no JSON, which is a defect of this module.
pub fn description() -> Result<String, serde_json::Error> {
    super::routes::all().1.to_pretty_json()
}

/// How a read can fail.
#[derive(IntoResponses)]
#[allow(dead_code)] // only its description is of use
pub(super) enum ReadErrors {
    /// The query cannot be read, or a value is out of its range.
    #[response(status = 400)]
    BadRequest(ErrorBody),
    /// A wrong token; none at all is fine.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// Asked under a name that is not this server's.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// There is no such symbol, order or decision.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// Asked too often: `retry-after` says how long to wait.
    #[response(status = 429)]
    TooManyRequests(ErrorBody),
    /// The desk is starting, or the machine is too busy.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// How a command can fail.
#[derive(IntoResponses)]
#[allow(dead_code)] // only its description is of use
pub(super) enum CommandErrors {
    /// The body is not JSON.
    #[response(status = 400)]
    BadRequest(ErrorBody),
    /// The token is missing or wrong.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// This server takes no commands, or was asked under a name that is not its own.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// There is no such symbol, agent or order.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// The body did not come in time.
    #[response(status = 408)]
    RequestTimeout(ErrorBody),
    /// It makes no sense now; the message says why.
    #[response(status = 409)]
    Conflict(ErrorBody),
    /// The body is larger than 64 KiB.
    #[response(status = 413)]
    BodyTooLarge(ErrorBody),
    /// The body is not declared as JSON.
    #[response(status = 415)]
    UnsupportedMediaType(ErrorBody),
    /// The JSON is not what the command takes.
    #[response(status = 422)]
    Unprocessable(ErrorBody),
    /// Asked too often, or with too many wrong tokens.
    #[response(status = 429)]
    TooManyRequests(ErrorBody),
    /// The desk did not answer: the message says whether anything can have been done.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

//! The description of the API, for people and for generators of clients.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

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

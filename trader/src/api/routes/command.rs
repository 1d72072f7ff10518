//! What a person may order. Each command needs the token, is checked for form here and for sense by
//! the desk, passes the desk's gate, and is answered once it is durable.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use sapphire_engine::event::Command;
use sapphire_engine::ids::OrderId;

use crate::api::App;
use crate::api::commands::{Asked, CommandError, NoAnswer, Refusal};
use crate::api::envelope::CorrelationId;
use crate::api::error::{ApiError, ErrorCode};
use crate::api::extract::Sent;
use crate::api::guard::caller::Operator;
use crate::api::lineage::{LineageId, LineageKind};
use crate::api::openapi::CommandErrors;
use crate::api::view::{
    CancelOrder, ClosePosition, CommandAccepted, Halt, Pause, REASON_MAX, Resume, WHO_MAX,
};

type Answer = Result<(StatusCode, Json<CommandAccepted>), ApiError>;

/// Stops trading: no entries, working entries are cancelled; positions and their stops are kept
/// unless `flatten` or the policy's `onHalt` says otherwise.
#[utoipa::path(post, path = "/api/commands/halt", tag = "commands", security(("token" = [])),
    request_body = Halt, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn halt(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(halt): Sent<Halt>,
) -> Answer {
    let command = Command::Halt { flatten: halt.flatten };
    order(&app, command, halt.who, Some(halt.reason), &id).await
}

/// Trades again: clears a commanded halt and the engine's own state, and re-bases the high-water
/// mark. The policy's word still holds.
#[utoipa::path(post, path = "/api/commands/resume", tag = "commands", security(("token" = [])),
    request_body = Resume, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(resume): Sent<Resume>,
) -> Answer {
    order(&app, Command::Resume, resume.who, Some(resume.reason), &id).await
}

/// Closes a symbol's position.
#[utoipa::path(post, path = "/api/commands/close", tag = "commands", security(("token" = [])),
    request_body = ClosePosition, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn close(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(close): Sent<ClosePosition>,
) -> Answer {
    let symbol = app.symbol(&close.symbol)?;
    order(&app, Command::Close { symbol }, None, close.reason, &id).await
}

/// Cancels a working order. A stop that protects a position stays.
#[utoipa::path(post, path = "/api/commands/cancel", tag = "commands", security(("token" = [])),
    request_body = CancelOrder, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(cancel): Sent<CancelOrder>,
) -> Answer {
    let order_id = match cancel.order_id.parse() {
        Ok(LineageId { kind: LineageKind::Order, number }) => OrderId(number),
        _ => {
            return Err(unprocessable(
                "`orderId` is no order: write it as /api/orders does, such as o12",
            ));
        }
    };
    order(&app, Command::Cancel { order: order_id }, None, cancel.reason, &id).await
}

/// Pauses a symbol (no entries) or an agent (its opinions do not count).
#[utoipa::path(post, path = "/api/commands/pause", tag = "commands", security(("token" = [])),
    request_body = Pause, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(pause): Sent<Pause>,
) -> Answer {
    let command = pausing(&app, &pause, true)?;
    order(&app, command, None, pause.reason, &id).await
}

/// Lifts a pause.
#[utoipa::path(post, path = "/api/commands/unpause", tag = "commands", security(("token" = [])),
    request_body = Pause, responses(
    (status = ACCEPTED, description = "Durable in the journal.", body = CommandAccepted),
    CommandErrors,
))]
pub(super) async fn unpause(
    State(app): State<Arc<App>>,
    _: Operator,
    Extension(id): Extension<CorrelationId>,
    Sent(pause): Sent<Pause>,
) -> Answer {
    let command = pausing(&app, &pause, false)?;
    order(&app, command, None, pause.reason, &id).await
}

fn pausing(app: &App, pause: &Pause, paused: bool) -> Result<Command, ApiError> {
    match (&pause.symbol, &pause.agent) {
        (Some(symbol), None) => Ok(Command::PauseSymbol { symbol: app.symbol(symbol)?, paused }),
        (None, Some(agent)) => Ok(Command::PauseAgent { agent: app.agent(agent)?, paused }),
        _ => Err(unprocessable("name either a `symbol` or an `agent`, not both and not none")),
    }
}

async fn order(
    app: &App,
    command: Command,
    who: Option<String>,
    reason: Option<String>,
    id: &CorrelationId,
) -> Answer {
    let asked = Asked {
        command,
        who: words("who", who.as_deref().unwrap_or("api"), WHO_MAX)?,
        reason: words("reason", reason.as_deref().unwrap_or("none given"), REASON_MAX)?,
        correlation_id: id.as_str().to_owned(),
    };
    tracing::info!(command = ?asked.command, who = asked.who, reason = asked.reason, "a command came");
    let accepted = app.commands.ask(asked).await.map_err(refused)?;
    let body = CommandAccepted {
        accepted: true,
        command_id: accepted.id.to_string(),
        journal_sequence: accepted.journal_sequence,
    };
    Ok((StatusCode::ACCEPTED, Json(body)))
}

fn refused(error: CommandError) -> ApiError {
    match error {
        CommandError::Refused(Refusal::NotFound(why)) => ApiError::new(ErrorCode::NotFound, why),
        CommandError::Refused(Refusal::Conflict(why)) => ApiError::new(ErrorCode::Conflict, why),
        CommandError::Refused(Refusal::Unavailable(why)) => {
            ApiError::new(ErrorCode::Unavailable, why)
        }
        CommandError::NoAnswer(silence) => {
            let error = ApiError::new(ErrorCode::Unavailable, silence.to_string());
            match silence {
                NoAnswer::Full => error.retry_after(std::time::Duration::from_secs(1)),
                _ => error,
            }
        }
    }
}

/// Words that people will read in the journal: some, not too many, and nothing that moves a cursor.
fn words(name: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 {
        return Err(unprocessable(&format!(
            "`{name}` is empty: say something, it is kept in the journal"
        )));
    }
    if length > longest {
        return Err(unprocessable(&format!("`{name}` has {length} characters: at most {longest}")));
    }
    if text.chars().any(char::is_control) {
        return Err(unprocessable(&format!(
            "`{name}` has control characters: write one line of text"
        )));
    }
    Ok(text.to_owned())
}

fn unprocessable(what: &str) -> ApiError {
    ApiError::new(ErrorCode::Unprocessable, what)
}

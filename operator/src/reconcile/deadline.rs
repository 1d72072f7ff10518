//! How long a call of the API server is waited for.

use std::time::Duration;

use super::outcome::{Hold, Transient};

/// A call that takes longer is given up and tried again with a pause.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The answer to a call. `action` continues "cannot": "write the status of RiskPolicy a/b".
///
/// # Errors
/// Transient where none comes in time.
pub async fn in_time<T>(action: &str, call: impl Future<Output = T>) -> Result<T, Hold> {
    tokio::time::timeout(DEADLINE, call).await.map_err(|_| {
        Hold::Transient(Transient {
            action: action.to_owned(),
            code: 0,
            message: format!("no answer within {} s", DEADLINE.as_secs()),
            after: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_asked_again_later() {
        assert_eq!(in_time("ask", async { 7 }).await, Ok(7));
        let hold = in_time("ask", std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(hold.to_string(), "cannot ask: no answer within 10 s");
        assert_eq!(hold.kind(), "transient");
    }
}

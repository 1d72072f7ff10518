//! Waiting for what others bring about.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Before the second look, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(250)];

/// Asks again until the answer is there, ever more rarely: who waits takes little from those that it waits for.
///
/// # Panics
/// When `what` has not come after two minutes.
pub async fn until<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    let [mut pause, longest] = PAUSES;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(pause).await;
        pause = (pause * 3 / 2).min(longest);
    }
}

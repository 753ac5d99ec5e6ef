//! Waiting for a state, never for a time.

use std::time::Duration;

/// Asks `state` until it is `Some`, and returns that; panics, saying what it waited for, when the
/// deadline passes first.
pub async fn eventually<T, F, S>(what: &str, deadline: Duration, mut state: F) -> T
where
    F: FnMut() -> S,
    S: Future<Output = Option<T>>,
{
    let until = tokio::time::Instant::now() + deadline;
    loop {
        if let Some(reached) = state().await {
            return reached;
        }
        assert!(tokio::time::Instant::now() < until, "waited {deadline:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

//! Waiting, at a start, for what is not there yet: says for what, and comes to an end.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// For how long a start waits, when nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long to rest between two attempts, and how often to say what is waited for.
const RETRY: Duration = Duration::from_millis(200);
const SAY_SO: Duration = Duration::from_secs(3);

/// One wait, which begins with the first attempt.
#[derive(Debug)]
pub(crate) struct Waiting {
    what: String,
    patience: Duration,
    since: Instant,
    said: Instant,
}

impl Waiting {
    /// Begins to wait for `what`, which must not hold a secret.
    pub(crate) fn begin(what: impl Into<String>, patience: Duration) -> Self {
        let now = Instant::now();
        Self { what: what.into(), patience, since: now, said: now }
    }

    /// How many seconds it took, once that is as long as it may take.
    pub(crate) fn is_over(&self) -> Option<u64> {
        let waited = self.since.elapsed();
        (waited >= self.patience).then_some(waited.as_secs())
    }

    /// How long it may still take.
    pub(crate) fn left(&self) -> Duration {
        self.patience.saturating_sub(self.since.elapsed())
    }

    /// Rests until the next attempt; the last one failed for `reason`, which must not hold a secret.
    pub(crate) async fn rest(&mut self, reason: &str) {
        if self.said.elapsed() >= SAY_SO {
            self.said = Instant::now();
            tracing::warn!(awaited = self.what, reason, "{}", self.sentence(reason));
        }
        sleep(RETRY).await;
    }

    fn sentence(&self, reason: &str) -> String {
        format!("waiting for {} since {} s: {reason}", self.what, self.since.elapsed().as_secs())
    }
}

/// Waits for `work`, which comes to an end by itself. Where it takes long, says once for `what`, and for which `reason`;
/// neither may hold a secret.
pub(crate) async fn aloud<T>(what: &str, reason: &str, work: impl Future<Output = T>) -> T {
    let waiting = Waiting::begin(what, Duration::ZERO);
    let mut work = pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = sleep(SAY_SO) => tracing::warn!(awaited = what, reason, "{}", waiting.sentence(reason)),
    }
    work.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_says_for_what_and_since_when_and_ends() {
        let mut waiting = Waiting::begin("the moon", Duration::from_secs(5));
        let mut said = Vec::new();
        while waiting.is_over().is_none() {
            let before = waiting.said;
            waiting.rest("too far").await;
            if waiting.said != before {
                said.push(waiting.sentence("too far"));
            }
        }
        assert_eq!(said, ["waiting for the moon since 3 s: too far"]);
        assert_eq!((waiting.is_over(), waiting.left()), (Some(5), Duration::ZERO));
    }

    #[test]
    fn without_patience_the_first_attempt_is_the_last() {
        assert_eq!(Waiting::begin("anything", Duration::ZERO).is_over(), Some(0));
    }
}

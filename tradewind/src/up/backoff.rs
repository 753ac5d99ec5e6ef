//! How long to wait before what died is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// After this long in health a death is a new story.
const HEALTHY: Duration = Duration::from_secs(5);

/// 100 ms after the first death, twice as long after each further one, 5 s at the most.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait after a life that had been healthy for this long.
    pub fn after(&mut self, healthy_for: Duration) -> Duration {
        if healthy_for >= HEALTHY {
            self.next = FIRST;
        }
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_limit() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    #[test]
    fn only_health_that_lasts_starts_it_afresh() {
        let mut backoff = Backoff::new();
        backoff.after(Duration::ZERO);
        assert_eq!(backoff.after(Duration::from_millis(4999)), Duration::from_millis(200));
        assert_eq!(backoff.after(Duration::from_secs(5)), Duration::from_millis(100));
        assert_eq!(backoff.after(Duration::ZERO), Duration::from_millis(200));
    }
}

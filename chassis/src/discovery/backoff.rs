//! How long to leave a registry alone that does not answer.

use std::time::Duration;

use rand::Rng;

/// Decorrelated jitter: each pause is random between the base and three times the pause before it,
/// so that clients that failed together do not return together.
#[derive(Debug)]
pub(super) struct Backoff {
    base: Duration,
    longest: Duration,
    last: Duration,
}

impl Backoff {
    /// Pauses between `base` and `longest`.
    pub(super) fn new(base: Duration, longest: Duration) -> Self {
        Self { base, longest, last: base }
    }

    /// The next pause.
    pub(super) fn pause(&mut self) -> Duration {
        let highest = (self.last * 3).min(self.longest).max(self.base);
        self.last = rand::rng().random_range(self.base..=highest);
        self.last
    }

    /// Starts over: the registry answered.
    pub(super) fn reset(&mut self) {
        self.last = self.base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_over() {
        let (base, longest) = (Duration::from_millis(100), Duration::from_secs(1));
        let mut backoff = Backoff::new(base, longest);
        for _ in 0..200 {
            let pause = backoff.pause();
            assert!(pause >= base && pause <= longest);
        }
        backoff.reset();
        assert!(backoff.pause() <= base * 3);
    }

    #[test]
    fn a_bound_below_the_base_gives_the_base() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_millis(1));
        assert_eq!(backoff.pause(), Duration::from_secs(1));
    }
}

//! How long to wait before something that failed is tried again.

use std::time::Duration;

use rand::Rng;

/// Pauses that double from one failure to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// The pause after the first failure.
    pub(crate) first: Duration,
    /// No pause is longer.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The pause after that many failures in a row: between half of what is due and all of it, so that
    /// those who failed together do not return together.
    pub(crate) fn after(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let due = self.first.saturating_mul(1 << doublings).min(self.longest);
        due.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(2) };
        for (failures, due) in [(0, 50), (1, 50), (2, 100), (3, 200), (6, 1600), (7, 2000), (u32::MAX, 2000)]
        {
            let due = Duration::from_millis(due);
            for _ in 0..50 {
                let pause = backoff.after(failures);
                assert!(pause >= due / 2 && pause <= due, "{failures}: {pause:?}");
            }
        }
    }
}

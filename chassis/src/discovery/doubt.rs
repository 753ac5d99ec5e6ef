//! Whether to believe a registry that says that nobody is there.

use std::time::Duration;

use tokio::time::Instant;

/// How long a registry may need to hear of everybody again: the TTL of a usual instance, which
/// registers again with its next heartbeat, a third of that away.
const RECALL: Duration = Duration::from_secs(10);

/// Tells an empty service from a registry that has lost its memory, which looks the same.
///
/// A registry is doubted when it comes back after it was away, and when its index goes back. While it
/// is doubted, 'none' is not believed; the first instance, or the end of the time, ends the doubt.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    /// The highest index of the registry that answers now.
    highest: u64,
    /// It did not answer the last question.
    away: bool,
    until: Option<Instant>,
}

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is how things are.
    Believed,
    /// It may be the word of a registry that has lost its memory. Ask again, for so long.
    Doubted(Duration),
}

impl Doubt {
    /// The registry did not answer.
    pub(super) fn failed(&mut self) {
        self.away = true;
    }

    /// The registry answered with so many instances.
    pub(super) fn weigh(&mut self, index: u64, instances: usize, now: Instant) -> Worth {
        if std::mem::take(&mut self.away) || index < self.highest {
            self.until = Some(now + RECALL);
        }
        self.highest = index;
        match self.until {
            Some(until) if instances == 0 && now < until => Worth::Doubted(until - now),
            _ => {
                self.until = None;
                Worth::Believed
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_without_memory_is_doubted_for_one_ttl() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        assert_eq!(doubt.weigh(100, 2, now), Worth::Believed);
        assert_eq!(doubt.weigh(40, 0, now), Worth::Doubted(RECALL), "the index went back");
        let later = now + RECALL / 2;
        assert_eq!(doubt.weigh(200, 0, later), Worth::Doubted(RECALL / 2), "however it grows");
        assert_eq!(doubt.weigh(200, 0, now + RECALL), Worth::Believed);
    }

    #[test]
    fn an_instance_ends_the_doubt() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        doubt.weigh(100, 1, now);
        assert_eq!(doubt.weigh(1, 0, now), Worth::Doubted(RECALL));
        assert_eq!(doubt.weigh(2, 1, now), Worth::Believed);
        assert_eq!(doubt.weigh(3, 0, now), Worth::Believed, "it left, which the registry saw");
    }

    #[test]
    fn a_registry_that_was_away_is_doubted_whatever_its_index() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        doubt.weigh(100, 1, now);
        doubt.failed();
        assert_eq!(doubt.weigh(1000, 0, now), Worth::Doubted(RECALL));
        assert_eq!(doubt.weigh(1000, 0, now + RECALL), Worth::Believed);
    }

    #[test]
    fn a_registry_that_goes_on_counting_is_believed() {
        let (mut doubt, now) = (Doubt::default(), Instant::now());
        for (index, instances) in [(1, 0), (1, 0), (5, 1), (6, 0)] {
            assert_eq!(doubt.weigh(index, instances, now), Worth::Believed);
        }
    }
}

//! How much came, and how much of it was refused, since the start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::refused::{Reason, Refused};

/// Counted by whoever receives, read by whoever asks.
#[derive(Debug, Default)]
pub struct Counts {
    pub(crate) spans: Tally,
    pub(crate) points: Tally,
    /// Records of logs; none is kept.
    pub(crate) logs: Tally,
    /// Requests. One that could not be read is refused whole, and nobody knows how much was in it.
    pub(crate) requests: Tally,
}

/// The counters of one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    received: AtomicU64,
    dropped: [AtomicU64; Reason::ALL.len()],
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Of spans.
    pub spans: Numbers,
    /// Of points of metrics.
    pub points: Numbers,
    /// Of records of logs.
    pub logs: Numbers,
    /// Of requests, whatever was in them.
    pub requests: Numbers,
}

/// How much of one kind came, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbers {
    /// All that came, also what was dropped.
    pub received: u64,
    /// What was not kept, by the name of the reason; reasons that there never were are not there.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// As they are now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            spans: self.spans.numbers(),
            points: self.points.numbers(),
            logs: self.logs.numbers(),
            requests: self.requests.numbers(),
        }
    }
}

impl Tally {
    pub(crate) fn received(&self, count: u64) {
        self.received.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, refused: &Refused) {
        for (reason, count) in refused.iter() {
            self.dropped[reason as usize].fetch_add(count, Ordering::Relaxed);
        }
    }

    fn numbers(&self) -> Numbers {
        let dropped = |reason: Reason| (reason.name(), self.dropped[reason as usize].load(Ordering::Relaxed));
        Numbers {
            received: self.received.load(Ordering::Relaxed),
            dropped: Reason::ALL.into_iter().map(dropped).filter(|(_, count)| *count > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_what_was_dropped_adds_up_by_name() {
        let counts = Counts::default();
        counts.spans.received(5);
        counts.spans.dropped(&Refused::all(Reason::Full, 2));
        counts.spans.dropped(&Refused::all(Reason::Full, 1));
        let snapshot = counts.snapshot();
        assert_eq!(snapshot.spans, Numbers { received: 5, dropped: BTreeMap::from([("full", 3)]) });
        assert_eq!(snapshot.points, Numbers { received: 0, dropped: BTreeMap::new() });
    }
}

//! The HTTP checks that are being run.

use std::collections::HashMap;

use tokio::task::{Id, JoinSet};

use super::Prober;
use crate::state::{Due, Report, Status};

/// HTTP checks that run at the same time; the others wait their turn.
const MOST_PROBES: usize = 64;

/// Probes that are out, each a task of its own. They end with this value.
pub(super) struct Probes {
    prober: Prober,
    running: JoinSet<Report>,
    /// Which check each task runs.
    due: HashMap<Id, Due>,
}

impl Probes {
    pub(super) fn new(prober: Prober) -> Self {
        Self { prober, running: JoinSet::new(), due: HashMap::new() }
    }

    /// How many more can be sent.
    pub(super) fn places(&self) -> usize {
        MOST_PROBES.saturating_sub(self.due.len())
    }

    /// Sends one.
    pub(super) fn send(&mut self, due: Due) {
        let (prober, probe) = (self.prober.clone(), due.probe.clone());
        let task = self.running.spawn(async move { prober.run(&probe).await });
        self.due.insert(task.id(), due);
    }

    /// The next that comes back; none when none is out. Nothing is lost when the wait is given up.
    pub(super) async fn back(&mut self) -> Option<(Due, Report)> {
        let (id, report) = match self.running.join_next_with_id().await? {
            Ok(done) => done,
            // A check whose probe failed in a way of its own must be noted too: it would never run again.
            Err(error) => {
                let output = "the probe ended before it had an answer".to_owned();
                (error.id(), Report { status: Status::Critical, output })
            }
        };
        self.due.remove(&id).map(|due| (due, report))
    }
}

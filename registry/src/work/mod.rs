//! What the registry does by itself, in one task of its host's runtime.

mod prober;
mod probes;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::state::{Due, Report};
use crate::store::Store;
pub(crate) use prober::Prober;
use probes::Probes;

/// How long appended lines gather before one sync takes them all to the disk.
const GATHER: Duration = Duration::from_millis(100);
/// The longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// The registry's background work.
pub(crate) struct Housekeeping {
    pub(crate) store: Arc<Store>,
    pub(crate) prober: Prober,
}

impl Housekeeping {
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.watch_the_clock() => {}
            () = self.keep_the_journal() => {}
        }
        self.store.closing.cancel();
        self.sync().await;
    }

    /// Does what is due, and sleeps until something is.
    async fn watch_the_clock(&self) {
        let mut probes = Probes::new(self.prober.clone());
        loop {
            // Not by the result of the change: when the journal cannot be written that is an error, but
            // these checks have been taken out of the clock, and only their probes put them back.
            let mut due = Vec::new();
            let done = self.store.change(|state, now| {
                state.end_sessions(now);
                due = state.run_checks(now, probes.places());
                Ok(())
            });
            if let Err(error) = done {
                tracing::warn!(%error, "what was due may be undone by a restart: {error}");
            }
            due.into_iter().for_each(|due| probes.send(due));
            let next = self.store.read(|state| {
                state.next_check(probes.places()).into_iter().chain(state.next_session_end()).min()
            });
            tokio::select! {
                () = sleep_until(next.unwrap_or_else(|| Instant::now() + IDLE)) => {}
                () = self.store.rescheduled.notified() => {}
                Some((due, report)) = probes.back() => self.take(&due, report),
            }
        }
    }

    /// Notes how an HTTP check came out.
    fn take(&self, due: &Due, report: Report) {
        let noted = self.store.change(|state, now| {
            state.probed(due, report, now);
            Ok(())
        });
        if let Err(error) = noted {
            tracing::warn!(check = due.check, %error, "cannot note how {} came out", due.check);
        }
    }

    /// Syncs what was appended, and compacts.
    async fn keep_the_journal(&self) {
        loop {
            self.store.appended.notified().await;
            sleep(GATHER).await;
            self.sync().await;
        }
    }

    async fn sync(&self) {
        let store = self.store.clone();
        let synced = spawn_blocking(move || {
            store.compact_if_due()?;
            store.journal_handle()?.sync_data()
        });
        match synced.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "cannot sync the journal: {error}"),
            Err(error) => tracing::error!(%error, "the sync of the journal did not end: {error}"),
        }
    }
}

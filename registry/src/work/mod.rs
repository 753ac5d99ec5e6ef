//! What the registry does by itself, in one task of its host's runtime.

mod prober;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::state::{Due, Report};
use crate::store::Store;
pub(crate) use prober::Prober;

/// How long appended lines gather before one sync takes them all to the disk.
const GATHER: Duration = Duration::from_millis(100);
/// The longest sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);
/// HTTP checks that run at the same time; the others wait their turn.
const MOST_PROBES: usize = 64;

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
        let mut probes: JoinSet<(Due, Report)> = JoinSet::new();
        loop {
            let due = self.store.change(|state, now| {
                state.end_sessions(now);
                Ok(state.run_checks(now))
            });
            for due in due.unwrap_or_default() {
                if probes.len() >= MOST_PROBES {
                    self.take(probes.join_next().await);
                }
                let prober = self.prober.clone();
                probes.spawn(async move {
                    let report = prober.run(&due.probe).await;
                    (due, report)
                });
            }
            let next =
                self.store.read(|state| state.next_check().into_iter().chain(state.next_session_end()).min());
            tokio::select! {
                () = sleep_until(next.unwrap_or_else(|| Instant::now() + IDLE)) => {}
                () = self.store.rescheduled.notified() => {}
                Some(done) = probes.join_next() => self.take(Some(done)),
            }
        }
    }

    /// Notes how an HTTP check came out.
    fn take(&self, done: Option<Result<(Due, Report), tokio::task::JoinError>>) {
        let Some(Ok((due, report))) = done else { return };
        let noted = self.store.change(|state, now| {
            state.probed(&due, report, now);
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

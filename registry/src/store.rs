//! State and journal under one lock, and the blocking query.

use std::fs::File;
use std::io;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::error::{OpenError, Refusal};
use crate::journal::Journal;
use crate::state::State;

/// What a blocking query waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// The index that the client knows.
    pub(crate) index: u64,
    /// How long it will wait for a greater one.
    pub(crate) span: Duration,
}

/// An answer and its index.
#[derive(Debug)]
pub(crate) struct Indexed<T> {
    pub(crate) index: u64,
    pub(crate) value: T,
}

/// The registry's memory.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// Moves with every change: wakes the blocking queries.
    changes: watch::Sender<u64>,
    /// Something may be due sooner than was thought.
    pub(crate) rescheduled: Notify,
    /// Something was appended to the journal.
    pub(crate) appended: Notify,
    /// The registry is closing: nobody waits any longer.
    pub(crate) closing: CancellationToken,
    waiting: Semaphore,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Journal,
}

impl Store {
    pub(crate) fn open(config: &Config) -> Result<Self, OpenError> {
        let mut state = State::new(config.limits.clone());
        let journal = Journal::open(&config.data_dir, &mut state, Instant::now())?;
        Ok(Self {
            changes: watch::Sender::new(state.index()),
            inner: Mutex::new(Inner { state, journal }),
            rescheduled: Notify::new(),
            appended: Notify::new(),
            closing: CancellationToken::new(),
            waiting: Semaphore::new(config.limits.waiting.min(Semaphore::MAX_PERMITS)),
        })
    }

    /// The id of the node.
    pub(crate) fn node_id(&self) -> String {
        self.inner.lock().journal.node_id().to_owned()
    }

    /// Reads.
    pub(crate) fn read<T>(&self, view: impl FnOnce(&State) -> T) -> T {
        view(&self.inner.lock().state)
    }

    /// Changes, journals what was changed, and wakes who waits for it. When the journal cannot be
    /// written the change has happened but may not outlive the process: an error says so.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State, Instant) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let result = change(&mut inner.state, Instant::now());
        if inner.state.take_sooner() {
            self.rescheduled.notify_one();
        }
        let Some(batch) = inner.state.take_batch() else { return result };
        let journaled = inner.journal.append(&batch);
        self.appended.notify_one();
        self.changes.send_replace(batch.index);
        journaled.map_err(|error| {
            tracing::error!(%error, "cannot write the journal: {error}");
            Refusal::Failed("the change was made but could not be stored".to_owned())
        })?;
        result
    }

    /// Reads; with a wait, not before the index has moved beyond it or the time is up.
    pub(crate) async fn query<T>(
        &self,
        wait: Option<Wait>,
        index_of: impl Fn(&State) -> u64,
        view: impl Fn(&State) -> T,
    ) -> Result<Indexed<T>, Refusal> {
        if let Some(wait) = wait {
            let _place = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
            let until = Instant::now() + wait.span;
            let mut changes = self.changes.subscribe();
            // An index beyond all that were ever counted here comes from another registry, in whose place
            // this one is. Its change may never come: the client learns at once that it must start over.
            let foreign = wait.index > self.read(State::index);
            let moved = async {
                while !foreign && self.read(&index_of) <= wait.index && changes.changed().await.is_ok() {}
            };
            // Time up, closing and a change all lead to the same: the answer as it is now.
            let _ = timeout_at(until, self.closing.run_until_cancelled(moved)).await;
        }
        Ok(self.read(|state| Indexed { index: index_of(state), value: view(state) }))
    }

    /// A handle to sync the journal by.
    pub(crate) fn journal_handle(&self) -> io::Result<File> {
        self.inner.lock().journal.handle()
    }

    /// Replaces the journal by a snapshot if it is due. Blocks.
    pub(crate) fn compact_if_due(&self) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let Inner { state, journal } = &mut *inner;
        if journal.wants_snapshot() { journal.compact(state) } else { Ok(()) }
    }
}

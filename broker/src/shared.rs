//! What all connections of a broker share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{Limits, Users};
use crate::core::Core;
use crate::status::Status;
use crate::storage::scribe::Scribe;

/// What all connections of a broker share.
pub(crate) struct Shared {
    pub core: Mutex<Core>,
    pub limits: Limits,
    pub users: Users,
    pub scribe: Scribe,
    /// Publishes that were confirmed since the start.
    pub confirmed: AtomicU64,
    /// Why publishers are blocked, if they are.
    pub alarm: watch::Sender<Option<Arc<str>>>,
    /// What clients are told when their connection is ended from here.
    pub farewell: Mutex<&'static str>,
    /// Fires when everything is to end as in a crash.
    pub killed: CancellationToken,
}

impl Shared {
    /// Why publishers are blocked, if they are.
    pub fn alarm(&self) -> Option<Arc<str>> {
        self.alarm.borrow().clone()
    }

    /// How the broker is doing.
    pub fn status(&self) -> Status {
        let mut status = self.core.lock().status();
        status.totals.confirmed = self.confirmed.load(Ordering::Relaxed);
        status.alarm = self.alarm().map(|alarm| alarm.to_string());
        status
    }

    /// Waits until publishers are blocked; why.
    pub async fn until_alarm(&self) -> Arc<str> {
        let mut alarm = self.alarm.subscribe();
        match alarm.wait_for(Option::is_some).await.map(|alarm| alarm.clone()) {
            Ok(Some(alarm)) => alarm,
            // cannot be: the other end is ours
            _ => std::future::pending().await,
        }
    }

    /// Waits until publishers are not blocked.
    pub async fn until_no_alarm(&self) {
        // an error cannot be: the other end is ours
        let _ = self.alarm.subscribe().wait_for(Option::is_none).await;
    }

    /// What clients are told when their connection is ended from here.
    pub fn farewell(&self) -> &'static str {
        *self.farewell.lock()
    }
}

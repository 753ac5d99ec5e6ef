//! How busy an instance is, and whether it can be connected to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::metrics;

/// What the gateway knows of one instance.
#[derive(Debug, Default)]
pub(super) struct Load {
    in_flight: AtomicUsize,
    aside_until: Mutex<Option<Instant>>,
}

impl Load {
    /// The requests that it works on for this gateway, up to the last byte of their responses.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Gives it no requests for a while, if another instance can take them.
    pub fn set_aside(&self, pause: Duration) {
        *self.aside_until.lock() = Some(Instant::now() + pause);
    }

    /// Whether it gets no requests at present.
    pub fn is_aside(&self) -> bool {
        self.aside_until.lock().is_some_and(|until| Instant::now() < until)
    }
}

/// One request's share of the load of its instance; let go of when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    load: Arc<Load>,
    service: String,
}

impl Ticket {
    pub(super) fn take(load: &Arc<Load>, service: &str) -> Self {
        load.in_flight.fetch_add(1, Ordering::Relaxed);
        metrics::in_flight(service, 1);
        Self { load: Arc::clone(load), service: service.to_owned() }
    }

    /// Notes that the instance could not be connected to.
    pub fn set_aside(&self, pause: Duration) {
        self.load.set_aside(pause);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
        metrics::in_flight(&self.service, -1);
    }
}

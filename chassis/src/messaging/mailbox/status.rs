//! What there is to know about a mailbox: how much waits and for how long, as metrics and for
//! `GET /messages`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use contracts::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::telemetry::metrics::meter;

static WAITING: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    meter()
        .u64_gauge("messages.outbox.waiting")
        .with_description("Messages in the outbox that are not published yet")
        .build()
});

static OLDEST: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    meter()
        .f64_gauge("messages.outbox.oldest")
        .with_unit("s")
        .with_description("For how long the first message in the outbox has waited")
        .build()
});

static HELD: LazyLock<Gauge<u64>> = LazyLock::new(|| {
    meter()
        .u64_gauge("messages.outbox.held")
        .with_description(
            "Orders whose next message the broker does not take, so that none of theirs goes out",
        )
        .build()
});

static PUBLISHED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("messages.outbox.published")
        .with_description("Messages that the broker has confirmed")
        .build()
});

/// The answer to `GET /messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesStatus {
    /// How many messages of the module are not published yet.
    pub waiting: u64,
    /// How many messages that came for the module are not dealt with yet: only where no broker keeps them.
    #[serde(default)]
    pub arrivals: u64,
    /// For how long the first of them has waited, in milliseconds; 0 where none waits.
    pub oldest_ms: u64,
    /// What the relay of this process does.
    pub relay: RelayState,
    /// How many messages this process has published.
    pub published_total: u64,
    /// Of how many orders no message goes out, because the broker does not take the next one. The log
    /// names them.
    pub held: u64,
    /// Why the relay of this process cannot go on at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// What the relay of a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RelayState {
    /// It holds the lease, and publishes.
    #[serde(rename = "leading")]
    Leading,
    /// It waits for the lease.
    #[serde(rename = "standing by")]
    StandingBy,
    /// There is none: this process has no broker.
    #[serde(rename = "closed")]
    Closed,
}

impl MessagesStatus {
    /// Of a mailbox that is closed.
    pub(super) fn closed() -> Self {
        let relay = RelayState::Closed;
        Self { waiting: 0, arrivals: 0, oldest_ms: 0, relay, published_total: 0, held: 0, trouble: None }
    }
}

/// How much waits in the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lag {
    pub waiting: u64,
    /// When the first in line was posted.
    pub oldest: Option<Timestamp>,
}

impl Lag {
    fn age_micros(&self, now: Timestamp) -> u64 {
        // a clock that was set back shows no age, rather than a huge one
        self.oldest.map_or(0, |posted| u64::try_from(now.0 - posted.0).unwrap_or(0))
    }
}

/// What the relay of this process says about itself.
pub(super) struct Status {
    module: &'static str,
    published: AtomicU64,
    told: Mutex<Told>,
}

struct Told {
    relay: RelayState,
    held: u64,
    trouble: Option<String>,
}

impl Status {
    pub fn new(module: &'static str) -> Self {
        let told = Told { relay: RelayState::StandingBy, held: 0, trouble: None };
        Self { module, published: AtomicU64::new(0), told: Mutex::new(told) }
    }

    pub fn report(&self, lag: Lag, arrivals: u64, now: Timestamp) -> MessagesStatus {
        let told = self.told.lock();
        MessagesStatus {
            waiting: lag.waiting,
            arrivals,
            oldest_ms: lag.age_micros(now) / 1000,
            relay: told.relay,
            published_total: self.published.load(Ordering::Relaxed),
            held: told.held,
            trouble: told.trouble.clone(),
        }
    }

    /// Shows as metrics how much waits.
    pub fn measure(&self, lag: Lag, now: Timestamp) {
        WAITING.record(lag.waiting, &self.labels());
        OLDEST.record(lag.age_micros(now) as f64 / 1e6, &self.labels());
        HELD.record(self.told.lock().held, &self.labels());
    }

    pub fn published(&self, messages: u64) {
        self.published.fetch_add(messages, Ordering::Relaxed);
        PUBLISHED.add(messages, &self.labels());
    }

    pub fn relay_is(&self, state: RelayState) {
        let mut told = self.told.lock();
        if std::mem::replace(&mut told.relay, state) != state {
            let (module, leads) = (self.module, state == RelayState::Leading);
            tracing::debug!(module, leads, "the relay of {module} is {state:?}");
        }
    }

    pub fn held(&self, orders: usize) {
        self.told.lock().held = orders as u64;
    }

    /// The relay cannot go on, and will try again. Logged when it begins, and when it changes.
    pub fn trouble(&self, cause: String) {
        let module = self.module;
        let mut told = self.told.lock();
        if told.trouble.as_ref() != Some(&cause) {
            tracing::warn!(module, error = cause, "the relay of {module} has to wait: {cause}");
            told.trouble = Some(cause);
        }
    }

    /// The relay goes on.
    pub fn no_trouble(&self) {
        let module = self.module;
        if self.told.lock().trouble.take().is_some() {
            tracing::info!(module, "the relay of {module} goes on");
        }
    }

    fn labels(&self) -> [KeyValue; 1] {
        [KeyValue::new("module", self.module)]
    }
}

//! What a broker shows of itself to whoever collects metrics.

use std::sync::{Arc, Weak};

use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use crate::shared::Shared;
use crate::status::Status;

/// Registers everything with OpenTelemetry's global meter.
pub(crate) fn observe(shared: &Arc<Shared>) {
    let meter = opentelemetry::global::meter("broker");
    // a broker that is gone has nothing to show
    let shared = Arc::downgrade(shared);
    let gauge = |name, about, show: fn(&Status, &dyn AsyncInstrument<u64>)| {
        let shared = shared.clone();
        meter
            .u64_observable_gauge(name)
            .with_description(about)
            .with_callback(move |to| with(&shared, to, show))
            .build();
    };
    gauge("broker_queue_messages", "Messages in a queue, by state", |status, to| {
        for queue in &status.queues {
            to.observe(queue.ready, &labels(&queue.name, "state", "ready"));
            to.observe(queue.unacknowledged, &labels(&queue.name, "state", "unacknowledged"));
        }
    });
    gauge("broker_queue_consumers", "Consumers of a queue", |status, to| {
        for queue in &status.queues {
            to.observe(queue.consumers as u64, &[KeyValue::new("queue", queue.name.clone())]);
        }
    });
    gauge("broker_connections", "Open connections", |status, to| {
        to.observe(status.connections.len() as u64, &[]);
    });
    gauge("broker_disk_bytes", "Bytes of its files", |status, to| to.observe(status.disk_bytes, &[]));
    gauge(
        "broker_memory_bytes",
        "Bytes of messages in memory, and of what says where the others are",
        |status, to| {
            to.observe(status.cached_bytes, &[KeyValue::new("kind", "messages")]);
            to.observe(status.index_bytes, &[KeyValue::new("kind", "index")]);
        },
    );
    gauge("broker_blocked", "1 while publishers are blocked", |status, to| {
        to.observe(u64::from(status.alarm.is_some()), &[]);
    });
    let counter = |name, about, show: fn(&Status, &dyn AsyncInstrument<u64>)| {
        let shared = shared.clone();
        meter
            .u64_observable_counter(name)
            .with_description(about)
            .with_callback(move |to| with(&shared, to, show))
            .build();
    };
    counter("broker_queue_events", "What happened in a queue since the start", |status, to| {
        for queue in &status.queues {
            to.observe(queue.published, &labels(&queue.name, "event", "published"));
            to.observe(queue.delivered, &labels(&queue.name, "event", "delivered"));
            to.observe(queue.acknowledged, &labels(&queue.name, "event", "acknowledged"));
        }
    });
    counter("broker_events", "What happened since the start", |status, to| {
        let totals = &status.totals;
        for (event, count) in [
            ("published", totals.published),
            ("confirmed", totals.confirmed),
            ("delivered", totals.delivered),
            ("acknowledged", totals.acknowledged),
            ("redelivered", totals.redelivered),
            ("dead_lettered", totals.dead_lettered),
            ("unroutable", totals.unroutable),
        ] {
            to.observe(count, &[KeyValue::new("event", event)]);
        }
    });
}

fn with(shared: &Weak<Shared>, to: &dyn AsyncInstrument<u64>, show: fn(&Status, &dyn AsyncInstrument<u64>)) {
    if let Some(shared) = shared.upgrade() {
        show(&shared.status(), to);
    }
}

fn labels(queue: &str, name: &'static str, value: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("queue", queue.to_owned()), KeyValue::new(name, value)]
}

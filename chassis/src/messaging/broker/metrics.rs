//! What is measured of messages. Every label comes from the table of queues and exchanges, so that
//! nobody can invent a series.

use std::sync::LazyLock;
use std::time::Duration;

use contracts::messages::queues::{COMMANDS, DEAD_LETTERS, EVENTS};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram};

use super::kept::Purpose;
use crate::telemetry::metrics::meter;

struct Instruments {
    published: Counter<u64>,
    confirmed: Counter<u64>,
    returned: Counter<u64>,
    consumed: Counter<u64>,
    redelivered: Counter<u64>,
    dead_lettered: Counter<u64>,
    handling: Histogram<f64>,
    connected: Gauge<u64>,
    connections: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| {
    let counter =
        |name: &'static str, what: &'static str| meter().u64_counter(name).with_description(what).build();
    Instruments {
        published: counter("messaging.messages.published", "Messages written to the broker"),
        confirmed: counter("messaging.messages.confirmed", "Messages that the broker has confirmed"),
        returned: counter("messaging.messages.returned", "Messages that no queue took"),
        consumed: counter("messaging.messages.consumed", "Deliveries dealt with, by outcome"),
        redelivered: counter("messaging.messages.redelivered", "Deliveries that were not the first"),
        dead_lettered: counter("messaging.messages.dead_lettered", "Messages put aside"),
        handling: meter()
            .f64_histogram("messaging.process.duration")
            .with_unit("s")
            .with_description("Time that a handler took for one delivery")
            .with_boundaries(vec![
                0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
            ])
            .build(),
        connected: meter()
            .u64_gauge("messaging.broker.connected")
            .with_description("1 while there is a connection to the broker, by its purpose")
            .build(),
        connections: counter("messaging.broker.connections", "Connections to the broker that were made"),
    }
});

const DESTINATION: &str = "messaging.destination.name";

fn exchange_label(exchange: &str) -> [KeyValue; 1] {
    let known = [EVENTS, COMMANDS, DEAD_LETTERS].into_iter().find(|known| *known == exchange);
    [KeyValue::new(DESTINATION, known.unwrap_or(if exchange.is_empty() { "(default)" } else { "(other)" }))]
}

pub(super) fn published(exchange: &str) {
    INSTRUMENTS.published.add(1, &exchange_label(exchange));
}

pub(super) fn confirmed(exchange: &str) {
    INSTRUMENTS.confirmed.add(1, &exchange_label(exchange));
}

pub(super) fn returned(exchange: &str) {
    INSTRUMENTS.returned.add(1, &exchange_label(exchange));
}

fn purpose_label(purpose: Purpose) -> [KeyValue; 1] {
    [KeyValue::new("purpose", purpose.as_str())]
}

pub(super) fn connected(purpose: Purpose) {
    INSTRUMENTS.connected.record(1, &purpose_label(purpose));
    INSTRUMENTS.connections.add(1, &purpose_label(purpose));
}

pub(super) fn disconnected(purpose: Purpose) {
    INSTRUMENTS.connected.record(0, &purpose_label(purpose));
}

/// A delivery was dealt with; `queue` and `outcome` are from fixed sets.
pub(in crate::messaging) fn consumed(queue: &'static str, outcome: &'static str, took: Duration) {
    let destination = KeyValue::new(DESTINATION, queue);
    INSTRUMENTS.handling.record(took.as_secs_f64(), std::slice::from_ref(&destination));
    INSTRUMENTS.consumed.add(1, &[destination, KeyValue::new("outcome", outcome)]);
}

/// Shows a queue's failures as none before there are any, so that the first one is seen to be one more.
pub(in crate::messaging) fn consumes(queue: &'static str) {
    let destination = [KeyValue::new(DESTINATION, queue)];
    INSTRUMENTS.redelivered.add(0, &destination);
    INSTRUMENTS.dead_lettered.add(0, &destination);
}

pub(in crate::messaging) fn redelivered(queue: &'static str) {
    INSTRUMENTS.redelivered.add(1, &[KeyValue::new(DESTINATION, queue)]);
}

pub(in crate::messaging) fn dead_lettered(queue: &'static str) {
    INSTRUMENTS.dead_lettered.add(1, &[KeyValue::new(DESTINATION, queue)]);
}

//! What the gateway measures about its upstreams. What it measures as a server, every server does.

use std::sync::LazyLock;

use chassis::telemetry::metrics::meter;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, UpDownCounter};

static REQUESTS: LazyLock<Counter<u64>> = LazyLock::new(|| {
    meter()
        .u64_counter("gateway.upstream.requests")
        .with_description("Requests for a service, by the status that the client was given")
        .build()
});

static IN_FLIGHT: LazyLock<UpDownCounter<i64>> = LazyLock::new(|| {
    meter()
        .i64_up_down_counter("gateway.upstream.active_requests")
        .with_description("Requests that a service works on, up to the last byte of its response")
        .build()
});

/// Counts a request for `service` that the client was given `status` for.
pub(crate) fn answered(service: &str, status: http::StatusCode) {
    let labels = [
        KeyValue::new("peer.service", service.to_owned()),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
    ];
    REQUESTS.add(1, &labels);
}

/// Notes that `service` works on `change` more requests.
pub(crate) fn in_flight(service: &str, change: i64) {
    IN_FLIGHT.add(change, &[KeyValue::new("peer.service", service.to_owned())]);
}

//! The publishing of a message, as a span of its module: a child of what said the message, and the parent of whatever
//! deals with it.

use contracts::messages::Outgoing;

use crate::telemetry::spans::{Begin, KeyValue, Span, SpanKind};

/// Begins to publish messages: each says from now on that it comes from there. Messages of traces that nobody records
/// are left as they are. The spans end when they are dropped.
pub(super) fn publishing(
    module: &str,
    carrier: &'static str,
    messages: &mut [Outgoing],
) -> Vec<Option<Span>> {
    messages
        .iter_mut()
        .map(|outgoing| {
            let span = outgoing.message.trace.sampled.then(|| begin(module, carrier, outgoing))?;
            outgoing.message.trace.clone_from(span.trace());
            Some(span)
        })
        .collect()
}

fn begin(module: &str, carrier: &'static str, outgoing: &Outgoing) -> Span {
    let Outgoing { to, message } = outgoing;
    // the default exchange has no name, and its keys are the queues
    let destination = if to.exchange.is_empty() { &to.key } else { &to.exchange };
    let name = format!("publish {destination}");
    let span = Begin::new(SpanKind::Producer, module, name).child_of(&message.trace).begin();
    span.describe(|| {
        [
            KeyValue::new("messaging.system", carrier),
            KeyValue::new("messaging.operation.type", "send"),
            KeyValue::new("messaging.operation.name", "publish"),
            KeyValue::new("messaging.destination.name", destination.clone()),
            KeyValue::new("messaging.rabbitmq.destination.routing_key", to.key.clone()),
            KeyValue::new("messaging.message.id", message.id.to_string()),
            KeyValue::new("cloudevents.event_type", message.kind.clone()),
        ]
    });
    span
}

/// None of these was confirmed, as far as anybody knows.
pub(super) fn not_confirmed<'a>(spans: impl IntoIterator<Item = &'a Option<Span>>, why: &str) {
    for span in spans.into_iter().flatten() {
        span.fail("not_confirmed", why);
    }
}

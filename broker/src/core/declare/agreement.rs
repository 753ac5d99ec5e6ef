//! Whether somebody who declares what is there already means the same, and if not, what differs.

use std::fmt;

use amq_protocol::types::AMQPValue;

use super::Lifetime;
use super::exchanges::ALTERNATE;
use super::queues::{QueueDeclaration, locked};
use crate::core::ids::ConnectionId;
use crate::core::queue::Queue;
use crate::core::queue::settings::{integer, type_name};
use crate::core::routing::ExchangeSpec;
use crate::error::{Code, Refusal};

fn differs(
    argument: &str,
    what: &str,
    name: &str,
    received: impl fmt::Display,
    current: impl fmt::Display,
) -> Refusal {
    Refusal::new(
        Code::PreconditionFailed,
        format_args!(
            "inequivalent arg '{argument}' for {what} '{name}' in vhost '/': received {received} but current is {current}"
        ),
    )
}

/// Whether an exchange is what somebody takes it for.
pub(super) fn same_exchange(current: &ExchangeSpec, wanted: &ExchangeSpec) -> Result<(), Refusal> {
    let (wanted_kind, kind) = (wanted.kind.as_str(), current.kind.as_str());
    if wanted_kind != kind {
        return Err(differs("type", "exchange", &current.name, quoted(wanted_kind), quoted(kind)));
    }
    for (argument, wanted, now) in [
        ("durable", wanted.durable, current.durable),
        ("auto_delete", wanted.auto_delete, current.auto_delete),
        ("internal", wanted.internal, current.internal),
    ] {
        if wanted != now {
            return Err(differs(argument, "exchange", &current.name, quoted(wanted), quoted(now)));
        }
    }
    let [wanted, now] = [wanted, current].map(|spec| spec.arguments.inner().get(ALTERNATE));
    if wanted != now {
        return Err(differs(ALTERNATE, "exchange", &current.name, described(wanted), described(now)));
    }
    Ok(())
}

/// The arguments in which two declarations of a queue must agree.
const MUST_AGREE: [&str; 14] = [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-queue-mode",
    "x-single-active-consumer",
    "x-delivery-limit",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
    "x-queue-type",
];

/// Whether a queue is what somebody takes it for.
pub(super) fn same_queue(
    queue: &Queue,
    wanted: &QueueDeclaration,
    connection: ConnectionId,
) -> Result<(), Refusal> {
    let name = &queue.spec.name;
    if wanted.exclusive != (queue.owner == Some(connection)) {
        return Err(locked(name));
    }
    for (argument, wanted, now) in [
        ("durable", wanted.lifetime == Lifetime::Durable, queue.spec.durable),
        ("auto_delete", wanted.auto_delete, queue.spec.auto_delete),
    ] {
        if wanted != now {
            return Err(differs(argument, "queue", name, quoted(wanted), quoted(now)));
        }
    }
    for argument in MUST_AGREE {
        let usual = usual(argument);
        let now = queue.spec.arguments.inner().get(argument).or(usual.as_ref());
        let wanted = wanted.arguments.inner().get(argument).or(usual.as_ref());
        let same = match (now, wanted) {
            (Some(now), Some(wanted)) => match (integer(now), integer(wanted)) {
                (Some(now), Some(wanted)) => now == wanted,
                _ => now == wanted,
            },
            (now, wanted) => now == wanted,
        };
        if !same {
            let (received, current) = match (wanted, now) {
                (Some(wanted), Some(now)) => (quoted(shown(wanted)), quoted(shown(now))),
                _ => (described(wanted), described(now)),
            };
            return Err(differs(argument, "queue", name, received, current));
        }
    }
    Ok(())
}

/// What holds where a declaration does not say: a queue is a classic one.
fn usual(argument: &str) -> Option<AMQPValue> {
    (argument == "x-queue-type").then(|| AMQPValue::LongString("classic".into()))
}

fn quoted(value: impl fmt::Display) -> String {
    format!("'{value}'")
}

fn described(value: Option<&AMQPValue>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    format!("the value '{}' of type '{}'", shown(value), type_name(value))
}

fn shown(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::Boolean(flag) => flag.to_string(),
        other => integer(other).map_or_else(|| format!("{other:?}"), |number| number.to_string()),
    }
}

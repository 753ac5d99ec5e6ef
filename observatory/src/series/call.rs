//! What a span tells of a call: over what it went, and to whom, as far as the caller knows.

use super::key::{Node, NodeKind, Wire};
use crate::span::{Kind, Span, Text, Value};

/// The wire of a call or message, if the span says anything of it.
pub(super) fn wire(span: &Span) -> Option<Wire> {
    let ours = match text(span, "tradewind.wire").map(|wire| &**wire) {
        Some("local") => Some(Wire::Local),
        Some("rest") => Some(Wire::Rest),
        Some("grpc") => Some(Wire::Grpc),
        Some("amqp") => Some(Wire::Amqp),
        Some("events") => Some(Wire::Events),
        _ => None,
    };
    let any = |keys: &[&str]| keys.iter().any(|key| span.attribute(key).is_some());
    ours.or_else(|| {
        if any(&["db.system.name", "db.system"]) {
            Some(Wire::Sql)
        } else if any(&["rpc.system", "rpc.system.name"]) {
            Some(Wire::Grpc)
        } else if any(&["messaging.system"]) {
            let request = matches!(span.kind, Kind::Client | Kind::Server);
            Some(if request { Wire::Amqp } else { Wire::Events })
        } else if any(&["http.request.method", "http.method"]) {
            Some(Wire::Http)
        } else {
            None
        }
    })
}

/// The database that a span asks, if it asks one: no span of it will ever come.
pub(super) fn store(span: &Span) -> Option<Node> {
    let system = text(span, "db.system.name").or_else(|| text(span, "db.system"))?;
    let name = match text(span, "db.namespace").or_else(|| text(span, "db.name")) {
        // which of many databases of one kind
        Some(namespace) => format!("{system}/{namespace}").into(),
        // who does not say which has one of its own: a service that shares its database has to name it
        None => format!("{} {system}", span.resource.service).into(),
    };
    Some(Node { kind: NodeKind::Store, name })
}

/// The broker that a message goes through; none where it stays within a process.
pub(super) fn broker(span: &Span) -> Option<Node> {
    let system = text(span, "messaging.system").filter(|system| &***system != "in_process")?;
    Some(Node { kind: NodeKind::Broker, name: system.clone() })
}

/// Who is called, as the caller knows it.
pub(super) fn peer(span: &Span) -> Option<Node> {
    let name =
        ["service.peer.name", "peer.service", "server.address"].iter().find_map(|key| text(span, key))?;
    Some(Node { kind: NodeKind::Outside, name: name.clone() })
}

fn text<'a>(span: &'a Span, key: &str) -> Option<&'a Text> {
    match span.attribute(key)? {
        Value::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

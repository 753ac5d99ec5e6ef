//! What a search asks for. It finds a trace when one of its spans is all that the query says, as Jaeger does.

use super::trace::Trace;
use crate::names::OTHERS;
use crate::span::{Attribute, Span, Status, Value};

/// What a span has to be for its trace to be found.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of this service.
    pub service: Option<String>,
    /// Of this name.
    pub operation: Option<String>,
    /// With each of these: attributes of the span, its resource or its events; or one of the tags that Jaeger makes
    /// of OpenTelemetry's fields (`error`, `span.kind`, `otel.status_code`, `otel.status_description`, `event`).
    pub tags: Vec<(String, String)>,
    /// Begun at this moment or later; nanoseconds since 1970.
    pub start: Option<u64>,
    /// Begun at this moment or earlier; nanoseconds since 1970.
    pub end: Option<u64>,
    /// At least so long; nanoseconds.
    pub min_duration: Option<u64>,
    /// At most so long; nanoseconds.
    pub max_duration: Option<u64>,
    /// How many traces are wanted.
    pub limit: usize,
}

impl Query {
    /// Whether a trace can be left aside without a look at its spans.
    pub(super) fn excludes(&self, trace: &Trace) -> bool {
        self.start.is_some_and(|start| trace.end < start)
            || self.end.is_some_and(|end| trace.start > end)
            || self.min_duration.is_some_and(|least| trace.longest < least)
    }

    /// Whether one of its spans is what is asked for.
    pub(super) fn finds(&self, trace: &Trace) -> bool {
        trace.spans().iter().any(|span| self.matches(span))
    }

    fn matches(&self, span: &Span) -> bool {
        // cheap questions first
        self.start.is_none_or(|start| span.start >= start)
            && self.end.is_none_or(|end| span.start <= end)
            && self.min_duration.is_none_or(|least| span.duration >= least)
            && self.max_duration.is_none_or(|most| span.duration <= most)
            && says(self.service.as_deref(), &span.resource.service)
            && says(self.operation.as_deref(), &span.name)
            && self.tags.iter().all(|(key, wanted)| tagged(span, key, wanted))
    }
}

/// Whether a name is the wanted one. Who asks for the others gets whatever the index knows as such.
fn says(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name || wanted == OTHERS)
}

fn tagged(span: &Span, key: &str, wanted: &str) -> bool {
    match (key, &span.status) {
        ("error", _) if wanted == "true" && span.failed() => return true,
        // what did not fail has no such tag in Jaeger's eyes, yet is what is meant
        ("error", _) if wanted == "false" => return !span.failed() && !attribute_is(span, key, "true"),
        ("span.kind", _) if span.kind.name() == wanted => return true,
        ("otel.status_code", Status::Ok) if wanted == "OK" => return true,
        ("otel.status_code", Status::Error(_)) if wanted == "ERROR" => return true,
        ("otel.status_description", Status::Error(Some(words))) if **words == *wanted => return true,
        ("service.name", _) if *span.resource.service == *wanted => return true,
        ("event", _) if span.events.iter().any(|event| *event.name == *wanted) => return true,
        _ => {}
    }
    attribute_is(span, key, wanted)
}

fn attribute_is(span: &Span, key: &str, wanted: &str) -> bool {
    let of_resource = key.strip_prefix("resource.");
    has(&span.attributes, key, wanted)
        || has(&span.resource.attributes, key, wanted)
        || of_resource.is_some_and(|key| has(&span.resource.attributes, key, wanted))
        || span.events.iter().any(|event| has(&event.attributes, key, wanted))
}

fn has(attributes: &[Attribute], key: &str, wanted: &str) -> bool {
    attributes.iter().any(|attribute| *attribute.key == *key && equals(&attribute.value, wanted))
}

/// Whether a value is what the words say. A number is a number however it is written.
fn equals(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Text(text) | Value::Json(text) => **text == *wanted,
        Value::Bool(yes) => wanted == if *yes { "true" } else { "false" },
        Value::Int(number) => wanted.parse::<i64>() == Ok(*number),
        Value::Double(number) => {
            // reads `NaN` and `Infinity`, too
            wanted.parse().is_ok_and(|wanted: f64| wanted == *number || wanted.is_nan() && number.is_nan())
        }
    }
}

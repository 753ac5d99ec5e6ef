//! Attributes as Jaeger's tags, and the fields of a span that Jaeger has as tags.

use serde::Serialize;

use crate::span::{Attribute, Event, Span, Status, Value, in_words};

/// The largest whole number that every reader of JSON understands, JavaScript's included.
const SAFE: u64 = (1 << 53) - 1;

/// A fact with its type.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Tag<'a> {
    key: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: Shown<'a>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Text(&'a str),
    Digits(String),
    Bool(bool),
    Int(i64),
    Double(f64),
}

/// The tags of a span: its attributes, and what OpenTelemetry has fields for. Where both say something under the same
/// key, the field is right.
pub(super) fn of_span(span: &Span) -> Vec<Tag<'_>> {
    let kind = Some(text("span.kind", span.kind.name()));
    let (status, error, words) = match &span.status {
        Status::Unset => (None, None, None),
        Status::Ok => (Some("OK"), None, None),
        Status::Error(words) => (Some("ERROR"), Some(true), words.as_deref()),
    };
    let error = error.map(|error| Tag { key: "error", kind: "bool", value: Shown::Bool(error) });
    let status = status.map(|status| text("otel.status_code", status));
    let words = words.map(|words| text("otel.status_description", words));
    let fields: Vec<Tag<'_>> = [kind, status, error, words].into_iter().flatten().collect();
    let own = span.attributes.iter().filter(|own| fields.iter().all(|field| field.key != &*own.key));
    let mut tags: Vec<Tag<'_>> = own.map(Tag::of).collect();
    tags.extend(fields);
    tags
}

/// The fields of a log: what happened, and what is known of it.
pub(super) fn of_event(event: &Event) -> Vec<Tag<'_>> {
    let named = !event.name.is_empty() && !has(&event.attributes, "event");
    let name = named.then(|| text("event", &event.name));
    name.into_iter().chain(event.attributes.iter().map(Tag::of)).collect()
}

/// The tags of a process.
pub(super) fn of_attributes(attributes: &[Attribute]) -> Vec<Tag<'_>> {
    attributes.iter().map(Tag::of).collect()
}

fn has(attributes: &[Attribute], key: &str) -> bool {
    attributes.iter().any(|attribute| &*attribute.key == key)
}

fn text<'a>(key: &'a str, value: &'a str) -> Tag<'a> {
    Tag { key, kind: "string", value: Shown::Text(value) }
}

impl<'a> Tag<'a> {
    fn of(attribute: &'a Attribute) -> Self {
        let (kind, value) = match &attribute.value {
            Value::Text(text) | Value::Json(text) => ("string", Shown::Text(text)),
            Value::Bool(yes) => ("bool", Shown::Bool(*yes)),
            Value::Int(number) if number.unsigned_abs() > SAFE => {
                ("int64", Shown::Digits(number.to_string()))
            }
            Value::Int(number) => ("int64", Shown::Int(*number)),
            Value::Double(number) if number.is_finite() => ("float64", Shown::Double(*number)),
            // JSON has no word for it
            Value::Double(number) => ("string", Shown::Digits(in_words(*number))),
        };
        Self { key: &attribute.key, kind, value }
    }
}

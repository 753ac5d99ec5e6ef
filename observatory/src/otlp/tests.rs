//! Whatever comes, nothing panics, and what is kept is within the limits.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::receive::{Format, Receiver, Refusal};
use super::signal::{Logs, Metrics, Signal, Traces};
use crate::clock::SystemClock;
use crate::counts::Counts;
use crate::intake::intake;
use crate::limits::Limits;

fn receive<S: Signal>(body: &[u8], format: Format) -> Result<Vec<u8>, Refusal> {
    // what nobody takes out is full in the end, which must not matter
    let (intake, _outlet) = intake(1 << 20);
    Receiver::new(Limits::default(), Arc::new(SystemClock), intake, Arc::new(Counts::default()))
        .receive::<S>(body, format)
}

fn receive_as_anything(body: &[u8]) {
    for format in [Format::Protobuf, Format::Json] {
        let _ = receive::<Traces>(body, format);
        let _ = receive::<Metrics>(body, format);
        let _ = receive::<Logs>(body, format);
    }
}

fn attribute() -> impl Strategy<Value = KeyValue> {
    let leaf = prop_oneof![
        ".{0,20}".prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        any::<i64>().prop_map(Value::IntValue),
        any::<f64>().prop_map(Value::DoubleValue),
        vec(any::<u8>(), 0..9).prop_map(Value::BytesValue),
        any::<i32>().prop_map(Value::StringValueStrindex),
    ];
    let value = leaf.prop_recursive(12, 40, 4, |inner| {
        let list =
            |values: Vec<Value>| values.into_iter().map(|value| AnyValue { value: Some(value) }).collect();
        vec(inner, 0..4).prop_map(move |values| Value::ArrayValue(ArrayValue { values: list(values) }))
    });
    (".{0,8}", proptest::option::of(value)).prop_map(|(key, value)| {
        let value = value.map(|value| AnyValue { value: Some(value) });
        KeyValue { key, value, ..KeyValue::default() }
    })
}

fn id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 8), vec(any::<u8>(), 16), vec(any::<u8>(), 0..20), Just(vec![0; 8])]
}

fn span() -> impl Strategy<Value = Span> {
    let head = (id(), id(), id(), ".{0,9}", any::<i32>(), any::<u64>(), any::<u64>());
    let event = (any::<u64>(), vec(attribute(), 0..3));
    let link = (id(), id());
    (head, vec(attribute(), 0..9), vec(event, 0..3), vec(link, 0..3)).prop_map(
        |(head, attributes, events, links)| {
            let (trace_id, span_id, parent_span_id, name, kind, start_time_unix_nano, end_time_unix_nano) =
                head;
            let event =
                |(time_unix_nano, attributes)| Event { time_unix_nano, attributes, ..Event::default() };
            let link = |(trace_id, span_id)| Link { trace_id, span_id, ..Link::default() };
            Span {
                trace_id,
                span_id,
                parent_span_id,
                name,
                kind,
                start_time_unix_nano,
                end_time_unix_nano,
                attributes,
                events: events.into_iter().map(event).collect(),
                links: links.into_iter().map(link).collect(),
                ..Span::default()
            }
        },
    )
}

fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    vec(span(), 0..5).prop_map(|spans| {
        let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
        }
    })
}

proptest! {
    #[test]
    fn random_bytes_never_panic(body in vec(any::<u8>(), 0..300)) {
        receive_as_anything(&body);
    }

    #[test]
    fn whatever_has_the_form_of_a_request_is_answered(request in request()) {
        prop_assert!(receive::<Traces>(&request.encode_to_vec(), Format::Protobuf).is_ok());
    }

    #[test]
    fn a_request_with_a_few_other_bytes_never_panics(
        request in request(),
        others in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut body = request.encode_to_vec();
        if !body.is_empty() {
            others.into_iter().for_each(|(place, byte)| { let place = place.index(body.len()); body[place] = byte; });
        }
        receive_as_anything(&body);
    }

    #[test]
    fn json_with_a_few_other_bytes_never_panics(
        request in request(),
        others in vec((any::<prop::sample::Index>(), any::<u8>()), 0..5),
    ) {
        let mut body = serde_json::to_vec(&request).unwrap();
        others.into_iter().for_each(|(place, byte)| { let place = place.index(body.len()); body[place] = byte; });
        receive_as_anything(&body);
    }
}

#[test]
fn empty_messages_without_end_are_too_large() {
    let scope_spans = vec![ScopeSpans { spans: vec![Span::default(); 1_000_000], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    assert!(body.len() < Limits::default().request_bytes);
    assert!(matches!(receive::<Traces>(&body, Format::Protobuf), Err(Refusal::TooLarge(_))));
    let objects = "{},".repeat(1_000_000);
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{objects}{{}}]}}]}}]}}"#);
    assert!(body.len() < Limits::default().request_bytes);
    assert!(matches!(receive::<Traces>(body.as_bytes(), Format::Json), Err(Refusal::TooLarge(_))));
}

#[test]
fn depth_without_end_is_malformed() {
    let deep = |levels: usize| {
        let value = (0..levels).fold(AnyValue::default(), |inner, _| AnyValue {
            value: Some(Value::ArrayValue(ArrayValue { values: vec![inner] })),
        });
        let attributes = vec![KeyValue { key: "deep".to_owned(), value: Some(value), ..KeyValue::default() }];
        let scope_spans =
            vec![ScopeSpans { spans: vec![Span { attributes, ..Span::default() }], ..ScopeSpans::default() }];
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
        }
    };
    assert!(receive::<Traces>(&deep(20).encode_to_vec(), Format::Protobuf).is_ok());
    let refused = receive::<Traces>(&deep(500).encode_to_vec(), Format::Protobuf);
    assert!(matches!(refused, Err(Refusal::Malformed(_))), "{refused:?}");
    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":[{{"key":"deep","value":{}{}}}]}}]}}]}}]}}"#,
        r#"{"arrayValue":{"values":["#.repeat(10_000),
        "]}}".repeat(10_000)
    );
    assert!(matches!(receive::<Traces>(json.as_bytes(), Format::Json), Err(Refusal::Malformed(_))));
}

#[test]
fn an_explanation_is_short_however_long_the_fault() {
    let body = format!(r#"{{"resourceSpans":"{}"}}"#, "ä".repeat(10_000));
    let Err(Refusal::Malformed(words)) = receive::<Traces>(body.as_bytes(), Format::Json) else { panic!() };
    assert!(words.len() <= 300, "{words}");
}

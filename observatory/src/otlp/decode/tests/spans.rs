use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Given;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as GivenResource;
use opentelemetry_proto::tonic::trace::v1 as otlp;

use super::{NOW, attribute, text};
use crate::limits::Limits;
use crate::otlp::decode::{Decoded, Decoder};
use crate::refused::{Reason, Refused};
use crate::span::{Kind, Span, Status, Value};

fn span() -> otlp::Span {
    otlp::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "POST /api/orders".to_owned(),
        start_time_unix_nano: NOW - 5_000_000,
        end_time_unix_nano: NOW - 1_000_000,
        ..otlp::Span::default()
    }
}

fn request(service: &str, spans: Vec<otlp::Span>) -> ExportTraceServiceRequest {
    let resource = GivenResource { attributes: vec![text("service.name", service)], ..Default::default() };
    let scope_spans = vec![otlp::ScopeSpans { spans, ..otlp::ScopeSpans::default() }];
    let of_resource = otlp::ResourceSpans { resource: Some(resource), scope_spans, ..Default::default() };
    ExportTraceServiceRequest { resource_spans: vec![of_resource] }
}

fn decoder() -> Decoder {
    Decoder::new(Limits {
        attributes: 3,
        text_bytes: 16,
        name_bytes: 16,
        events_and_links: 2,
        ..Limits::default()
    })
}

fn one(given: otlp::Span) -> Span {
    let Decoded { mut kept, refused } = decoder().spans(request("orders", vec![given]), NOW);
    assert_eq!(refused, Refused::default());
    kept.pop().unwrap()
}

#[track_caller]
fn refused_for(reason: Reason, given: otlp::Span) {
    let decoded = decoder().spans(request("orders", vec![given]), NOW);
    assert_eq!(decoded, Decoded { kept: Vec::new(), refused: Refused::all(reason, 1) });
}

fn warnings(span: &Span) -> Vec<&str> {
    span.warnings.iter().map(|warning| &**warning).collect()
}

#[test]
fn a_span_is_kept_with_all_that_is_known_of_it() {
    let span = one(otlp::Span {
        parent_span_id: vec![3; 8],
        kind: otlp::span::SpanKind::Server as i32,
        status: Some(otlp::Status { code: 2, message: "no stock".to_owned() }),
        attributes: vec![
            attribute("retries", Given::IntValue(2)),
            attribute("ratio", Given::DoubleValue(f64::NAN)),
        ],
        events: vec![event("later", NOW - 2_000_000), event("sooner", NOW - 3_000_000)],
        links: vec![otlp::span::Link { trace_id: vec![4; 16], span_id: vec![5; 8], ..Default::default() }],
        ..span()
    });
    assert_eq!(span.trace_id, u128::from_be_bytes([1; 16]));
    assert_eq!(span.span_id, u64::from_be_bytes([2; 8]));
    assert_eq!(span.parent, Some(u64::from_be_bytes([3; 8])));
    assert_eq!((&*span.name, span.kind), ("POST /api/orders", Kind::Server));
    assert_eq!((span.start, span.duration), (NOW - 5_000_000, 4_000_000));
    assert_eq!(span.status, Status::Error(Some("no stock".into())));
    assert_eq!(span.attribute("retries"), Some(&Value::Int(2)));
    assert!(matches!(span.attribute("ratio"), Some(Value::Double(ratio)) if ratio.is_nan()));
    assert_eq!(span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["sooner", "later"]);
    assert_eq!(span.links[0].span_id, u64::from_be_bytes([5; 8]));
    assert_eq!(&*span.resource.service, "orders");
    assert_eq!(warnings(&span), Vec::<&str>::new());
}

fn event(name: &str, time: u64) -> otlp::span::Event {
    otlp::span::Event { name: name.to_owned(), time_unix_nano: time, ..Default::default() }
}

#[test]
fn ids_of_the_wrong_length_and_zeros_are_refused() {
    for trace_id in [vec![], vec![0; 16], vec![1; 15], vec![1; 17]] {
        refused_for(Reason::BadId, otlp::Span { trace_id, ..span() });
    }
    for span_id in [vec![], vec![0; 8], vec![1; 7], vec![1; 16]] {
        refused_for(Reason::BadId, otlp::Span { span_id, ..span() });
    }
    refused_for(Reason::BadId, otlp::Span { parent_span_id: vec![1; 7], ..span() });
    assert_eq!(one(otlp::Span { parent_span_id: vec![0; 8], ..span() }).parent, None);
}

#[test]
fn a_span_is_not_its_own_parent() {
    let span = one(otlp::Span { parent_span_id: vec![2; 8], ..span() });
    assert_eq!(span.parent, None);
    assert_eq!(warnings(&span), ["1 parent was left out: the span named itself"]);
}

#[test]
fn impossible_times_are_refused_by_name() {
    let limits = Limits::default();
    let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap();
    let at = |start, end| otlp::Span { start_time_unix_nano: start, end_time_unix_nano: end, ..span() };
    refused_for(Reason::Backwards, at(NOW, NOW - 1));
    refused_for(Reason::Backwards, at(NOW, 0));
    refused_for(Reason::Late, at(0, NOW));
    refused_for(Reason::Late, at(0, 0));
    refused_for(Reason::Late, at(NOW - nanoseconds(limits.behind) - 1, NOW));
    refused_for(Reason::Ahead, at(NOW + nanoseconds(limits.ahead) + 1, u64::MAX));
    refused_for(Reason::Ahead, at(NOW, u64::MAX));
    assert_eq!(
        one(at(NOW - nanoseconds(limits.behind), NOW + nanoseconds(limits.ahead))).start,
        NOW - nanoseconds(limits.behind)
    );
    assert_eq!(one(at(NOW, NOW)).duration, 0);
}

#[test]
fn events_at_impossible_times_and_links_to_nowhere_are_left_out_and_told_of() {
    let span = one(otlp::Span {
        events: vec![event("never", 0), event("once", NOW), event("not yet", u64::MAX)],
        links: vec![otlp::span::Link { trace_id: vec![1; 16], span_id: vec![0; 8], ..Default::default() }],
        ..span()
    });
    assert_eq!((span.events.len(), span.links.len()), (1, 0));
    let expected = [
        "2 events were left out: they were at impossible times",
        "1 links were left out: their ids were not valid",
    ];
    assert_eq!(warnings(&span), expected);
}

#[test]
fn what_is_too_much_is_left_out_and_told_of() {
    let link = otlp::span::Link { trace_id: vec![1; 16], span_id: vec![1; 8], ..Default::default() };
    let span = one(otlp::Span {
        attributes: (0..100).map(|number| text(&format!("key {number}"), "value")).collect(),
        events: vec![event("event", NOW); 5],
        links: vec![link; 4],
        dropped_attributes_count: 7,
        dropped_events_count: 1,
        ..span()
    });
    assert_eq!((span.attributes.len(), span.events.len(), span.links.len()), (3, 2, 2));
    let expected = [
        "97 attributes were left out: 3 are kept",
        "3 events were left out: 2 are kept",
        "2 links were left out: 2 are kept",
        "8 attributes, events or links were left out by the sender",
    ];
    assert_eq!(warnings(&span), expected);
}

#[test]
fn long_texts_are_cut_between_characters_and_told_of() {
    let long = "ä".repeat(100);
    let span = one(otlp::Span {
        // one byte before them, so that a character is across the bound
        name: format!("x{long}"),
        attributes: vec![text(&long, &long), attribute("bytes", Given::BytesValue(vec![0; 100]))],
        status: Some(otlp::Status { code: 2, message: long.clone() }),
        ..span()
    });
    assert_eq!(&*span.name, format!("x{}", "ä".repeat(7)));
    let eight = "ä".repeat(8);
    assert_eq!(span.attribute(&eight), Some(&Value::Text(eight.as_str().into())));
    assert_eq!(span.attribute("bytes"), Some(&Value::Text("AAAAAAAAAAAAAAAA".into())));
    assert_eq!(span.status, Status::Error(Some(eight.into())));
    assert_eq!(warnings(&span), ["4 texts were cut after 16 bytes", "1 names were cut after 16 bytes"]);
}

#[test]
fn keys_are_there_once_and_not_empty() {
    let span = one(otlp::Span {
        attributes: vec![text("key", "first"), text("", "empty"), text("key", "second")],
        ..span()
    });
    assert_eq!(span.attributes.len(), 1);
    assert_eq!(span.attribute("key"), Some(&Value::Text("first".into())));
    assert_eq!(warnings(&span), ["2 attributes were left out: their keys were empty or there before"]);
}

#[test]
fn lists_are_json_and_the_beginning_of_one_is_a_text() {
    let list = |count| {
        let values = vec![AnyValue { value: Some(Given::IntValue(1)) }; count];
        Given::ArrayValue(ArrayValue { values })
    };
    let attributes = vec![attribute("short", list(3)), attribute("long", list(1_000)), KeyValue::default()];
    let span = one(otlp::Span { attributes, ..span() });
    assert_eq!(span.attribute("short"), Some(&Value::Json("[1,1,1]".into())));
    assert_eq!(span.attribute("long"), Some(&Value::Text("[1,1,1,1,1,1,1,1".into())));
}

#[test]
fn the_library_that_made_a_span_is_an_attribute_of_it() {
    let mut request = request("orders", vec![span()]);
    let scope =
        InstrumentationScope { name: "sqlx".to_owned(), version: "1".to_owned(), ..Default::default() };
    request.resource_spans[0].scope_spans[0].scope = Some(scope);
    let Decoded { kept, .. } = decoder().spans(request, NOW);
    assert_eq!(kept[0].attribute("otel.scope.name"), Some(&Value::Text("sqlx".into())));
    assert_eq!(kept[0].attribute("otel.scope.version"), Some(&Value::Text("1".into())));
}

#[test]
fn resources_names_and_keys_are_shared_across_requests() {
    let decoder = decoder();
    let given = || otlp::Span { attributes: vec![text("key", "value")], ..span() };
    let first = decoder.spans(request("orders", vec![given()]), NOW).kept.pop().unwrap();
    let second = decoder.spans(request("orders", vec![given()]), NOW).kept.pop().unwrap();
    let other = decoder.spans(request("gateway", vec![given()]), NOW).kept.pop().unwrap();
    assert!(Arc::ptr_eq(&first.resource, &second.resource));
    assert!(Arc::ptr_eq(&first.name, &second.name));
    assert!(Arc::ptr_eq(&first.attributes[0].key, &second.attributes[0].key));
    assert!(!Arc::ptr_eq(&first.resource, &other.resource));
}

#[test]
fn a_resource_without_a_name_is_an_unknown_service() {
    let mut request = request("orders", vec![span()]);
    request.resource_spans[0].resource = None;
    let Decoded { kept, .. } = decoder().spans(request, NOW);
    assert_eq!(&*kept[0].resource.service, "unknown_service");
}

#[test]
fn too_many_different_resources_that_are_held_are_known_by_their_service_and_then_not_at_all() {
    let decoder = Decoder::new(Limits::default());
    let mut held = Vec::new();
    let of_instance = |service: &str, number: usize| {
        let mut request = request(service, vec![span()]);
        let resource = request.resource_spans[0].resource.as_mut().unwrap();
        resource.attributes.push(text("service.instance.id", &format!("{number} {}", "x".repeat(1000))));
        decoder.spans(request, NOW).kept.pop().unwrap()
    };
    held.extend((0..5_000).map(|number| of_instance("orders", number)));
    let last = held.last().unwrap();
    assert_eq!((&*last.resource.service, last.resource.attributes.len()), ("orders", 0));
    assert_eq!(warnings(last), ["its resource was left out: there are too many different ones"]);
    held.extend((0..5_000).map(|number| of_instance(&format!("service {number}"), number)));
    assert_eq!(&*held.last().unwrap().resource.service, "(others)");
    let shared: std::collections::HashSet<_> = held.iter().map(|span| Arc::as_ptr(&span.resource)).collect();
    assert!(shared.len() < 5_000, "{}", shared.len());
    held.clear();
    // not at once: it is looked for room now and then
    let whole = (0..5_000)
        .map(|number| of_instance("orders", number))
        .any(|span| !span.resource.attributes.is_empty());
    assert!(whole, "there is room again once nobody holds them");
}

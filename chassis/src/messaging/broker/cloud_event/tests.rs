use super::*;
use proptest::prelude::*;
use serde_json::json;

fn message() -> Message {
    Message {
        id: MessageId::random(),
        kind: "tradewind.inventory.stock_reserved.v1".to_owned(),
        source: "inventory".to_owned(),
        subject: OrderId(Uuid::now_v7()),
        sequence: 7,
        coordination: Coordination::Choreographed,
        at: Timestamp(1_700_000_000_123_456),
        trace: TraceContext { state: Some("vendor=1".to_owned()), ..TraceContext::root() },
        data: json!({"type": "stock_reserved", "ünï": ["ok", 1, null]}),
    }
}

/// The properties of a message, with one header set to another value, or taken away.
fn with(name: &str, value: Option<AMQPValue>) -> (BasicProperties, Vec<u8>) {
    let (properties, body) = encode(&message());
    let mut headers = properties.headers().clone().expect("headers").inner().clone();
    match value {
        Some(value) => headers.insert(name.into(), value),
        None => headers.remove(name),
    };
    (properties.with_headers(headers.into()), body)
}

fn long(text: &str) -> Option<AMQPValue> {
    Some(AMQPValue::LongString(text.into()))
}

#[test]
fn a_message_survives_the_round_trip() {
    let message = message();
    let (properties, body) = encode(&message);
    assert_eq!(properties.delivery_mode(), &Some(2));
    assert_eq!(properties.message_id().as_ref().map(ToString::to_string), Some(message.id.to_string()));
    assert_eq!(decode(&properties, &body), Ok(message));
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    for name in ["specversion", "id", "type", "source", "subject", "time", "sequence", "coordination"] {
        let (properties, body) = with(&format!("{PREFIX}{name}"), None);
        let error = decode(&properties, &body).expect_err(name);
        assert!(error.contains(&format!("no attribute {name}")), "{error}");
    }
    for (name, value) in [
        ("specversion", "0.3"),
        ("id", "seven"),
        ("type", ""),
        ("source", "/"),
        ("subject", "order"),
        ("time", "yesterday"),
        ("sequence", "-1"),
        ("sequence", "9223372036854775808"),
        ("coordination", "anarchic"),
    ] {
        let (properties, body) = with(&format!("{PREFIX}{name}"), long(value));
        let error = decode(&properties, &body).expect_err(name);
        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn a_body_or_content_of_another_kind_is_refused() {
    let (properties, _) = encode(&message());
    for body in [&b""[..], b"{", b"\xff\xfe"] {
        let error = decode(&properties, body).expect_err("no JSON");
        assert!(error.contains("not JSON"), "{error}");
    }
    let deep = "[".repeat(100_000);
    assert!(decode(&properties, deep.as_bytes()).is_err());
    for content in ["text/plain", "application/cloudevents+json", ""] {
        let (properties, body) = encode(&message());
        assert!(decode(&properties.with_content_type(content.into()), &body).is_err(), "{content}");
    }
    let (properties, body) = encode(&message());
    assert!(decode(&properties.with_content_type("Application/JSON; charset=utf-8".into()), &body).is_ok());
}

#[test]
fn other_forms_of_the_binding_and_unknown_headers_are_read() {
    let (properties, body) = with("x-unknown", Some(AMQPValue::Void));
    assert!(decode(&properties, &body).is_ok());
    let (properties, body) = with(&format!("{PREFIX}sequence"), Some(AMQPValue::LongLongInt(9)));
    assert_eq!(decode(&properties, &body).map(|message| message.sequence), Ok(9));
    let (properties, body) = with(&format!("{PREFIX}time"), Some(AMQPValue::Timestamp(5)));
    assert_eq!(decode(&properties, &body).map(|message| message.at), Ok(Timestamp(5_000_000)));

    let (properties, body) = encode(&message());
    let headers = properties.headers().clone().expect("headers");
    let renamed = headers
        .inner()
        .iter()
        .map(|(name, value)| (short(&name.as_str().replace(PREFIX, OTHER_PREFIX)), value.clone()));
    let renamed: std::collections::BTreeMap<_, _> = renamed.collect();
    assert!(decode(&properties.with_headers(renamed.into()), &body).is_ok());
}

#[test]
fn a_malformed_trace_begins_a_new_one() {
    let (properties, body) = with("traceparent", long("not a trace"));
    assert!(decode(&properties, &body).is_ok());
}

fn any_value() -> impl Strategy<Value = AMQPValue> {
    prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| AMQPValue::LongString(bytes.into())),
        any::<i64>().prop_map(AMQPValue::LongLongInt),
        any::<u64>().prop_map(AMQPValue::Timestamp),
        any::<bool>().prop_map(AMQPValue::Boolean),
        Just(AMQPValue::Void),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(
        name in prop::sample::select(vec![
            "cloudEvents:id", "cloudEvents:time", "cloudEvents:source", "cloudEvents:sequence", "traceparent",
        ]),
        value in any_value(),
        body in any::<Vec<u8>>(),
    ) {
        let (properties, good) = with(name, Some(value));
        let _ = decode(&properties, &good);
        let _ = decode(&properties, &body);
    }
}

mod points;
mod spans;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Given;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Some moment, in nanoseconds since 1970.
const NOW: u64 = 1_700_000_000_000_000_000;

fn attribute(key: &str, value: Given) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Given::StringValue(value.to_owned()))
}

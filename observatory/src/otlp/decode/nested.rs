//! Lists and maps among the values of attributes, as JSON.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::span::in_words;

/// Lists within lists are shown this far.
const DEEPEST: usize = 8;
/// Stands for what lies deeper.
const DEEPER: &str = "…";

/// A value as JSON, or the beginning of it where it is longer than `most` bytes.
pub(super) fn json(value: &any_value::Value, most: usize) -> Result<String, String> {
    let mut written = Bounded { bytes: Vec::new(), most };
    let whole = serde_json::to_writer(&mut written, &Nested { value: Some(value), depth: 0 }).is_ok();
    let text = text(written.bytes);
    if whole { Ok(text) } else { Err(text) }
}

/// The beginning of what may have been cut within a character.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let mut bytes = error.into_bytes();
        bytes.truncate(valid);
        String::from_utf8(bytes).unwrap_or_default()
    })
}

struct Nested<'a> {
    value: Option<&'a any_value::Value>,
    depth: usize,
}

impl<'a> Nested<'a> {
    fn within(&self, value: Option<&'a AnyValue>) -> Self {
        Self { value: value.and_then(|value| value.value.as_ref()), depth: self.depth + 1 }
    }
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use any_value::Value;
        match self.value {
            None | Some(Value::StringValueStrindex(_)) => serializer.serialize_none(),
            Some(Value::StringValue(text)) => serializer.serialize_str(text),
            Some(Value::BoolValue(yes)) => serializer.serialize_bool(*yes),
            Some(Value::IntValue(number)) => serializer.serialize_i64(*number),
            Some(Value::DoubleValue(number)) if number.is_finite() => serializer.serialize_f64(*number),
            // JSON has no other way to write these
            Some(Value::DoubleValue(number)) => serializer.serialize_str(&in_words(*number)),
            Some(Value::BytesValue(bytes)) => serializer.serialize_str(&BASE64_STANDARD.encode(bytes)),
            Some(Value::ArrayValue(_) | Value::KvlistValue(_)) if self.depth >= DEEPEST => {
                serializer.serialize_str(DEEPER)
            }
            Some(Value::ArrayValue(list)) => {
                serializer.collect_seq(list.values.iter().map(|value| self.within(Some(value))))
            }
            Some(Value::KvlistValue(list)) => {
                let mut map = serializer.serialize_map(Some(list.values.len()))?;
                for entry in &list.values {
                    map.serialize_entry(&entry.key, &self.within(entry.value.as_ref()))?;
                }
                map.end()
            }
        }
    }
}

/// Takes in so many bytes; whoever writes on is stopped.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.most - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..taken]);
        // zero bytes taken is an error to whoever has more
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue, KeyValueList};

    use super::*;

    fn list(values: impl IntoIterator<Item = Value>) -> Value {
        let values = values.into_iter().map(|value| AnyValue { value: Some(value) }).collect();
        Value::ArrayValue(ArrayValue { values })
    }

    #[test]
    fn each_kind_of_value_has_its_json() {
        let entry = |key: &str, value| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        };
        let map = Value::KvlistValue(KeyValueList {
            values: vec![
                entry("text", Value::StringValue("a \"b\"".to_owned())),
                entry("list", list([Value::IntValue(i64::MAX), Value::BoolValue(true)])),
                entry("numbers", list([Value::DoubleValue(0.5), Value::DoubleValue(f64::NAN)])),
                entry("bytes", Value::BytesValue(vec![1, 2, 3])),
                KeyValue { key: "nothing".to_owned(), ..KeyValue::default() },
            ],
        });
        let expected = r#"{"text":"a \"b\"","list":[9223372036854775807,true],"numbers":[0.5,"NaN"],"bytes":"AQID","nothing":null}"#;
        assert_eq!(json(&map, 1000), Ok(expected.to_owned()));
    }

    #[test]
    fn what_is_too_long_is_cut_and_not_within_a_character() {
        assert_eq!(json(&list([Value::StringValue("äöü".to_owned())]), 5), Err("[\"ä".to_owned()));
        assert_eq!(json(&list(vec![Value::IntValue(1); 1_000_000]), 4), Err("[1,1".to_owned()));
    }

    #[test]
    fn what_is_too_deep_is_not_looked_at() {
        let deep = (0..90).fold(Value::IntValue(1), |inner, _| list([inner]));
        assert_eq!(json(&deep, 100), Ok("[[[[[[[[\"…\"]]]]]]]]".to_owned()));
    }
}

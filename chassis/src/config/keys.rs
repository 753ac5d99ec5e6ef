//! Dotted keys: `saga.lease_ms` names the field `lease_ms` of the object `saga`. A list is one value.

use std::collections::BTreeMap;

use contracts::Fault;
use serde_json::{Map, Value};

/// The longest key and the longest name that is taken.
const LONGEST: usize = 200;

/// The leaves of a document by their keys. Empty objects have no leaves.
pub fn flatten(document: &Value) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    gather(String::new(), document, &mut leaves);
    leaves
}

fn gather(prefix: String, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                gather(key, value, leaves);
            }
        }
        leaf if !prefix.is_empty() => {
            leaves.insert(prefix, leaf.clone());
        }
        _ => {}
    }
}

/// The document that has these leaves. Where one key lies beneath another, the deeper one stands.
pub fn unflatten<'a>(leaves: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Value {
    let mut document = Map::new();
    for (key, value) in leaves {
        let mut level = &mut document;
        let mut segments = key.split('.').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                level.insert(segment.to_owned(), value.clone());
                break;
            }
            let next = level.entry(segment).or_insert_with(|| Value::Object(Map::new()));
            if !next.is_object() {
                *next = Value::Object(Map::new());
            }
            match next.as_object_mut() {
                Some(fields) => level = fields,
                None => break,
            }
        }
    }
    Value::Object(document)
}

/// Puts a value of a higher layer over the leaves of the lower ones: what was at this key, above it or
/// beneath it no longer holds.
pub fn overlay<T>(leaves: &mut BTreeMap<String, T>, key: &str, value: T) {
    leaves.retain(|other, _| !collide(other, key));
    leaves.insert(key.to_owned(), value);
}

/// Whether two different keys cannot both have a value, because one lies beneath the other.
pub fn collide(one: &str, other: &str) -> bool {
    let beneath = |deep: &str, high: &str| deep.strip_prefix(high).is_some_and(|rest| rest.starts_with('.'));
    beneath(one, other) || beneath(other, one)
}

/// Refuses what is no key: segments of letters, digits, `_` and `-`, joined by dots.
pub fn check_key(key: &str) -> Result<(), Fault> {
    let good = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if key.len() <= LONGEST && key.split('.').all(good) {
        return Ok(());
    }
    let message = "must be segments of letters, digits, _ and -, joined by dots (saga.lease_ms)".into();
    Err(Fault { field: "key".into(), message })
}

/// Refuses what is no name of an application, a profile or an instance: letters, digits, `_`, `-` and
/// single dots.
pub fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let starts = name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if starts && name.len() <= LONGEST && name.bytes().all(good) && !name.contains("..") {
        return Ok(());
    }
    let message =
        format!("{name:?} must begin with a letter or digit, and hold only these, _, - and single dots");
    Err(Fault { field: what.into(), message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_survives_the_trip_through_its_leaves() {
        let document =
            json!({"saga": {"lease_ms": 3000, "steps": ["a", "b"], "retry": {"on": true}}, "top": null});
        let leaves = flatten(&document);
        assert_eq!(
            leaves.keys().collect::<Vec<_>>(),
            ["saga.lease_ms", "saga.retry.on", "saga.steps", "top"]
        );
        assert_eq!(unflatten(&leaves), document);
    }

    #[test]
    fn a_higher_layer_displaces_what_lies_above_and_beneath_its_key() {
        let mut leaves = BTreeMap::from([
            ("saga".to_owned(), 1),
            ("saga.lease.ms".to_owned(), 2),
            ("sagas".to_owned(), 3),
        ]);
        overlay(&mut leaves, "saga.lease", 4);
        assert_eq!(leaves, BTreeMap::from([("saga.lease".to_owned(), 4), ("sagas".to_owned(), 3)]));
    }

    #[test]
    fn names_and_keys_cannot_leave_their_folder_or_break_a_header() {
        for bad in ["", "../etc/passwd", "a/b", "a\nb", ".hidden", "a..b"] {
            assert!(check_name("application", bad).is_err(), "{bad:?}");
        }
        for bad in ["", ".", "a..b", "a b", "a.", "a/b"] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
        assert!(check_name("application", "card-network").is_ok() && check_key("wires.card-network").is_ok());
    }
}

//! Configuration as Spring's clients read it: flat, as JSON, YAML or Java properties.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The leaves with lists taken apart as Spring does: `hosts[0]`, `routes[1].path`.
pub(super) fn spring_keys<'a>(
    leaves: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Map<String, Value> {
    let mut flat = Map::new();
    for (key, value) in leaves {
        take_apart(key.clone(), value, &mut flat);
    }
    flat
}

fn take_apart(key: String, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Array(entries) if !entries.is_empty() => {
            for (index, entry) in entries.iter().enumerate() {
                take_apart(format!("{key}[{index}]"), entry, flat);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                take_apart(format!("{key}.{name}"), value, flat);
            }
        }
        // Java has no empty list of properties; Spring writes an empty text
        Value::Array(_) | Value::Null => {
            flat.insert(key, Value::from(""));
        }
        leaf => {
            flat.insert(key, leaf.clone());
        }
    }
}

/// Java properties, as `java.util.Properties` reads them back.
pub(super) fn properties(leaves: &BTreeMap<String, Value>) -> String {
    let mut text = String::new();
    for (key, value) in spring_keys(leaves) {
        let value = match value {
            Value::String(value) => value,
            other => other.to_string(),
        };
        escape(&key, Part::Key, &mut text);
        text.push_str(": ");
        escape(&value, Part::Value, &mut text);
        text.push('\n');
    }
    text
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Key,
    Value,
}

fn escape(from: &str, part: Part, text: &mut String) {
    for (index, letter) in from.chars().enumerate() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // a space ends a key, and is skipped where a value begins
            ' ' if part == Part::Key || index == 0 => text.push_str("\\ "),
            ':' | '=' | '#' | '!' if part == Part::Key => {
                text.push('\\');
                text.push(letter);
            }
            ' '..='~' => text.push(letter),
            // the format is Latin-1 by its definition: everything else goes as UTF-16 escapes
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_escape_what_java_would_misread() {
        let leaves = BTreeMap::from([
            ("a.hosts".to_owned(), json!(["x", "y"])),
            ("b".to_owned(), json!(" lead\ntwo\\three")),
            ("c:d e".to_owned(), json!("grün 🛒 = 1")),
            ("e".to_owned(), json!(true)),
        ]);
        assert_eq!(
            properties(&leaves),
            "a.hosts[0]: x\na.hosts[1]: y\nb: \\ lead\\ntwo\\\\three\nc\\:d\\ e: gr\\u00fcn \\ud83d\\uded2 = 1\ne: true\n"
        );
    }

    #[test]
    fn lists_of_groups_are_taken_apart() {
        let leaves = BTreeMap::from([
            ("routes".to_owned(), json!([{"path": "/a"}, {"path": "/b", "on": true}])),
            ("none".to_owned(), json!([])),
        ]);
        assert_eq!(
            Value::Object(spring_keys(&leaves)),
            json!({"none": "", "routes[0].path": "/a", "routes[1].on": true, "routes[1].path": "/b"})
        );
    }
}

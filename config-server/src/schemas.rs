//! Whether an application accepts a configuration, by the schema that it published.

use std::collections::BTreeMap;

use chassis::config::protocol::{Layer, Sourced};
use chassis::config::{keys, schema, secret};
use contracts::{Fault, Problem};
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// Refuses what is no JSON schema of an object.
pub fn check(schema: &Value) -> Result<(), Problem> {
    if !schema["properties"].is_object() {
        return Err(Problem::invalid_field(
            "schema",
            "must be a JSON schema with the sections as its properties",
        ));
    }
    let compiled = jsonschema::draft202012::new(schema);
    compiled
        .map(drop)
        .map_err(|error| Problem::invalid_field("schema", format!("is no JSON schema: {error}")))
}

/// Every key that the schema does not accept, with what it allows instead.
pub fn faults(schema: &Value, values: &BTreeMap<String, Sourced>) -> Vec<Fault> {
    let document = keys::unflatten(values.iter().map(|(key, sourced)| (key, &sourced.value)));
    let Ok(validator) = jsonschema::draft202012::new(schema) else {
        return vec![Fault { field: "schema".into(), message: "cannot be read".into() }];
    };
    let mut faults = Vec::new();
    for error in validator.iter_errors(&document) {
        let path = error.instance_path().as_str();
        let at = key_of(path, values);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                faults.extend(unexpected.iter().map(|name| unknown(schema, &at, name)));
            }
            _ => faults.push(unacceptable(
                schema,
                &at,
                document.pointer(path),
                values,
                &error.masked().to_string(),
            )),
        }
    }
    faults.sort_by(|a, b| (&a.field, &a.message).cmp(&(&b.field, &b.message)));
    faults.dedup();
    faults
}

/// The key behind a JSON pointer: up to the leaf that it leads into, since a list is one value.
fn key_of(pointer: &str, values: &BTreeMap<String, Sourced>) -> String {
    let mut key = String::new();
    for segment in pointer.split('/').skip(1) {
        if values.contains_key(&key) {
            break;
        }
        let segment = segment.replace("~1", "/").replace("~0", "~");
        key = if key.is_empty() { segment } else { format!("{key}.{segment}") };
    }
    key
}

fn unknown(schema: &Value, at: &str, name: &str) -> Fault {
    let (field, place) =
        if at.is_empty() { (name.to_owned(), "a section") } else { (format!("{at}.{name}"), "a key") };
    let level = if at.is_empty() { Some(schema) } else { schema::find(schema, at).map(|found| found.schema) };
    let names = level.map(schema::key_names).unwrap_or_default().join(", ");
    Fault { field, message: format!("is not {place} here; there are: {names}") }
}

fn unacceptable(
    schema: &Value,
    key: &str,
    value: Option<&Value>,
    values: &BTreeMap<String, Sourced>,
    otherwise: &str,
) -> Fault {
    let set = values.get(key);
    let value = secret::shown(key, set.map(|sourced| &sourced.value).or(value).unwrap_or(&Value::Null));
    let by = match set.map(|sourced| &sourced.origin) {
        Some(origin) if origin.layer != Layer::Runtime => format!(" (set by {origin})"),
        _ => String::new(),
    };
    let allowed = schema::find(schema, key).map(|found| schema::describe(found.schema));
    let message = match allowed {
        Some(allowed) if allowed != "any value" => format!("is {value}{by}, must be {allowed}"),
        _ => format!("is {value}{by}: {otherwise}"),
    };
    Fault { field: key.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::config::protocol::Origin;
    use serde_json::json;

    #[test]
    fn every_fault_names_its_key_its_value_and_what_is_allowed() {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {"saga": {
        "type": "object", "additionalProperties": false, "properties": {
            "lease_ms": {"type": "integer", "minimum": 1},
            "mode": {"enum": ["sync", "orchestrated"]},
            "hosts": {"type": "array", "items": {"type": "string"}},
        }}}});
        let set = |value: Value| Sourced { value, origin: Origin::default_value() };
        let values = BTreeMap::from([
            ("saga.lease_ms".to_owned(), set(json!(0))),
            ("saga.mode".to_owned(), set(json!("async"))),
            ("saga.hosts".to_owned(), set(json!(["a", 1]))),
            ("saga.leese".to_owned(), set(json!(1))),
            ("sage.x".to_owned(), set(json!(1))),
        ]);
        let found: Vec<_> = faults(&schema, &values)
            .into_iter()
            .map(|fault| format!("{} {}", fault.field, fault.message))
            .collect();
        assert_eq!(
            found,
            [
                r#"saga.hosts is ["a",1] (set by default), must be a list, each a text"#,
                "saga.lease_ms is 0 (set by default), must be a whole number of at least 1",
                "saga.leese is not a key here; there are: hosts, lease_ms, mode",
                r#"saga.mode is "async" (set by default), must be one of "sync", "orchestrated""#,
                "sage is not a section here; there are: saga",
            ]
        );
    }
}

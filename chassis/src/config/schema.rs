//! What a published schema says about one key: whether it exists, what it allows, how it is reloaded.
//!
//! The schemas are our own (schemars, subschemas inlined), so this reads what they use of JSON Schema
//! and no more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When a changed key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reload {
    /// At once.
    Live,
    /// When the service next starts.
    Restart,
}

/// What the schema says about a key.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// What its value must be.
    pub schema: &'a Value,
    /// When a change takes effect: `restart` where the key or anything above it says so.
    pub reload: Reload,
}

/// Finds a dotted key beneath `schema`.
pub fn find<'a>(schema: &'a Value, key: &str) -> Option<Found<'a>> {
    let mut found = Found { schema, reload: reload_of(schema) };
    for segment in key.split('.') {
        let next = step(found.schema, segment)?;
        let reload = if reload_of(next) == Reload::Restart { Reload::Restart } else { found.reload };
        found = Found { schema: next, reload };
    }
    Some(found)
}

fn reload_of(schema: &Value) -> Reload {
    if schema["x-reload"] == "restart" { Reload::Restart } else { Reload::Live }
}

fn step<'a>(schema: &'a Value, segment: &str) -> Option<&'a Value> {
    if let Some(property) = schema.get("properties").and_then(|all| all.get(segment)) {
        return Some(property);
    }
    match schema.get("additionalProperties") {
        None | Some(Value::Bool(false)) => branches(schema).find_map(|branch| step(branch, segment)),
        Some(any) => Some(any),
    }
}

fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten()
}

/// The keys directly beneath `schema`, for messages.
pub fn key_names(schema: &Value) -> Vec<&str> {
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys());
    own.map(String::as_str).chain(branches(schema).flat_map(key_names)).collect()
}

/// What the schema allows, in words: `a whole number from 1 to 60000`.
pub fn describe(schema: &Value) -> String {
    let choices = choices(schema);
    if !choices.is_empty() {
        let words: Vec<_> = choices.iter().map(|choice| choice.to_string()).collect();
        return if words.len() == 1 { words.concat() } else { format!("one of {}", words.join(", ")) };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => {
            let words: Vec<_> = branches(schema).map(describe).collect();
            return if words.is_empty() { "any value".into() } else { words.join(", or ") };
        }
    };
    let words: Vec<_> = types.into_iter().map(|kind| describe_type(kind, schema)).collect();
    words.join(", or ")
}

fn describe_type(kind: &str, schema: &Value) -> String {
    match kind {
        "integer" => format!("a whole number{}", range(schema, "minimum", "maximum")),
        "number" => format!("a number{}", range(schema, "minimum", "maximum")),
        "string" => match schema["pattern"].as_str() {
            Some(pattern) => format!("a text like {pattern}"),
            None => format!("a text{}", sized(schema, "minLength", "maxLength", "characters")),
        },
        "boolean" => "true or false".into(),
        "null" => "nothing".into(),
        "array" => {
            let size = sized(schema, "minItems", "maxItems", "entries");
            format!("a list{size}, each {}", schema.get("items").map_or("any value".into(), describe))
        }
        _ => match key_names(schema).as_slice() {
            [] => "a group of keys".into(),
            names => format!("a group with the keys {}", names.join(", ")),
        },
    }
}

fn range(schema: &Value, least: &str, most: &str) -> String {
    let above = schema.get("exclusiveMinimum").map(|least| format!(" above {least}")).unwrap_or_default();
    let below = schema.get("exclusiveMaximum").map(|most| format!(" below {most}")).unwrap_or_default();
    format!("{}{above}{below}", bounds(schema, least, most))
}

fn sized(schema: &Value, least: &str, most: &str, unit: &str) -> String {
    match bounds(schema, least, most) {
        none if none.is_empty() => none,
        words => format!("{words} {unit}"),
    }
}

fn bounds(schema: &Value, least: &str, most: &str) -> String {
    match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    }
}

/// The constants that the schema lists, where it is a list of constants.
fn choices(schema: &Value) -> Vec<&Value> {
    if let Some(constant) = schema.get("const") {
        return vec![constant];
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        return all.iter().collect();
    }
    let lists: Vec<_> = branches(schema).map(choices).collect();
    if lists.iter().any(Vec::is_empty) { Vec::new() } else { lists.concat() }
}

/// Whether `value` lies within the limits that the schema sets to a value of the right type; the type
/// itself is serde's to check.
pub fn within_limits(schema: &Value, value: &Value) -> bool {
    let limit = |word: &str| schema.get(word).and_then(Value::as_f64);
    let between = |size: f64, least: &str, most: &str| {
        limit(least).is_none_or(|least| size >= least) && limit(most).is_none_or(|most| size <= most)
    };
    match value {
        Value::Number(number) => number.as_f64().is_none_or(|size| {
            between(size, "minimum", "maximum")
                && limit("exclusiveMinimum").is_none_or(|least| size > least)
                && limit("exclusiveMaximum").is_none_or(|most| size < most)
        }),
        Value::String(text) => between(text.chars().count() as f64, "minLength", "maxLength"),
        Value::Array(entries) => {
            between(entries.len() as f64, "minItems", "maxItems")
                && schema
                    .get("items")
                    .is_none_or(|item| entries.iter().all(|entry| within_limits(item, entry)))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_is_found_through_groups_maps_and_optional_groups() {
        let schema = json!({
            "properties": {
                "saga": {"properties": {"lease_ms": {"type": "integer"}}, "x-reload": "restart"},
                "wires": {"additionalProperties": {"enum": ["rest", "grpc"]}},
                "maybe": {"anyOf": [{"properties": {"on": {"type": "boolean"}}}, {"type": "null"}]},
            },
            "additionalProperties": false,
        });
        assert_eq!(find(&schema, "saga.lease_ms").map(|found| found.reload), Some(Reload::Restart));
        assert_eq!(find(&schema, "wires.inventory").map(|found| found.reload), Some(Reload::Live));
        assert!(find(&schema, "maybe.on").is_some());
        assert!(find(&schema, "saga.lease").is_none() && find(&schema, "sage.lease_ms").is_none());
    }

    #[test]
    fn what_is_allowed_is_said_in_words() {
        let words = |schema: Value| describe(&schema);
        assert_eq!(
            words(json!({"type": "integer", "minimum": 1, "maximum": 9})),
            "a whole number from 1 to 9"
        );
        assert_eq!(
            words(json!({"type": ["integer", "null"], "minimum": 0})),
            "a whole number of at least 0, or nothing"
        );
        assert_eq!(
            words(json!({"oneOf": [{"const": "rest"}, {"const": "grpc"}]})),
            r#"one of "rest", "grpc""#
        );
        assert_eq!(
            words(json!({"type": "array", "items": {"type": "string"}, "minItems": 1})),
            "a list of at least 1 entries, each a text"
        );
        assert_eq!(words(json!({"type": "string", "maxLength": 3})), "a text of at most 3 characters");
    }

    #[test]
    fn limits_hold_for_numbers_texts_and_lists() {
        assert!(
            !within_limits(&json!({"minimum": 1}), &json!(0))
                && within_limits(&json!({"minimum": 1}), &json!(1))
        );
        assert!(!within_limits(&json!({"exclusiveMaximum": 1.0}), &json!(1.0)));
        assert!(!within_limits(&json!({"minLength": 1}), &json!("")));
        assert!(!within_limits(&json!({"items": {"maximum": 5}}), &json!([1, 6])));
    }
}

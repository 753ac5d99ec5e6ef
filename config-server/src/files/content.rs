//! What a file says: reading it, and turning its TOML into keys.

use std::path::Path;

use chassis::config::{keys, secret};
use serde_json::Value;

use super::Leaves;
use super::sighting::Sighting;

/// The largest file that is read.
const LARGEST: u64 = 1024 * 1024;

/// The text of a file that is there, or why it cannot be used.
pub(super) fn read(path: &Path, seen: Sighting) -> Result<String, String> {
    match seen {
        Sighting::Stamped { size, .. } if size > LARGEST => Err(format!("it is larger than {LARGEST} bytes")),
        _ => std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}")),
    }
}

/// The keys of a file, or why it cannot be used.
pub(super) fn parse(text: &str) -> Result<Leaves, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        // not the error's own text: that shows the line, which may hold a secret
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    let leaves = keys::flatten(&json(toml::Value::Table(table))?);
    for (key, value) in &leaves {
        keys::check_key(key).map_err(|fault| format!("{key:?}: a key {}", fault.message))?;
        if !secret::may_stand(key, value) {
            return Err(format!("{key} must be {}", secret::ALLOWED));
        }
    }
    Ok(leaves)
}

fn json(value: toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) if !number.is_finite() => {
            return Err(format!("{number} is no number that JSON knows"));
        }
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(truth) => Value::from(truth),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(entries) => Value::Array(entries.into_iter().map(json).collect::<Result<_, _>>()?),
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(name, value)| Ok::<_, String>((name, json(value)?)));
            Value::Object(fields.collect::<Result<_, _>>()?)
        }
    })
}

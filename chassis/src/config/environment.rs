//! The process's environment, read through a trait so that a test needs none.
//!
//! `TRADEWIND_ORDERS__SAGA__LEASE_MS=3000` sets `saga.lease_ms` of the application `orders`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schema;
use super::section::Application;

/// Where environment variables come from.
pub trait Environment: Send + Sync {
    /// One variable.
    fn var(&self, name: &str) -> Option<String>;
    /// All variables whose names and values are text.
    fn vars(&self) -> Vec<(String, String)>;
}

/// This process's own environment.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn vars(&self) -> Vec<(String, String)> {
        let all = std::env::vars_os();
        all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
    }
}

/// An environment by hand.
impl Environment for BTreeMap<String, String> {
    fn var(&self, name: &str) -> Option<String> {
        self.get(name).cloned()
    }

    fn vars(&self) -> Vec<(String, String)> {
        self.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// A key that the environment sets.
pub(super) struct Override {
    pub key: String,
    pub variable: String,
    pub value: Value,
}

/// The keys of `application` that the environment sets.
pub(super) fn overrides(environment: &dyn Environment, application: &Application) -> Vec<Override> {
    let prefix = format!("TRADEWIND_{}__", application.name.replace(['-', '.'], "_").to_ascii_uppercase());
    let mut found: Vec<_> = environment
        .vars()
        .into_iter()
        .filter_map(|(variable, text)| {
            let key = variable.strip_prefix(&prefix)?.replace("__", ".").to_ascii_lowercase();
            let value = value_of(&text, application, &key);
            Some(Override { key, variable, value })
        })
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// A variable is text; the schema says what the text means. Text that does not mean what it should is
/// left as it is, and is found at fault with all the rest.
fn value_of(text: &str, application: &Application, key: &str) -> Value {
    let expected = key.split_once('.').and_then(|(_, rest)| {
        let section = application.section_of(key)?;
        Some(schema::find(&section.schema, rest)?.schema)
    });
    let is = |kind: &str| expected.is_some_and(|schema| mentions(schema, kind));
    if is("string") {
        return Value::from(text);
    }
    if is("array") && !text.trim_start().starts_with('[') {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        return entries.map(Value::from).collect();
    }
    let typed = ["integer", "number", "boolean", "array", "null"].into_iter().any(is);
    match serde_json::from_str(text.trim()) {
        Ok(value) if typed => value,
        _ => Value::from(text),
    }
}

fn mentions(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(one) => one == kind,
        Value::Array(several) => several.iter().any(|one| one == kind),
        _ => ["anyOf", "oneOf"]
            .into_iter()
            .filter_map(|word| schema.get(word)?.as_array())
            .flatten()
            .any(|branch| mentions(branch, kind)),
    }
}

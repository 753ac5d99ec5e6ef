//! Which wire each edge takes: configuration, changed while running.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use chassis::config::Section;
use contracts::Fault;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A way for one module to call another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WireKind {
    /// In the same process, by a plain call. Never chosen: taken wherever both live in one process.
    #[serde(skip)]
    Local,
    /// JSON over HTTP.
    Rest,
    /// Protocol buffers over HTTP/2.
    Grpc,
    /// JSON by messages through the broker.
    Amqp,
}

impl WireKind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Rest => "rest",
            Self::Grpc => "grpc",
            Self::Amqp => "amqp",
        }
    }
}

impl fmt::Display for WireKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The section `wires`: `wires.orders.inventory = "grpc"`. An edge that is not named takes `rest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WireChoices(pub BTreeMap<String, BTreeMap<String, WireKind>>);

impl Section for WireChoices {
    const NAME: &'static str = "wires";

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut known = |field: &str, name: &String| {
            if !MODULES.contains(&name.as_str()) {
                let message = format!("must be an edge between two of {}", MODULES.join(", "));
                faults.push(Fault { field: field.to_owned(), message });
            }
        };
        for (caller, callees) in &self.0 {
            known(caller, caller);
            for callee in callees.keys() {
                known(&format!("{caller}.{callee}"), callee);
            }
        }
        faults
    }
}

/// Every edge by name, so that the config server refuses an edge that cannot be before it is stored.
impl JsonSchema for WireChoices {
    fn schema_name() -> Cow<'static, str> {
        "WireChoices".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let wire = generator.subschema_for::<WireKind>();
        group(group(wire))
    }
}

/// A group with a key for each module.
fn group(each: Schema) -> Schema {
    let modules: Map<String, Value> =
        MODULES.iter().map(|module| ((*module).to_owned(), each.clone().to_value())).collect();
    json_schema!({ "type": "object", "properties": modules, "additionalProperties": false })
}

impl WireChoices {
    /// The wire of the edge from `caller` to `callee`.
    pub fn of(&self, caller: &str, callee: &str) -> WireKind {
        self.0.get(caller).and_then(|edges| edges.get(callee)).copied().unwrap_or(WireKind::Rest)
    }
}

/// Every module that can stand at either end of an edge.
pub const MODULES: &[&str] =
    &["catalog", "inventory", "payments", "shipping", "orders", "notifications", "recommendations"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_is_not_named_takes_rest() {
        let choices: WireChoices = serde_json::from_str(r#"{"orders":{"inventory":"grpc"}}"#).expect("reads");
        assert_eq!(choices.of("orders", "inventory"), WireKind::Grpc);
        assert_eq!(choices.of("orders", "payments"), WireKind::Rest);
    }

    #[test]
    fn unknown_modules_and_wires_are_refused() {
        let choices: WireChoices = serde_json::from_str(r#"{"orders":{"inventroy":"grpc"}}"#).expect("reads");
        assert_eq!(choices.check()[0].field, "orders.inventroy");
        assert!(serde_json::from_str::<WireChoices>(r#"{"orders":{"inventory":"pigeon"}}"#).is_err());
        assert!(serde_json::from_str::<WireChoices>(r#"{"orders":{"inventory":"local"}}"#).is_err());
    }
}

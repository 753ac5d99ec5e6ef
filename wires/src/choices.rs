//! Which wire each edge takes: configuration, changed while running.

use std::collections::BTreeMap;
use std::fmt;

use chassis::config::Section;
use contracts::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

impl fmt::Display for WireKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Rest => "rest",
            Self::Grpc => "grpc",
        })
    }
}

/// The section `wires`: `wires.orders.inventory = "grpc"`. An edge that is not named takes `rest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct WireChoices(pub BTreeMap<String, BTreeMap<String, WireKind>>);

impl Section for WireChoices {
    const NAME: &'static str = "wires";

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut known = |field: &str, name: &String| {
            if !MODULES.contains(&name.as_str()) {
                let message = format!("names no module; the modules are {}", MODULES.join(", "));
                faults.push(Fault { field: format!("wires.{field}"), message });
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

impl WireChoices {
    /// The wire of the edge from `caller` to `callee`.
    pub fn of(&self, caller: &str, callee: &str) -> WireKind {
        self.0.get(caller).and_then(|edges| edges.get(callee)).copied().unwrap_or(WireKind::Rest)
    }
}

/// Every module that can stand at either end of an edge.
pub const MODULES: &[&str] = &["catalog", "inventory", "payments", "shipping", "orders"];

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
        assert_eq!(choices.check()[0].field, "wires.orders.inventroy");
        assert!(serde_json::from_str::<WireChoices>(r#"{"orders":{"inventory":"pigeon"}}"#).is_err());
        assert!(serde_json::from_str::<WireChoices>(r#"{"orders":{"inventory":"local"}}"#).is_err());
    }
}

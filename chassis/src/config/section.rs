//! What a section of the configuration is, and what a service publishes about its sections.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::Fault;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::keys;

/// One concern's settings: a struct with `#[serde(deny_unknown_fields, default)]`, whose `Default` is
/// the lowest layer. Durations are whole milliseconds in keys that end in `_ms`. A key that only takes
/// effect at the next start says so: `#[schemars(extend("x-reload" = "restart"))]`; all others are live.
pub trait Section:
    Serialize + DeserializeOwned + JsonSchema + Default + Clone + Send + Sync + 'static
{
    /// The first segment of all its keys.
    const NAME: &'static str;

    /// What types and schema cannot say: faults name their fields within the section. Every value that
    /// a service ever sees has passed it.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }
}

/// A section's value, whatever its type.
pub(super) type AnySection = Arc<dyn Any + Send + Sync>;

/// A section that was read, with what its own check found.
pub(super) struct ReadSection {
    pub value: AnySection,
    pub faults: Vec<Fault>,
}

/// A section as the resolver sees it.
pub(super) struct Declared {
    pub name: &'static str,
    pub kind: TypeId,
    pub schema: Value,
    /// The keys of the default, in full.
    pub defaults: BTreeMap<String, Value>,
    default: Value,
    pub read: fn(Value) -> Result<ReadSection, serde_json::Error>,
}

impl Declared {
    pub fn of<A: Section>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<A>().to_value();
        let default = serde_json::to_value(A::default()).unwrap_or_else(|_| json!({}));
        let defaults = keys::flatten(&json!({ A::NAME: default }));
        Self { name: A::NAME, kind: TypeId::of::<A>(), schema, defaults, default, read: read::<A> }
    }
}

fn read<A: Section>(value: Value) -> Result<ReadSection, serde_json::Error> {
    let section: A = serde_json::from_value(value)?;
    let faults = section.check();
    Ok(ReadSection { value: Arc::new(section), faults })
}

/// All sections of an application.
pub(super) struct Application {
    pub name: String,
    pub sections: Vec<Declared>,
}

impl Application {
    /// The section that `key` belongs to.
    pub fn section_of(&self, key: &str) -> Option<&Declared> {
        let name = key.split('.').next().unwrap_or(key);
        self.sections.iter().find(|section| section.name == name)
    }

    /// The names of all sections, for messages.
    pub fn section_names(&self) -> String {
        self.sections.iter().map(|section| section.name).collect::<Vec<_>>().join(", ")
    }

    /// The schema that the config server checks changes against.
    pub fn schema(&self) -> Value {
        let sections: serde_json::Map<String, Value> = self
            .sections
            .iter()
            .map(|section| {
                let mut schema = section.schema.clone();
                if let Value::Object(fields) = &mut schema {
                    fields.remove("$schema");
                    fields.insert("default".into(), section.default.clone());
                }
                (section.name.to_owned(), schema)
            })
            .collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": sections,
            "additionalProperties": false,
        })
    }
}

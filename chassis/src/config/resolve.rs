//! From layers to sections, or to every fault at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::environment::Override;
use super::error::ConfigFault;
use super::protocol::{Effective, Layer, Origin, Scope, Sourced};
use super::schema::{self, Reload};
use super::section::{AnySection, Application, Declared};
use super::{keys, secret};

/// Every key with its value and who set it.
pub(super) type Keys = BTreeMap<String, Sourced>;

/// Lays what the server says and what the environment says over the defaults.
pub(super) fn merge(
    application: &Application,
    effective: &Effective,
    overrides: &[Override],
) -> Result<Keys, Vec<ConfigFault>> {
    let mut merged: Keys = application
        .sections
        .iter()
        .flat_map(|section| &section.defaults)
        .map(|(key, value)| (key.clone(), Sourced { value: value.clone(), origin: Origin::default_value() }))
        .collect();
    let mut faults = Vec::new();
    let environment = overrides.iter().map(|set| {
        let origin = Origin { layer: Layer::Environment, scope: Scope::Own, name: set.variable.clone() };
        (set.key.clone(), Sourced { value: set.value.clone(), origin })
    });
    let served = effective.values.iter().filter(|(_, sourced)| sourced.origin.layer != Layer::Default);
    for (key, sourced) in served.map(|(key, sourced)| (key.clone(), sourced.clone())).chain(environment) {
        let Sourced { value, origin } = &sourced;
        if application.section_of(&key).is_none() {
            if origin.scope == Scope::Own {
                let allowed =
                    format!("in a section of {}: {}", application.name, application.section_names());
                faults.push(ConfigFault::new(&key, value, origin, allowed));
            }
        } else if !secret::may_stand(&key, value) {
            faults.push(ConfigFault::new(&key, value, origin, secret::ALLOWED));
        } else {
            keys::overlay(&mut merged, &key, sourced);
        }
    }
    if faults.is_empty() {
        return Ok(merged);
    }
    // the rest is checked all the same: whoever mends this wants to know all of it
    faults.extend(read(application, &merged).err().unwrap_or_default());
    Err(faults)
}

/// Reads every section, in their order, from the merged keys.
pub(super) fn read(application: &Application, merged: &Keys) -> Result<Vec<AnySection>, Vec<ConfigFault>> {
    let mut values = Vec::new();
    let mut faults = Vec::new();
    for section in &application.sections {
        match read_section(section, merged) {
            Ok(value) => values.push(value),
            Err(more) => faults.extend(more),
        }
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

/// The keys of one section.
pub(super) fn keys_of<'a>(
    merged: &'a Keys,
    section: &'a str,
) -> impl Iterator<Item = (&'a String, &'a Sourced)> {
    merged.iter().filter(move |(key, _)| key.split('.').next() == Some(section))
}

/// When a changed key takes effect.
pub(super) fn reload_of(application: &Application, key: &str) -> Reload {
    let found = application.section_of(key).and_then(|section| find(section, key));
    found.map_or(Reload::Live, |found| found.reload)
}

fn find<'a>(section: &'a Declared, key: &str) -> Option<schema::Found<'a>> {
    match key.split_once('.') {
        Some((_, rest)) => schema::find(&section.schema, rest),
        None => Some(schema::Found { schema: &section.schema, reload: Reload::Live }),
    }
}

fn read_section(section: &Declared, merged: &Keys) -> Result<AnySection, Vec<ConfigFault>> {
    let set: Vec<_> = keys_of(merged, section.name).collect();
    let mut faults: Vec<_> =
        set.iter().filter_map(|(key, sourced)| outside_limits(section, key, sourced)).collect();
    match (section.read)(document(section, set.iter().map(|(key, sourced)| (*key, &sourced.value)))) {
        Ok(read) => {
            faults.extend(read.faults.iter().map(|fault| {
                let key = format!("{}.{}", section.name, fault.field);
                let nothing = Sourced { value: Value::Null, origin: Origin::default_value() };
                let sourced = merged.get(&key).unwrap_or(&nothing);
                ConfigFault::new(
                    &key,
                    &sourced.value,
                    &sourced.origin,
                    fault.message.trim_start_matches("must be "),
                )
            }));
            if faults.is_empty() { Ok(read.value) } else { Err(faults) }
        }
        Err(error) => {
            for fault in culprits(section, &set) {
                if !faults.iter().any(|known| known.key == fault.key) {
                    faults.push(fault);
                }
            }
            if faults.is_empty() {
                faults.push(ConfigFault::new(
                    section.name,
                    &Value::Null,
                    &Origin::default_value(),
                    error.to_string(),
                ));
            }
            Err(faults)
        }
    }
}

fn outside_limits(section: &Declared, key: &str, sourced: &Sourced) -> Option<ConfigFault> {
    let found = find(section, key)?;
    let good = sourced.origin.layer == Layer::Default || schema::within_limits(found.schema, &sourced.value);
    (!good).then(|| ConfigFault::new(key, &sourced.value, &sourced.origin, schema::describe(found.schema)))
}

/// The keys that spoil a section. serde stops at the first, so each key is tried alone over the
/// defaults: whoever mends the configuration learns all of them at once.
fn culprits(section: &Declared, set: &[(&String, &Sourced)]) -> Vec<ConfigFault> {
    let changed = set.iter().filter(|(_, sourced)| sourced.origin.layer != Layer::Default);
    changed
        .filter_map(|(key, sourced)| {
            let mut alone = section.defaults.clone();
            keys::overlay(&mut alone, key, sourced.value.clone());
            let error = (section.read)(document(section, &alone)).err()?;
            let allowed = match find(section, key) {
                Some(found) => schema::describe(found.schema),
                None => format!(
                    "a key of {}, which are {}",
                    section.name,
                    schema::key_names(&section.schema).join(", ")
                ),
            };
            let allowed = if allowed == "any value" { error.to_string() } else { allowed };
            Some(ConfigFault::new(key, &sourced.value, &sourced.origin, allowed))
        })
        .collect()
}

fn document<'a>(section: &Declared, leaves: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Value {
    let mut all = keys::unflatten(leaves);
    // a section without a single key reads as its default
    all.get_mut(section.name).map_or_else(|| Value::Object(serde_json::Map::new()), Value::take)
}

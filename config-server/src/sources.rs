//! The layers of an application under its profiles.

use std::collections::BTreeMap;

use chassis::config::keys;
use chassis::config::protocol::{DEFAULT_PROFILE, Effective, Layer, Origin, SHARED, Scope, Sourced};
use contracts::{Fault, Problem};
use serde_json::Value;

use crate::files::{Files, Leaves};
use crate::store::{FILES, Snapshot};

/// An application and the profiles it runs under; a later profile weighs more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The application.
    pub application: String,
    /// Its profiles, at least one.
    pub profiles: Vec<String>,
}

impl Target {
    /// Reads `a,b` as two profiles.
    pub fn parse(application: &str, profiles: &str) -> Result<Self, Problem> {
        let profiles: Vec<String> = profiles.split(',').map(|profile| profile.trim().to_owned()).collect();
        let named = [("application", application)]
            .into_iter()
            .chain(profiles.iter().map(|name| ("profile", name.as_str())));
        let faults: Vec<Fault> =
            named.filter_map(|(what, name)| keys::check_name(what, name).err()).collect();
        if faults.is_empty() {
            Ok(Self { application: application.into(), profiles })
        } else {
            Err(Problem::invalid(faults))
        }
    }

    /// The profiles, joined by commas.
    pub fn profile(&self) -> String {
        self.profiles.join(",")
    }

    /// The applications whose values hold here, the shared one first.
    fn scopes(&self) -> impl Iterator<Item = (Scope, &str)> + Clone {
        let own = (self.application != SHARED).then_some((Scope::Own, self.application.as_str()));
        [(Scope::Shared, SHARED)].into_iter().chain(own)
    }
}

/// One file, or the runtime changes of one application and profile.
#[derive(Debug, Clone)]
pub struct Source {
    /// What it is called.
    pub origin: Origin,
    /// What it says.
    pub leaves: Leaves,
}

/// Every source that has a say, the most specific last.
pub fn sources(target: &Target, files: &Files, stored: &Snapshot) -> Vec<Source> {
    let plain = target.scopes().map(|(scope, name)| (Layer::File, scope, format!("{name}.toml")));
    let profiled = target.profiles.iter().flat_map(|profile| {
        target.scopes().map(move |(scope, name)| (Layer::Profile, scope, format!("{name}-{profile}.toml")))
    });
    let of_files = plain.chain(profiled).filter_map(|(layer, scope, name)| {
        let leaves = files.leaves(&name)?.clone();
        Some(Source { origin: Origin { layer, scope, name }, leaves })
    });
    let others = target.profiles.iter().map(String::as_str).filter(|profile| *profile != DEFAULT_PROFILE);
    let of_changes = [DEFAULT_PROFILE].into_iter().chain(others).flat_map(|profile| {
        target.scopes().filter_map(move |(scope, application)| {
            let leaves = runtime_values(stored, application, profile);
            let name = format!("runtime change of {application}/{profile}");
            (!leaves.is_empty())
                .then_some(Source { origin: Origin { layer: Layer::Runtime, scope, name }, leaves })
        })
    });
    of_files.chain(of_changes).collect()
}

/// The runtime values of one application under one profile.
pub fn runtime_values(stored: &Snapshot, application: &str, profile: &str) -> Leaves {
    let of_place = stored
        .values
        .iter()
        .filter(|(place, _)| place.application == application && place.profile == profile);
    of_place.map(|(place, stored)| (place.key.clone(), stored.value.clone())).collect()
}

/// What holds: the sources laid over the defaults that the schema tells.
pub fn effective(target: &Target, files: &Files, stored: &Snapshot) -> Effective {
    let schema = stored.schemas.get(&target.application);
    let sections = schema.and_then(|schema| schema["properties"].as_object());
    let mut values: BTreeMap<String, Sourced> = BTreeMap::new();
    for (name, section) in sections.into_iter().flatten() {
        let defaults = Value::Object([(name.clone(), section["default"].clone())].into_iter().collect());
        let defaults = keys::flatten(&defaults).into_iter();
        values.extend(defaults.map(|(key, value)| (key, Sourced { value, origin: Origin::default_value() })));
    }
    for source in sources(target, files, stored) {
        for (key, value) in source.leaves {
            // a shared value may belong to a section that this application does not have
            let section = key.split('.').next().unwrap_or(&key);
            if source.origin.scope == Scope::Shared
                && target.application != SHARED
                && sections.is_some_and(|all| !all.contains_key(section))
            {
                continue;
            }
            keys::overlay(&mut values, &key, Sourced { value, origin: source.origin.clone() });
        }
    }
    Effective {
        application: target.application.clone(),
        profile: target.profile(),
        version: version(stored, &target.application),
        values,
    }
}

/// The last change that touched an application: its own, a shared one, or one of a file.
pub fn version(stored: &Snapshot, application: &str) -> u64 {
    [application, SHARED, FILES]
        .into_iter()
        .filter_map(|name| stored.versions.get(name))
        .copied()
        .max()
        .unwrap_or(0)
}

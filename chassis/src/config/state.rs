//! What a service runs with, and how it takes over what it is to run with next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::copy::LastKnownGood;
use super::environment::Override;
use super::error::{ConfigError, ConfigFault};
use super::live::Board;
use super::protocol::{Effective, InstanceReport, RefusedVersion, Report, ReportedKey, Supplier};
use super::resolve::{self, Keys};
use super::schema::Reload;
use super::section::{AnySection, Application};

/// What a configuration and its follower share.
pub(super) struct State {
    pub application: Application,
    environment: Vec<Override>,
    profile: String,
    instance: String,
    pub board: Arc<Board>,
    running: Mutex<Running>,
    /// Where what was taken over is kept.
    copy: Option<LastKnownGood>,
}

struct Running {
    version: u64,
    supplier: Supplier,
    /// What the sections were read from.
    keys: Keys,
    /// What will hold after a restart, where that differs.
    pending: Keys,
    refused: Option<RefusedVersion>,
}

/// How a push ended.
pub(super) enum Outcome {
    TakenOver { pending_restart: Vec<String> },
    Refused(Vec<ConfigFault>),
}

impl State {
    /// The first state; refused with every fault where it is not valid.
    pub fn new(
        application: Application,
        environment: Vec<Override>,
        instance: &str,
        effective: &Effective,
        supplier: Supplier,
        copy: Option<LastKnownGood>,
    ) -> Result<Self, ConfigError> {
        let read = resolve::merge(&application, effective, &environment)
            .and_then(|keys| Ok((resolve::read(&application, &keys)?, keys)));
        let (sections, keys) =
            read.map_err(|faults| ConfigError::Invalid { application: application.name.clone(), faults })?;
        let running =
            Running { version: effective.version, supplier, keys, pending: Keys::new(), refused: None };
        Ok(Self {
            application,
            environment,
            profile: effective.profile.clone(),
            instance: instance.to_owned(),
            board: Board::new(sections),
            running: Mutex::new(running),
            copy,
        })
    }

    /// Keeps what was taken over for a start without the server.
    pub async fn keep(&self, effective: &Effective) {
        if let Some(copy) = &self.copy {
            copy.write(effective).await;
        }
    }

    /// Takes a new configuration over, all of it, or refuses it, all of it.
    pub async fn take_over(&self, effective: &Effective) -> Outcome {
        match self.swap(effective) {
            Ok(pending_restart) => {
                self.keep(effective).await;
                Outcome::TakenOver { pending_restart }
            }
            Err(faults) => {
                let refused = RefusedVersion {
                    version: effective.version,
                    faults: faults.iter().map(Into::into).collect(),
                };
                self.running.lock().refused = Some(refused);
                Outcome::Refused(faults)
            }
        }
    }

    fn swap(&self, effective: &Effective) -> Result<Vec<String>, Vec<ConfigFault>> {
        let wanted = resolve::merge(&self.application, effective, &self.environment)?;
        let sections = resolve::read(&self.application, &wanted)?;
        let mut running = self.running.lock();
        let (keys, pending) = self.hold_back(&running.keys, wanted);
        // what is held back and what is new must be valid together, too
        let sections = if pending.is_empty() { sections } else { resolve::read(&self.application, &keys)? };
        self.board.replace(self.keep_unchanged(sections, &running.keys, &keys));
        let pending_restart = pending.keys().cloned().collect();
        *running =
            Running { version: effective.version, supplier: Supplier::Server, keys, pending, refused: None };
        Ok(pending_restart)
    }

    /// Splits what is wanted into what can hold now and what waits for a restart.
    fn hold_back(&self, running: &Keys, mut wanted: Keys) -> (Keys, Keys) {
        let mut pending = Keys::new();
        let all: BTreeSet<String> = running.keys().chain(wanted.keys()).cloned().collect();
        for key in all {
            if resolve::reload_of(&self.application, &key) == Reload::Live {
                continue;
            }
            let (old, new) = (running.get(&key), wanted.get(&key));
            if old.map(|old| &old.value) == new.map(|new| &new.value) {
                continue;
            }
            let mut after = new.or(old).cloned();
            if let (None, Some(after)) = (new, &mut after) {
                after.value = serde_json::Value::Null;
            }
            pending.extend(after.map(|after| (key.clone(), after)));
            match old.cloned() {
                Some(old) => wanted.insert(key, old),
                None => wanted.remove(&key),
            };
        }
        (wanted, pending)
    }

    /// Readers of a section that did not change keep the value they know.
    fn keep_unchanged(&self, mut sections: Vec<AnySection>, before: &Keys, after: &Keys) -> Vec<AnySection> {
        let known = self.board.get();
        for ((section, declared), known) in
            sections.iter_mut().zip(&self.application.sections).zip(known.iter())
        {
            let values = |keys| -> BTreeMap<_, _> {
                resolve::keys_of(keys, declared.name).map(|(key, sourced)| (key, &sourced.value)).collect()
            };
            if values(before) == values(after) {
                *section = Arc::clone(known);
            }
        }
        sections
    }

    /// What the server is told about this instance.
    pub fn instance_report(&self) -> InstanceReport {
        let running = self.running.lock();
        InstanceReport {
            profile: self.profile.clone(),
            schema: self.application.schema(),
            overrides: self.environment.iter().map(|set| (set.key.clone(), set.variable.clone())).collect(),
            version: Some(running.version),
            pending_restart: running.pending.keys().cloned().collect(),
            refused: running.refused.clone(),
        }
    }

    /// What the service says about its configuration.
    pub fn report(&self) -> Report {
        let running = self.running.lock();
        let keys = running.keys.iter().map(|(key, sourced)| ReportedKey {
            key: key.clone(),
            value: sourced.value.clone(),
            origin: sourced.origin.clone(),
            reload: resolve::reload_of(&self.application, key),
            pending_restart: running.pending.get(key).map(|pending| pending.value.clone()),
        });
        Report {
            application: self.application.name.clone(),
            profile: self.profile.clone(),
            instance: self.instance.clone(),
            version: running.version,
            supplier: running.supplier,
            keys: keys.collect(),
            refused: running.refused.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::protocol::{Layer, Origin, Scope, Sourced};
    use crate::config::{Configuration, Live, Section};
    use contracts::Fault;
    use serde_json::{Value, json};
    use std::time::Duration;

    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    struct Retry {
        share: f64,
        floor: u32,
        #[schemars(extend("x-reload" = "restart"))]
        slots: u32,
        wires: BTreeMap<String, String>,
    }

    impl Default for Retry {
        fn default() -> Self {
            Self { share: 0.2, floor: 3, slots: 8, wires: BTreeMap::new() }
        }
    }

    impl Section for Retry {
        const NAME: &'static str = "retry";

        fn check(&self) -> Vec<Fault> {
            let good = self.floor <= self.slots;
            let fault = Fault { field: "floor".into(), message: "must be at most retry.slots".into() };
            if good { Vec::new() } else { vec![fault] }
        }
    }

    fn configuration(variables: &[(&str, &str)]) -> Result<Configuration, ConfigError> {
        let environment: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Configuration::builder("card-network").section::<Retry>().load_alone(&environment)
    }

    fn served(version: u64, values: &[(&str, Value)]) -> Effective {
        let origin = Origin { layer: Layer::File, scope: Scope::Own, name: "card-network.toml".into() };
        let sourced = |value: &Value| Sourced { value: value.clone(), origin: origin.clone() };
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), sourced(value))).collect();
        Effective { application: "card-network".into(), profile: "default".into(), version, values }
    }

    #[test]
    fn without_a_server_the_environment_lies_over_the_defaults() {
        let configuration = configuration(&[
            ("TRADEWIND_CARD_NETWORK__RETRY__SHARE", "0.5"),
            ("TRADEWIND_CARD_NETWORK__RETRY__WIRES__INVENTORY", "grpc"),
        ]);
        let retry = configuration.expect("is valid").section::<Retry>().get();
        assert_eq!((retry.share, retry.floor, retry.wires["inventory"].as_str()), (0.5, 3, "grpc"));
    }

    #[test]
    fn a_variable_that_means_nothing_is_a_fault_that_names_it() {
        let refused = configuration(&[("TRADEWIND_CARD_NETWORK__RETRY__FLOOR", "many")])
            .err()
            .expect("a fault")
            .to_string();
        assert!(
            refused.contains("TRADEWIND_CARD_NETWORK__RETRY__FLOOR") && refused.contains("a whole number"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn what_is_held_back_and_what_is_new_must_be_valid_together() {
        let configuration = configuration(&[]).expect("is valid");
        let mut retry = configuration.section::<Retry>();
        // valid by itself, but its slots wait for a restart, and 9 is more than the 8 that hold till then
        let pushed = served(1, &[("retry.slots", json!(16)), ("retry.floor", json!(9))]);
        let Outcome::Refused(faults) = configuration.state.take_over(&pushed).await else {
            panic!("taken over")
        };
        assert_eq!(
            faults[0].to_string(),
            "retry.floor = 9 (set by file card-network.toml): must be at most retry.slots"
        );
        assert_eq!(*retry.get(), Retry::default());

        let pushed = served(2, &[("retry.slots", json!(16)), ("retry.floor", json!(7))]);
        let Outcome::TakenOver { pending_restart } = configuration.state.take_over(&pushed).await else {
            panic!("refused")
        };
        assert_eq!(pending_restart, ["retry.slots"]);
        let changed = retry.changed().await;
        assert_eq!((changed.floor, changed.slots), (7, 8));
    }

    #[tokio::test]
    async fn readers_of_a_section_that_did_not_change_keep_their_value() {
        let configuration = configuration(&[]).expect("is valid");
        let before = configuration.section::<Retry>().get();
        configuration.state.take_over(&served(1, &[("retry.floor", json!(3))])).await;
        assert!(Arc::ptr_eq(&before, &configuration.section::<Retry>().get()));
        assert_eq!(configuration.report().version, 1);
    }

    #[tokio::test]
    async fn a_fixed_value_never_changes() {
        let mut live = Live::fixed(Retry::default());
        assert_eq!(*live.get(), Retry::default());
        assert!(tokio::time::timeout(Duration::from_millis(1), live.changed()).await.is_err());
    }
}

//! A service's configuration: loaded once, then kept up to date.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::client::{Fetched, ServerClient};
use super::copy::LastKnownGood;
use super::environment::{Environment, Override, overrides};
use super::error::{ConfigError, ConfigFault};
use super::follow;
use super::live::{Board, Live};
use super::protocol::{DEFAULT_PROFILE, Effective, InstanceReport, RefusedVersion, Report, ReportedKey, Supplier};
use super::resolve::{self, Keys};
use super::schema::Reload;
use super::section::{AnySection, Application, Declared, Section};
use super::source::Source;

/// How often a start that waits for the server tries again, and how often it says so.
const RETRY: Duration = Duration::from_millis(200);
const SAY_SO: Duration = Duration::from_secs(3);

/// Lists the sections of an application.
pub struct Builder(Application);

impl Builder {
    /// Adds a section; a second time changes nothing.
    pub fn section<A: Section>(mut self) -> Self {
        if !self.0.sections.iter().any(|section| section.name == A::NAME) {
            self.0.sections.push(Declared::of::<A>());
        }
        self
    }

    /// The schema of all sections, as it is published.
    pub fn schema(&self) -> serde_json::Value {
        self.0.schema()
    }

    /// The application's name.
    pub fn application(&self) -> &str {
        &self.0.name
    }

    /// The configuration of a process that has no config server: defaults and environment, for good.
    pub fn load_alone(self, environment: &dyn Environment) -> Result<Configuration, ConfigError> {
        let application = self.0;
        let environment = overrides(environment, &application);
        let effective = Effective {
            application: application.name.clone(),
            profile: DEFAULT_PROFILE.into(),
            version: 0,
            values: BTreeMap::new(),
        };
        let invalid = |faults| ConfigError::Invalid { application: application.name.clone(), faults };
        let keys = resolve::merge(&application, &effective, &environment).map_err(invalid)?;
        let sections = resolve::read(&application, &keys).map_err(invalid)?;
        let running = Running {
            version: effective.version,
            supplier: Supplier::Nobody,
            keys,
            pending: Keys::new(),
            refused: None,
        };
        let state = State {
            copy: LastKnownGood::new(Path::new(""), &application.name),
            application,
            environment,
            profile: DEFAULT_PROFILE.into(),
            instance: String::new(),
            board: Board::new(sections),
            running: Mutex::new(running),
        };
        Ok(Configuration { state: Arc::new(state) })
    }

    /// Fetches the configuration and validates it whole. From then on, and until the source's
    /// `shutdown`, a task takes over what the server pushes.
    pub async fn load(self, source: &Source) -> Result<Configuration, ConfigError> {
        let application = self.0;
        let client = ServerClient::new(&source.server, &application.name, &source.profile, &source.instance)
            .map_err(|error| ConfigError::Client(error.to_string()))?;
        let environment = overrides(&*source.environment, &application);
        let copy = LastKnownGood::new(&source.data_dir, &application.name);
        let (effective, etag, supplier) = first(&client, source, &application, &copy).await?;

        let read = resolve::merge(&application, &effective, &environment)
            .and_then(|keys| Ok((resolve::read(&application, &keys)?, keys)));
        let (sections, keys) =
            read.map_err(|faults| ConfigError::Invalid { application: application.name.clone(), faults })?;
        if supplier == Supplier::Server {
            copy.write(&effective).await;
        }
        let running =
            Running { version: effective.version, supplier, keys, pending: Keys::new(), refused: None };
        let state = Arc::new(State {
            application,
            environment,
            profile: source.profile.clone(),
            instance: source.instance.clone(),
            board: Board::new(sections),
            running: Mutex::new(running),
            copy,
        });
        let following = follow::follow(Arc::clone(&state), client, etag);
        let shutdown = source.shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled_owned(following).await });
        Ok(Configuration { state })
    }
}

/// The first configuration: from the server, or after a while from the copy.
async fn first(
    client: &ServerClient,
    source: &Source,
    application: &Application,
    copy: &LastKnownGood,
) -> Result<(Effective, Option<String>, Supplier), ConfigError> {
    let (name, server) = (&application.name, &source.server);
    let kept = copy.read().await;
    let patience = if kept.is_some() { source.head_start } else { source.patience };
    let started = Instant::now();
    let mut said = started;
    loop {
        let reason = match client.fetch(None).await {
            Ok(Fetched::New { effective, etag }) => return Ok((effective, etag, Supplier::Server)),
            Ok(Fetched::NotModified) => "it says that nothing changed, to one who has nothing".into(),
            Err(error) => error.to_string(),
        };
        let waited_s = started.elapsed().as_secs();
        if started.elapsed() >= patience {
            let Some(effective) = kept else {
                let (application, server, copy) = (name.clone(), server.clone(), copy.path().to_owned());
                return Err(ConfigError::Unavailable { application, server, waited_s, reason, copy });
            };
            let version = effective.version;
            tracing::warn!(
                application = name,
                server,
                version,
                reason,
                "STARTING FROM THE LAST KNOWN GOOD CONFIGURATION of {name}, version {version}: the config server at {server} is away ({reason})"
            );
            return Ok((effective, None, Supplier::LastKnownGood));
        }
        if said.elapsed() >= SAY_SO {
            said = Instant::now();
            tracing::warn!(
                application = name,
                server,
                reason,
                "waiting for the config server at {server} since {waited_s} s: {reason}"
            );
        }
        tokio::select! {
            () = source.shutdown.cancelled() => return Err(ConfigError::Stopped { application: name.clone() }),
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// A service's configuration.
#[derive(Clone)]
pub struct Configuration {
    state: Arc<State>,
}

impl Configuration {
    /// Begins the list of an application's sections.
    pub fn builder(application: &str) -> Builder {
        Builder(Application { name: application.to_owned(), sections: Vec::new() })
    }

    /// A section, as it stands at any moment.
    ///
    /// # Panics
    /// Where the builder was not given this section: a mistake in the program, which its first start shows.
    pub fn section<A: Section>(&self) -> Live<A> {
        let index =
            self.state.application.sections.iter().position(|section| section.kind == TypeId::of::<A>());
        index
            .and_then(|index| Live::at(Arc::clone(&self.state.board), index))
            .unwrap_or_else(|| panic!("the section {} was not declared with Builder::section", A::NAME))
    }

    /// What the service runs with, key by key.
    pub fn report(&self) -> Report {
        self.state.report()
    }
}

/// What a configuration and its follower share.
pub(super) struct State {
    application: Application,
    environment: Vec<Override>,
    profile: String,
    instance: String,
    board: Arc<Board>,
    running: Mutex<Running>,
    copy: LastKnownGood,
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
    pub fn application(&self) -> &str {
        &self.application.name
    }

    /// Takes a new configuration over, all of it, or refuses it, all of it.
    pub async fn take_over(&self, effective: &Effective) -> Outcome {
        let result = self.swap(effective);
        match result {
            Ok(pending_restart) => {
                self.copy.write(effective).await;
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

    fn report(&self) -> Report {
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

//! What both APIs and the poller share.

use std::sync::Arc;

use chassis::config::protocol::{ApplicationSummary, Effective, InstanceReport, SHARED, ServerStatus};
use chassis::config::{keys, schema};
use chassis::store::{StoreError, StoreUrl};
use contracts::{Code, Fault, PortError, Problem, Timestamp};
use parking_lot::RwLock;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::files::Files;
use crate::instances::Instances;
use crate::sources::{self, Source, Target};
use crate::store::{ChangeStore, Revision, Snapshot, SqlChanges};
use crate::{Config, OpenError, poll, schemas};

/// More applications than any shop has. Services publish without a token, and a schema is kept for
/// ever: without a bound one runaway client could fill the database.
const MOST_APPLICATIONS: usize = 256;

/// The server's state, and the doors to it.
pub(crate) struct Core {
    /// What is served.
    pub(crate) state: RwLock<State>,
    /// Held while a change is decided on and written, so that each is judged by what really holds.
    pub(crate) deciding: Mutex<()>,
    pub(crate) store: Arc<dyn ChangeStore>,
    database: SqlChanges,
    pub(crate) instances: Instances,
    /// The last version, for whoever watches.
    versions: watch::Sender<u64>,
    /// Ends the watches.
    pub(crate) closing: CancellationToken,
    pub(crate) label: String,
}

/// What is served.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub files: Files,
    pub stored: Snapshot,
}

impl Core {
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let files = Files::open(&config.files, &config.data_dir).map_err(|source| OpenError::Folder {
            files: config.files,
            data_dir: config.data_dir.clone(),
            source,
        })?;
        let url = config.database.unwrap_or_else(|| StoreUrl::sqlite_in(&config.data_dir));
        let database = SqlChanges::open(&url, config.patience).await?;
        let stored = database.load().await?;
        let core = Self {
            versions: watch::Sender::new(stored.version),
            state: RwLock::new(State { files: files.clone(), stored }),
            deciding: Mutex::new(()),
            store: Arc::new(database.clone()),
            database,
            instances: Instances::default(),
            closing: CancellationToken::new(),
            label: config.label,
        };
        poll::record_files(&core, files, &poll::Found::AtStart).await?;
        Ok(core)
    }

    /// Ends every watch, and closes the database after the statements under way.
    pub async fn close(&self) {
        self.closing.cancel();
        self.database.close().await;
    }

    /// Serves a new state, and tells the watchers.
    pub fn publish(&self, change: impl FnOnce(&mut State)) {
        let version = {
            let mut state = self.state.write();
            change(&mut state);
            state.stored.version
        };
        self.versions.send_replace(version);
    }

    /// Takes over what other replicas wrote.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let there = self.store.revision().await?;
        if there == self.revision() {
            return Ok(());
        }
        let _deciding = self.deciding.lock().await;
        // whoever held it may have taken over the same
        if there == self.revision() {
            return Ok(());
        }
        let stored = self.store.load().await?;
        self.publish(|state| state.stored = stored);
        Ok(())
    }

    fn revision(&self) -> Revision {
        self.state.read().stored.revision()
    }

    /// Wakes whenever something may have changed.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    pub fn version(&self, application: &str) -> u64 {
        sources::version(&self.state.read().stored, application)
    }

    pub fn effective(&self, target: &Target) -> Effective {
        let state = self.state.read();
        sources::effective(target, &state.files, &state.stored)
    }

    /// Every source that has a say, the most specific last.
    pub fn sources(&self, target: &Target) -> Vec<Source> {
        let state = self.state.read();
        sources::sources(target, &state.files, &state.stored)
    }

    /// Whether files, schemas or instances speak of an application.
    pub fn knows(&self, application: &str) -> bool {
        self.application_names().iter().any(|known| known == application)
    }

    fn application_names(&self) -> Vec<String> {
        let state = self.state.read();
        let mut names: Vec<String> = state.stored.schemas.keys().cloned().collect();
        names.push(SHARED.to_owned());
        // `card-network-dev` is a profile of `card-network`, where that is known; an application otherwise
        let mut stems: Vec<&str> = state.files.stems().collect();
        stems.sort_by_key(|stem| stem.len());
        for stem in stems {
            let is_profile = names
                .iter()
                .any(|name| stem.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('-')));
            if !is_profile {
                names.push(stem.to_owned());
            }
        }
        names.sort();
        names.dedup();
        names
    }

    pub fn applications(&self) -> Vec<ApplicationSummary> {
        let names = self.application_names().into_iter();
        let summary = |name: String| ApplicationSummary {
            version: self.version(&name),
            has_schema: self.state.read().stored.schemas.contains_key(&name),
            instances: self.instances.of(&name).len(),
            name,
        };
        names.map(summary).collect()
    }

    pub fn status(&self) -> ServerStatus {
        let applications = self.applications();
        let state = self.state.read();
        ServerStatus { version: state.stored.version, files: state.files.status(), applications }
    }

    /// Splits `orders-eu-west` into application and profile: the longest application that is known, or
    /// all up to the last dash.
    pub fn split_name<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let splits = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..]));
        let splits: Vec<_> =
            splits.filter(|(application, profile)| !application.is_empty() && !profile.is_empty()).collect();
        splits.iter().rev().find(|(application, _)| self.knows(application)).or(splits.last()).copied()
    }

    /// Keeps what an instance says about itself, and what its application accepts.
    pub async fn report(
        &self,
        application: &str,
        instance: &str,
        mut report: InstanceReport,
    ) -> Result<(), Problem> {
        let faults: Vec<Fault> = [("application", application), ("instance", instance)]
            .into_iter()
            .filter_map(|(what, name)| keys::check_name(what, name).err())
            .collect();
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Target::parse(application, &report.profile)?;
        // one schema an application is kept, not one an instance
        let schema = std::mem::take(&mut report.schema);
        self.keep_schema(application, schema).await?;
        self.instances.report(application, instance, report)
    }

    async fn keep_schema(&self, application: &str, schema: Value) -> Result<(), Problem> {
        let _deciding = self.deciding.lock().await;
        {
            let state = self.state.read();
            let known = &state.stored.schemas;
            if known.get(application) == Some(&schema) {
                return Ok(());
            }
            if known.len() >= MOST_APPLICATIONS && !known.contains_key(application) {
                let detail = format!("{MOST_APPLICATIONS} applications have published their schemas already");
                return Err(Problem::new(Code::Unavailable, detail));
            }
        }
        schemas::check(&schema)?;
        self.store.schema_put(application, &schema, Timestamp::now()).await.map_err(failed)?;
        let keys = schema::key_names(&schema).join(", ");
        // `stored.published` stays behind: the next poll reads all of it again, once
        self.publish(|state| {
            state.stored.schemas.insert(application.to_owned(), schema);
        });
        tracing::info!(application, "{application} published its schema, with the sections {keys}");
        Ok(())
    }
}

/// What the client learns of a database that failed; the log has the rest.
pub(crate) fn failed(error: StoreError) -> Problem {
    PortError::from(error).into_problem()
}

/// Stands for a representation: the version for people, the hash because defaults change with schemas.
pub(crate) fn etag(effective: &Effective) -> String {
    let body = serde_json::to_vec(effective).unwrap_or_default();
    let hash: String = Sha256::digest(&body).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{}-{hash}\"", effective.version)
}

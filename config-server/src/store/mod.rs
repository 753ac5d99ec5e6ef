//! What of the server's state outlives it: runtime changes, their history, published schemas.

mod sql;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chassis::config::protocol::{ChangeKind, HistoryEntry};
use chassis::store::StoreError;
use contracts::Timestamp;
use serde_json::Value;

pub use sql::SqlChanges;

/// The application that changes of files are recorded under: no application can have this name.
pub(crate) const FILES: &str = "*";

/// What a value is set for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The application, `application` for all of them, or `*` for a file.
    pub application: String,
    /// The profile.
    pub profile: String,
    /// The key, or the file's name.
    pub key: String,
}

/// A runtime value.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The value; of a file, the hash of its content.
    pub value: Value,
    /// The version that set it.
    pub version: u64,
}

/// Everything that the server has to know when it starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The last version.
    pub version: u64,
    /// The last version that touched each application.
    pub versions: BTreeMap<String, u64>,
    /// The runtime values.
    pub values: BTreeMap<Place, Stored>,
    /// The published schemas.
    pub schemas: BTreeMap<String, Value>,
    /// The `published` of [`Revision`].
    pub published: i64,
}

/// What tells one state of the store from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision {
    /// The last version.
    pub version: u64,
    /// The times at which the schemas were published, in microseconds since 1970, summed: a schema
    /// that is published makes no version. Unlike the newest time the sum also shows one that was
    /// published by a replica whose clock is slow.
    pub published: i64,
}

impl Snapshot {
    /// Of which state this is.
    pub fn revision(&self) -> Revision {
        Revision { version: self.version, published: self.published }
    }

    /// The state after a change set that became `version`.
    pub fn apply(&mut self, set: &ChangeSet, version: u64) {
        self.version = version;
        for (place, value) in &set.changes {
            self.versions.insert(place.application.clone(), version);
            match value.clone() {
                Some(value) => self.values.insert(place.clone(), Stored { value, version }),
                None => self.values.remove(place),
            };
        }
    }
}

/// Changes that are made together or not at all, as one version.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    /// The last version that whoever decided on this has seen.
    pub expected: u64,
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// Who makes it.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// What each place shall be; `None` takes the runtime value away.
    pub changes: Vec<(Place, Option<Value>)>,
}

/// How an append ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is durable, as this version.
    As(u64),
    /// Another change came first; nothing was written.
    Stale,
}

/// The durable part of the config server.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// The whole state.
    async fn load(&self) -> Result<Snapshot, StoreError>;

    /// Which state holds: cheap enough to ask every second, to see what other replicas changed.
    async fn revision(&self) -> Result<Revision, StoreError>;

    /// Makes a change durable, with its history, if nothing has changed since `expected`.
    async fn append(&self, set: &ChangeSet) -> Result<Appended, StoreError>;

    /// The last `limit` changes that touched an application under a profile, the youngest first.
    async fn history(
        &self,
        application: &str,
        profile: &str,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// The runtime values that an application's own profile had at `version`.
    async fn values_at(
        &self,
        application: &str,
        profile: &str,
        version: u64,
    ) -> Result<BTreeMap<String, Value>, StoreError>;

    /// Keeps what an application accepts.
    async fn schema_put(&self, application: &str, schema: &Value, at: Timestamp) -> Result<(), StoreError>;
}

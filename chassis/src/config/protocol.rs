//! What client and config server say to each other, in JSON.

use std::collections::BTreeMap;

use contracts::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema::Reload;

/// The application whose keys all applications share.
pub const SHARED: &str = "application";

/// The profile of those who name none. What is set for it holds for every profile.
pub const DEFAULT_PROFILE: &str = "default";

/// Where a value comes from; a later one lies over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The section's own default.
    Default,
    /// A file without a profile.
    File,
    /// A file of a profile.
    Profile,
    /// A change made at the config server.
    Runtime,
    /// The environment of the process.
    Environment,
}

/// Whether a value was meant for this application alone. A shared one may belong to a section that the
/// application does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For all applications.
    Shared,
    /// For this one.
    Own,
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// In which layer.
    pub layer: Layer,
    /// For whom.
    pub scope: Scope,
    /// The file, the runtime change or the variable.
    pub name: String,
}

impl Origin {
    /// The origin of defaults.
    pub fn default_value() -> Self {
        Self { layer: Layer::Default, scope: Scope::Own, name: "default".into() }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.layer {
            Layer::Default => f.write_str("default"),
            Layer::File | Layer::Profile => write!(f, "file {}", self.name),
            Layer::Runtime => f.write_str(&self.name),
            Layer::Environment => write!(f, "environment variable {}", self.name),
        }
    }
}

/// A value and who set it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sourced {
    /// The value.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
}

/// What the server says holds for an application: `GET …/{application}/{profile}/effective`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effective {
    /// Whose.
    pub application: String,
    /// Under which profiles, separated by commas; the last one weighs most.
    pub profile: String,
    /// The last change that touched it.
    pub version: u64,
    /// Every key.
    pub values: BTreeMap<String, Sourced>,
}

/// A change as watchers learn of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEvent {
    /// The version that holds now.
    pub version: u64,
}

/// What an instance tells the server about itself: `PUT …/{application}/instances/{instance}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// Its profiles.
    pub profile: String,
    /// What it accepts.
    pub schema: Value,
    /// The keys that its environment sets, and the variables that do.
    pub overrides: BTreeMap<String, String>,
    /// What it runs with; nothing before its first load.
    pub version: Option<u64>,
    /// The keys whose new values wait for a restart.
    pub pending_restart: Vec<String>,
    /// What it did not take over.
    pub refused: Option<RefusedVersion>,
}

/// A version that an instance did not take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedVersion {
    /// Which.
    pub version: u64,
    /// Why.
    pub faults: Vec<Fault>,
}

/// A live instance: `GET …/{application}/instances`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub id: String,
    /// What it is an instance of.
    pub application: String,
    /// Its profiles.
    pub profile: String,
    /// The keys that its environment sets, and the variables that do.
    pub overrides: BTreeMap<String, String>,
    /// What it runs with.
    pub version: Option<u64>,
    /// The keys whose new values wait for a restart.
    pub pending_restart: Vec<String>,
    /// What it did not take over.
    pub refused: Option<RefusedVersion>,
}

/// The body of a change: `PUT …/keys/{key}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewValue {
    /// What the key shall be.
    pub value: Value,
}

/// The body of a rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackTo {
    /// The version whose runtime changes shall hold again.
    pub version: u64,
}

/// What a change made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The version that holds now.
    pub version: u64,
}

/// What kind of change an entry of the history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A key was set.
    Set,
    /// A runtime change was taken back.
    Unset,
    /// A former state was restored.
    Rollback,
    /// A file changed; old and new are hashes of its content.
    File,
}

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The version that it made.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What kind.
    pub kind: ChangeKind,
    /// For which application.
    pub application: String,
    /// For which profile.
    pub profile: String,
    /// Which key, or which file.
    pub key: String,
    /// What it was, nothing where no runtime change had set it.
    pub old: Option<Value>,
    /// What it became, nothing where the runtime change was taken away.
    pub new: Option<Value>,
}

/// An application that the server knows of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationSummary {
    /// Its name.
    pub name: String,
    /// The last change that touched it.
    pub version: u64,
    /// Whether it has published its schema.
    pub has_schema: bool,
    /// How many instances are live.
    pub instances: usize,
}

/// How a file is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// As it stands in the folder.
    Good,
    /// The file is broken; its last good content holds.
    LastKnownGood,
    /// The file is broken, and there is no good content of it.
    Ignored,
}

/// What the server says about one of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    /// Its name.
    pub name: String,
    /// How it is doing.
    pub state: FileState,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// What the server says about itself: `GET /api/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerStatus {
    /// The last change of all.
    pub version: u64,
    /// Every file.
    pub files: Vec<FileStatus>,
    /// Every application.
    pub applications: Vec<ApplicationSummary>,
}

/// Where a service's configuration came from when it was last taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supplier {
    /// The config server.
    Server,
    /// The copy on disk, because the server was away.
    LastKnownGood,
    /// Nobody: the process has no config server, and runs with defaults and environment.
    Nobody,
}

/// One key as a service runs with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedKey {
    /// The key.
    pub key: String,
    /// What it runs with.
    pub value: Value,
    /// Who set that.
    pub origin: Origin,
    /// When a change takes effect.
    pub reload: Reload,
    /// What it will be after a restart, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_restart: Option<Value>,
}

/// What a service says about its configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Whose.
    pub application: String,
    /// Under which profiles.
    pub profile: String,
    /// Which instance.
    pub instance: String,
    /// The version it runs with.
    pub version: u64,
    /// Who supplied it.
    pub supplier: Supplier,
    /// Every key.
    pub keys: Vec<ReportedKey>,
    /// The last version that was not taken over, where none has been since.
    pub refused: Option<RefusedVersion>,
}

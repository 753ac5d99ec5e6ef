//! What the registry stores, and the records from which the journal rebuilds it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The check that every node has; the node of this process always passes it.
pub(crate) const NODE_CHECK: &str = "serfHealth";

/// One registered instance of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tags: Vec<String>,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) meta: BTreeMap<String, String>,
    pub(crate) weights: Weights,
    pub(crate) enable_tag_override: bool,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

/// How much of the load an instance is to get; passed on, not interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weights {
    #[serde(rename = "Passing", alias = "passing")]
    pub(crate) passing: u32,
    #[serde(rename = "Warning", alias = "warning", default = "one")]
    pub(crate) warning: u32,
}

fn one() -> u32 {
    1
}

impl Default for Weights {
    fn default() -> Self {
        Self { passing: 1, warning: 1 }
    }
}

/// How a check stands. The order is that of badness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Passing,
    Warning,
    Critical,
}

impl Status {
    /// The status by its name in the API.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "passing" => Self::Passing,
            "warning" => Self::Warning,
            "critical" => Self::Critical,
            _ => return None,
        })
    }
}

/// A check of a service or of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) notes: String,
    /// What the last report said. A change of this alone is neither journaled nor an event.
    pub(crate) output: String,
    pub(crate) status: Status,
    /// The instance it belongs to; none for a check of the node.
    pub(crate) service: Option<String>,
    pub(crate) kind: CheckKind,
    /// After how long in critical its service is deregistered.
    pub(crate) reap_after: Option<Duration>,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

/// Who finds out how a check stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckKind {
    /// Nobody: the node that answers is alive.
    Node,
    /// The service reports; silence for the whole span turns it critical.
    Ttl(Duration),
    /// The registry asks the service.
    Http(Probe),
    /// An operator took the service out.
    Maintenance,
}

/// What an HTTP check asks, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probe {
    pub(crate) url: String,
    pub(crate) method: String,
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    pub(crate) body: String,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

/// One key of the key-value store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) key: String,
    #[serde(with = "as_base64")]
    pub(crate) value: Vec<u8>,
    pub(crate) flags: u64,
    /// The session that holds it as a lock.
    pub(crate) session: Option<String>,
    /// How often it was taken as a lock.
    pub(crate) lock_index: u64,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

/// Something that lives as long as its holder renews it and its checks pass; locks hang on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ttl: Option<Duration>,
    /// The TTL as the client wrote it, which is how the API shows it.
    pub(crate) ttl_text: String,
    pub(crate) lock_delay: Duration,
    pub(crate) behavior: Behavior,
    pub(crate) node_checks: Vec<String>,
    pub(crate) service_checks: Vec<String>,
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

impl Session {
    /// Every check that the session depends on.
    pub(crate) fn checks(&self) -> impl Iterator<Item = &String> {
        self.node_checks.iter().chain(&self.service_checks)
    }
}

/// What becomes of a session's locks when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Behavior {
    /// They are let go.
    #[default]
    Release,
    /// Their keys are deleted.
    Delete,
}

/// One change. Applying the records of a journal in order rebuilds the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    Service(Service),
    ServiceGone(String),
    Check(Check),
    CheckGone(String),
    Entry(Entry),
    EntryGone(String),
    Session(Session),
    SessionGone(String),
}

/// The records of one call, which become durable together or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// The registry's index after the batch.
    pub(crate) index: u64,
    pub(crate) records: Vec<Record>,
}

/// Values in the journal, which is JSON.
mod as_base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

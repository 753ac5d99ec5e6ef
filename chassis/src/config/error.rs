//! Why a configuration was not taken.

use std::path::PathBuf;

use contracts::Fault;
use serde_json::Value;

use super::protocol::Origin;
use super::secret;

/// One key at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFault {
    /// Which key.
    pub key: String,
    /// What it was set to; hidden where it is a secret.
    pub value: Value,
    /// Who set it.
    pub origin: Origin,
    /// What it should be.
    pub allowed: String,
}

impl ConfigFault {
    /// A fault that does not give a secret away.
    pub(super) fn new(key: &str, value: &Value, origin: &Origin, allowed: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: secret::shown(key, value),
            origin: origin.clone(),
            allowed: allowed.into(),
        }
    }
}

impl std::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {} (set by {}): must be {}", self.key, self.value, self.origin, self.allowed)
    }
}

impl From<&ConfigFault> for Fault {
    fn from(fault: &ConfigFault) -> Self {
        Self {
            field: fault.key.clone(),
            message: format!("is {} (set by {}), must be {}", fault.value, fault.origin, fault.allowed),
        }
    }
}

/// Why a service has no configuration. Only an invalid one ends a start with exit code 64, because a
/// person must mend it; the others end it with 1, because the next start may go better.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration is not valid; every fault at once.
    #[error("the configuration of {application} is not valid:{}", lines(faults))]
    Invalid {
        /// Whose.
        application: String,
        /// Every key at fault.
        faults: Vec<ConfigFault>,
    },
    /// Neither the config server nor a last known good copy.
    #[error("no configuration for {application}: the config server at {server} did not answer for {waited_s} s ({reason}), and there is no last known good copy at {}", copy.display())]
    Unavailable {
        /// Whose.
        application: String,
        /// Which server was asked, as it may be shown.
        server: String,
        /// How long.
        waited_s: u64,
        /// What the last attempt met.
        reason: String,
        /// Where a copy would have been.
        copy: PathBuf,
    },
    /// The caller asked to stop while the configuration was awaited.
    #[error("stopped while waiting for the configuration of {application}")]
    Stopped {
        /// Whose.
        application: String,
    },
    /// No HTTP client can be made.
    #[error("the HTTP client could not be made: {0}")]
    Client(String),
}

fn lines(faults: &[ConfigFault]) -> String {
    faults.iter().map(|fault| format!("\n  {fault}")).collect()
}

//! What the registry is told at the start.

use std::path::PathBuf;
use std::time::Duration;

/// The settings of one registry.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds the journal. It is created when missing; one registry at a time uses it.
    pub data_dir: PathBuf,
    /// The token that every call but `/v1/status/…` must bring; without one, everybody may call.
    pub token: Option<String>,
    /// The name of the one datacenter, `dc1` as Consul's own default.
    pub datacenter: String,
    /// The name of the one node.
    pub node_name: String,
    /// The address of the node, for services that register without one of their own.
    pub node_address: String,
    /// How much the registry takes in.
    pub limits: Limits,
}

impl Config {
    /// The defaults: datacenter `dc1`, node `tradewind` on loopback, no token.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            token: None,
            datacenter: "dc1".to_owned(),
            node_name: "tradewind".to_owned(),
            node_address: "127.0.0.1".to_owned(),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what clients may store and on how short their times may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Registered services.
    pub services: usize,
    /// Checks of all services and of the node.
    pub checks: usize,
    /// Keys in the key-value store.
    pub keys: usize,
    /// Bytes of all keys and values together.
    pub key_bytes: usize,
    /// Live sessions.
    pub sessions: usize,
    /// Blocking queries that wait at the same time.
    pub waiting: usize,
    /// The shortest session TTL; Consul's `session_ttl_min`, 10 s.
    pub session_ttl_min: Duration,
    /// The shortest `DeregisterCriticalServiceAfter`; what asks for less gets this. One minute in Consul.
    pub reap_after_min: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            services: 4096,
            checks: 16_384,
            keys: 65_536,
            key_bytes: 64 << 20,
            sessions: 4096,
            waiting: 4096,
            session_ttl_min: Duration::from_secs(10),
            reap_after_min: Duration::from_secs(60),
        }
    }
}

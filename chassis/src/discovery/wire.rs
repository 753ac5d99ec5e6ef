//! Consul's JSON, as far as we read and write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Instance;

/// Body of `PUT /v1/agent/service/register`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Register<'a> {
    #[serde(rename = "ID")]
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) address: &'a str,
    pub(super) port: u16,
    pub(super) meta: &'a BTreeMap<String, String>,
    pub(super) check: TtlCheck<'a>,
}

/// The check within it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TtlCheck<'a> {
    #[serde(rename = "CheckID")]
    pub(super) id: &'a str,
    #[serde(rename = "TTL")]
    pub(super) ttl: String,
    pub(super) status: &'static str,
    pub(super) deregister_critical_service_after: String,
}

/// One element of `GET /v1/health/service/{name}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Healthy {
    node: Node,
    service: Service,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    service: String,
    #[serde(default)]
    address: String,
    port: u16,
    meta: Option<BTreeMap<String, String>>,
}

impl From<Healthy> for Instance {
    /// A service without an address of its own is at that of its node.
    fn from(healthy: Healthy) -> Self {
        let Healthy { node, service } = healthy;
        let host = if service.address.is_empty() { node.address } else { service.address };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Self {
            id: service.id,
            service: service.service,
            address: format!("{host}:{}", service.port),
            meta: service.meta.unwrap_or_default(),
        }
    }
}

/// One element of `GET /v1/kv/{key}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KvEntry {
    pub(super) key: String,
    pub(super) value: Option<String>,
    pub(super) flags: u64,
    pub(super) session: Option<String>,
    pub(super) modify_index: u64,
}

/// Body of `PUT /v1/session/create`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSession<'a> {
    pub(super) name: &'a str,
    #[serde(rename = "TTL")]
    pub(super) ttl: String,
    pub(super) lock_delay: String,
    pub(super) behavior: &'static str,
    pub(super) node_checks: [&'static str; 1],
    pub(super) service_checks: Vec<ServiceCheck<'a>>,
}

/// A check of a service that a session depends on.
#[derive(Serialize)]
pub(super) struct ServiceCheck<'a> {
    #[serde(rename = "ID")]
    pub(super) id: &'a str,
}

/// Answer of `PUT /v1/session/create`.
#[derive(Deserialize)]
pub(super) struct SessionId {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

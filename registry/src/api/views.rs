//! What is stored, as Consul shows it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Registry;
use crate::state::{Behavior, Check, CheckKind, Entry, Service, Session, State, Status, Weights};

/// An instance as its agent shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AgentService<'a> {
    #[serde(rename = "ID")]
    id: &'a str,
    service: &'a str,
    tags: &'a [String],
    meta: &'a BTreeMap<String, String>,
    port: u16,
    address: &'a str,
    weights: Weights,
    enable_tag_override: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modify_index: Option<u64>,
}

/// An instance, as `/v1/agent/services` shows it.
pub(super) fn agent_service(service: &Service) -> AgentService<'_> {
    AgentService {
        id: &service.id,
        service: &service.name,
        tags: &service.tags,
        meta: &service.meta,
        port: service.port,
        address: &service.address,
        weights: service.weights,
        enable_tag_override: service.enable_tag_override,
        create_index: None,
        modify_index: None,
    }
}

/// An instance with its node and checks, as `/v1/health/service` shows it.
pub(super) fn health(registry: &Registry, state: &State, service: &Service) -> Value {
    let shown = AgentService {
        create_index: Some(service.created),
        modify_index: Some(service.modified),
        ..agent_service(service)
    };
    let checks = state.node_checks().chain(state.checks_of(&service.id));
    let checks: Vec<CheckView> = checks.map(|check| check_view(registry, state, check)).collect();
    json!({ "Node": node(registry), "Service": shown, "Checks": checks })
}

/// An instance, as `/v1/catalog/service` shows it.
pub(super) fn catalog_service(registry: &Registry, service: &Service) -> Value {
    let config = &registry.config;
    json!({
        "ID": &*registry.node_id,
        "Node": config.node_name,
        "Address": config.node_address,
        "Datacenter": config.datacenter,
        "TaggedAddresses": tagged(registry),
        "NodeMeta": {},
        "ServiceKind": "",
        "ServiceID": service.id,
        "ServiceName": service.name,
        "ServiceTags": service.tags,
        "ServiceAddress": service.address,
        "ServiceWeights": service.weights,
        "ServiceMeta": service.meta,
        "ServicePort": service.port,
        "ServiceEnableTagOverride": service.enable_tag_override,
        "CreateIndex": service.created,
        "ModifyIndex": service.modified,
    })
}

/// The node.
pub(super) fn node(registry: &Registry) -> Value {
    let config = &registry.config;
    json!({
        "ID": &*registry.node_id,
        "Node": config.node_name,
        "Address": config.node_address,
        "Datacenter": config.datacenter,
        "TaggedAddresses": tagged(registry),
        "Meta": {},
        "CreateIndex": 1,
        "ModifyIndex": 1,
    })
}

fn tagged(registry: &Registry) -> Value {
    json!({ "lan": registry.config.node_address, "wan": registry.config.node_address })
}

/// A check.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CheckView<'a> {
    node: &'a str,
    #[serde(rename = "CheckID")]
    id: &'a str,
    name: &'a str,
    status: Status,
    notes: &'a str,
    output: &'a str,
    #[serde(rename = "ServiceID")]
    service_id: &'a str,
    service_name: &'a str,
    service_tags: &'a [String],
    r#type: &'static str,
    definition: BTreeMap<String, String>,
    create_index: u64,
    modify_index: u64,
}

/// A check, with the name and tags of the service it belongs to.
pub(super) fn check_view<'a>(registry: &'a Registry, state: &'a State, check: &'a Check) -> CheckView<'a> {
    let service = check.service.as_deref().and_then(|id| state.service(id));
    CheckView {
        node: &registry.config.node_name,
        id: &check.id,
        name: &check.name,
        status: check.status,
        notes: &check.notes,
        output: &check.output,
        service_id: check.service.as_deref().unwrap_or_default(),
        service_name: service.map_or("", |service| &service.name),
        service_tags: service.map_or(&[], |service| &service.tags),
        r#type: match check.kind {
            CheckKind::Node => "",
            CheckKind::Ttl(_) => "ttl",
            CheckKind::Http(_) => "http",
            CheckKind::Maintenance => "maintenance",
        },
        definition: BTreeMap::new(),
        create_index: check.created,
        modify_index: check.modified,
    }
}

/// A key with its value.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EntryView {
    lock_index: u64,
    key: String,
    flags: u64,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    create_index: u64,
    modify_index: u64,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        Self {
            lock_index: entry.lock_index,
            key: entry.key.clone(),
            flags: entry.flags,
            value: (!entry.value.is_empty()).then(|| STANDARD.encode(&entry.value)),
            session: entry.session.clone(),
            create_index: entry.created,
            modify_index: entry.modified,
        }
    }
}

/// A session.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SessionView {
    #[serde(rename = "ID")]
    id: String,
    name: String,
    node: String,
    /// Nanoseconds.
    lock_delay: u64,
    behavior: Behavior,
    #[serde(rename = "TTL")]
    ttl: String,
    node_checks: Vec<String>,
    service_checks: Option<Vec<Value>>,
    create_index: u64,
    modify_index: u64,
}

/// A session, on the one node.
pub(super) fn session_view(registry: &Registry, session: &Session) -> SessionView {
    let checks = session.service_checks.iter().map(|id| json!({ "ID": id, "Namespace": "" }));
    SessionView {
        id: session.id.clone(),
        name: session.name.clone(),
        node: registry.config.node_name.clone(),
        lock_delay: u64::try_from(session.lock_delay.as_nanos()).unwrap_or(u64::MAX),
        behavior: session.behavior,
        ttl: session.ttl_text.clone(),
        node_checks: session.node_checks.clone(),
        service_checks: (!session.service_checks.is_empty()).then(|| checks.collect()),
        create_index: session.created,
        modify_index: session.modified,
    }
}

//! From a request body to what is stored: defaults, rules, and Consul's words for what breaks them.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, Uri};

use super::body::{CheckBody, ServiceBody, SessionBody};
use crate::Registry;
use crate::duration::{self, Span};
use crate::error::Refusal;
use crate::state::{CheckKind, NODE_CHECK, NewCheck, Probe, Service, Session, Status};

/// The longest name, id, tag, address, method, or name or value of a header.
const LONGEST_NAME: usize = 512;
/// The most tags or checks of a service, or metadata, or headers of a check, or checks of a session.
const MOST_OF_EACH: usize = 64;
/// The shortest interval of HTTP checks; what asks for less gets this.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// How long an HTTP check may take when it does not say.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one may take at most; what asks for more gets this. It holds a place all that time.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest URL of an HTTP check, and the longest body that it sends.
const LONGEST_REQUEST: usize = 4096;
/// The longest span that is taken at its word.
const LONGEST_SPAN: Duration = Duration::from_secs(365 * 24 * 3600);
/// The lock-delay of a session that does not say.
const USUAL_LOCK_DELAY: Duration = Duration::from_secs(15);

/// A service and its checks.
pub(super) fn service(body: ServiceBody) -> Result<(Service, Vec<NewCheck>), Refusal> {
    if body.name.is_empty() {
        return Err(Refusal::bad("Missing service name"));
    }
    let id = if body.id.is_empty() { body.name.clone() } else { body.id };
    for text in [&id, &body.name, &body.address].into_iter().chain(&body.tags) {
        short(text)?;
    }
    for (key, value) in &body.meta {
        short(key)?;
        short(value)?;
    }
    if matches!(body.address.as_str(), "0.0.0.0" | "::" | "[::]") {
        return Err(Refusal::bad("Invalid service address"));
    }
    let empty = |value: &Option<serde_json::Value>| {
        value.as_ref().is_none_or(|value| value.as_object().is_some_and(serde_json::Map::is_empty))
    };
    if !body.kind.is_empty() || !empty(&body.proxy) || !empty(&body.connect) {
        return Err(Refusal::bad("service mesh (Kind, Proxy, Connect) is not supported"));
    }
    if !empty(&body.taggedaddresses) || !body.namespace.is_empty() {
        return Err(Refusal::bad("TaggedAddresses and Namespace are not supported"));
    }
    let name = body.name;
    let mut bodies: Vec<CheckBody> = body.checks;
    let alone = bodies.is_empty();
    bodies.extend(body.check);
    for count in [bodies.len(), body.tags.len(), body.meta.len()] {
        few(count)?;
    }
    let checks = bodies.into_iter().enumerate().map(|(place, body)| {
        let suffix = if alone { String::new() } else { format!(":{}", place + 1) };
        let default_name = format!("Service '{name}' check");
        let check = CheckBody { serviceid: id.clone(), ..body };
        check_of(check, format!("service:{id}{suffix}"), default_name)
    });
    let checks = checks.collect::<Result<Vec<_>, _>>()?;
    let service = Service {
        id,
        name,
        tags: body.tags,
        address: body.address,
        port: body.port,
        meta: body.meta,
        weights: body.weights.unwrap_or_default(),
        enable_tag_override: body.enabletagoverride,
        created: 0,
        modified: 0,
    };
    Ok((service, checks))
}

/// A check that is registered by itself.
pub(super) fn check(body: CheckBody) -> Result<NewCheck, Refusal> {
    if body.name.is_empty() {
        return Err(Refusal::bad("Missing check name"));
    }
    let name = body.name.clone();
    check_of(body, name.clone(), name)
}

/// A check, with the id and the name it gets when it has none.
fn check_of(body: CheckBody, default_id: String, default_name: String) -> Result<NewCheck, Refusal> {
    let kind = kind(&body)?;
    let or = |text: String, default: String| if text.is_empty() { default } else { text };
    let id = or(or(body.checkid, body.id), default_id);
    if id == NODE_CHECK {
        return Err(Refusal::bad(format!("CheckID {NODE_CHECK:?} is the node's own")));
    }
    let name = or(body.name, default_name);
    for text in [&id, &name, &body.notes, &body.serviceid] {
        short(text)?;
    }
    let status = match body.status.as_str() {
        "" => Status::Critical,
        named => Status::named(named)
            .ok_or_else(|| Refusal::bad("Status for checks must 'passing', 'warning', 'critical'"))?,
    };
    Ok(NewCheck {
        id,
        name,
        notes: body.notes,
        status,
        service: (!body.serviceid.is_empty()).then_some(body.serviceid),
        kind,
        reap_after: span(body.deregistercriticalserviceafter),
    })
}

fn kind(body: &CheckBody) -> Result<CheckKind, Refusal> {
    let others = [&body.tcp, &body.grpc, &body.dockercontainerid, &body.aliasnode, &body.aliasservice];
    if others.iter().any(|text| !text.is_empty()) || !body.args.is_empty() || !body.scriptargs.is_empty() {
        return Err(Refusal::bad("Invalid check: only TTL and HTTP checks are supported"));
    }
    if body.http.is_empty() {
        return span(body.ttl)
            .map(CheckKind::Ttl)
            .ok_or_else(|| Refusal::bad("Invalid check: TTL must be > 0 for TTL checks"));
    }
    if span(body.ttl).is_some() {
        return Err(Refusal::bad("Invalid check: TTL and Interval cannot both be specified"));
    }
    let interval = span(body.interval)
        .ok_or_else(|| Refusal::bad("Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"))?;
    probe(body, interval).map(CheckKind::Http)
}

fn probe(body: &CheckBody, interval: Duration) -> Result<Probe, Refusal> {
    within(&body.http, LONGEST_REQUEST)?;
    within(&body.body, LONGEST_REQUEST)?;
    short(&body.method)?;
    let uri: Option<Uri> = body.http.parse().ok();
    if uri.is_none_or(|uri| uri.scheme_str() != Some("http") || uri.host().is_none()) {
        return Err(Refusal::bad(format!("Invalid check: {:?} is not an http:// URL", body.http)));
    }
    let method = if body.method.is_empty() { "GET".to_owned() } else { body.method.clone() };
    Method::from_bytes(method.as_bytes())
        .map_err(|_| Refusal::bad(format!("Invalid check: {method:?} is not a method")))?;
    few(body.header.len())?;
    few(body.header.values().map(Vec::len).sum())?;
    body.header.keys().try_for_each(|name| short(name))?;
    for (name, value) in body.header.iter().flat_map(|(name, values)| values.iter().map(move |v| (name, v))) {
        short(value)?;
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            return Err(Refusal::bad(format!("Invalid check: {name:?} is not a header")));
        }
    }
    Ok(Probe {
        url: body.http.clone(),
        method,
        headers: body.header.clone(),
        body: body.body.clone(),
        interval: interval.max(SHORTEST_INTERVAL),
        timeout: span(body.timeout).unwrap_or(USUAL_TIMEOUT).min(LONGEST_TIMEOUT),
    })
}

/// A session; its id and the checks it depends on are settled here, whether they hold is not.
pub(super) fn session(body: SessionBody, registry: &Registry) -> Result<Session, Refusal> {
    if !body.node.is_empty() && body.node != registry.config.node_name {
        return Err(Refusal::bad("Missing node registration"));
    }
    let namespaces = body.servicechecks.iter().map(|check| &check.namespace);
    if namespaces.chain([&body.namespace]).any(|namespace| !namespace.is_empty()) {
        return Err(Refusal::bad("Namespace is not supported"));
    }
    let ttl = duration::parse(if body.ttl.is_empty() { "0" } else { &body.ttl })
        .map_err(|error| Refusal::bad(format!("Session TTL '{}' invalid: {error}", body.ttl)))?;
    let named = body.checks.or(body.nodechecks);
    let node_checks = named.unwrap_or_else(|| vec![NODE_CHECK.to_owned()]);
    let service_checks: Vec<String> = body.servicechecks.into_iter().map(|check| check.id).collect();
    few(node_checks.len() + service_checks.len())?;
    for text in node_checks.iter().chain(&service_checks).chain([&body.name, &body.ttl]) {
        short(text)?;
    }
    Ok(Session {
        id: uuid::Uuid::new_v4().to_string(),
        name: body.name,
        ttl: (!ttl.is_zero()).then_some(ttl),
        ttl_text: body.ttl,
        lock_delay: body.lockdelay.map_or(USUAL_LOCK_DELAY, Span::lock_delay),
        behavior: body.behavior.unwrap_or_default(),
        node_checks,
        service_checks,
        created: 0,
        modified: 0,
    })
}

/// A span above zero, within what a clock can be advanced by.
fn span(span: Option<Span>) -> Option<Duration> {
    span.map(Span::nanos).filter(|span| !span.is_zero()).map(|span| span.min(LONGEST_SPAN))
}

fn short(text: &str) -> Result<(), Refusal> {
    within(text, LONGEST_NAME)
}

fn within(text: &str, bound: usize) -> Result<(), Refusal> {
    if text.len() <= bound {
        return Ok(());
    }
    let start = &text[..text.floor_char_boundary(32)];
    Err(Refusal::bad(format!("{start:?}… is longer than {bound} bytes")))
}

fn few(count: usize) -> Result<(), Refusal> {
    if count <= MOST_OF_EACH {
        return Ok(());
    }
    Err(Refusal::bad(format!("at most {MOST_OF_EACH} checks, tags, headers or metadata each")))
}

//! The few calls of Consul's HTTP API that we use, typed.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::wire::{CreateSession, Healthy, KvEntry, Register, ServiceCheck, SessionId, TtlCheck};
use super::{DiscoveryError, Instance, base64};
use crate::address;

/// The longest that a call may take which the registry does not hold open on purpose.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long an instance may stay critical before the registry forgets it: Consul's shortest.
const REAP_AFTER: &str = "1m";
/// The most of an error answer that is worth reading to a human.
const LONGEST_MESSAGE: usize = 512;

/// A client of one registry. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Consul {
    http: reqwest::Client,
    base: Url,
    /// The address as it is shown.
    shown: Arc<str>,
    token: Option<String>,
}

/// What a read answered, and at which index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The index to wait beyond in the next blocking query; never 0.
    pub index: u64,
    /// What was asked for.
    pub value: T,
}

/// A key of the key-value store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its bytes.
    pub value: Vec<u8>,
    /// A number that the writer may attach.
    pub flags: u64,
    /// The session that holds the key as a lock.
    pub session: Option<String>,
    /// When the key last changed, on the registry's count, which only ever grows.
    pub modify_index: u64,
}

/// What a session is to be like.
#[derive(Debug, Clone)]
pub struct SessionRequest {
    /// A name for humans.
    pub name: String,
    /// The session ends when it is not renewed for this long (10 s at least on a stock registry).
    pub ttl: Duration,
    /// How long nobody may take the locks of a session that ended without letting go.
    pub lock_delay: Duration,
    /// A check whose failure also ends the session: that of the instance.
    pub check: Option<String>,
}

impl Consul {
    /// A client of the registry at `base_url`, which need not be there yet.
    pub fn new(base_url: &str, token: Option<String>) -> Result<Self, DiscoveryError> {
        let base = base(base_url)?;
        let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(2)).no_proxy().build();
        let http = http.map_err(|error| unusable(base_url, &error.to_string()))?;
        Ok(Self { http, shown: address::shown(base.as_str()).into(), base, token })
    }

    /// Where it is. There is no secret in it.
    pub fn address(&self) -> &str {
        &self.shown
    }

    /// Registers an instance with a TTL check that starts passing.
    pub async fn register(
        &self,
        instance: &Instance,
        check: &str,
        ttl: Duration,
    ) -> Result<(), DiscoveryError> {
        let call = "register";
        let bad_address = || self.bad_address(&instance.address);
        let (host, port) = instance.address.rsplit_once(':').ok_or_else(bad_address)?;
        let body = Register {
            id: &instance.id,
            name: &instance.service,
            address: host.trim_start_matches('[').trim_end_matches(']'),
            port: port.parse().map_err(|_| bad_address())?,
            meta: &instance.meta,
            check: TtlCheck {
                id: check,
                ttl: millis(ttl),
                status: "passing",
                deregister_critical_service_after: REAP_AFTER.to_owned(),
            },
        };
        let request = self.at(Method::PUT, &["agent", "service", "register"]).json(&body);
        self.send(call, request).await.map(drop)
    }

    /// Reports a TTL check as passing; [`DiscoveryError::Unknown`] when the registry has forgotten it.
    pub async fn pass(&self, check: &str) -> Result<(), DiscoveryError> {
        self.send("pass", self.at(Method::PUT, &["agent", "check", "pass", check])).await.map(drop)
    }

    /// Deregisters an instance; one that is not registered is no error.
    pub async fn deregister(&self, instance_id: &str) -> Result<(), DiscoveryError> {
        let request = self.at(Method::PUT, &["agent", "service", "deregister", instance_id]);
        match self.send("deregister", request).await {
            Ok(_) | Err(DiscoveryError::Unknown { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The passing instances of a service. With an `index` above 0 the registry holds the answer back
    /// until something has changed since, or `wait` is over; a return is no promise of a change.
    pub async fn healthy(
        &self,
        service: &str,
        index: u64,
        wait: Duration,
    ) -> Result<Answer<Vec<Instance>>, DiscoveryError> {
        let call = "healthy";
        let request = self.at(Method::GET, &["health", "service", service]).query(&[("passing", "true")]);
        let response = self.send(call, blocking(request, index, wait)).await?;
        let index = self.index_of(call, &response)?;
        let healthy: Vec<Healthy> = self.json(call, response).await?;
        Ok(Answer { index, value: healthy.into_iter().map(Instance::from).collect() })
    }

    /// A key, if it exists; waits as [`Consul::healthy`] does.
    pub async fn kv_get(
        &self,
        key: &str,
        index: u64,
        wait: Duration,
    ) -> Result<Answer<Option<Entry>>, DiscoveryError> {
        let call = "kv get";
        let response = blocking(self.key(Method::GET, key), index, wait).send().await;
        let response = response.map_err(|error| self.away(call, error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(Answer { index: self.index_of(call, &response)?, value: None });
        }
        let response = self.checked(call, response).await?;
        let index = self.index_of(call, &response)?;
        let mut found: Vec<KvEntry> = self.json(call, response).await?;
        Ok(Answer { index, value: found.pop().map(|raw| self.entry(raw)).transpose()? })
    }

    /// Writes a key.
    pub async fn kv_put(&self, key: &str, value: Vec<u8>) -> Result<(), DiscoveryError> {
        self.send("kv put", self.key(Method::PUT, key).body(value)).await.map(drop)
    }

    /// Writes a key if it last changed at `modify_index` (0: if it does not exist); says whether it did.
    pub async fn kv_cas(&self, key: &str, value: Vec<u8>, modify_index: u64) -> Result<bool, DiscoveryError> {
        self.verdict("kv cas", self.key(Method::PUT, key).query(&[("cas", modify_index)]).body(value)).await
    }

    /// Deletes a key; one that does not exist is no error.
    pub async fn kv_delete(&self, key: &str) -> Result<(), DiscoveryError> {
        self.send("kv delete", self.key(Method::DELETE, key)).await.map(drop)
    }

    /// Begins a session and returns its id.
    pub async fn session_create(&self, session: &SessionRequest) -> Result<String, DiscoveryError> {
        let call = "session create";
        let body = CreateSession {
            name: &session.name,
            ttl: millis(session.ttl),
            lock_delay: millis(session.lock_delay),
            behavior: "release",
            node_checks: ["serfHealth"],
            service_checks: session.check.iter().map(|id| ServiceCheck { id }).collect(),
        };
        let request = self.at(Method::PUT, &["session", "create"]).json(&body);
        self.json::<SessionId>(call, self.send(call, request).await?).await.map(|session| session.id)
    }

    /// Keeps a session alive; [`DiscoveryError::Unknown`] when it has ended.
    pub async fn session_renew(&self, session: &str) -> Result<(), DiscoveryError> {
        self.send("session renew", self.at(Method::PUT, &["session", "renew", session])).await.map(drop)
    }

    /// Ends a session. Its locks become free after their lock-delay: release them before.
    pub async fn session_destroy(&self, session: &str) -> Result<(), DiscoveryError> {
        self.send("session destroy", self.at(Method::PUT, &["session", "destroy", session])).await.map(drop)
    }

    /// Tries to take a key as a lock; says whether the session holds it now.
    pub async fn lock_acquire(
        &self,
        key: &str,
        session: &str,
        value: Vec<u8>,
    ) -> Result<bool, DiscoveryError> {
        let request = self.key(Method::PUT, key).query(&[("acquire", session)]).body(value);
        self.verdict("lock acquire", request).await
    }

    /// Lets go of a lock; says whether the session held it.
    pub async fn lock_release(&self, key: &str, session: &str) -> Result<bool, DiscoveryError> {
        self.verdict("lock release", self.key(Method::PUT, key).query(&[("release", session)])).await
    }

    /// A call that answers `true` or `false`.
    async fn verdict(&self, call: &'static str, request: RequestBuilder) -> Result<bool, DiscoveryError> {
        self.json(call, self.send(call, request).await?).await
    }

    /// A request about a key, whose slashes separate path segments.
    fn key(&self, method: Method, key: &str) -> RequestBuilder {
        let segments: Vec<&str> = std::iter::once("kv").chain(key.split('/')).collect();
        self.at(method, &segments)
    }

    /// A request to a path below `/v1`, each segment escaped.
    fn at(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(segments);
        }
        let request = self.http.request(method, url).timeout(DEADLINE);
        match &self.token {
            Some(token) => request.header("X-Consul-Token", token),
            None => request,
        }
    }

    /// Sends, and turns an error status into an error.
    async fn send(
        &self,
        call: &'static str,
        request: RequestBuilder,
    ) -> Result<reqwest::Response, DiscoveryError> {
        let response = request.send().await.map_err(|error| self.away(call, error))?;
        self.checked(call, response).await
    }

    /// The answer, unless it is a refusal.
    async fn checked(
        &self,
        call: &'static str,
        response: reqwest::Response,
    ) -> Result<reqwest::Response, DiscoveryError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let mut message = response.text().await.unwrap_or_default();
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        // Consul before 1.10 reports a forgotten check or session with status 500.
        let forgotten =
            ["does not have associated TTL", "invalid session"].iter().any(|words| message.contains(words));
        let registry = self.shown.to_string();
        Err(match status {
            StatusCode::FORBIDDEN => DiscoveryError::Denied { call, registry, message },
            StatusCode::NOT_FOUND => DiscoveryError::Unknown { call, registry, message },
            _ if forgotten => DiscoveryError::Unknown { call, registry, message },
            _ => DiscoveryError::Refused { call, registry, status: status.as_u16(), message },
        })
    }

    /// The body as JSON.
    async fn json<T: DeserializeOwned>(
        &self,
        call: &'static str,
        response: reqwest::Response,
    ) -> Result<T, DiscoveryError> {
        let body = response.bytes().await.map_err(|error| self.away(call, error))?;
        serde_json::from_slice(&body).map_err(|error| self.garbled(call, error))
    }

    /// The index of a read.
    fn index_of(&self, call: &'static str, response: &reqwest::Response) -> Result<u64, DiscoveryError> {
        let header = response.headers().get("X-Consul-Index").and_then(|value| value.to_str().ok());
        let index = header.and_then(|text| text.parse::<u64>().ok());
        // Consul's own advice: never wait beyond 0, which means 'do not wait' and would spin.
        index.map(|index| index.max(1)).ok_or_else(|| self.garbled(call, "no X-Consul-Index"))
    }

    fn entry(&self, raw: KvEntry) -> Result<Entry, DiscoveryError> {
        let KvEntry { key, value, flags, session, modify_index } = raw;
        let value = base64::decode(value.as_deref().unwrap_or_default())
            .ok_or_else(|| self.garbled("kv get", "a value that is not base64"))?;
        Ok(Entry { key, value, flags, session, modify_index })
    }

    fn garbled(&self, call: &'static str, reason: impl std::fmt::Display) -> DiscoveryError {
        DiscoveryError::Garbled { call, registry: self.shown.to_string(), reason: reason.to_string() }
    }

    fn away(&self, call: &'static str, error: reqwest::Error) -> DiscoveryError {
        // the address is told already
        DiscoveryError::Away { call, registry: self.shown.to_string(), source: error.without_url() }
    }

    fn bad_address(&self, address: &str) -> DiscoveryError {
        DiscoveryError::Refused {
            call: "register",
            registry: self.shown.to_string(),
            status: StatusCode::BAD_REQUEST.as_u16(),
            message: format!("the address {address:?} is not host:port"),
        }
    }
}

/// What the address of a Consul should be.
pub(super) const WANTED: &str = "it should read http://HOST:PORT for Consul's API";
const NO_TLS: &str = "it begins with http://; there is no TLS here";
const NO_SECRET: &str = "it should hold neither a name nor a password nor a query; a token is given by \
     --registry-token (TRADEWIND_REGISTRY_TOKEN)";

/// The address of a registry, if it is one. Everybody may see it, in lists of processes too, so no secret may stand
/// in it.
pub(super) fn base(base_url: &str) -> Result<Url, DiscoveryError> {
    let url = Url::parse(base_url).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| unusable(base_url, WANTED))?;
    if url.scheme() == "https" {
        return Err(unusable(base_url, NO_TLS));
    }
    let is_named = !url.username().is_empty() || url.password().is_some();
    if is_named || url.query().is_some() || url.fragment().is_some() {
        return Err(unusable(base_url, NO_SECRET));
    }
    Ok(url)
}

fn unusable(base_url: &str, reason: &str) -> DiscoveryError {
    DiscoveryError::Address { address: address::shown(base_url), reason: reason.to_owned() }
}

/// The request as a blocking query. Consul adds up to a sixteenth of the wait, so we allow for it.
fn blocking(request: RequestBuilder, index: u64, wait: Duration) -> RequestBuilder {
    if index == 0 {
        return request;
    }
    request
        .query(&[("index", index.to_string()), ("wait", millis(wait))])
        .timeout(wait + wait / 16 + DEADLINE)
}

/// A duration as Consul reads it.
fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

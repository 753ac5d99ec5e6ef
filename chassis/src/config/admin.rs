//! The client of those who look at configuration and change it: the command, and other tools.

use std::fmt::Display;
use std::time::Duration;

use contracts::Problem;
use contracts::error::ProblemJson;
use reqwest::header::{FROM, IF_MATCH};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{ClientError, etag_of, http, json};
use super::keys;
use super::protocol::{
    ApplicationSummary, Changed, Effective, HistoryEntry, Instance, NewValue, RollbackTo, ServerStatus,
};
use crate::address;

const ANSWER: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// How long nobody may mean nobody yet: a server that has just started learns who lives from the
/// followers, which come back within a second.
const NOBODY_YET: Duration = Duration::from_secs(2);

/// Why an administrator's request has no result.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The server decided against it.
    #[error("{0}")]
    Problem(#[from] Problem),
    /// The server cannot be reached, or did not answer in time. A change may have happened.
    #[error("the config server at {server} cannot be reached: {reason}")]
    Unreachable {
        /// Which, as it may be shown.
        server: String,
        /// Why.
        reason: String,
    },
    /// The answer made no sense.
    #[error("the answer of the config server makes no sense: {0}")]
    Garbled(String),
}

/// How far a change has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The instances that run with it.
    pub running: Vec<Instance>,
    /// The live instances that do not: still on their way, or refusing it (`Instance::refused` says why).
    pub behind: Vec<Instance>,
}

/// A client with the operator's token.
#[derive(Debug, Clone)]
pub struct AdminClient {
    http: reqwest::Client,
    server: String,
    token: Option<String>,
    who: Option<String>,
}

impl AdminClient {
    /// A client of the server at `base_url`. Without a token it can look, but not change.
    pub fn new(base_url: &str, token: Option<String>) -> Result<Self, AdminError> {
        let server = base_url.trim_end_matches('/').to_owned();
        let http = http().map_err(|error| unreachable(&server, &error))?;
        Ok(Self { http, server, token, who: None })
    }

    /// The same client, whose changes carry a name in the history.
    pub fn acting_as(mut self, who: &str) -> Self {
        self.who = Some(who.to_owned());
        self
    }

    /// What the server says about itself.
    pub async fn status(&self) -> Result<ServerStatus, AdminError> {
        self.get("/api/status").await
    }

    /// Every application that the server knows of.
    pub async fn applications(&self) -> Result<Vec<ApplicationSummary>, AdminError> {
        self.get("/api/applications").await
    }

    /// What holds for an application, and the ETag to change it with.
    pub async fn effective(
        &self,
        application: &str,
        profile: &str,
    ) -> Result<(Effective, String), AdminError> {
        let path = of(application, profile)? + "/effective";
        let response = self.send(self.request(Method::GET, &path)).await?;
        let etag = etag_of(&response).ok_or_else(|| AdminError::Garbled("it has no ETag".into()))?;
        Ok((self.read(response).await?, etag))
    }

    /// Sets a key, if nothing has changed since `etag` was read.
    pub async fn set(
        &self,
        application: &str,
        profile: &str,
        key: &str,
        value: Value,
        etag: &str,
    ) -> Result<Changed, AdminError> {
        let path = key_path(application, profile, key)?;
        self.change(self.request(Method::PUT, &path).header(IF_MATCH, etag).json(&NewValue { value })).await
    }

    /// Takes a runtime change back, if nothing has changed since `etag` was read.
    pub async fn unset(
        &self,
        application: &str,
        profile: &str,
        key: &str,
        etag: &str,
    ) -> Result<Changed, AdminError> {
        let path = key_path(application, profile, key)?;
        self.change(self.request(Method::DELETE, &path).header(IF_MATCH, etag)).await
    }

    /// The last `limit` changes that touched an application, the youngest first.
    pub async fn history(
        &self,
        application: &str,
        profile: &str,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, AdminError> {
        self.get(&format!("{}/history?limit={limit}", of(application, profile)?)).await
    }

    /// Makes the runtime changes that held at `version` hold again.
    pub async fn rollback(
        &self,
        application: &str,
        profile: &str,
        version: u64,
    ) -> Result<Changed, AdminError> {
        let path = of(application, profile)? + "/rollback";
        self.change(self.request(Method::POST, &path).json(&RollbackTo { version })).await
    }

    /// The live instances of an application; of all, where it is the shared `application`.
    pub async fn instances(&self, application: &str) -> Result<Vec<Instance>, AdminError> {
        keys::check_name("application", application).map_err(|fault| Problem::invalid(vec![fault]))?;
        self.get(&format!("/api/applications/{application}/instances")).await
    }

    /// Waits until every live instance of an application runs with `version` or a later one, at most
    /// for `patience`; returns at once when all that are behind have refused it. Where no instance is
    /// known it looks for two seconds: the server may have just started, and not know them yet.
    pub async fn applied(
        &self,
        application: &str,
        version: u64,
        patience: Duration,
    ) -> Result<Applied, AdminError> {
        let (deadline, somebody) = (Instant::now() + patience, Instant::now() + NOBODY_YET);
        loop {
            let instances = self.instances(application).await?;
            let unsettled = instances.is_empty() && Instant::now() < somebody;
            let (running, behind): (Vec<_>, Vec<_>) =
                instances.into_iter().partition(|instance| instance.version >= Some(version));
            let refusing = |instance: &Instance| {
                instance.refused.as_ref().is_some_and(|refused| refused.version >= version)
            };
            if !unsettled && behind.iter().all(refusing) || Instant::now() >= deadline {
                return Ok(Applied { running, behind });
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.server)).timeout(ANSWER);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(who) = &self.who {
            request = request.header(FROM, who);
        }
        request
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let response = self.send(self.request(Method::GET, path)).await?;
        self.read(response).await
    }

    async fn change(&self, request: RequestBuilder) -> Result<Changed, AdminError> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, AdminError> {
        let response = request.send().await.map_err(|error| self.failed(error.into()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let problem = response.json::<ProblemJson>().await.ok().and_then(ProblemJson::into_problem);
        Err(problem.map_or_else(|| AdminError::Garbled(format!("status {status}")), AdminError::Problem))
    }

    async fn read<T: DeserializeOwned>(&self, response: Response) -> Result<T, AdminError> {
        json(response).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: ClientError) -> AdminError {
        match error {
            ClientError::Garbled(detail) => AdminError::Garbled(detail),
            other => unreachable(&self.server, &other),
        }
    }
}

fn unreachable(server: &str, why: &impl Display) -> AdminError {
    AdminError::Unreachable { server: address::shown(server), reason: why.to_string() }
}

fn of(application: &str, profile: &str) -> Result<String, Problem> {
    let names =
        [("application", application)].into_iter().chain(profile.split(',').map(|name| ("profile", name)));
    let faults: Vec<_> = names.filter_map(|(what, name)| keys::check_name(what, name).err()).collect();
    if faults.is_empty() {
        Ok(format!("/api/applications/{application}/{profile}"))
    } else {
        Err(Problem::invalid(faults))
    }
}

fn key_path(application: &str, profile: &str, key: &str) -> Result<String, Problem> {
    keys::check_key(key).map_err(|fault| Problem::invalid(vec![fault]))?;
    Ok(format!("{}/keys/{key}", of(application, profile)?))
}

//! The HTTP client of the config server.

use std::time::Duration;

use contracts::error::ProblemJson;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::protocol::{Effective, InstanceReport, VersionEvent};

/// The longest time for a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);

/// A watch without any sign of life for this long is dead: the server sends heartbeats far more often.
const SILENCE: Duration = Duration::from_secs(15);

/// The longest line of an event.
const LONGEST_LINE: usize = 16 * 1024;

/// What went wrong between client and server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("it cannot be reached: {}", root_cause(.0))]
    Unreachable(#[from] reqwest::Error),
    #[error("it answered {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("its answer makes no sense: {0}")]
    Garbled(String),
    #[error("the watch ended")]
    WatchEnded,
    #[error("the watch was silent for {} s", SILENCE.as_secs())]
    WatchSilent,
}

/// reqwest's own text repeats the address; the innermost cause says what happened.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// A client without proxies: configuration must not depend on them.
pub(super) fn http() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().connect_timeout(CONNECT).pool_max_idle_per_host(1).build()
}

/// What a fetch brought.
pub(super) enum Fetched {
    NotModified,
    New { effective: Effective, etag: Option<String> },
}

/// The config server, as one instance of one application sees it.
pub(super) struct ServerClient {
    http: reqwest::Client,
    base: String,
    profile: String,
    instance: String,
}

impl ServerClient {
    pub fn new(
        server: &str,
        application: &str,
        profile: &str,
        instance: &str,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            http: http()?,
            base: format!("{}/api/applications/{application}", server.trim_end_matches('/')),
            profile: profile.to_owned(),
            instance: instance.to_owned(),
        })
    }

    /// What holds now, unless it is still what `etag` stands for.
    pub async fn fetch(&self, etag: Option<&str>) -> Result<Fetched, ClientError> {
        let mut request = self.http.get(format!("{}/{}/effective", self.base, self.profile)).timeout(ANSWER);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::NotModified);
        }
        let etag = etag_of(&response);
        Ok(Fetched::New { effective: json(response).await?, etag })
    }

    /// Tells the server what this instance accepts and runs with.
    pub async fn announce(&self, report: &InstanceReport) -> Result<(), ClientError> {
        let url = format!("{}/instances/{}", self.base, self.instance);
        send(self.http.put(url).timeout(ANSWER).json(report)).await?;
        Ok(())
    }

    /// Asks to be told of changes. The first event says what holds now.
    pub async fn watch(&self) -> Result<Watch, ClientError> {
        let url = format!("{}/{}/watch?instance={}", self.base, self.profile, self.instance);
        let answer = tokio::time::timeout(ANSWER, send(self.http.get(url))).await;
        let response = answer.map_err(|_| ClientError::WatchSilent)??;
        Ok(Watch { response, pending: Vec::new() })
    }
}

/// A stream of server-sent events (WHATWG HTML, section 9.2), of which the data is all we need.
pub(super) struct Watch {
    response: Response,
    pending: Vec<u8>,
}

impl Watch {
    pub async fn next(&mut self) -> Result<VersionEvent, ClientError> {
        loop {
            while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    return serde_json::from_slice(data)
                        .map_err(|error| ClientError::Garbled(error.to_string()));
                }
            }
            if self.pending.len() > LONGEST_LINE {
                return Err(ClientError::Garbled("a line of the watch does not end".into()));
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk()).await;
            match chunk.map_err(|_| ClientError::WatchSilent)?? {
                Some(bytes) => self.pending.extend_from_slice(&bytes),
                None => return Err(ClientError::WatchEnded),
            }
        }
    }
}

pub(super) fn etag_of(response: &Response) -> Option<String> {
    response.headers().get(ETAG)?.to_str().ok().map(str::to_owned)
}

async fn send(request: RequestBuilder) -> Result<Response, ClientError> {
    let response = request.send().await?;
    let status = response.status();
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let problem = response.json::<ProblemJson>().await;
    let detail = problem.map_or_else(|_| "no reason given".into(), |problem| problem.detail);
    Err(ClientError::Refused { status, detail })
}

/// Reads a JSON body.
pub(super) async fn json<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let bytes = response.bytes().await?;
    serde_json::from_slice(&bytes).map_err(|error| ClientError::Garbled(error.to_string()))
}

//! Runs HTTP checks.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::OpenError;
use crate::state::{Probe, Report, Status};

/// As much of an answer as goes into the check's output.
const LONGEST_BODY: usize = 4096;

/// The client of HTTP checks.
#[derive(Debug, Clone)]
pub(crate) struct Prober(reqwest::Client);

impl Prober {
    pub(crate) fn new() -> Result<Self, OpenError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .user_agent("Consul Health Check")
            // A check asks seldom; a connection kept for it would only be one more to hold.
            .pool_max_idle_per_host(0)
            .connect_timeout(Duration::from_secs(10));
        client.build().map(Self).map_err(OpenError::Client)
    }

    /// Asks once: 2xx is passing, 429 warning, all else critical, as in Consul.
    pub(crate) async fn run(&self, probe: &Probe) -> Report {
        let Probe { url, method, .. } = probe;
        match tokio::time::timeout(probe.timeout, self.ask(probe)).await {
            Ok(Ok((status, body))) => Report {
                status: verdict(status),
                output: format!("HTTP {method} {url}: {status} Output: {body}"),
            },
            Ok(Err(error)) => critical(chain(&error)),
            Err(_) => critical(format!("{method} {url}: no answer within {:?}", probe.timeout)),
        }
    }

    async fn ask(&self, probe: &Probe) -> Result<(reqwest::StatusCode, String), reqwest::Error> {
        let method = Method::from_bytes(probe.method.as_bytes()).unwrap_or(Method::GET);
        let request = self.0.request(method, &probe.url).headers(headers(probe)).body(probe.body.clone());
        let mut response = request.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while body.len() < LONGEST_BODY
            && let Some(chunk) = response.chunk().await?
        {
            body.extend_from_slice(&chunk[..chunk.len().min(LONGEST_BODY - body.len())]);
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// What a status says about the service.
fn verdict(status: reqwest::StatusCode) -> Status {
    match status.as_u16() {
        200..=299 => Status::Passing,
        429 => Status::Warning,
        _ => Status::Critical,
    }
}

fn critical(output: String) -> Report {
    Report { status: Status::Critical, output }
}

/// The check's headers; registration has refused those that are none.
fn headers(probe: &Probe) -> HeaderMap {
    let pairs = probe.headers.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        })
        .collect()
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

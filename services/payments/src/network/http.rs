//! The card network over its REST API (`card-network/README.md`).

use std::time::Duration;

use async_trait::async_trait;
use chassis::config::Live;
use chassis::telemetry::spans::{Begin, KeyValue, Span, SpanKind};
use contracts::error::chain;
use contracts::payments::{CardToken, NetworkRecord};
use contracts::{Context, Money, OrderId};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{CardNetwork, HoldRecord, NetworkError, NetworkResult};
use crate::config::CardNetworkConfig;
use crate::domain::{Decline, NetworkState};

/// The client. Its connections are pooled, and shared by its clones.
#[derive(Debug, Clone)]
pub struct HttpCardNetwork {
    http: reqwest::Client,
    config: Live<CardNetworkConfig>,
}

/// The most that is kept back of a caller's time, so that a call without an answer can be looked up.
const RESERVE: Duration = Duration::from_millis(300);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an idle connection is kept: for less than a server keeps it (10 s), so that no request is
/// written to a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);
/// The longest body that is read, in bytes. A record takes a few hundred.
const LONGEST: usize = 64 * 1024;

#[derive(Serialize)]
struct HoldBody<'a> {
    card: &'a str,
    amount: i64,
    currency: &'static str,
}

/// The network's record, and of its faults the part that matters here. Fields that the network adds
/// one day are ignored: it is not ours.
#[derive(Deserialize)]
struct Record {
    state: String,
    decline_code: Option<String>,
    holds: u32,
    captures: u32,
    captured: i64,
    refunded: i64,
}

#[derive(Deserialize)]
struct Fault {
    error: String,
    message: String,
    hold: Option<Record>,
}

enum Answer {
    Record(HoldRecord),
    UnknownKey,
}

impl HttpCardNetwork {
    /// A client of the network at the address that `config` names at the time of each call.
    pub fn new(config: Live<CardNetworkConfig>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .build()
            .expect("there is no TLS to be set up");
        Self { http, config }
    }

    async fn act(&self, ctx: &Context, key: OrderId, action: &str) -> NetworkResult<HoldRecord> {
        known(self.send(ctx, Method::PUT, &format!("{key}/{action}"), None).await?)
    }

    async fn send(
        &self,
        ctx: &Context,
        method: Method,
        path: &str,
        body: Option<HoldBody<'_>>,
    ) -> NetworkResult<Answer> {
        let config = self.config.get();
        let left = ctx.deadline.left();
        if left.is_zero() {
            return Err(NetworkError::NotDone("no time was left to ask".into()));
        }
        // a look-up has nothing to come after it
        let reserve = if method == Method::GET { Duration::ZERO } else { RESERVE.min(left / 4) };
        let budget = Duration::from_millis(config.timeout_ms).min(left.saturating_sub(reserve));
        let url = format!("{}/holds/{path}", config.url.trim_end_matches('/'));
        let span = span(ctx, &method);
        let trace = span.trace().traceparent();
        let mut request = self.http.request(method, url).timeout(budget).header("traceparent", trace);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = span.around(answer(request)).await;
        match &answer {
            Ok((status, _)) => {
                span.describe(|| [KeyValue::new("http.response.status_code", i64::from(status.as_u16()))]);
                if status.is_client_error() || status.is_server_error() {
                    span.fail(status.as_u16(), status);
                }
            }
            Err(error) => span.fail("no_answer", error),
        }
        let (status, body) = answer?;
        read(status, &body)
    }
}

/// The span of one request: the network is somebody else's, and may go on with the trace or not.
fn span(ctx: &Context, method: &Method) -> Span {
    let span = Begin::new(SpanKind::Client, "payments", method.to_string()).child_of(&ctx.trace).begin();
    span.describe(|| {
        [
            KeyValue::new("http.request.method", method.to_string()),
            KeyValue::new("peer.service", "card-network"),
        ]
    });
    span
}

async fn answer(request: reqwest::RequestBuilder) -> NetworkResult<(StatusCode, Vec<u8>)> {
    let response = request.send().await.map_err(failed)?;
    // where the head of the answer came and its body did not, what was done is as open as without the head
    Ok((response.status(), body_of(response).await?))
}

async fn body_of(mut response: Response) -> NetworkResult<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| NetworkError::Unknown(chain(&error)))? {
        if body.len() + chunk.len() > LONGEST {
            return Err(NetworkError::Unknown(format!("a body of more than {LONGEST} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn known(answer: Answer) -> NetworkResult<HoldRecord> {
    match answer {
        Answer::Record(record) => Ok(record),
        Answer::UnknownKey => Err(NetworkError::NotDone("it has nothing under this key".into())),
    }
}

fn failed(error: reqwest::Error) -> NetworkError {
    // without a connection nothing was sent
    if error.is_connect() {
        NetworkError::NotDone(chain(&error))
    } else {
        NetworkError::Unknown(chain(&error))
    }
}

fn read(status: StatusCode, bytes: &[u8]) -> NetworkResult<Answer> {
    let garbled = |error: serde_json::Error| {
        NetworkError::Unknown(format!("{status} with a body that is no answer: {error}"))
    };
    if status.is_success() {
        let record: Record = serde_json::from_slice(bytes).map_err(garbled)?;
        return Ok(Answer::Record(record.try_into()?));
    }
    let fault: Fault = serde_json::from_slice(bytes).map_err(garbled)?;
    let said = format!("{status} {}: {}", fault.error, fault.message);
    match (status, fault.hold) {
        (_, Some(record)) => Ok(Answer::Record(record.try_into()?)),
        (StatusCode::NOT_FOUND, None) => Ok(Answer::UnknownKey),
        (StatusCode::SERVICE_UNAVAILABLE, None) => Err(NetworkError::NotDone(said)),
        (status, None) if status.is_client_error() => Err(NetworkError::NotDone(said)),
        (_, None) => Err(NetworkError::Unknown(said)),
    }
}

impl TryFrom<Record> for HoldRecord {
    type Error = NetworkError;

    fn try_from(record: Record) -> NetworkResult<Self> {
        let state = match (record.state.as_str(), record.decline_code.as_deref()) {
            ("held", _) => NetworkState::Held,
            ("captured", _) => NetworkState::Captured,
            ("voided", _) => NetworkState::Voided,
            ("refunded", _) => NetworkState::Refunded,
            // a reason that we do not know is still a no
            ("declined", code) => {
                NetworkState::Declined(code.and_then(Decline::from_code).unwrap_or(Decline::Declined))
            }
            (other, _) => {
                return Err(NetworkError::Unknown(format!("a record in the unknown state {other:?}")));
            }
        };
        let Record { holds, captures, captured, refunded, .. } = record;
        Ok(Self { state, books: NetworkRecord { holds, captures, captured, refunded } })
    }
}

#[async_trait]
impl CardNetwork for HttpCardNetwork {
    async fn hold(
        &self,
        ctx: &Context,
        key: OrderId,
        amount: Money,
        card: &CardToken,
    ) -> NetworkResult<HoldRecord> {
        let body = HoldBody { card: &card.0, amount: amount.amount, currency: amount.currency.as_str() };
        known(self.send(ctx, Method::PUT, &key.to_string(), Some(body)).await?)
    }

    async fn capture(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.act(ctx, key, "capture").await
    }

    async fn void(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.act(ctx, key, "void").await
    }

    async fn refund(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.act(ctx, key, "refund").await
    }

    async fn look_up(&self, ctx: &Context, key: OrderId) -> NetworkResult<Option<HoldRecord>> {
        match self.send(ctx, Method::GET, &key.to_string(), None).await? {
            Answer::Record(record) => Ok(Some(record)),
            Answer::UnknownKey => Ok(None),
        }
    }
}

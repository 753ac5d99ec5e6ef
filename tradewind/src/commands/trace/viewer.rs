//! Whoever has traces: the shop's observatory, or another that speaks Jaeger's query API.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use chassis::address::shown;
use contracts::error::chain;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::jaeger;
use super::model::Trace;
use crate::client::address;
use crate::client::asking::body;
use crate::exit::Ending;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether more has come.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Of a trace that ended longer ago than this nothing is on its way any more.
const LONG_AGO: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const LARGEST: usize = 64 << 20;

/// Whoever has traces.
#[derive(Debug)]
pub(super) struct Viewer {
    http: reqwest::Client,
    url: String,
    /// The same as it may be shown.
    shown: String,
}

/// A trace that was found.
#[derive(Debug)]
pub(super) struct Seen {
    /// As the answer has it.
    pub raw: Value,
    pub trace: Trace,
}

/// What every answer of Jaeger's query API is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    data: Option<Vec<Value>>,
    #[serde(default)]
    errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    msg: String,
}

impl Viewer {
    /// The one whose pages are at `url`.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        let url = address::of_server("--jaeger", url, "http://127.0.0.1:16686")?;
        let http =
            reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().context("the HTTP client")?;
        Ok(Self { http, shown: shown(&url), url })
    }

    /// Where its pages are, as it may be shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A trace, once all of it has come, or as it is known at `until`; nothing where it is not known then.
    pub async fn trace(&self, id: u128, until: Instant) -> anyhow::Result<Option<Seen>> {
        let mut before = None;
        loop {
            let seen = self.look(id).await?;
            let now = seen.as_ref().map(|seen| seen.trace.spans().len());
            let complete = seen
                .as_ref()
                .is_some_and(|seen| ended_long_ago(&seen.trace) || (seen.trace.is_whole() && now == before));
            if complete || Instant::now() >= until {
                return Ok(seen);
            }
            before = now;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// A trace, as far as it is known.
    async fn look(&self, id: u128) -> anyhow::Result<Option<Seen>> {
        let Self { http, url: asked, shown: url } = self;
        let answer = http.get(format!("{asked}/api/traces/{id:032x}")).send().await.map_err(|error| {
            Ending::NotRunning(format!(
                "nobody answers at {url}: {}\n`tradewind status` shows whether the observatory runs",
                chain(&error)
            ))
        })?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body =
            body(answer, LARGEST).await.with_context(|| format!("the answer of {url} cannot be read"))?;
        let envelope: Result<Envelope, _> = serde_json::from_slice(&body);
        if !status.is_success() {
            let said = envelope.ok().and_then(|envelope| Some(envelope.errors?.into_iter().next()?.msg));
            anyhow::bail!("{url} answers {status}: {}", said.as_deref().unwrap_or("it does not say why"));
        }
        let understood = || format!("{url} does not answer as Jaeger's query API does");
        let found = envelope.with_context(understood)?.data.unwrap_or_default().into_iter().next();
        let Some(raw) = found else { return Ok(None) };
        let trace = jaeger::read(&raw).with_context(understood)?;
        Ok(Some(Seen { raw, trace }).filter(|seen| !seen.trace.spans().is_empty()))
    }
}

fn ended_long_ago(trace: &Trace) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_micros(trace.period().end) + LONG_AGO < now
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode as Code;
    use axum::routing::get;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    /// A viewer of which the n-th look gets the n-th answer, and every further one the last.
    async fn answering(answers: Vec<(Code, String)>) -> Viewer {
        let looks = Arc::new(AtomicUsize::new(0));
        let answer = move || {
            let at = looks.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
            std::future::ready(answers[at].clone())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let routes = Router::new().route("/api/traces/{id}", get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Viewer::at(&url).expect("an address")
    }

    fn answer(spans: &[Value]) -> (Code, String) {
        (Code::OK, json!({ "data": [{ "traceID": "a", "spans": spans }], "errors": null }).to_string())
    }

    fn span(id: &str, parent: &str) -> Value {
        // it has just ended, as far as anybody can tell
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_micros();
        json!({ "spanID": id, "operationName": id, "startTime": u64::try_from(now).expect("it fits"), "duration": 1,
            "references": [{ "refType": "CHILD_OF", "traceID": "a", "spanID": parent }] })
    }

    fn root() -> Value {
        let mut root = span("1", "");
        root["references"] = json!([]);
        root
    }

    async fn count(viewer: &Viewer, patience: u64) -> Option<usize> {
        let until = Instant::now() + Duration::from_secs(patience);
        let seen = viewer.trace(10, until).await.expect("an answer");
        seen.map(|seen| seen.trace.spans().len())
    }

    #[tokio::test]
    async fn spans_that_are_on_their_way_are_waited_for() {
        let missing = (Code::NOT_FOUND, "{}".to_owned());
        let (part, whole) = (answer(&[span("2", "1")]), answer(&[root(), span("2", "1")]));
        let viewer = answering(vec![missing.clone(), part.clone(), whole]).await;
        assert_eq!(count(&viewer, 60).await, Some(2));
        assert_eq!(count(&answering(vec![part]).await, 0).await, Some(1), "not for ever");
        assert_eq!(count(&answering(vec![missing]).await, 0).await, None);
    }

    #[tokio::test]
    async fn what_ended_long_ago_is_not_waited_for() {
        let mut old = span("2", "gone");
        old["startTime"] = json!(5);
        assert_eq!(count(&answering(vec![answer(&[old])]).await, 3600).await, Some(1));
    }

    #[tokio::test]
    async fn whoever_does_not_answer_as_it_should_is_named() {
        let until = Instant::now();
        for (code, body, says) in [
            (
                Code::BAD_REQUEST,
                json!({ "errors": [{ "code": 400, "msg": "no such id" }] }).to_string(),
                "no such id",
            ),
            (Code::BAD_GATEWAY, "<html>".to_owned(), "502"),
            (Code::OK, "<html>".to_owned(), "Jaeger"),
            (Code::OK, json!({ "data": [{ "spans": 5 }] }).to_string(), "Jaeger"),
        ] {
            let viewer = answering(vec![(code, body)]).await;
            let error = format!("{:#}", viewer.trace(10, until).await.expect_err(says));
            assert!(error.contains(says) && error.contains(viewer.shown()), "{error}");
        }
        let nobody = Viewer::at("http://127.0.0.1:1").expect("an address");
        let error = nobody.trace(10, until).await.expect_err("nobody is there");
        assert!(matches!(error.downcast_ref(), Some(Ending::NotRunning(_))), "{error}");
        for bad in ["", "127.0.0.1:16686", "ftp://host", "https://host"] {
            assert!(Viewer::at(bad).is_err_and(|error| error.to_string().contains("--jaeger")), "{bad}");
        }
    }
}

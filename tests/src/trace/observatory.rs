//! Reading traces back, as anybody can who speaks Jaeger's API.

use std::time::Duration;

use contracts::OrderId;
use serde_json::Value;
use tokio::time::Instant;

use super::span::Trace;
use crate::shop::{PATIENCE, Shop};

/// How long after an answer it is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Where a shop's traces are read.
pub struct Observatory {
    http: reqwest::Client,
    /// The pages' address.
    pub url: String,
    /// Where traces are sent to.
    pub otlp: String,
}

impl Observatory {
    /// The one that `shop` has brought along.
    pub fn of(shop: &Shop) -> Self {
        let addresses = shop.client.addresses();
        let url = addresses.observatory.as_ref().expect("an observatory of its own").clone();
        let otlp = addresses.otlp.as_ref().expect("a collector").clone();
        Self { http: shop.http.clone(), url, otlp }
    }

    /// What it answers at `path`; nothing where there is no such thing, or where it is away.
    pub async fn ask(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// As much of a trace as has arrived.
    pub async fn trace(&self, id: &str) -> Option<Trace> {
        let answer = self.ask(&format!("/api/traces/{id}")).await?;
        let trace = Trace::read(answer["data"].get(0)?);
        Some(trace.unwrap_or_else(|why| panic!("trace {id}: {why}")))
    }

    /// Waits until `check` finds in order what has arrived of a trace.
    pub async fn until(&self, id: &str, check: impl Fn(&Trace) -> Result<(), String>) -> Trace {
        let arrived = self.arrives(id, PATIENCE, check).await;
        arrived.unwrap_or_else(|fault| panic!("trace {id} is not what it should be: {fault}"))
    }

    /// The same for at most `patience`; what is wrong with the trace then.
    pub async fn arrives(
        &self,
        id: &str,
        patience: Duration,
        check: impl Fn(&Trace) -> Result<(), String>,
    ) -> Result<Trace, String> {
        let deadline = Instant::now() + patience;
        loop {
            let fault = match self.trace(id).await {
                Some(trace) => match check(&trace) {
                    Ok(()) => return Ok(trace),
                    Err(fault) => fault,
                },
                None => "nothing of it has arrived".to_owned(),
            };
            if Instant::now() >= deadline {
                return Err(fault);
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// The trace of an order that has one.
pub async fn trace_of(shop: &Shop, id: OrderId) -> String {
    let timeline = shop.timeline(id).await;
    let mut traces: Vec<_> = timeline.entries.iter().map(|entry| entry.trace_id.clone()).collect();
    traces.dedup();
    let [trace] = traces.as_slice() else { panic!("not one trace: {timeline:#?}") };
    trace.clone()
}

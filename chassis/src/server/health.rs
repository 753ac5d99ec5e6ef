//! Whether a process lives, and whether it wants work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use futures::future::{BoxFuture, join_all};
use parking_lot::RwLock;
use tokio::time::timeout;

use crate::telemetry::metrics;

/// How long a check may take: less than the patience of whoever probes, which is 1 or 2 s as a rule.
const PATIENCE: Duration = Duration::from_secs(1);

/// A question whose answer decides whether this process wants work: `Err` says what is missing.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Whether this process wants work. It does not until it says so, and no more once it drains.
#[derive(Clone, Default)]
pub struct Readiness {
    ready: Arc<AtomicBool>,
    checks: Arc<RwLock<Vec<(String, Check)>>>,
}

impl Readiness {
    /// From now on this process wants work.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    /// From now on it wants no more.
    pub fn draining(&self) {
        self.ready.store(false, Ordering::SeqCst);
    }

    /// Asks `check` too, under `name`, each time somebody wants to know.
    pub fn depends_on(&self, name: impl Into<String>, check: Check) {
        self.checks.write().push((name.into(), check));
    }

    /// Everything that is missing; nothing when this process wants work. All is asked at once.
    pub async fn missing(&self) -> Vec<String> {
        if !self.ready.load(Ordering::SeqCst) {
            return vec!["it is starting or draining".into()];
        }
        let checks = self.checks.read().clone();
        let answers = join_all(checks.into_iter().map(|(name, check)| missing_of(name, check))).await;
        answers.into_iter().flatten().collect()
    }
}

/// What is missing by the word of one check.
async fn missing_of(name: String, check: Check) -> Option<String> {
    match timeout(PATIENCE, check()).await {
        Ok(answer) => answer.err().map(|reason| format!("{name}: {reason}")),
        Err(_) => Some(format!("{name}: no answer within {} s", PATIENCE.as_secs())),
    }
}

/// `/livez`, `/readyz`, `/metrics`.
pub(super) fn routes(readiness: Readiness) -> axum::Router {
    axum::Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(readiness)
}

/// `/livez` and `/readyz` for strangers, who do not learn what is missing.
pub(super) fn at_the_door(readiness: Readiness) -> axum::Router {
    axum::Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready_or_not))
        .with_state(readiness)
}

async fn ready_or_not(State(readiness): State<Readiness>) -> impl IntoResponse {
    if readiness.missing().await.is_empty() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let missing = readiness.missing().await;
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {}\n", missing.join("; ")))
    }
}

async fn metrics_text() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render())
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// A probe gives up after 1 or 2 s, and did not learn what was missing where two databases were silent.
    #[tokio::test(start_paused = true)]
    async fn all_is_asked_at_once_and_nobody_waits_for_whoever_is_silent() {
        let readiness = Readiness::default();
        readiness.ready();
        for silent in ["orders", "payments"] {
            readiness.depends_on(silent, Arc::new(|| Box::pin(std::future::pending::<Result<(), String>>())));
        }
        readiness.depends_on("catalog", Arc::new(|| Box::pin(async { Ok::<(), String>(()) })));
        readiness
            .depends_on("shipping", Arc::new(|| Box::pin(async { Err::<(), String>("gone".to_owned()) })));
        let asked = Instant::now();
        let silent = "no answer within 1 s";
        let told = [format!("orders: {silent}"), format!("payments: {silent}"), "shipping: gone".to_owned()];
        assert_eq!(readiness.missing().await, told);
        assert!(asked.elapsed() < 2 * PATIENCE, "{:?}", asked.elapsed());
    }
}

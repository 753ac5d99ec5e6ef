//! What of logs and traces is configuration: the section `telemetry`, which every service has.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use contracts::Fault;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::logs;
use super::spans::tracers;
use crate::config::{Live, Section};

/// How much is logged and recorded. All of it is live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// The share of traces that is recorded of those that begin at this service, from 0 to 1; 1 by default. A trace
    /// that somebody else began is recorded where they record it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// How much is logged, as in `info,orders=debug`; empty by default: what `TRADEWIND_LOG` says at the start, or
    /// else `info`. Where several services share a process, each one's wishes hold for all of it.
    pub log: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { sample_ratio: 1.0, log: String::new() }
    }
}

impl Section for TelemetryConfig {
    const NAME: &'static str = "telemetry";

    fn check(&self) -> Vec<Fault> {
        let fault = logs::fault_in(&self.log);
        fault.map(|message| Fault { field: "log".to_owned(), message }).into_iter().collect()
    }
}

/// What the services of this process wish to be logged.
static WISHES: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);

/// Goes by the configuration of `service` from now on, as it changes, until `shutdown`.
pub(crate) fn follow(service: &str, mut config: Live<TelemetryConfig>, shutdown: CancellationToken) {
    let service = service.to_owned();
    apply(&service, &config.get());
    tokio::spawn(async move {
        while let Some(changed) = shutdown.run_until_cancelled(config.changed()).await {
            apply(&service, &changed);
        }
    });
}

fn apply(service: &str, config: &TelemetryConfig) {
    tracers::sample(service, config.sample_ratio);
    let mut wishes = WISHES.lock();
    let before = wishes.insert(service.to_owned(), config.log.clone()).unwrap_or_default();
    if before == config.log {
        return;
    }
    let all: Vec<_> = wishes.values().filter(|wish| !wish.is_empty()).map(String::as_str).collect();
    logs::set_levels(&all.join(","));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_nobody_can_read_are_refused() {
        let config = |log: &str| TelemetryConfig { log: log.to_owned(), ..TelemetryConfig::default() };
        for good in ["", "debug", "info,orders=debug", "warn,chassis::messaging=trace"] {
            assert_eq!(config(good).check(), [], "{good}");
        }
        for wrong in ["orders=loud", "=", "a=b=c"] {
            assert_eq!(config(wrong).check()[0].field, "log", "{wrong}");
        }
    }
}

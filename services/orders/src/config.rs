//! What can be set about orders.

use chassis::config::Section;
use contracts::Fault;
use contracts::orders::Coordination;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The section `saga`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SagaConfig {
    /// Who drives new orders; `sync` by default. An order keeps what it was placed with.
    pub coordination: Coordination,
    /// How long an order may be under way before its steps are given up and undone, in milliseconds;
    /// 30000 by default. It does not depend on how long the customer waits.
    pub budget_ms: u64,
    /// How long nobody else takes an order that one process drives, in milliseconds; 5000 by default.
    /// Renewed with each step; after a crash the order rests this long.
    pub lease_ms: u64,
    /// How often abandoned orders are looked for, in milliseconds; 500 by default.
    pub recovery_every_ms: u64,
    /// How long a repeated request waits for the answer of the first, in milliseconds; 2000 by default.
    pub twin_wait_ms: u64,
    /// How long idempotency keys are kept, in milliseconds; 24 hours by default.
    pub keep_keys_ms: u64,
    /// Fault injection, off (empty) by default: the process aborts, as `kill -9` would end it, when an
    /// order comes to this point. `reserving` is the moment after that state was stored;
    /// `reserving:answered` the moment after the other module answered, before that is stored.
    pub abort_at: String,
}

impl Default for SagaConfig {
    fn default() -> Self {
        Self {
            coordination: Coordination::Sync,
            budget_ms: 30_000,
            lease_ms: 5_000,
            recovery_every_ms: 500,
            twin_wait_ms: 2_000,
            keep_keys_ms: 24 * 60 * 60 * 1000,
            abort_at: String::new(),
        }
    }
}

impl Section for SagaConfig {
    const NAME: &'static str = "saga";

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut range = |field: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                let message = format!("must be {least} to {most}, not {value}");
                faults.push(Fault { field: format!("saga.{field}"), message });
            }
        };
        range("budget_ms", self.budget_ms, 1_000, 600_000);
        range("lease_ms", self.lease_ms, 100, 600_000);
        range("recovery_every_ms", self.recovery_every_ms, 50, 60_000);
        range("twin_wait_ms", self.twin_wait_ms, 0, 60_000);
        range("keep_keys_ms", self.keep_keys_ms, 60_000, 30 * 24 * 60 * 60 * 1000);
        faults
    }
}

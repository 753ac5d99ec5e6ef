//! What can be set about orders.

use chassis::config::Section;
use contracts::orders::Coordination;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The section `saga`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SagaConfig {
    /// Who drives new orders whose request does not say: `sync` (the default), `orchestrated` or
    /// `choreographed`; the latter two need a broker. An order keeps what it was placed with.
    pub coordination: Coordination,
    /// How long an order may be under way before its steps are given up and undone, in milliseconds;
    /// 30000 by default. It does not depend on how long the customer waits.
    #[schemars(range(min = 1000, max = 600_000))]
    pub budget_ms: u64,
    /// How long nobody else takes an order that one process drives, in milliseconds; 5000 by default.
    /// Renewed with each step; after a crash the order rests this long. Keep it above the longest single
    /// call (4 s, to payments), or recovery overtakes drivers that are only waiting.
    #[schemars(range(min = 100, max = 600_000))]
    pub lease_ms: u64,
    /// How long an order that messages drive may stay where it is before it is looked after, in
    /// milliseconds; 30000 by default. The commands of an orchestrated order are sent again then; of a
    /// choreographed one the log says that it waits. After that it is left alone for as long again as it
    /// has waited, an hour at the most.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub resend_ms: u64,
    /// How often abandoned orders, and those that have waited for long, are looked for, in milliseconds;
    /// 500 by default.
    #[schemars(range(min = 50, max = 60_000))]
    pub recovery_every_ms: u64,
    /// How long a repeated request waits for the answer of the first, in milliseconds; 2000 by default.
    #[schemars(range(min = 0, max = 60_000))]
    pub twin_wait_ms: u64,
    /// How long idempotency keys are kept, in milliseconds; 24 hours by default.
    #[schemars(range(min = 60_000, max = 2_592_000_000u64))]
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
            resend_ms: 30_000,
            recovery_every_ms: 500,
            twin_wait_ms: 2_000,
            keep_keys_ms: 24 * 60 * 60 * 1000,
            abort_at: String::new(),
        }
    }
}

impl Section for SagaConfig {
    const NAME: &'static str = "saga";
}

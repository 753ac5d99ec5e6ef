//! The inventory's configuration. Every key is live.

use chassis::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long claims hold, and how the ones that lapse are swept up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReservationsConfig {
    /// How long goods stay set aside for an order that does not go on, in milliseconds; 60000 by
    /// default. A change holds for reservations made from then on.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub ttl_ms: u64,
    /// How long the sweep rests when nothing is due, in milliseconds; 1000 by default.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub sweep_ms: u64,
    /// How many lapsed reservations one pass of the sweep takes; 100 by default.
    #[schemars(range(min = 1, max = 1000))]
    pub sweep_batch: u32,
}

impl Default for ReservationsConfig {
    fn default() -> Self {
        Self { ttl_ms: 60_000, sweep_ms: 1000, sweep_batch: 100 }
    }
}

impl Section for ReservationsConfig {
    const NAME: &'static str = "reservations";
}

/// How watchers learn of changes that other replicas make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// How often the levels that somebody watches are read again, in milliseconds; 500 by default.
    /// Changes that this process makes itself are pushed at once.
    #[schemars(range(min = 10, max = 60_000))]
    pub poll_ms: u64,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { poll_ms: 500 }
    }
}

impl Section for WatchConfig {
    const NAME: &'static str = "watch";
}

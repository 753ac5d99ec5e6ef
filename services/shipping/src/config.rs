//! Shipping's settings.

use std::time::Duration;

use chassis::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Pace;

/// The simulated carriers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CarrierConfig {
    /// How long after it was scheduled a shipment is collected, in milliseconds. Default 60000.
    #[schemars(range(min = 0, max = LONGEST_WAY_MS))]
    pub dispatch_after_ms: u64,
    /// How long after it was collected a shipment is delivered, in milliseconds. Default 120000.
    #[schemars(range(min = 0, max = LONGEST_WAY_MS))]
    pub deliver_after_ms: u64,
    /// How often the carriers look for what is due, in milliseconds. Default 1000.
    #[schemars(range(min = 10, max = 60_000))]
    pub sweep_every_ms: u64,
}

impl Default for CarrierConfig {
    fn default() -> Self {
        Self { dispatch_after_ms: 60_000, deliver_after_ms: 120_000, sweep_every_ms: 1000 }
    }
}

impl CarrierConfig {
    /// How fast shipments move.
    pub fn pace(&self) -> Pace {
        Pace {
            dispatch_after: Duration::from_millis(self.dispatch_after_ms),
            deliver_after: Duration::from_millis(self.deliver_after_ms),
        }
    }

    /// The time between two sweeps.
    pub fn sweep_every(&self) -> Duration {
        Duration::from_millis(self.sweep_every_ms)
    }
}

/// A month, which is more than any customer waits.
const LONGEST_WAY_MS: u64 = 31 * 24 * 3600 * 1000;

impl Section for CarrierConfig {
    const NAME: &'static str = "carrier";
}

/// Following shipments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrackingConfig {
    /// How often a listener looks into the database, where another replica may have moved its shipment,
    /// in milliseconds. Moves of this process reach it at once. Default 2000.
    #[schemars(range(min = 10, max = 60_000))]
    pub poll_ms: u64,
}

impl Default for TrackingConfig {
    fn default() -> Self {
        Self { poll_ms: 2000 }
    }
}

impl TrackingConfig {
    /// The time between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

impl Section for TrackingConfig {
    const NAME: &'static str = "tracking";
}

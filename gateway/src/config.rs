//! What can be set about the gateway.

use std::time::Duration;

use chassis::config::Section;
use contracts::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::routes::{RouteConfig, RouteTable, public_api};

/// The section `gateway`. All of it is live: a change holds for the next request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// What the outside world may reach; everything else is refused. The public API by default.
    pub routes: Vec<RouteConfig>,
    /// The largest request body in bytes, where its route does not say otherwise. 1 MiB by default, as
    /// much as the services read.
    #[schemars(range(min = 1))]
    pub body_bytes: u64,
    /// How long an instance that could not be connected to gets no requests, in milliseconds. 3 s by
    /// default: about what a restart takes, and long before a registry notices.
    #[schemars(range(min = 0, max = 600_000))]
    pub set_aside_ms: u64,
    /// How long the body of a response may stand still before it is cut off, in milliseconds. 5 min by
    /// default; a stream that speaks now and then may last for ever.
    #[schemars(range(min = 100, max = 86_400_000))]
    pub idle_ms: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self { routes: public_api(), body_bytes: 1024 * 1024, set_aside_ms: 3000, idle_ms: 300_000 }
    }
}

impl GatewayConfig {
    /// How long an instance that could not be connected to gets no requests.
    pub fn set_aside(&self) -> Duration {
        Duration::from_millis(self.set_aside_ms)
    }

    /// How long the body of a response may stand still.
    pub fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_ms)
    }
}

impl Section for GatewayConfig {
    const NAME: &'static str = "gateway";

    fn check(&self) -> Vec<Fault> {
        RouteTable::compile(&self.routes).err().unwrap_or_default()
    }
}

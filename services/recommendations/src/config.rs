//! The settings of recommendations. Every key is live.

use chassis::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the model is built anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// How often an instance looks whether a replay was asked of another one, in milliseconds; one that
    /// was asked itself begins at once. Default 2000.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub look_ms: u64,
    /// How many rows of the old model one transaction drops, once the new one has taken over. Default
    /// 1000.
    #[schemars(range(min = 1, max = 100_000))]
    pub drop_batch: u32,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self { look_ms: 2000, drop_batch: 1000 }
    }
}

impl Section for ReplayConfig {
    const NAME: &'static str = "replay";
}

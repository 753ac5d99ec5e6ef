//! The catalog's settings.

use chassis::config::Section;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cache of products by SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// How long a product is answered from memory before the database is asked again, in milliseconds;
    /// 0 turns the cache off, and an hour is the most: a changed price must be seen some day. Default
    /// 5000.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub ttl_ms: u64,
    /// How many products it holds at the most, all of them in memory. Default 1000.
    #[schemars(range(min = 0, max = 100_000))]
    pub entries: u32,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { ttl_ms: 5000, entries: 1000 }
    }
}

impl Section for CacheConfig {
    const NAME: &'static str = "cache";
}

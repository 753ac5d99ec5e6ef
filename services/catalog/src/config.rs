//! The catalog's settings.

use chassis::config::Section;
use contracts::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cache of products by SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// How long a product is answered from memory before the database is asked again, in milliseconds;
    /// 0 turns the cache off. Default 5000.
    pub ttl_ms: u64,
    /// How many products it holds at the most. Default 1000.
    pub entries: u32,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { ttl_ms: 5000, entries: 1000 }
    }
}

impl Section for CacheConfig {
    const NAME: &'static str = "cache";

    fn check(&self) -> Vec<Fault> {
        let most = [
            ("ttl_ms", self.ttl_ms, 3_600_000, "an hour: a changed price must be seen some day"),
            ("entries", u64::from(self.entries), 100_000, "100000: they are kept in memory"),
        ];
        most.into_iter()
            .filter(|(_, value, most, _)| value > most)
            .map(|(field, _, _, why)| Fault {
                field: field.into(),
                message: format!("must be at most {why}"),
            })
            .collect()
    }
}

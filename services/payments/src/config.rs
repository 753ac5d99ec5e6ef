//! The keys of payments' configuration.

use chassis::config::Section;
use contracts::Fault;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How to reach the card network, an outside party that discovery does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CardNetworkConfig {
    /// Where the network's API is: `http://HOST:PORT`. Default `http://127.0.0.1:8600`.
    #[schemars(length(min = 8, max = 256))]
    pub url: String,
    /// How long one call to the network may take, in milliseconds; a call whose caller has less time
    /// left takes less. Default 1500.
    #[schemars(range(min = 10, max = 60_000))]
    pub timeout_ms: u64,
}

impl Default for CardNetworkConfig {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:8600".into(), timeout_ms: 1500 }
    }
}

impl Section for CardNetworkConfig {
    const NAME: &'static str = "card_network";

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let url = reqwest::Url::parse(&self.url);
        if !url.is_ok_and(|url| url.scheme() == "http" && url.has_host()) {
            faults.push(fault("url", "must be http://HOST:PORT"));
        }
        if !(10..=60_000).contains(&self.timeout_ms) {
            faults.push(fault("timeout_ms", "must be 10 to 60000"));
        }
        faults
    }
}

/// The pass that finishes intents which a crash, or a network that was away, left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SettleConfig {
    /// How often to look for open intents, in milliseconds. Default 1000.
    #[schemars(range(min = 10, max = 3_600_000))]
    pub every_ms: u64,
    /// How long an intent is left to whoever began it, in milliseconds: longer than the call that began
    /// it can last. Default 5000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub after_ms: u64,
    /// How many intents one pass takes at the most. Default 50.
    #[schemars(range(min = 1, max = 1000))]
    pub batch: u32,
}

impl Default for SettleConfig {
    fn default() -> Self {
        Self { every_ms: 1000, after_ms: 5000, batch: 50 }
    }
}

impl Section for SettleConfig {
    const NAME: &'static str = "settle";

    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(10..=3_600_000).contains(&self.every_ms) {
            faults.push(fault("every_ms", "must be 10 to 3600000"));
        }
        if !(1..=3_600_000).contains(&self.after_ms) {
            faults.push(fault("after_ms", "must be 1 to 3600000"));
        }
        if !(1..=1000).contains(&self.batch) {
            faults.push(fault("batch", "must be 1 to 1000"));
        }
        faults
    }
}

fn fault(field: &str, message: &str) -> Fault {
    Fault { field: field.into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_without_fault() {
        assert_eq!(CardNetworkConfig::default().check(), []);
        assert_eq!(SettleConfig::default().check(), []);
    }

    #[test]
    fn an_address_that_cannot_be_called_is_refused() {
        for bad in ["", "localhost:8600", "https://network.example", "ftp://x", "http://"] {
            let faults = CardNetworkConfig { url: bad.into(), ..Default::default() }.check();
            assert_eq!(faults.len(), 1, "{bad}");
        }
    }
}

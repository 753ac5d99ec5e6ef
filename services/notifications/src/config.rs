//! Notifications' settings.

use std::time::Duration;

use chassis::config::Section;
use contracts::Fault;
use lettre::Address;
use lettre::message::Mailbox;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where customers' mails go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// The domain of customers' addresses, which are `CUSTOMER@DOMAIN`. A change holds for mails written
    /// from then on. Default `customers.tradewind.example`.
    #[schemars(length(min = 1, max = 253))]
    pub domain: String,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self { domain: "customers.tradewind.example".into() }
    }
}

impl Section for MailConfig {
    const NAME: &'static str = "mail";

    fn check(&self) -> Vec<Fault> {
        fault_unless(Address::new("customer", &self.domain).is_ok(), "domain", "must be a domain name")
    }
}

/// The mail server that takes the mails further: plain SMTP (RFC 5321), without TLS and without a login.
/// That is for a server on this machine, or in a network that one trusts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// Its name or address. Empty, the default: mails go into the outbox folder only.
    #[schemars(length(max = 253))]
    pub host: String,
    /// Its port. Default 25.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
    /// Who the mails are from, also of those in the folder. Default
    /// `Tradewind <orders@tradewind.example>`.
    #[schemars(length(min = 3, max = 320))]
    pub from: String,
    /// How long the server may take for one mail, in milliseconds. Default 10000.
    #[schemars(range(min = 10, max = 300_000))]
    pub timeout_ms: u64,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 25,
            from: "Tradewind <orders@tradewind.example>".into(),
            timeout_ms: 10_000,
        }
    }
}

impl SmtpConfig {
    /// How long the server may take for one mail.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

impl Section for SmtpConfig {
    const NAME: &'static str = "smtp";

    fn check(&self) -> Vec<Fault> {
        let mut faults = fault_unless(
            self.from.parse::<Mailbox>().is_ok(),
            "from",
            "must be a mail address: NAME <USER@DOMAIN>, or USER@DOMAIN",
        );
        let is_word = self.host.chars().all(|letter| letter.is_ascii_graphic());
        faults.extend(fault_unless(is_word, "host", "must be a name or an address"));
        faults
    }
}

/// The folder that every mail is written into, as a file that any mail program opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutboxConfig {
    /// Where it is. Empty, the default: `outbox` in the folder for everything that the process keeps.
    #[schemars(length(max = 4096), extend("x-reload" = "restart"))]
    pub folder: String,
    /// How many files are kept; the oldest go first. Default 10000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub keep: u32,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self { folder: String::new(), keep: 10_000 }
    }
}

impl Section for OutboxConfig {
    const NAME: &'static str = "outbox";
}

/// The worker that sends mails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeliveryConfig {
    /// How often it looks for mails that are to be sent, in milliseconds. Those that are written in this
    /// process it hears of at once. Default 1000.
    #[schemars(range(min = 10, max = 60_000))]
    pub poll_ms: u64,
    /// How many it takes at once. Default 50.
    #[schemars(range(min = 1, max = 1000))]
    pub batch: u32,
    /// How long after it was written a mail is tried again and again before it is given up, in
    /// milliseconds. Default 86400000, a day.
    #[schemars(range(min = 1000, max = 2_678_400_000u64))]
    pub patience_ms: u64,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self { poll_ms: 1000, batch: 50, patience_ms: 24 * 3600 * 1000 }
    }
}

impl DeliveryConfig {
    /// The time between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// How long a mail is tried.
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

impl Section for DeliveryConfig {
    const NAME: &'static str = "delivery";
}

/// Following a customer's notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// How often a listener looks into the database, where another replica may have written a mail, in
    /// milliseconds. Those of this process reach it at once. Default 1000.
    #[schemars(range(min = 10, max = 60_000))]
    pub poll_ms: u64,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self { poll_ms: 1000 }
    }
}

impl StreamConfig {
    /// The time between two looks.
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

impl Section for StreamConfig {
    const NAME: &'static str = "stream";
}

fn fault_unless(good: bool, field: &str, message: &str) -> Vec<Fault> {
    if good { Vec::new() } else { vec![Fault { field: field.into(), message: message.into() }] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_without_fault() {
        assert_eq!(MailConfig::default().check(), []);
        assert_eq!(SmtpConfig::default().check(), []);
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for domain in ["", "a b", "x@y.example", "a\r\nb.example"] {
            assert_eq!(MailConfig { domain: domain.into() }.check().len(), 1, "{domain:?}");
        }
        for from in ["", "nobody", "Ada <ada>", "a@b.example\r\nBcc: c@d.example"] {
            let config = SmtpConfig { from: from.into(), ..Default::default() };
            assert_eq!(config.check().len(), 1, "{from:?}");
        }
        let config = SmtpConfig { host: "mail server".into(), ..Default::default() };
        assert_eq!(config.check().len(), 1);
    }
}

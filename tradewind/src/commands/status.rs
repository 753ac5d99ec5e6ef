//! `tradewind status`
//!
//! - `processes`: what runs, for people
//! - `queues`: the queues of the embedded broker

mod processes;
mod queues;

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::messaging::mailbox::{MessagesStatus, RelayState};
use futures::future::join_all;
use serde::Serialize;

use self::queues::BrokerReport;
use super::wires::{self, EdgeReport};
use crate::cli::StatusArgs;
use crate::client::Shop;
use crate::text;
use crate::up::files;
use crate::up::status::ShopStatus;

/// Everything that `status` tells.
#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    shop: ShopStatus,
    wires: Vec<EdgeReport>,
    /// The outboxes, by module.
    messages: BTreeMap<String, MessagesStatus>,
    /// The embedded broker, where the shop uses it and it answers.
    broker: Option<BrokerReport>,
    /// Configuration files that cannot be used, and what could not be asked.
    warnings: Vec<String>,
}

/// Shows the processes of the running shop.
pub async fn status(args: &StatusArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let status = shop.status().await?;
    let (wires, mut warnings, messages, broker) = tokio::join!(
        wires::in_use(&shop, &status),
        complaints(&shop.addresses().config_server),
        outboxes(&shop, &status),
        BrokerReport::of(&shop),
    );
    let wires = wires.unwrap_or_else(|error| {
        warnings.push(format!("warning: wires and outboxes are not told: {error}"));
        Vec::new()
    });
    let told = Told { shop: status, wires, messages, broker, warnings };
    if args.json {
        return super::print_json(&told);
    }
    Ok(text::say(told.text())?)
}

/// What the config server says about its files, where it is known.
async fn complaints(server: &str) -> Vec<String> {
    if server.is_empty() { Vec::new() } else { files::complaints(server).await }
}

/// How the outbox of each module stands that is ready and has one.
async fn outboxes(shop: &Shop, status: &ShopStatus) -> BTreeMap<String, MessagesStatus> {
    let asked = status.hosted().filter_map(|(module, process)| {
        let request = shop.at(process.http_address()?, &format!("/control/{module}/messages"));
        Some(async move { Some((module.to_owned(), shop.read::<MessagesStatus>(request).await.ok()?)) })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

fn outbox_row(module: &str, status: &MessagesStatus) -> Vec<String> {
    let relay = match status.relay {
        RelayState::Leading => "leading",
        RelayState::StandingBy => "standing by",
        RelayState::Closed => "closed",
    };
    let oldest = text::duration(Duration::from_millis(status.oldest_ms));
    let trouble = match (&status.trouble, status.held) {
        (Some(trouble), _) => text::shortened(trouble),
        (None, 0) => String::new(),
        (None, held) => format!("{held} orders held back: see the log"),
    };
    text::row([
        module,
        relay,
        &status.waiting.to_string(),
        &oldest,
        &status.published_total.to_string(),
        &trouble,
    ])
}

impl Told {
    fn text(&self) -> String {
        let mut text = processes::told(&self.shop);
        for warning in &self.warnings {
            text.push_str(&format!("{warning}\n"));
        }
        if !self.wires.is_empty() {
            text.push_str(&format!("\n{}", wires::table(&self.wires)));
        }
        if !self.messages.is_empty() {
            let mut rows = vec![text::row(["outbox", "relay", "waiting", "oldest", "published", "trouble"])];
            rows.extend(self.messages.iter().map(|(module, status)| outbox_row(module, status)));
            text.push_str(&format!("\n{}", text::table(&rows)));
        }
        if let Some(broker) = &self.broker {
            text.push_str(&format!("\n{}", broker.text()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        Told {
            shop: processes::samples::shop(Some(1)),
            wires: Vec::new(),
            messages: BTreeMap::new(),
            broker: None,
            warnings: vec!["warning: the file is broken".to_owned()],
        }
    }

    #[test]
    fn warnings_follow_the_processes() {
        let text = told().text();
        assert!(text.starts_with("not ready") && text.contains("\nwarning: the file is broken\n"), "{text}");
    }

    #[test]
    fn programs_find_processes_sums_and_wires_at_the_top() {
        let json = serde_json::to_value(told()).expect("JSON");
        assert_eq!(json["processes"][0]["pss_kib"], 1);
        assert_eq!(json["totals"]["restarts"], 3);
        assert!(json["wires"].is_array());
    }

    #[tokio::test]
    async fn a_config_server_that_is_not_known_is_not_complained_about() {
        assert_eq!(complaints("").await, Vec::<String>::new());
    }
}

//! `tradewind status`
//!
//! - [`queues`]: the queues of the embedded broker

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
use crate::up::status::{ProcessStatus, ShopStatus};

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
    /// Configuration files that cannot be used.
    warnings: Vec<String>,
}

/// Shows the processes of the running shop.
pub async fn status(args: &StatusArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let status = shop.status().await?;
    let (wires, warnings, messages, broker) = tokio::join!(
        wires::in_use(&shop, &status),
        files::complaints(&status.addresses.config_server),
        outboxes(&shop, &status),
        BrokerReport::of(&shop),
    );
    let told = Told { shop: status, wires, messages, broker, warnings };
    if args.json {
        return super::print_json(&told);
    }
    Ok(text::say(told.text())?)
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
        let ShopStatus { ready, topology, data, uptime_ms, addresses, processes, totals, .. } = &self.shop;
        // resident memory where the system does not tell the proportional kind, and then it says so
        let (unit, total) = match totals.pss_kib {
            Some(pss) => ("PSS", Some(pss)),
            None => ("RSS", totals.rss_kib),
        };
        let mut rows = vec![text::row(["process", "pid", "address", unit, "restarts", "state", "uptime"])];
        rows.extend(processes.iter().map(|process| row(process, unit)));
        let sum = total.map_or_else(String::new, text::megabytes);
        let restarts = totals.restarts.to_string();
        rows.push(text::row([&format!("{} running", totals.processes), "", "", &sum, &restarts, "", ""]));
        if processes.iter().any(shares_its_process) {
            let cells = std::iter::once("modules".to_owned())
                .chain(processes.iter().map(|process| process.modules.join(", ")))
                .chain([String::new()]);
            rows.iter_mut().zip(cells).for_each(|(row, cell)| row.push(cell));
        }
        let readiness = if *ready { "ready" } else { "not ready" };
        let mut text = format!(
            "{readiness}, up for {}, at {} (topology {topology}, data in {data})\n\n{}",
            text::duration(Duration::from_millis(*uptime_ms)),
            addresses.gateway,
            text::table(&rows),
        );
        for process in processes {
            if let Some(detail) = &process.detail {
                text.push_str(&format!("{} is not ready: {detail}\n", process.name));
            }
            if let Some(how) = &process.last_end {
                text.push_str(&format!("{} {how} before its last restart\n", process.name));
            }
        }
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

/// Whether its name does not say what it hosts.
fn shares_its_process(process: &ProcessStatus) -> bool {
    process.modules.iter().any(|module| *module != process.name)
}

fn row(process: &ProcessStatus, unit: &str) -> Vec<String> {
    let memory = if unit == "PSS" { process.pss_kib } else { process.rss_kib };
    let uptime = process.uptime_ms.map(|millis| text::duration(Duration::from_millis(millis)));
    text::row([
        &process.name,
        &process.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        process.address.as_deref().unwrap_or("-"),
        &memory.map_or_else(|| "-".to_owned(), text::megabytes),
        &process.restarts.to_string(),
        process.state.as_str(),
        uptime.as_deref().unwrap_or("-"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Addresses;
    use crate::up::status::{State, Totals};

    fn told(pss_kib: Option<u64>) -> Told {
        let process = ProcessStatus {
            name: "orders".into(),
            modules: vec!["orders".into()],
            pid: Some(42),
            address: Some("127.0.0.1:4711".into()),
            http: None,
            state: State::NotReady,
            detail: Some("database of orders: gone".into()),
            last_end: Some("was killed by signal 9".into()),
            pss_kib,
            rss_kib: Some(20_000),
            restarts: 3,
            uptime_ms: Some(1500),
        };
        let addresses = Addresses {
            gateway: "http://127.0.0.1:8080".into(),
            registry: String::new(),
            config_server: String::new(),
            card_network: String::new(),
            broker: String::new(),
            broker_http: None,
            observatory: None,
            otlp: None,
        };
        let shop = ShopStatus {
            ready: false,
            pid: 1,
            topology: "microservices".into(),
            data: "/shop".into(),
            uptime_ms: 61_000,
            addresses,
            totals: Totals::of(std::slice::from_ref(&process)),
            processes: vec![process],
        };
        let warnings = vec!["warning: the file is broken".to_owned()];
        Told { shop, wires: Vec::new(), messages: BTreeMap::new(), broker: None, warnings }
    }

    #[test]
    fn a_row_tells_what_a_process_is_and_a_line_why_it_is_not_ready() {
        let text = told(Some(10_000)).text();
        let words: Vec<_> = text
            .lines()
            .find(|line| line.starts_with("orders "))
            .expect("a row")
            .split_whitespace()
            .collect();
        assert_eq!(words, ["orders", "42", "127.0.0.1:4711", "10.2", "MB", "3", "not", "ready", "1.50", "s"]);
        assert!(text.contains("orders is not ready: database of orders: gone"), "{text}");
        assert!(text.contains("orders was killed by signal 9 before its last restart"), "{text}");
        assert!(text.contains("1 running") && text.contains("PSS"), "{text}");
        assert!(text.contains("\nwarning: the file is broken\n"), "{text}");
    }

    #[test]
    fn what_a_process_hosts_is_told_where_its_name_does_not_say_it() {
        let mut told = told(None);
        assert!(!told.text().contains("modules"), "{}", told.text());
        told.shop.processes[0].name = "till".into();
        told.shop.processes[0].modules.push("payments".into());
        let text = told.text();
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        assert!(lines.iter().any(|line| line.ends_with("uptime  modules")), "{text}");
        assert!(lines.iter().any(|line| line.ends_with("1.50 s  orders, payments")), "{text}");
    }

    #[test]
    fn memory_of_the_other_kind_is_called_by_its_name() {
        let text = told(None).text();
        assert!(text.contains("RSS") && text.contains("20.5 MB") && !text.contains("PSS"), "{text}");
    }

    #[test]
    fn programs_find_processes_sums_and_wires_at_the_top() {
        let json = serde_json::to_value(told(Some(1))).expect("JSON");
        assert_eq!(json["processes"][0]["pss_kib"], 1);
        assert_eq!(json["totals"]["restarts"], 3);
        assert!(json["wires"].is_array());
    }
}

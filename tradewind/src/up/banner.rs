//! What `up` says when the shop is ready.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::commands::order::demo_order;
use crate::folder::{Addresses, Folder};
use crate::text;
use crate::topology::Topology;

/// What there is to say.
pub(super) struct Banner<'a> {
    pub addresses: &'a Addresses,
    pub folder: &'a Folder,
    pub topology: &'a Topology,
    pub processes: usize,
    pub took: Duration,
    /// How this executable was called, for commands to copy.
    pub program: &'a str,
    /// The data folder as a command must name it; nothing where it is the usual one.
    pub data_flag: Option<&'a Path>,
}

impl Banner<'_> {
    /// For people.
    pub fn text(&self) -> String {
        let Self { addresses, folder, topology, processes, took, .. } = self;
        let gateway = &addresses.gateway;
        let places = [
            ("  shop", &format!("{gateway}/api/products"), "products, stock, orders"),
            ("  registry", &addresses.registry, "Consul's HTTP API"),
            ("  config server", &addresses.config_server, "Spring Cloud Config's read API, and changes"),
            ("  card network", &addresses.card_network, "an outside party, simulated"),
            ("  broker", &addresses.broker, &self.about_broker()),
            ("  traces", &self.traces(), self.about_traces()),
        ];
        let there = places.into_iter().filter(|(_, address, _)| !address.is_empty());
        let places = text::table(
            &there.map(|(name, address, about)| text::row([name, address, about])).collect::<Vec<_>>(),
        );
        let keeping = text::table(&[
            text::row(["Status", &self.command("status")]),
            text::row(["Other topologies", &format!("`{} topology list`", self.program)]),
            text::row(["Logs", &folder.logs().display().to_string()]),
            text::row(["Data", &folder.path().display().to_string()]),
            text::row(["Stop", &format!("Ctrl-C, or {}", self.command("down"))]),
        ]);
        format!(
            "Tradewind is ready: {processes} processes in {} (topology {})\n\n{places}\nPlace an order with {}, or\n\n{}\n\n{keeping}",
            text::duration(*took),
            topology.name,
            self.command("order"),
            curl(gateway),
        )
    }

    /// For programs: one line of JSON.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Ready<'a> {
            ready: bool,
            topology: &'a str,
            addresses: &'a Addresses,
            data: &'a Path,
            processes: usize,
            took_ms: u128,
        }
        let ready = Ready {
            ready: true,
            topology: &self.topology.name,
            addresses: self.addresses,
            data: self.folder.path(),
            processes: self.processes,
            took_ms: self.took.as_millis(),
        };
        serde_json::to_string(&ready).unwrap_or_default()
    }

    fn about_broker(&self) -> String {
        match &self.addresses.broker_http {
            Some(http) => format!("AMQP 0-9-1, as RabbitMQ speaks it; its queues: {http}/status"),
            None => "messages between services".to_owned(),
        }
    }

    /// Where traces are shown, else where they are sent.
    fn traces(&self) -> String {
        let Addresses { observatory, otlp, .. } = self.addresses;
        observatory.as_ref().or(otlp.as_ref()).cloned().unwrap_or_default()
    }

    fn about_traces(&self) -> &'static str {
        match self.addresses.observatory {
            Some(_) => "of every order, and who calls whom; others may send theirs by OTLP, too",
            None => "are sent there by OTLP",
        }
    }

    fn command(&self, verb: &str) -> String {
        let data = self.data_flag.map(|data| format!(" --data {}", data.display())).unwrap_or_default();
        format!("`{} {verb}{data}`", self.program)
    }
}

/// The command that places an order, to be copied into any shell.
fn curl(gateway: &str) -> String {
    // the body holds no single quote, so that it stands as it is between two of them
    let body = serde_json::to_string(&demo_order()).unwrap_or_default();
    format!("  curl -s {gateway}/api/orders -H 'content-type: application/json' -d '{body}'")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use contracts::orders::PlaceOrder;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn the_curl_that_is_printed_carries_an_order_that_reads_back() {
        let command = curl("http://127.0.0.1:4711");
        assert!(command.contains("http://127.0.0.1:4711/api/orders "));
        let quoted: Vec<_> = command.split('\'').collect();
        assert_eq!(quoted.len(), 5, "two quoted words and nothing between: {command}");
        let order: PlaceOrder = serde_json::from_str(quoted[3]).expect("an order");
        assert_eq!(order, demo_order());
    }

    #[test]
    fn it_says_where_everything_is_and_how_to_stop() {
        let addresses = Addresses {
            gateway: "http://127.0.0.1:1".into(),
            registry: "http://127.0.0.1:2".into(),
            config_server: "http://127.0.0.1:3".into(),
            card_network: "http://127.0.0.1:4".into(),
            broker: "amqp://guest:guest@127.0.0.1:5".into(),
            broker_http: Some("http://127.0.0.1:6".into()),
            observatory: Some("http://127.0.0.1:7".into()),
            otlp: Some("http://127.0.0.1:8".into()),
        };
        let folder = Folder::at(Path::new("/shop")).expect("a path");
        let banner = Banner {
            addresses: &addresses,
            folder: &folder,
            topology: &Topology::named("microservices").expect("it is built in"),
            processes: 13,
            took: Duration::from_millis(1234),
            program: "target/release/tradewind",
            data_flag: Some(Path::new("/shop")),
        };
        let text = banner.text();
        for part in [
            "1.23 s",
            "127.0.0.1:1/api",
            "127.0.0.1:2",
            "127.0.0.1:3",
            "127.0.0.1:4",
            "amqp://guest:guest@127.0.0.1:5",
            "http://127.0.0.1:6/status",
            "http://127.0.0.1:7",
            "/shop/logs",
            "`target/release/tradewind down --data /shop`",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let commands = text.split('`').skip(1).step_by(2);
        assert_eq!(commands.clone().count(), 4);
        for command in commands {
            if let Err(error) = Cli::try_parse_from(command.split(' ')) {
                panic!("{command}: {error}");
            }
        }
        let json: serde_json::Value = serde_json::from_str(&banner.json()).expect("JSON");
        assert_eq!(
            (&json["took_ms"], &json["addresses"]["observatory"]),
            (&1234.into(), &"http://127.0.0.1:7".into())
        );

        let line = |observatory: Option<&str>, otlp: Option<&str>| {
            let [observatory, otlp] = [observatory, otlp].map(|url| url.map(str::to_owned));
            let addresses = Addresses { observatory, otlp, ..addresses.clone() };
            let text = Banner { addresses: &addresses, ..banner }.text();
            text.lines().find(|line| line.starts_with("  traces")).map(str::to_owned)
        };
        let other = line(None, Some("http://collector:4317")).expect("a line");
        assert!(other.contains("http://collector:4317") && other.contains("are sent there"), "{other}");
        assert_eq!(line(None, None), None);
    }
}

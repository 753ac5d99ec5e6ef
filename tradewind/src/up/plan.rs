//! What `up` starts: each process, how it is told what it must know, and when it drains. Data only.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::holder::LIFELINE;
use super::status::Place;
use crate::folder::Addresses;
use crate::run::Process;

/// What the processes of one shop have in common.
#[derive(Debug, Clone)]
pub(super) struct Common {
    /// The data folder.
    pub data: PathBuf,
    /// The configuration files.
    pub config_files: PathBuf,
    /// The operator token's file.
    pub token_file: PathBuf,
    /// The databases, when not SQLite in the data folder.
    pub store: Option<String>,
    /// The registry's token.
    pub registry_token: Option<String>,
    /// The message broker, with its password.
    pub broker: String,
    /// The configuration profile.
    pub profile: String,
    /// Where everybody is.
    pub addresses: Addresses,
}

/// The sockets that the supervisor owns, by where they listen. No registry where a Consul is used, and no
/// broker where a RabbitMQ is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doors {
    pub gateway: SocketAddr,
    pub registry: Option<SocketAddr>,
    pub config_server: SocketAddr,
    pub card_network: SocketAddr,
    pub broker: Option<BrokerDoors>,
}

/// The broker's two: one for its clients, one for those who watch it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrokerDoors {
    pub amqp: SocketAddr,
    pub http: SocketAddr,
}

impl Doors {
    /// Those of `process`, in the order in which it is handed them.
    fn of(&self, process: Process) -> Vec<SocketAddr> {
        match process {
            Process::Gateway => vec![self.gateway],
            Process::Registry => self.registry.into_iter().collect(),
            Process::ConfigServer => vec![self.config_server],
            Process::CardNetwork => vec![self.card_network],
            Process::Broker => self.broker.iter().flat_map(|broker| [broker.amqp, broker.http]).collect(),
            Process::Catalog
            | Process::Inventory
            | Process::Payments
            | Process::Shipping
            | Process::Orders
            | Process::Notifications
            | Process::Recommendations => Vec::new(),
        }
    }

    /// Whether the work of `process` is done by somebody else's server.
    fn are_elsewhere(&self, process: Process) -> bool {
        match process {
            Process::Registry => self.registry.is_none(),
            Process::Broker => self.broker.is_none(),
            _ => false,
        }
    }
}

/// One process to start.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// Which.
    pub process: Process,
    /// The addresses of the sockets that it is handed; none where it takes a free port and registers. It does
    /// its work at the first, and answers HTTP at the last.
    pub doors: Vec<SocketAddr>,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What its environment says beyond the supervisor's own. Secrets stand here, since everybody can
    /// read a process's arguments.
    pub environment: Vec<(&'static str, String)>,
}

impl Launch {
    /// Where it is, when that is known beforehand.
    pub fn place(&self) -> Option<Place> {
        let (first, last) = (self.doors.first()?, self.doors.last()?);
        Some(Place { address: first.to_string(), http: last.to_string() })
    }

    /// Whether it may be told not to run for a while. One that the registry knows is not called any more then;
    /// a client of the broker that is turned away comes back. The others are called by whoever knows their door,
    /// and could not say there that nobody will come.
    pub fn may_rest(&self) -> bool {
        self.doors.is_empty() || self.process == Process::Broker
    }
}

/// The order in which processes drain: whoever calls goes before whoever is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Nothing new comes in.
    Gateway,
    /// What was begun is finished.
    Orders,
    /// What orders call.
    Services,
    /// What everybody stands on.
    Supporting,
}

impl Stage {
    pub const IN_ORDER: [Self; 4] = [Self::Gateway, Self::Orders, Self::Services, Self::Supporting];

    /// When `process` drains.
    pub fn of(process: Process) -> Self {
        match process {
            Process::Gateway => Self::Gateway,
            Process::Orders => Self::Orders,
            Process::Catalog
            | Process::Inventory
            | Process::Payments
            | Process::Shipping
            | Process::Notifications
            | Process::Recommendations => Self::Services,
            Process::Registry | Process::ConfigServer | Process::Broker | Process::CardNetwork => {
                Self::Supporting
            }
        }
    }
}

/// Everything to start, those first that others wait for.
pub(super) fn launches(common: &Common, doors: Doors) -> Vec<Launch> {
    let all = [
        Process::CardNetwork,
        Process::Registry,
        Process::ConfigServer,
        Process::Broker,
        Process::Catalog,
        Process::Inventory,
        Process::Payments,
        Process::Shipping,
        Process::Orders,
        Process::Notifications,
        Process::Recommendations,
        Process::Gateway,
    ];
    let ours = all.into_iter().filter(|process| !doors.are_elsewhere(*process));
    ours.map(|process| launch(process, common, doors.of(process))).collect()
}

fn launch(process: Process, common: &Common, doors: Vec<SocketAddr>) -> Launch {
    let listen = doors.first().copied().unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut arguments: Vec<OsString> = vec!["run".into(), process.name().into(), LIFELINE.into()];
    let mut tell = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
    tell("--listen", listen.to_string().into());
    tell("--data", common.data.clone().into());
    tell("--profile", common.profile.clone().into());
    tell("--instance", "1".into());
    tell("--operator-token-file", common.token_file.clone().into());
    if process == Process::ConfigServer {
        tell("--config-files", common.config_files.clone().into());
    }
    if let (Process::Broker, Some(http)) = (process, doors.get(1)) {
        tell("--http-listen", http.to_string().into());
    }
    if Stage::of(process) != Stage::Supporting {
        tell("--registry", common.addresses.registry.clone().into());
        tell("--config-server", common.addresses.config_server.clone().into());
    }
    Launch { process, doors, arguments, environment: environment(process, common) }
}

fn environment(process: Process, common: &Common) -> Vec<(&'static str, String)> {
    let mut environment = Vec::new();
    // addresses of databases carry passwords
    environment.extend(common.store.clone().map(|url| ("TRADEWIND_STORE", url)));
    environment.extend(common.registry_token.clone().map(|token| ("TRADEWIND_REGISTRY_TOKEN", token)));
    environment.push(("TRADEWIND_BROKER", common.broker.clone()));
    if process == Process::Payments {
        environment.push((CARD_NETWORK_URL, common.addresses.card_network.clone()));
    }
    environment
}

/// The key of payments that says where the card network is.
const CARD_NETWORK_URL: &str = "TRADEWIND_PAYMENTS__CARD_NETWORK__URL";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn common() -> Common {
        Common {
            data: "/shop/data folder".into(),
            config_files: "/shop/config".into(),
            token_file: "/shop/data folder/operator-token".into(),
            store: Some("postgres://shop:secret@db/shop".into()),
            registry_token: Some("hush".into()),
            broker: "amqp://shop:whisper@broker/".into(),
            profile: "default".into(),
            addresses: Addresses {
                gateway: "http://127.0.0.1:8080".into(),
                registry: "http://127.0.0.1:8500".into(),
                config_server: "http://127.0.0.1:8888".into(),
                card_network: "http://127.0.0.1:8600".into(),
                broker: "amqp://shop@broker/".into(),
                broker_http: None,
            },
        }
    }

    fn doors() -> Doors {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Doors {
            gateway: at(8080),
            registry: Some(at(8500)),
            config_server: at(8888),
            card_network: at(8600),
            broker: Some(BrokerDoors { amqp: at(5672), http: at(15672) }),
        }
    }

    fn started(doors: Doors) -> Vec<Process> {
        launches(&common(), doors).into_iter().map(|launch| launch.process).collect()
    }

    #[test]
    fn every_process_understands_what_it_is_told() {
        for launch in launches(&common(), doors()) {
            let words = std::iter::once("tradewind".into()).chain(launch.arguments.clone());
            let cli =
                Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{:?}: {error}", launch.process));
            let Some(Command::Run(run)) = cli.command else { panic!("{:?} is not a run", launch.process) };
            assert_eq!(run.process, launch.process);
            assert!(run.lifeline);
            assert_eq!(run.process_args.data, common().data);
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            assert_eq!(run.process_args.listen, launch.doors.first().copied().unwrap_or(any));
            assert_eq!(run.http_listen, launch.doors.get(1).copied().unwrap_or(any));
        }
    }

    #[test]
    fn no_secret_stands_in_arguments() {
        for launch in launches(&common(), doors()) {
            let arguments = format!("{:?}", launch.arguments);
            for secret in ["secret", "hush", "whisper"] {
                assert!(!arguments.contains(secret), "{arguments}");
            }
            assert!(launch.environment.iter().any(|(name, _)| *name == "TRADEWIND_STORE"));
        }
    }

    #[test]
    fn what_replaces_an_embedded_server_is_not_started() {
        assert_eq!(started(doors()).len(), 12);
        let consul = started(Doors { registry: None, ..doors() });
        assert!(consul.len() == 11 && !consul.contains(&Process::Registry), "{consul:?}");
        let rabbitmq = started(Doors { broker: None, ..doors() });
        assert!(rabbitmq.len() == 11 && !rabbitmq.contains(&Process::Broker), "{rabbitmq:?}");
    }

    #[test]
    fn the_broker_is_found_at_one_door_and_watched_at_another() {
        let launches = launches(&common(), doors());
        let place = |process| {
            let launch = launches.iter().find(|launch| launch.process == process).expect("it is started");
            launch.place().map(|place| (place.address, place.http))
        };
        let (amqp, http, gateway) = ("127.0.0.1:5672", "127.0.0.1:15672", "127.0.0.1:8080");
        assert_eq!(place(Process::Broker), Some((amqp.into(), http.into())));
        assert_eq!(place(Process::Gateway), Some((gateway.into(), gateway.into())));
        assert_eq!(place(Process::Orders), None, "the registry knows");
    }

    #[test]
    fn services_may_rest_and_so_may_the_broker() {
        let launches = launches(&common(), doors());
        let restless: Vec<_> =
            launches.iter().filter(|launch| !launch.may_rest()).map(|l| l.process).collect();
        let wanted = [Process::CardNetwork, Process::Registry, Process::ConfigServer, Process::Gateway];
        assert_eq!(restless, wanted);
    }

    #[test]
    fn callers_drain_before_those_they_call() {
        let stage = |process| Stage::of(process);
        assert!(stage(Process::Gateway) < stage(Process::Orders));
        assert!(stage(Process::Orders) < stage(Process::Payments));
        assert!(stage(Process::Payments) < stage(Process::CardNetwork));
        assert!(stage(Process::Notifications) < stage(Process::Broker));
        assert!(Stage::IN_ORDER.is_sorted());
    }
}

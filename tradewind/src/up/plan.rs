//! What `up` starts: each process, how it is told what it must know, and when it drains. Data only.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::holder::LIFELINE;
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
    /// The message broker; without one, those who live by messages alone are not started.
    pub broker: Option<String>,
    /// The configuration profile.
    pub profile: String,
    /// Where everybody is.
    pub addresses: Addresses,
}

/// The sockets that the supervisor owns, by where they listen. No registry where a Consul is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doors {
    pub gateway: SocketAddr,
    pub registry: Option<SocketAddr>,
    pub config_server: SocketAddr,
    pub card_network: SocketAddr,
}

/// One process to start.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// Which.
    pub process: Process,
    /// The address of the socket that it is handed; nothing where it takes a free port and registers.
    pub door: Option<SocketAddr>,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What its environment says beyond the supervisor's own. Secrets stand here, since everybody can
    /// read a process's arguments.
    pub environment: Vec<(&'static str, String)>,
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
            Process::Registry | Process::ConfigServer | Process::CardNetwork => Self::Supporting,
        }
    }
}

/// Everything to start, those first that others wait for.
pub(super) fn launches(common: &Common, doors: Doors) -> Vec<Launch> {
    let supporting = [Process::CardNetwork, Process::Registry, Process::ConfigServer];
    let services =
        [Process::Catalog, Process::Inventory, Process::Payments, Process::Shipping, Process::Orders];
    let listeners = common.broker.iter().flat_map(|_| [Process::Notifications, Process::Recommendations]);
    let all = supporting.into_iter().chain(services).chain(listeners).chain([Process::Gateway]);
    let present = all.filter(|process| *process != Process::Registry || doors.registry.is_some());
    present.map(|process| launch(process, common, doors)).collect()
}

fn launch(process: Process, common: &Common, doors: Doors) -> Launch {
    let door = match process {
        Process::Gateway => Some(doors.gateway),
        Process::Registry => doors.registry,
        Process::ConfigServer => Some(doors.config_server),
        Process::CardNetwork => Some(doors.card_network),
        Process::Catalog
        | Process::Inventory
        | Process::Payments
        | Process::Shipping
        | Process::Orders
        | Process::Notifications
        | Process::Recommendations => None,
    };
    let listen = door.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
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
    if Stage::of(process) != Stage::Supporting {
        tell("--registry", common.addresses.registry.clone().into());
        tell("--config-server", common.addresses.config_server.clone().into());
    }
    Launch { process, door, arguments, environment: environment(process, common) }
}

fn environment(process: Process, common: &Common) -> Vec<(&'static str, String)> {
    let mut environment = Vec::new();
    // addresses of databases carry passwords
    environment.extend(common.store.clone().map(|url| ("TRADEWIND_STORE", url)));
    environment.extend(common.registry_token.clone().map(|token| ("TRADEWIND_REGISTRY_TOKEN", token)));
    environment.extend(common.broker.clone().map(|url| ("TRADEWIND_BROKER", url)));
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
            broker: Some("amqp://shop:whisper@broker/".into()),
            profile: "default".into(),
            addresses: Addresses {
                gateway: "http://127.0.0.1:8080".into(),
                registry: "http://127.0.0.1:8500".into(),
                config_server: "http://127.0.0.1:8888".into(),
                card_network: "http://127.0.0.1:8600".into(),
                broker: None,
            },
        }
    }

    fn doors(registry: Option<u16>) -> Doors {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Doors {
            gateway: at(8080),
            registry: registry.map(at),
            config_server: at(8888),
            card_network: at(8600),
        }
    }

    #[test]
    fn every_process_understands_what_it_is_told() {
        for launch in launches(&common(), doors(Some(8500))) {
            let words = std::iter::once("tradewind".into()).chain(launch.arguments.clone());
            let cli =
                Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{:?}: {error}", launch.process));
            let Some(Command::Run(run)) = cli.command else { panic!("{:?} is not a run", launch.process) };
            assert_eq!(run.process, launch.process);
            assert!(run.lifeline);
            assert_eq!(run.process_args.data, common().data);
            assert_eq!(run.process_args.listen, launch.door.unwrap_or(([127, 0, 0, 1], 0).into()));
        }
    }

    #[test]
    fn no_secret_stands_in_arguments() {
        for launch in launches(&common(), doors(Some(8500))) {
            let arguments = format!("{:?}", launch.arguments);
            for secret in ["secret", "hush", "whisper"] {
                assert!(!arguments.contains(secret), "{arguments}");
            }
            assert!(launch.environment.iter().any(|(name, _)| *name == "TRADEWIND_STORE"));
        }
    }

    #[test]
    fn a_consul_replaces_the_embedded_registry() {
        let names = |launches: Vec<Launch>| launches.into_iter().map(|l| l.process).collect::<Vec<_>>();
        assert!(names(launches(&common(), doors(Some(8500)))).contains(&Process::Registry));
        assert!(!names(launches(&common(), doors(None))).contains(&Process::Registry));
        assert_eq!(names(launches(&common(), doors(None))).len(), 10);
    }

    #[test]
    fn who_lives_by_messages_alone_needs_a_broker() {
        let without = Common { broker: None, ..common() };
        let names: Vec<_> = launches(&without, doors(Some(8500))).into_iter().map(|l| l.process).collect();
        assert_eq!(names.len(), 9);
        assert!(!names.contains(&Process::Notifications) && !names.contains(&Process::Recommendations));
    }

    #[test]
    fn callers_drain_before_those_they_call() {
        let stage = |process| Stage::of(process);
        assert!(stage(Process::Gateway) < stage(Process::Orders));
        assert!(stage(Process::Orders) < stage(Process::Payments));
        assert!(stage(Process::Payments) < stage(Process::CardNetwork));
        assert!(Stage::IN_ORDER.is_sorted());
    }
}

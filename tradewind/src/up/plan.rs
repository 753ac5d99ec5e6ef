//! What `up` starts: each process, how it is told what it must know, and when it drains. Data only.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::holder::LIFELINE;
use super::status::Place;
use crate::folder::Addresses;
use crate::run::{Role, Server};
use crate::topology::{Part, Topology};

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
    /// The message broker, with its password; nothing where messages stay in their process.
    pub broker: Option<String>,
    /// Where traces and metrics are sent, with whatever is secret in it; nothing where they are not.
    pub otlp: Option<String>,
    /// The configuration profile.
    pub profile: String,
    /// Where everybody is.
    pub addresses: Addresses,
}

/// The sockets that the supervisor owns, by where they listen. No registry and no broker where the topology has
/// none, or where somebody else's is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doors {
    pub gateway: SocketAddr,
    pub registry: Option<SocketAddr>,
    pub config_server: SocketAddr,
    pub card_network: SocketAddr,
    pub broker: Option<BrokerDoors>,
    pub observatory: Option<ObservatoryDoors>,
}

/// The broker's two: one for its clients, one for those who watch it.
#[derive(Debug, Clone, Copy)]
pub(super) struct BrokerDoors {
    pub amqp: SocketAddr,
    pub http: SocketAddr,
}

/// The observatory's three: two for those who tell, one for those who look. Every topology has the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct ObservatoryDoors {
    pub otlp: SocketAddr,
    pub otlp_http: SocketAddr,
    pub pages: SocketAddr,
}

impl Doors {
    /// The same without those that `topology` has no use for.
    pub fn only_for(self, topology: &Topology) -> Self {
        Self {
            registry: self.registry.filter(|_| topology.has_registry()),
            broker: self.broker.filter(|_| topology.has_broker()),
            ..self
        }
    }

    /// Those of `server`, in the order in which it is handed them; none where the shop does not run it.
    fn of(&self, server: Server) -> Vec<SocketAddr> {
        match server {
            Server::Registry => self.registry.into_iter().collect(),
            Server::ConfigServer => vec![self.config_server],
            Server::CardNetwork => vec![self.card_network],
            Server::Broker => self.broker.iter().flat_map(|broker| [broker.amqp, broker.http]).collect(),
            Server::Observatory => {
                let three = |doors: &ObservatoryDoors| [doors.otlp, doors.otlp_http, doors.pages];
                self.observatory.iter().flat_map(three).collect()
            }
        }
    }
}

/// One process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Launch {
    /// What it is called.
    pub name: String,
    /// What it runs.
    pub roles: Vec<Role>,
    /// The addresses of the sockets that it is handed because they are known beforehand. It does its work at the
    /// first.
    pub doors: Vec<SocketAddr>,
    /// How it is found by those who watch it, and by other modules.
    pub inside: Inside,
    /// Its arguments, but for what tells it apart from others like it.
    pub arguments: Vec<OsString>,
    /// What its environment says beyond the supervisor's own. Secrets stand here, since everybody can
    /// read a process's arguments.
    pub environment: Vec<(&'static str, String)>,
}

/// Where a process listens for those within the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inside {
    /// At the last of its doors.
    AtItsDoor,
    /// At a port that it finds by itself; the registry tells others.
    Registered,
    /// At a socket that the supervisor opens for it, since there is no registry to tell.
    Handed,
}

impl Launch {
    /// Where it is, when that is known beforehand; `handed` is the socket for those within.
    pub fn place(&self, handed: Option<SocketAddr>) -> Option<Place> {
        let http = match self.inside {
            Inside::AtItsDoor => *self.doors.last()?,
            Inside::Handed => handed?,
            Inside::Registered => return None,
        };
        let address = self.doors.first().copied().unwrap_or(http);
        Some(Place { address: address.to_string(), http: http.to_string() })
    }

    /// The modules that it hosts.
    pub fn modules(&self) -> impl Iterator<Item = Part> {
        self.roles.iter().filter_map(|role| match role {
            Role::Module(part) => Some(*part),
            Role::Server(_) => None,
        })
    }

    /// Whether it may be told not to run for a while. One that the registry knows is not called any more then;
    /// a client of the broker that is turned away comes back. The others are called by whoever knows their door,
    /// and could not say there that nobody will come.
    pub fn may_rest(&self) -> bool {
        self.roles == [Role::Server(Server::Broker)]
            || (self.inside == Inside::Registered && self.doors.is_empty())
    }

    /// Whether the shop is of no use without it.
    pub fn is_needed(&self) -> bool {
        self.roles != [Role::Server(Server::Observatory)]
    }

    /// When it drains.
    pub fn stage(&self) -> Stage {
        self.roles.iter().map(|role| Stage::of(*role)).max().unwrap_or(Stage::Supporting)
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
    /// Whoever hears what the others have to tell of their end.
    Watching,
}

impl Stage {
    pub const IN_ORDER: [Self; 5] =
        [Self::Gateway, Self::Orders, Self::Services, Self::Supporting, Self::Watching];

    /// When whoever has this role drains.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Module(Part::Gateway) => Self::Gateway,
            Role::Module(Part::Orders) => Self::Orders,
            Role::Module(_) => Self::Services,
            Role::Server(Server::Observatory) => Self::Watching,
            Role::Server(_) => Self::Supporting,
        }
    }
}

/// The supporting servers to start, those first that others wait for.
pub(super) fn servers(common: &Common, doors: Doors) -> Vec<Launch> {
    let all = [
        // what the others do from their first moment on is told to it
        Server::Observatory,
        Server::CardNetwork,
        Server::Registry,
        Server::ConfigServer,
        Server::Broker,
    ];
    let launch = |server| {
        let doors = doors.of(server);
        (!doors.is_empty()).then(|| server_launch(server, common, doors))
    };
    all.into_iter().filter_map(launch).collect()
}

/// The processes of a topology, replicas included.
pub(super) fn processes(common: &Common, doors: Doors, topology: &Topology) -> Vec<Launch> {
    let mut launches = Vec::new();
    for spec in &topology.processes {
        for replica in 1..=spec.replicas {
            let name = if replica == 1 { spec.name.clone() } else { format!("{}-{replica}", spec.name) };
            launches.push(module_launch(name, &spec.modules, common, doors, topology));
        }
    }
    launches
}

fn server_launch(server: Server, common: &Common, doors: Vec<SocketAddr>) -> Launch {
    let mut arguments = arguments(&[Role::Server(server)], common);
    let mut tell = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
    let flags: &[&str] = match server {
        Server::Observatory => &["--otlp-listen", "--otlp-http-listen", "--pages-listen"],
        Server::Broker => &["--listen", "--http-listen"],
        Server::Registry | Server::ConfigServer | Server::CardNetwork => &["--listen"],
    };
    for (flag, door) in flags.iter().zip(&doors) {
        tell(flag, door.to_string().into());
    }
    if server == Server::ConfigServer {
        tell("--config-files", common.config_files.clone().into());
    }
    let mut environment = secrets(common);
    // it needs nothing but its database: where that is away, whoever starts the shop learns it at once
    environment.push((PATIENCE, "0".to_owned()));
    if server == Server::CardNetwork {
        environment.extend(told_to(common));
    }
    Launch {
        name: server.name().to_owned(),
        roles: vec![Role::Server(server)],
        doors,
        inside: Inside::AtItsDoor,
        arguments,
        environment,
    }
}

fn module_launch(name: String, parts: &[Part], common: &Common, doors: Doors, topology: &Topology) -> Launch {
    let roles: Vec<_> = parts.iter().copied().map(Role::Module).collect();
    let mut arguments = arguments(&roles, common);
    let mut tell = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
    let gateway = parts.contains(&Part::Gateway).then_some(doors.gateway);
    if let Some(gateway) = gateway {
        tell("--gateway-listen", gateway.to_string().into());
    }
    tell("--config-server", common.addresses.config_server.clone().into());
    if topology.has_registry() {
        tell("--registry", common.addresses.registry.clone().into());
    }
    let mut environment = secrets(common);
    environment.extend(told_to(common));
    let carrier = common.broker.clone().filter(|_| topology.has_broker());
    environment.push(("TRADEWIND_BROKER", carrier.unwrap_or_else(|| IN_PROCESS.to_owned())));
    if parts.contains(&Part::Payments) {
        environment.push((CARD_NETWORK_URL, common.addresses.card_network.clone()));
    }
    Launch {
        name,
        roles,
        doors: gateway.into_iter().collect(),
        inside: if topology.has_registry() { Inside::Registered } else { Inside::Handed },
        arguments,
        environment,
    }
}

/// What every process is told.
fn arguments(roles: &[Role], common: &Common) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["run".into()];
    arguments.extend(roles.iter().map(|role| role.name().into()));
    arguments.push(LIFELINE.into());
    let mut tell = |flag: &str, value: OsString| arguments.extend([flag.into(), value]);
    tell("--data", common.data.clone().into());
    tell("--profile", common.profile.clone().into());
    tell("--operator-token-file", common.token_file.clone().into());
    arguments
}

/// Addresses of databases carry passwords. The operator token stands in a file: one in the environment of `up` is for
/// commands.
fn secrets(common: &Common) -> Vec<(&'static str, String)> {
    let store = common.store.clone().map(|url| ("TRADEWIND_STORE", url));
    let token = common.registry_token.clone().map(|token| ("TRADEWIND_REGISTRY_TOKEN", token));
    let operator = ("TRADEWIND_OPERATOR_TOKEN", String::new());
    store.into_iter().chain(token).chain([operator]).collect()
}

/// Where a process sends traces and metrics. In the environment, since the address may carry a key.
fn told_to(common: &Common) -> Option<(&'static str, String)> {
    Some((OTLP, common.otlp.clone()?))
}

/// Whom a process tells by OTLP; nobody where it is not there.
pub(super) const OTLP: &str = "TRADEWIND_OTLP";
/// How long a process waits for what is not there yet, in milliseconds.
const PATIENCE: &str = "TRADEWIND_PATIENCE_MS";
/// The value of `--broker` for a process whose messages do not leave it.
const IN_PROCESS: &str = "in-process";
/// The key of payments that says where the card network is.
const CARD_NETWORK_URL: &str = "TRADEWIND_PAYMENTS__CARD_NETWORK__URL";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, ObservatoryArgs};

    fn common() -> Common {
        Common {
            data: "/shop/data folder".into(),
            config_files: "/shop/config".into(),
            token_file: "/shop/data folder/operator-token".into(),
            store: Some("postgres://shop:secret@db/shop".into()),
            registry_token: Some("hush".into()),
            broker: Some("amqp://shop:whisper@broker/".into()),
            otlp: Some("http://collector:4317/?key=mumble".into()),
            profile: "default".into(),
            addresses: Addresses {
                gateway: "http://127.0.0.1:8080".into(),
                registry: "http://127.0.0.1:8500".into(),
                config_server: "http://127.0.0.1:8888".into(),
                card_network: "http://127.0.0.1:8600".into(),
                broker: "amqp://shop@broker/".into(),
                broker_http: None,
                observatory: Some("http://127.0.0.1:16686".into()),
                otlp: Some("http://collector:4317".into()),
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
            observatory: Some(ObservatoryDoors { otlp: at(4317), otlp_http: at(4318), pages: at(16686) }),
        }
    }

    fn built_in(name: &str) -> Topology {
        Topology::named(name).expect("it is built in")
    }

    /// Everything that a shop of this topology starts.
    fn launches(name: &str) -> Vec<Launch> {
        let topology = built_in(name);
        let mut launches = servers(&common(), doors().only_for(&topology));
        launches.extend(processes(&common(), doors(), &topology));
        launches
    }

    fn named(launches: &[Launch]) -> Vec<&str> {
        launches.iter().map(|launch| launch.name.as_str()).collect()
    }

    #[test]
    fn every_process_understands_what_it_is_told() {
        for launch in launches("microservices").into_iter().chain(launches("monolith")) {
            let words = std::iter::once("tradewind".into()).chain(launch.arguments.clone());
            let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{}: {error}", launch.name));
            let Some(Command::Run(run)) = cli.command else { panic!("{} is not a run", launch.name) };
            assert_eq!(run.roles, launch.roles);
            assert!(run.lifeline);
            assert_eq!(run.process_args.data, common().data);
            let door = launch.doors.first().copied();
            match launch.inside {
                Inside::AtItsDoor if !launch.is_needed() => {
                    let ObservatoryArgs { otlp_listen, otlp_http_listen, pages_listen } = run.watching;
                    assert_eq!(launch.doors, [otlp_listen, otlp_http_listen, pages_listen]);
                }
                Inside::AtItsDoor => assert_eq!(Some(run.process_args.listen), door),
                Inside::Registered | Inside::Handed => {
                    assert_eq!(run.gateway_listen, door.unwrap_or(doors().gateway));
                }
            }
        }
    }

    #[test]
    fn no_secret_stands_in_arguments() {
        for launch in launches("microservices") {
            let arguments = format!("{:?}", launch.arguments);
            for secret in ["secret", "hush", "whisper", "mumble"] {
                assert!(!arguments.contains(secret), "{arguments}");
            }
            assert!(launch.environment.iter().any(|(name, _)| *name == "TRADEWIND_STORE"));
        }
    }

    /// A process that is told it in both ways refuses to start.
    #[test]
    fn the_operator_token_stands_in_its_file_alone_whatever_the_environment_says() {
        for launch in launches("microservices").into_iter().chain(launches("monolith")) {
            assert!(launch.arguments.contains(&"--operator-token-file".into()), "{launch:?}");
            let told: Vec<_> =
                launch.environment.iter().filter(|(name, _)| *name == "TRADEWIND_OPERATOR_TOKEN").collect();
            // an empty one is none, and takes the place of the one that was inherited
            assert_eq!(told, [&("TRADEWIND_OPERATOR_TOKEN", String::new())], "{launch:?}");
        }
    }

    #[test]
    fn a_topology_says_which_servers_there_are_and_what_carries_messages() {
        assert_eq!(named(&launches("monolith")), ["observatory", "card-network", "config-server", "shop"]);
        assert_eq!(launches("microservices").len(), 13);
        let carrier = |name| {
            let launch =
                launches(name).into_iter().find(|launch| launch.modules().any(|part| part == Part::Orders));
            let environment = launch.expect("orders is somewhere").environment;
            environment.into_iter().find(|(name, _)| *name == "TRADEWIND_BROKER").map(|(_, value)| value)
        };
        assert_eq!(carrier("monolith").as_deref(), Some("in-process"));
        assert_eq!(carrier("microservices"), common().broker);
    }

    #[test]
    fn what_replaces_an_embedded_server_is_not_started() {
        let consul = servers(&common(), Doors { registry: None, ..doors() });
        assert_eq!(named(&consul), ["observatory", "card-network", "config-server", "broker"]);
        let rabbitmq = servers(&common(), Doors { broker: None, ..doors() });
        assert_eq!(named(&rabbitmq), ["observatory", "card-network", "registry", "config-server"]);
        let collector = servers(&common(), Doors { observatory: None, ..doors() });
        assert_eq!(named(&collector), ["card-network", "registry", "config-server", "broker"]);
    }

    #[test]
    fn modules_and_the_card_network_are_told_where_traces_go_and_nobody_is_where_they_go_nowhere() {
        let told = |launches: &[Launch]| -> Vec<String> {
            let knows = |launch: &&Launch| launch.environment.iter().any(|(name, _)| *name == OTLP);
            launches.iter().filter(knows).map(|launch| launch.name.clone()).collect()
        };
        for topology in ["monolith", "step-4-payments", "microservices"] {
            let launches = launches(topology);
            let modules = launches.iter().filter(|launch| launch.modules().next().is_some());
            let wanted: Vec<_> = std::iter::once("card-network".to_owned())
                .chain(modules.map(|launch| launch.name.clone()))
                .collect();
            assert_eq!(told(&launches), wanted);
        }
        let silent = Common { otlp: None, ..common() };
        assert!(told(&servers(&silent, doors())).is_empty());
        assert!(told(&processes(&silent, doors(), &built_in("monolith"))).is_empty());
    }

    #[test]
    fn every_topology_has_the_same_observatory_so_that_a_move_leaves_it_alone() {
        let observatory = |name: &str| {
            let launch = launches(name).into_iter().next().expect("somebody is started first");
            assert!(!launch.is_needed() && launch.roles == [Role::Server(Server::Observatory)]);
            launch
        };
        assert_eq!(observatory("monolith"), observatory("microservices"));
        assert_eq!(observatory("step-3-events"), observatory("microservices"));
    }

    #[test]
    fn replicas_have_names_of_their_own() {
        let mut topology = built_in("step-4-payments");
        topology.processes[1].replicas = 2;
        let launches = processes(&common(), doors(), &topology);
        assert_eq!(named(&launches), ["shop", "payments", "payments-2", "notifications", "recommendations"]);
    }

    #[test]
    fn the_broker_is_found_at_one_door_and_watched_at_another() {
        let launches = launches("microservices");
        let place = |name: &str| {
            let launch = launches.iter().find(|launch| launch.name == name).expect("it is started");
            launch.place(None).map(|place| (place.address, place.http))
        };
        let (amqp, http) = ("127.0.0.1:5672", "127.0.0.1:15672");
        assert_eq!(place("broker"), Some((amqp.into(), http.into())));
        assert_eq!(place("observatory"), Some(("127.0.0.1:4317".into(), "127.0.0.1:16686".into())));
        assert_eq!(place("orders"), None, "the registry knows");
        let within = SocketAddr::from(([127, 0, 0, 1], 4711));
        let monolith =
            self::launches("monolith").pop().expect("the shop").place(Some(within)).expect("it is handed it");
        assert_eq!((monolith.address, monolith.http), ("127.0.0.1:8080".to_owned(), within.to_string()));
    }

    #[test]
    fn services_may_rest_and_so_may_the_broker() {
        let launches = launches("microservices");
        let restless: Vec<_> = launches.iter().filter(|launch| !launch.may_rest()).cloned().collect();
        assert_eq!(named(&restless), ["observatory", "card-network", "registry", "config-server", "gateway"]);
    }

    #[test]
    fn callers_drain_before_those_they_call() {
        let all = launches("microservices");
        let stage =
            |name: &str| all.iter().find(|launch| launch.name == name).expect("it is started").stage();
        assert!(stage("gateway") < stage("orders"));
        assert!(stage("orders") < stage("payments"));
        assert!(stage("payments") < stage("card-network"));
        assert!(stage("notifications") < stage("broker"));
        let others = all.iter().filter(|launch| launch.is_needed());
        assert!(others.map(Launch::stage).all(|before| before < stage("observatory")), "it hears them out");
        assert!(Stage::IN_ORDER.is_sorted());
        // whoever has both a caller and a callee stays for the callers elsewhere
        let shop = launches("step-4-payments")
            .into_iter()
            .find(|launch| launch.name == "shop")
            .expect("it is started");
        assert_eq!(shop.stage(), Stage::Services);
    }
}

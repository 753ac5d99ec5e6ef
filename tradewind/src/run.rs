//! One process of the shop: what it can run. Modules are put together here, and nowhere else but in their own
//! `main.rs`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use chassis::control::{Changes, Guard};
use chassis::process::{
    self, Bootstrap, Module, Platform, run_standalone, run_standalone_as, unless_stopped,
};
use chassis::telemetry::{metrics, otlp};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use futures::future::try_join_all;
use listenfd::ListenFd;
use observatory::{Limits, Listeners};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wires::Resolver;

use crate::cli::RunArgs;
use crate::exit::{self, Ending};
use crate::lifeline;
use crate::topology::Part;

/// A supporting server, which always is a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Server {
    /// The service registry, which speaks Consul's HTTP API
    Registry,
    /// The configuration of every service
    ConfigServer,
    /// The message broker, which speaks AMQP 0-9-1
    Broker,
    /// The company that moves money, simulated
    CardNetwork,
    /// What takes in traces and metrics, and shows them; it speaks OTLP, and Jaeger's query API
    Observatory,
}

impl Server {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::ConfigServer => "config-server",
            Self::Broker => "broker",
            Self::CardNetwork => "card-network",
            Self::Observatory => "observatory",
        }
    }
}

/// What a process can be told to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A supporting server.
    Server(Server),
    /// A module of the shop, alone or beside others.
    Module(Part),
}

impl Role {
    /// Its name, in the registry too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server(server) => server.name(),
            Self::Module(part) => part.name(),
        }
    }
}

impl ValueEnum for Role {
    fn value_variants<'a>() -> &'a [Self] {
        const {
            &[
                Self::Server(Server::Registry),
                Self::Server(Server::ConfigServer),
                Self::Server(Server::Broker),
                Self::Server(Server::CardNetwork),
                Self::Server(Server::Observatory),
                Self::Module(Part::Catalog),
                Self::Module(Part::Inventory),
                Self::Module(Part::Payments),
                Self::Module(Part::Shipping),
                Self::Module(Part::Orders),
                Self::Module(Part::Notifications),
                Self::Module(Part::Recommendations),
                Self::Module(Part::Gateway),
            ]
        }
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Server(server) => server.to_possible_value(),
            Self::Module(part) => part.to_possible_value(),
        }
    }
}

/// What one process runs.
enum Work {
    Server(Server),
    Modules(Vec<Part>),
}

impl Work {
    fn of(roles: &[Role]) -> Result<Self, Ending> {
        let mut parts = Vec::new();
        for role in roles {
            match *role {
                Role::Server(server) if roles.len() == 1 => return Ok(Self::Server(server)),
                Role::Server(server) => {
                    let name = server.name();
                    let message =
                        format!("{name} shares its process with nobody: start it with `run {name}` alone");
                    return Err(Ending::Usage(message));
                }
                Role::Module(part) if parts.contains(&part) => {
                    return Err(Ending::Usage(format!("{} is named twice", part.name())));
                }
                Role::Module(part) => parts.push(part),
            }
        }
        Ok(Self::Modules(parts))
    }
}

/// Runs one process until it is told to stop, or its supervisor is gone.
pub fn run(args: Box<RunArgs>) -> ExitCode {
    // before there is any other thread: this takes its variables out of the environment
    let mut sockets = ListenFd::from_env();
    let passed = [0, 1, 2].map(|at| sockets.take_tcp_listener(at));
    let work = match Work::of(&args.roles) {
        Ok(work) => work,
        Err(ending) => return exit::code_of(Err(ending.into())),
    };
    process::block_on(life(*args, work, passed))
}

/// A socket that the supervisor passed, if it did.
type Passed = io::Result<Option<std::net::TcpListener>>;

async fn life(args: RunArgs, work: Work, [first, second, third]: [Passed; 3]) -> anyhow::Result<()> {
    let RunArgs { process_args, config_files, gateway_listen, http_listen, watching, lifeline, .. } = args;
    let shutdown = process::signalled();
    if lifeline {
        lifeline::watch(io::stdin(), shutdown.clone());
    }
    let bootstrap = process_args.resolve()?;
    match work {
        // the door to the outside world stands before that for those within
        Work::Modules(parts) if parts.contains(&Part::Gateway) => {
            let door = socket(first, gateway_listen, "--gateway-listen").await?;
            modules(Start::at(bootstrap, second, shutdown).await?, &parts, Some(door)).await
        }
        Work::Modules(parts) => modules(Start::at(bootstrap, first, shutdown).await?, &parts, None).await,
        Work::Server(Server::Registry) => registry(Start::at(bootstrap, first, shutdown).await?).await,
        Work::Server(Server::ConfigServer) => {
            config_server(Start::at(bootstrap, first, shutdown).await?, config_files).await
        }
        Work::Server(Server::Broker) => {
            let start = Start::at(bootstrap, first, shutdown).await?;
            broker(start, socket(second, http_listen, "--http-listen").await?).await
        }
        Work::Server(Server::CardNetwork) => card_network(Start::at(bootstrap, first, shutdown).await?).await,
        Work::Server(Server::Observatory) => {
            let listeners = Listeners {
                grpc: socket(first, watching.otlp_listen, "--otlp-listen").await?,
                http: socket(second, watching.otlp_http_listen, "--otlp-http-listen").await?,
                pages: socket(third, watching.pages_listen, "--pages-listen").await?,
            };
            observatory(&bootstrap, listeners, shutdown).await
        }
    }
}

/// What every process begins with.
struct Start {
    bootstrap: Bootstrap,
    listener: TcpListener,
    shutdown: CancellationToken,
}

impl Start {
    /// At the socket that the supervisor passed, else where the arguments say.
    async fn at(bootstrap: Bootstrap, passed: Passed, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let listener = socket(passed, bootstrap.listen, "--listen").await?;
        Ok(Self { bootstrap, listener, shutdown })
    }
}

/// The socket that the supervisor passed, else one of our own at the address that `flag` chooses.
async fn socket(passed: Passed, address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    if let Some(passed) = passed.context("the socket that was passed is of no use")? {
        passed.set_nonblocking(true).context("the socket that was passed is of no use")?;
        return TcpListener::from_std(passed).context("the socket that was passed is of no use");
    }
    process::bind(address, flag).await
}

/// Modules of the shop in one process. Those that are called are put together before those that call them, so
/// that a caller finds who lives in the same process.
async fn modules(start: Start, parts: &[Part], door: Option<TcpListener>) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    process::run(bootstrap, listener, shutdown, async |platform: &Platform| {
        let wires = Resolver::new(platform);
        let called = try_join_all(parts.iter().map(|part| called_module(*part, platform, &wires))).await?;
        let mut modules: Vec<Module> = called.into_iter().flatten().collect();
        if parts.contains(&Part::Orders) {
            modules.push(orders::assemble(platform, &wires).await?);
        }
        if let Some(door) = door {
            let gateway = gateway::assemble(platform, door, &modules).await?;
            modules.push(gateway);
        }
        Ok(modules)
    })
    .await
}

/// A module that calls no other; nothing for those that do.
async fn called_module(part: Part, platform: &Platform, wires: &Resolver) -> anyhow::Result<Option<Module>> {
    let module = match part {
        Part::Catalog => catalog::assemble(platform, wires).await?,
        Part::Inventory => inventory::assemble(platform, wires).await?,
        Part::Payments => payments::assemble(platform, wires).await?,
        Part::Shipping => shipping::assemble(platform, wires).await?,
        Part::Notifications => notifications::assemble(platform, wires).await?,
        Part::Recommendations => recommendations::assemble(platform, wires).await?,
        Part::Orders | Part::Gateway => return Ok(None),
    };
    Ok(Some(module))
}

async fn registry(start: Start) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    let config = registry::Config {
        token: bootstrap.registry_token,
        ..registry::Config::new(bootstrap.data.join("registry"))
    };
    let registry = registry::Registry::open(config)?;
    let (routes, stopped) = (registry.router(), shutdown.clone());
    run_standalone(routes, listener, shutdown, async move { registry.run(stopped).await }).await
}

/// Clients of the broker are served on its listener, those who watch it over `http`.
async fn broker(start: Start, http: TcpListener) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    let bootstrap = addressed(bootstrap, &http, &shutdown).await?;
    metrics::share();
    let broker = broker::Broker::open(broker::Config::new(bootstrap.data.join("broker")))?;
    broker.observe();
    let guard = Guard::new(bootstrap.operator_token.clone()).with_hosts(bootstrap.names());
    let routes = guard.protect(Changes::ByOperator, broker.routes());
    let stop = shutdown.child_token();
    let serving = async {
        let outcome = broker.serve(listener, shutdown).await;
        // one that cannot serve its clients any more does not stay for those who watch
        stop.cancel();
        outcome
    };
    let watched = run_standalone(routes, http, stop.clone(), std::future::ready(()));
    let (watched, served) = tokio::join!(watched, serving);
    watched.and(served)
}

async fn config_server(start: Start, files: PathBuf) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    let bootstrap = addressed(bootstrap, &listener, &shutdown).await?;
    let config = config_server::Config {
        token: bootstrap.operator_token.clone(),
        database: Some(bootstrap.store.clone()),
        hosts: bootstrap.names(),
        patience: bootstrap.patience,
        ..config_server::Config::new(files, bootstrap.data.join("config-server"))
    };
    let opening = async { Ok(config_server::ConfigServer::open(config).await?) };
    let server = unless_stopped(&shutdown, opening).await?;
    config_server::standalone::serve(server, listener, shutdown).await
}

/// What a server is told, and its own address with it where that can be told at once: nobody looks it up, but whoever
/// asks for it may ask by that.
async fn addressed(
    bootstrap: Bootstrap,
    listener: &TcpListener,
    shutdown: &CancellationToken,
) -> anyhow::Result<Bootstrap> {
    let listening = listener.local_addr()?;
    unless_stopped(shutdown, async { Ok(bootstrap.addressed_at_once(listening).await) }).await
}

async fn card_network(start: Start) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    let name = Server::CardNetwork.name();
    let sending = otlp::begin(bootstrap.otlp.as_deref(), name, &bootstrap.instance)?;
    let config =
        card_network::Config { patience: bootstrap.patience, ..card_network::Config::new(bootstrap.store) };
    let opening = async { Ok(card_network::CardNetwork::open(config).await?) };
    let network = unless_stopped(&shutdown, opening).await?;
    let routes = network.router();
    let outcome = run_standalone_as(name, routes, listener, shutdown, std::future::ready(())).await;
    sending.end().await;
    outcome
}

/// Takes in what others tell by OTLP, keeps what happened lately, and shows it.
async fn observatory(
    bootstrap: &Bootstrap,
    listeners: Listeners,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let observatory =
        observatory::embedded(Limits::default(), observatory::clock::SystemClock, bootstrap.names());
    let pages = listeners.pages.local_addr()?;
    tracing::info!(address = %pages, "ready at {pages}");
    observatory.serve(listeners, shutdown).await.context("the observatory cannot serve any longer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_on_the_command_line_is_the_name_everywhere() {
        for role in Role::value_variants() {
            let typed = role.to_possible_value().expect("none is hidden");
            assert_eq!(typed.get_name(), role.name());
        }
    }

    #[test]
    fn modules_share_a_process_and_servers_do_not() {
        let (orders, registry) = (Role::Module(Part::Orders), Role::Server(Server::Registry));
        assert!(matches!(Work::of(&[registry]), Ok(Work::Server(Server::Registry))));
        assert!(
            matches!(Work::of(&[orders, Role::Module(Part::Gateway)]), Ok(Work::Modules(parts)) if parts.len() == 2)
        );
        assert!(Work::of(&[orders, registry]).is_err_and(|error| error.to_string().contains("registry")));
        assert!(Work::of(&[orders, orders]).is_err_and(|error| error.to_string().contains("twice")));
    }
}

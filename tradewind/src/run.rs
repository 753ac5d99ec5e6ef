//! One process of the shop: the table of names and what they run. Modules are put together here, and
//! nowhere else.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use chassis::control::{Changes, Guard};
use chassis::process::{self, Bootstrap, Module, Platform, run_standalone};
use chassis::telemetry::metrics;
use clap::ValueEnum;
use listenfd::ListenFd;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wires::Resolver;

use crate::cli::RunArgs;
use crate::lifeline;

/// The processes of the microservices topology.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Process {
    /// The service registry, which speaks Consul's HTTP API
    Registry,
    /// The configuration of every service
    ConfigServer,
    /// The message broker, which speaks AMQP 0-9-1
    Broker,
    /// The company that moves money, simulated
    CardNetwork,
    /// What the shop sells
    Catalog,
    /// How much of it there is
    Inventory,
    /// The money
    Payments,
    /// The carriers
    Shipping,
    /// What customers want
    Orders,
    /// What customers are told
    Notifications,
    /// What goes with what
    Recommendations,
    /// The public door
    Gateway,
}

impl Process {
    /// Its name, in the registry too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::ConfigServer => "config-server",
            Self::Broker => "broker",
            Self::CardNetwork => "card-network",
            Self::Catalog => "catalog",
            Self::Inventory => "inventory",
            Self::Payments => "payments",
            Self::Shipping => "shipping",
            Self::Orders => "orders",
            Self::Notifications => "notifications",
            Self::Recommendations => "recommendations",
            Self::Gateway => "gateway",
        }
    }
}

/// Runs one process until it is told to stop, or its supervisor is gone.
pub fn run(args: Box<RunArgs>) -> ExitCode {
    // before there is any other thread: this takes its variables out of the environment
    let mut sockets = ListenFd::from_env();
    let passed = [sockets.take_tcp_listener(0), sockets.take_tcp_listener(1)];
    process::block_on(life(*args, passed))
}

/// A socket that the supervisor passed, if it did.
type Passed = io::Result<Option<std::net::TcpListener>>;

async fn life(args: RunArgs, [passed, second]: [Passed; 2]) -> anyhow::Result<()> {
    let RunArgs { process, process_args, config_files, http_listen, lifeline } = args;
    let shutdown = process::signalled();
    if lifeline {
        lifeline::watch(io::stdin(), shutdown.clone());
    }
    let bootstrap = process_args.resolve()?;
    let listener = socket(passed, bootstrap.listen, "--listen").await?;
    let start = Start { bootstrap, listener, shutdown };
    match process {
        Process::Registry => registry(start).await,
        Process::ConfigServer => config_server(start, config_files).await,
        Process::Broker => broker(start, socket(second, http_listen, "--http-listen").await?).await,
        Process::CardNetwork => card_network(start).await,
        Process::Catalog => service(start, async |p, wires| catalog::assemble(p, wires).await).await,
        Process::Inventory => service(start, async |p, wires| inventory::assemble(p, wires).await).await,
        Process::Payments => service(start, async |p, wires| payments::assemble(p, wires).await).await,
        Process::Shipping => service(start, async |p, wires| shipping::assemble(p, wires).await).await,
        Process::Orders => service(start, async |p, wires| orders::assemble(p, wires).await).await,
        Process::Notifications => {
            service(start, async |p, wires| notifications::assemble(p, wires).await).await
        }
        Process::Recommendations => {
            service(start, async |p, wires| recommendations::assemble(p, wires).await).await
        }
        Process::Gateway => service(start, async |p, _| gateway::assemble(p).await).await,
    }
}

/// What every process begins with.
struct Start {
    bootstrap: Bootstrap,
    listener: TcpListener,
    shutdown: CancellationToken,
}

/// The socket that the supervisor passed, else one of our own at the address that `flag` chooses.
async fn socket(passed: Passed, address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    if let Some(passed) = passed.context("the socket that was passed is of no use")? {
        passed.set_nonblocking(true).context("the socket that was passed is of no use")?;
        return TcpListener::from_std(passed).context("the socket that was passed is of no use");
    }
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: choose another address with {flag}, or port 0 for any")
    })
}

/// One module in a process of its own.
async fn service(
    start: Start,
    assemble: impl AsyncFnOnce(&Platform, &Resolver) -> anyhow::Result<Module>,
) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    process::run(bootstrap, listener, shutdown, async |platform: &Platform| {
        let wires = Resolver::new(platform);
        Ok(vec![assemble(platform, &wires).await?])
    })
    .await
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
    metrics::share();
    let broker = broker::Broker::open(broker::Config::new(bootstrap.data.join("broker")))?;
    broker.observe();
    let routes = Guard::new(bootstrap.operator_token).protect(Changes::ByOperator, broker.routes());
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
    let advertised = bootstrap.advertise.as_deref().and_then(|address| address.split(':').next());
    let config = config_server::Config {
        token: bootstrap.operator_token.clone(),
        database: Some(bootstrap.store.clone()),
        hosts: advertised.map(str::to_owned).into_iter().collect(),
        ..config_server::Config::new(files, bootstrap.data.join("config-server"))
    };
    let server = config_server::ConfigServer::open(config).await?;
    config_server::standalone::serve(server, listener, shutdown).await
}

async fn card_network(start: Start) -> anyhow::Result<()> {
    let Start { bootstrap, listener, shutdown } = start;
    let network = card_network::CardNetwork::open(card_network::Config::new(bootstrap.store)).await?;
    run_standalone(network.router(), listener, shutdown, std::future::ready(())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_on_the_command_line_is_the_name_everywhere() {
        for process in Process::value_variants() {
            let typed = process.to_possible_value().expect("none is hidden");
            assert_eq!(typed.get_name(), process.name());
        }
    }
}

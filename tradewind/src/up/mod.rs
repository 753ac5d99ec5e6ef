//! The supervisor: the whole shop as real processes, from one command.
//!
//! - `plan`: what is started, and in which order it drains; data only
//! - `ports`, [`holder`]: the listening sockets that outlive the processes that serve them; who has a
//!   port that is taken
//! - `child`: one process: its group, its lifeline, its log
//! - `supervise`, `backoff`: the life of one process, and the pauses between two
//! - `fleet`: all of them: ready together, drained in order
//! - `ready`: whether a process wants work
//! - `control`, `report`, [`status`], `memory`: what the commands ask of a running shop
//! - `files`: the configuration files
//! - `broker`: where it is, and whether there is one where the arguments say
//! - `banner`, `progress`: what people read
//!
//! Architecture invariant: nothing here knows what a service does.

mod backoff;
mod banner;
mod broker;
mod child;
mod control;
pub(crate) mod files;
mod fleet;
pub mod holder;
mod memory;
mod plan;
mod ports;
mod progress;
mod ready;
mod report;
pub mod status;
mod supervise;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chassis::store::StoreUrl;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Ports, ShopArgs, UpArgs};
use crate::exit::Ending;
use crate::folder::{Addresses, Folder, UpFile};
use crate::run::Process;
use crate::text;
use banner::Banner;
use child::Launcher;
use fleet::Fleet;
use plan::{BrokerDoors, Common, Doors};
use ports::{Socket, Wanted};
use progress::Progress;
use ready::Probe;
use report::Reporter;

/// What the gateway must reach before the shop is open.
const PUBLIC: [&str; 2] = ["/api/products?limit=1", "/api/orders?customer_id=demo&limit=1"];
/// How long it may take to find those that are ready.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(15);
/// How long an answer of the control API that is under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Starts the shop, keeps it running until somebody says stop, drains it.
pub async fn up(args: UpArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut interrupts = Interrupts::listen()?;
    if let Some(store) = &args.store {
        StoreUrl::parse(store).map_err(|error| Ending::Usage(format!("--store: {error}")))?;
    }
    let folder = Folder::at(&args.shop.data)?.made()?;
    let _lock = folder.lock()?;
    folder.retract();
    let operator_token = folder.operator_token()?;
    let here = std::env::current_dir().context("the current folder")?;
    let config_files = files::choose(args.config.as_deref(), &here, &folder)?;
    let sockets = Sockets::bind(&args, folder.path()).await?;
    let addresses = sockets.addresses(&args).await?;
    let probe = Probe::new(&addresses.registry, args.registry_token.clone())?;
    if args.registry.is_some() {
        probe.check_registry().await.map_err(|error| Ending::Usage(format!("--registry: {error}")))?;
    }

    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the control API")?;
    let up = UpFile {
        pid: std::process::id(),
        control: format!("http://{}", control.local_addr()?),
        addresses: addresses.clone(),
    };
    let common = Common {
        data: folder.path().to_owned(),
        config_files,
        token_file: folder.token_file(),
        store: args.store.clone(),
        registry_token: args.registry_token.clone(),
        broker: args.broker.clone().unwrap_or_else(|| addresses.broker.clone()),
        profile: args.profile.clone(),
        addresses: addresses.clone(),
    };
    let launcher = Launcher::new(folder.logs()).context("the folder for logs")?;
    let doors = sockets.doors();
    let fleet = Arc::new(Fleet::start(sockets.assign(plan::launches(&common, doors)), &launcher, &probe));
    folder.announce(&up)?;
    let (down, ended) = (CancellationToken::new(), CancellationToken::new());
    let reporter = Reporter { fleet: fleet.clone(), probe: probe.clone(), folder: folder.clone(), up, begun };
    let serving = tokio::spawn(control::serve(
        control,
        reporter,
        fleet.clone(),
        operator_token,
        down.clone(),
        ended.clone(),
    ));

    let run = async {
        become_ready(&fleet, &probe, doors.gateway, &args).await?;
        announce(&args, &addresses, &folder, fleet.members().len(), begun.elapsed());
        for complaint in files::complaints(&addresses.config_server).await {
            text::tell(complaint);
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    let outcome = tokio::select! {
        failed = run => {
            fleet.kill().await;
            failed
        }
        () = down.cancelled() => drain(&fleet, &mut interrupts, &args).await,
        () = interrupts.next() => drain(&fleet, &mut interrupts, &args).await,
    };
    ended.cancel();
    let _ = tokio::time::timeout(LAST_ANSWERS, serving).await;
    folder.retract();
    outcome
}

/// Waits until every process is ready, and the gateway has found those that it stands before.
async fn become_ready(
    fleet: &Fleet,
    probe: &Probe,
    gateway: SocketAddr,
    args: &UpArgs,
) -> anyhow::Result<()> {
    let mut progress = Progress::new(args.json);
    fleet.until_ready(|missing| progress.starting(missing, fleet.members().len())).await?;
    let open = async {
        for path in PUBLIC {
            probe.until_open(gateway, path).await;
        }
    };
    tokio::time::timeout(GATEWAY_PATIENCE, open).await.context("the gateway does not reach the services")
}

fn announce(args: &UpArgs, addresses: &Addresses, folder: &Folder, processes: usize, took: Duration) {
    let program = std::env::args().next().unwrap_or_else(|| "tradewind".into());
    let banner = Banner {
        addresses,
        folder,
        processes,
        took,
        program: &program,
        data_flag: (args.shop.data != Path::new(ShopArgs::USUAL_DATA)).then_some(folder.path()),
    };
    // a shop whose first words nobody could read is up all the same
    let _ = text::say(if args.json { banner.json() } else { banner.text() });
}

/// Drains the shop; a further Ctrl-C ends it at once.
async fn drain(fleet: &Fleet, interrupts: &mut Interrupts, args: &UpArgs) -> anyhow::Result<()> {
    if !args.json {
        text::tell("stopping: requests under way are finished first (Ctrl-C again to stop at once)");
    }
    tokio::select! {
        () = fleet.drain() => Ok(()),
        () = interrupts.next() => {
            fleet.kill().await;
            Err(Ending::Interrupted.into())
        }
    }
}

/// The sockets that the supervisor owns.
struct Sockets {
    gateway: Socket,
    registry: Option<Socket>,
    config_server: Socket,
    card_network: Socket,
    broker: Option<BrokerSockets>,
}

struct BrokerSockets {
    amqp: Socket,
    http: Socket,
}

impl Sockets {
    async fn bind(args: &UpArgs, data: &Path) -> anyhow::Result<Self> {
        let wanted = |role, chosen: Option<u16>, usual, flag| {
            let fallback = if args.ports == Ports::Auto { 0 } else { usual };
            Wanted { role, port: chosen.unwrap_or(fallback), flag, instead: None }
        };
        let gateway = wanted("gateway", args.gateway_port, 8080, "--gateway-port");
        let registry = Wanted {
            instead: Some("--registry http://127.0.0.1"),
            ..wanted("registry", args.registry_port, 8500, "--registry-port")
        };
        let config_server = wanted("config server", args.config_server_port, 8888, "--config-server-port");
        let card_network = wanted("card network", args.card_network_port, 8600, "--card-network-port");
        let amqp = Wanted {
            instead: Some("--broker amqp://guest:guest@127.0.0.1"),
            ..wanted("broker", args.broker_port, 5672, "--broker-port")
        };
        let broker_http = wanted("broker's HTTP API", args.broker_http_port, 15672, "--broker-http-port");
        Ok(Self {
            gateway: Socket::bind(gateway, data).await?,
            registry: match args.registry {
                Some(_) => None,
                None => Some(Socket::bind(registry, data).await?),
            },
            config_server: Socket::bind(config_server, data).await?,
            card_network: Socket::bind(card_network, data).await?,
            broker: match args.broker {
                Some(_) => None,
                None => Some(BrokerSockets {
                    amqp: Socket::bind(amqp, data).await?,
                    http: Socket::bind(broker_http, data).await?,
                }),
            },
        })
    }

    fn doors(&self) -> Doors {
        Doors {
            gateway: self.gateway.address(),
            registry: self.registry.as_ref().map(Socket::address),
            config_server: self.config_server.address(),
            card_network: self.card_network.address(),
            broker: self
                .broker
                .as_ref()
                .map(|broker| BrokerDoors { amqp: broker.amqp.address(), http: broker.http.address() }),
        }
    }

    /// Where everybody is. A broker of somebody else's must be there.
    async fn addresses(&self, args: &UpArgs) -> anyhow::Result<Addresses> {
        let url = |address: SocketAddr| format!("http://{address}");
        let doors = self.doors();
        let broker = match (&args.broker, &doors.broker) {
            (Some(url), _) => broker::reach(url).await?,
            (None, doors) => doors.map(|doors| broker::embedded(doors.amqp)).unwrap_or_default(),
        };
        Ok(Addresses {
            gateway: url(doors.gateway),
            registry: args.registry.clone().or(doors.registry.map(url)).unwrap_or_default(),
            config_server: url(doors.config_server),
            card_network: url(doors.card_network),
            broker,
            broker_http: doors.broker.map(|doors| url(doors.http)),
        })
    }

    /// Gives each process the sockets that it serves, in the order of its doors.
    fn assign(self, launches: Vec<plan::Launch>) -> Vec<(plan::Launch, Vec<Socket>)> {
        let of_broker = self.broker.into_iter().flat_map(|broker| [broker.amqp, broker.http]);
        let mut sockets = [
            (Process::Gateway, vec![self.gateway]),
            (Process::Registry, self.registry.into_iter().collect()),
            (Process::ConfigServer, vec![self.config_server]),
            (Process::CardNetwork, vec![self.card_network]),
            (Process::Broker, of_broker.collect()),
        ];
        let mut sockets_of = |process| {
            let served = sockets.iter_mut().find(|(served, _)| *served == process);
            served.map(|(_, sockets)| std::mem::take(sockets)).unwrap_or_default()
        };
        launches
            .into_iter()
            .map(|launch| {
                let sockets = sockets_of(launch.process);
                (launch, sockets)
            })
            .collect()
    }
}

/// Whoever tells us from outside to stop: Ctrl-C, SIGTERM. A terminal that goes away ends this process,
/// unless `nohup` forbids it; the lifelines see to the others then.
struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    fn listen() -> anyhow::Result<Self> {
        let heard = |kind| signal(kind).context("signals cannot be heard");
        Ok(Self { interrupt: heard(SignalKind::interrupt())?, terminate: heard(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

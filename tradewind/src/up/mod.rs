//! The supervisor: the whole shop as real processes, from one command.
//!
//! - `plan`: what is started, and in which order it drains; data only
//! - `arrangement`: which topology the shop on a data folder has
//! - [`moving`]: from one topology to another, while the shop runs
//! - `wiring`: the wires that a topology names
//! - `shop`: the processes, the sockets, and how they are arranged
//! - `sockets`, `ports`, [`holder`]: the listening sockets that outlive the processes that serve them; who has a
//!   port that is taken
//! - `child`: one process: its group, its lifeline, its log
//! - `supervise`, `backoff`: the life of one process, and the pauses between two
//! - `fleet`: all of them: ready together, drained in order
//! - `ready`: whether a process wants work
//! - `control`, `report`, [`status`], `memory`: what the commands ask of a running shop
//! - `files`: the configuration files
//! - `collector`: who takes in traces and metrics
//! - `broker`: where it is, and whether there is one where the arguments say
//! - `banner`, `progress`: what people read
//!
//! Architecture invariant: nothing here knows what a service does.

mod arrangement;
mod backoff;
mod banner;
mod broker;
mod child;
mod collector;
mod control;
pub(crate) mod files;
mod fleet;
pub mod holder;
mod memory;
pub mod moving;
mod plan;
mod ports;
mod progress;
mod ready;
mod report;
mod shop;
mod sockets;
pub mod status;
mod supervise;
mod wiring;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chassis::store::StoreUrl;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{FolderArgs, UpArgs};
use crate::exit::Ending;
use crate::folder::{Folder, LastEnd, UpFile};
use crate::text;
use crate::topology::Topology;
use arrangement::Arrangement;
use banner::Banner;
use child::{Launcher, Messages};
use fleet::{Fleet, Member};
use moving::Mover;
use progress::Progress;
use ready::Probe;
use report::Reporter;
use shop::{Settings, Shop};
use sockets::{Choice, Sockets};

/// The topology of a shop that was never told another.
const USUAL: &str = "microservices";
/// What the gateway must reach before the shop is open.
const PUBLIC: [&str; 2] = ["/api/products?limit=1", "/api/orders?customer_id=demo&limit=1"];
/// How long it may take to find those that are ready.
const GATEWAY_PATIENCE: Duration = Duration::from_secs(15);
/// How long an answer of the control API that is under way may take at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Starts the shop, keeps it running until somebody says stop, drains it.
pub async fn up(args: UpArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    let args = args.settled()?;
    let mut interrupts = Interrupts::listen()?;
    if let Some(store) = &args.store {
        StoreUrl::parse(store).map_err(|error| Ending::Usage(format!("--store: {error}")))?;
    }
    let here = std::env::current_dir().context("the current folder")?;
    let wanted = args.topology.as_deref().map(|name| Topology::find(name, &here)).transpose();
    let wanted = wanted.map_err(|error| Ending::Usage(format!("--topology: {error}")))?;
    let folder = Folder::at(&args.shop.data)?.made()?;
    let _lock = folder.lock()?;
    let fleet_lock = folder.lock_for_fleet().await?;
    let last_end = folder.last_end();
    folder.retract();
    let operator_token = folder.operator_token()?;
    let config_files = files::choose(args.config.as_deref(), &here, &folder)?;
    let (arrangement, age) = arranged(&folder, wanted.as_ref())?;
    let start = arrangement.running().clone();

    if age == Age::New {
        moving::place_databases(&folder, &start).await?;
    }

    let mut sockets = Sockets::open(Choice::of(&args)?)?;
    sockets.open_for(&start)?;
    if let Some(url) = &args.broker {
        broker::reach(url).await?;
    }
    if let Some(url) = &args.registry {
        let refused = |error: anyhow::Error| Ending::Usage(format!("--registry: {error:#}"));
        let probe = Probe::new(Some(url), args.registry_token.clone()).map_err(refused)?;
        probe.check_registry().await.map_err(|error| refused(error.into()))?;
    }
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the control API")?;
    let up = UpFile {
        pid: std::process::id(),
        control: format!("http://{}", control.local_addr()?),
        addresses: sockets.addresses(&start),
    };
    let settings = Settings {
        config_files,
        store: args.store.clone(),
        registry_token: args.registry_token.clone(),
        profile: args.profile.clone(),
    };
    let launcher = Launcher::new(folder.logs(), fleet_lock).context("the folder for logs")?;
    let gateway = sockets.doors().gateway;
    let fleet = Fleet::new(launcher);
    let shop = Arc::new(Shop::new(folder.clone(), fleet, settings, sockets, arrangement, up.clone()));
    let servers = shop.start_servers(&start).await?;
    if last_end == LastEnd::Sudden && args.registry.is_none() {
        let (needed, _) = told_apart(servers);
        shop.fleet.until_ready(&needed, |_| ()).await?;
        shop.forget_the_dead(&start).await?;
    }
    shop.start_processes(&start, Messages::Flow).await?;
    folder.announce(&up)?;
    let (down, ended) = (CancellationToken::new(), CancellationToken::new());
    let mover = Mover::new(shop.clone())?;
    let probe = Probe::new(None, None)?;
    let reporter = Reporter { shop: shop.clone(), probe: probe.clone(), begun };
    let serving = tokio::spawn(control::serve(
        control,
        reporter,
        shop.clone(),
        mover.clone(),
        operator_token,
        down.clone(),
        ended.clone(),
    ));

    let run = async {
        become_ready(&shop, &probe, gateway, &args).await?;
        if age == Age::New {
            wiring::enter(&shop, &start).await.context("the wires that the topology names")?;
        }
        arrive(&shop, &mover, &start, wanted, &args).await?;
        announce(&args, &shop, begun.elapsed());
        for complaint in files::complaints(&shop.announced().addresses.config_server).await {
            text::tell(complaint);
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    let outcome = tokio::select! {
        failed = run => {
            mover.give_up().await;
            shop.fleet.kill().await;
            failed
        }
        () = down.cancelled() => drain(&shop, &mover, &mut interrupts, &args).await,
        () = interrupts.next() => drain(&shop, &mover, &mut interrupts, &args).await,
    };
    ended.cancel();
    let _ = tokio::time::timeout(LAST_ANSWERS, serving).await;
    folder.retract();
    outcome
}

/// Whether a shop has run on its folder before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    Old,
}

/// How the shop on this folder is arranged. A new one is arranged as it is wanted.
fn arranged(folder: &Folder, wanted: Option<&Topology>) -> anyhow::Result<(Arrangement, Age)> {
    if let Some(arrangement) = Arrangement::read(folder)? {
        return Ok((arrangement, Age::Old));
    }
    // one from before there was a choice has the usual topology
    let age = if folder.has_books() { Age::Old } else { Age::New };
    let topology = match wanted {
        Some(wanted) if age == Age::New => wanted.clone(),
        _ => Topology::named(USUAL).context("the usual topology")?,
    };
    let arrangement = Arrangement::of(topology);
    arrangement.write(folder)?;
    Ok((arrangement, age))
}

/// Brings a shop that started as it was to where it is wanted.
async fn arrive(
    shop: &Shop,
    mover: &Arc<Mover>,
    start: &Topology,
    wanted: Option<Topology>,
    args: &UpArgs,
) -> anyhow::Result<()> {
    match (wanted, shop.arrangement().moving) {
        (Some(wanted), moving) if moving.is_some() || !wanted.is_arranged_as(start) => {
            if !args.json {
                text::tell(format_args!(
                    "the shop on this folder is {}; moving it to {}",
                    start.name, wanted.name
                ));
            }
            mover.finish(wanted).await
        }
        (Some(wanted), _) => shop.arrange(Arrangement::of(wanted)),
        (None, Some(moving)) => {
            text::tell(format_args!(
                "this shop was on its way to {}: `tradewind move --to {}` goes on, `tradewind move --undo` takes it back",
                moving.to.name, moving.to.name
            ));
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// Waits until every process is ready, and the gateway has found those that it stands before. One that the shop can do
/// without is waited for, too; where it does not come the shop is open all the same.
async fn become_ready(shop: &Shop, probe: &Probe, gateway: SocketAddr, args: &UpArgs) -> anyhow::Result<()> {
    let mut progress = Progress::new(args.json);
    let (needed, others) = told_apart(shop.fleet.members());
    shop.fleet.until_ready(&needed, |missing| progress.starting(missing, needed.len())).await?;
    let open = async {
        for path in PUBLIC {
            probe.until_open(gateway, path).await;
        }
    };
    let opened = tokio::time::timeout(GATEWAY_PATIENCE, open).await;
    opened.context("the gateway does not reach the services")?;
    let came = shop.fleet.until_ready(&others, |missing| progress.starting(missing, others.len())).await;
    drop(progress);
    if came.is_err() {
        text::tell(format_args!("warning: the shop runs without its traces{}", fleet::complaints(&others)));
    }
    Ok(())
}

/// Those that the shop is of no use without, and the others.
fn told_apart(members: Vec<Arc<Member>>) -> (Vec<Arc<Member>>, Vec<Arc<Member>>) {
    members.into_iter().partition(|member| member.launch.is_needed())
}

fn announce(args: &UpArgs, shop: &Shop, took: Duration) {
    let program = std::env::args().next().unwrap_or_else(|| "tradewind".into());
    let (addresses, topology) = (shop.announced().addresses, shop.arrangement().running().clone());
    let banner = Banner {
        addresses: &addresses,
        folder: &shop.folder,
        topology: &topology,
        processes: shop.fleet.members().len(),
        took,
        program: &program,
        data_flag: (args.shop.data != Path::new(FolderArgs::USUAL_DATA)).then_some(shop.folder.path()),
    };
    // a shop whose first words nobody could read is up all the same
    let _ = text::say(if args.json { banner.json() } else { banner.text() });
}

/// Drains the shop; a further Ctrl-C ends it at once.
async fn drain(shop: &Shop, mover: &Mover, interrupts: &mut Interrupts, args: &UpArgs) -> anyhow::Result<()> {
    if !args.json {
        text::tell("stopping: requests under way are finished first (Ctrl-C again to stop at once)");
    }
    mover.give_up().await;
    shop.close().await;
    tokio::select! {
        () = shop.fleet.drain() => Ok(()),
        () = interrupts.next() => {
            shop.fleet.kill().await;
            Err(Ending::Interrupted.into())
        }
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

//! From arguments to a running process, and its orderly end: the same for every service.
//!
//! A process hosts one module or several ([`Module`]). Each is assembled from a [`Platform`], which has
//! what the process gives it: configuration, databases, discovery, the clock. What a process must know
//! before it can ask anybody ([`Bootstrap`]) comes from arguments and environment alone.
//!
//! [`run`] is the life of a process: assemble, listen, register when ready, serve, and on shutdown
//! deregister, wait until callers have seen it, finish what is under way, stop the background work. A module
//! may have a door of its own to the outside world ([`Door`]); it is closed first, since what came in there is
//! finished by those within.

mod bootstrap;
mod control;
mod main;
mod messages;
mod module;
mod own_address;
mod platform;

#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::ServingStatus;

pub use bootstrap::{Args, ArgumentsError, Bootstrap, TokenError, given, operator_token};
pub use main::{EndSignal, arguments, bind, block_on, main, signalled};
pub use messages::{CarrierKind, FlowState, Messages, MessagesReport, MovingRequest};
pub use module::{Door, Module};
pub use platform::Platform;

use crate::discovery::{Instance, Registration};
use crate::grpc;
use crate::server::{Limits, Readiness, Server};
use crate::telemetry::{self, otlp};

/// How long a registered instance may be silent.
const HEARTBEAT_TTL: Duration = Duration::from_secs(10);
/// How long requests under way from within may take once the last one from outside is finished.
const AFTER_THE_DOOR: Duration = Duration::from_secs(4);
/// How long clients from outside have to leave by themselves: from draining on each answer asks them to.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long background work may take to stop.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the modules that `assemble` makes until `shutdown`, then drains. The caller owns the listener
/// and the shutdown, so that a test binds port 0 and stops when it likes.
pub async fn run(
    bootstrap: Bootstrap,
    listener: TcpListener,
    shutdown: CancellationToken,
    assemble: impl AsyncFnOnce(&Platform) -> anyhow::Result<Vec<Module>>,
) -> anyhow::Result<()> {
    // before anything is counted
    let sending = otlp::begin(bootstrap.otlp.as_deref(), &bootstrap.process, &bootstrap.instance)?;
    telemetry::process::measure();
    let listening = listener.local_addr()?;
    let bootstrap = unless_stopped(&shutdown, bootstrap.addressed(listening)).await?;
    let address = bootstrap.advertise.clone().unwrap_or_else(|| listening.to_string());
    let platform = Platform::new(bootstrap)?;
    let modules = unless_stopped(&shutdown, assemble(&platform)).await?;

    let background = TaskTracker::new();
    let (health, mut routes) =
        grpc::standard_services(&modules).await.context("gRPC health and reflection")?;
    let (mut names, mut doors) = (Vec::new(), Vec::new());
    for module in modules {
        names.push(module.name);
        doors.extend(module.door.map(|door| (module.name, door)));
        for task in module.tasks {
            background.spawn(task);
        }
        routes = routes.merge(module.routes).merge(control::routes(
            &platform.bootstrap,
            module.name,
            module.configuration,
            module.control.merge(platform.stores.control_routes(module.name)),
        ));
    }
    routes = routes.merge(control::process_routes(&platform.bootstrap, platform.bus.clone()));
    background.close();

    let (close_doors, stop_serving) = (CancellationToken::new(), CancellationToken::new());
    let limits = Limits { drain_patience: behind(&doors), ..Limits::default() };
    let server = Server::new(routes, &platform.readiness, limits);
    let serving = tokio::spawn(server.serve(listener, stop_serving.clone()));
    let outside = TaskTracker::new();
    for (service, Door { listener, routes }) in doors {
        let limits = Limits { farewell: FAREWELL, ..Limits::default() };
        let door = Server::door(service, routes, &platform.readiness, &platform.draining, limits);
        outside.spawn(door.serve(listener, close_doors.clone()));
    }
    outside.close();
    platform.readiness.ready();
    let registrations = register(&platform, &names, &address);
    tracing::info!(
        address,
        instance = platform.bootstrap.instance,
        "{} ready at {address}",
        names.join(" and ")
    );

    shutdown.cancelled().await;
    tracing::info!("draining");
    platform.readiness.draining();
    for module in &names {
        health.set_service_status(*module, ServingStatus::NotServing).await;
    }
    // long streams end, and singletons let go of their locks while the registry still knows this instance
    platform.draining.cancel();
    for registration in registrations {
        registration.deregister().await;
    }
    tokio::time::sleep(platform.bootstrap.linger).await;
    close_doors.cancel();
    outside.wait().await;
    stop_serving.cancel();
    serving.await.context("the server's task ended badly")?;
    platform.shutdown.cancel();
    if tokio::time::timeout(BACKGROUND_PATIENCE, background.wait()).await.is_err() {
        tracing::warn!("background work did not stop within {BACKGROUND_PATIENCE:?}");
    }
    tracing::info!("stopped");
    sending.end().await;
    Ok(())
}

/// A process was told to stop while its start still waited: an end in good order (see [`block_on`]).
#[derive(Debug, thiserror::Error)]
#[error("told to stop before it was ready")]
pub struct Stopped;

/// What a start waits for. A process that still waits can be told to stop, and ends with [`Stopped`].
pub async fn unless_stopped<T>(
    shutdown: &CancellationToken,
    start: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        started = start => started,
        () = shutdown.cancelled() => Err(Stopped.into()),
    }
}

/// How long requests from within may take once draining has begun. Where there is a door most of them came in
/// there, and had their time.
fn behind(doors: &[(&'static str, Door)]) -> Duration {
    if doors.is_empty() { Limits::default().drain_patience } else { AFTER_THE_DOOR }
}

/// Runs a supporting server, which is configured by arguments alone and found at a known address.
pub async fn run_standalone(
    routes: Router,
    listener: TcpListener,
    shutdown: CancellationToken,
    background: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let readiness = Readiness::default();
    let server = Server::new(routes, &readiness, Limits::default());
    standalone(server, readiness, listener, shutdown, background).await
}

/// The same for a server that is a service in traces, as `service`.
pub async fn run_standalone_as(
    service: &'static str,
    routes: Router,
    listener: TcpListener,
    shutdown: CancellationToken,
    background: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let readiness = Readiness::default();
    let server = Server::of(service, routes, &readiness, Limits::default());
    standalone(server, readiness, listener, shutdown, background).await
}

async fn standalone(
    server: Server,
    readiness: Readiness,
    listener: TcpListener,
    shutdown: CancellationToken,
    background: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    telemetry::process::measure();
    let address = listener.local_addr()?;
    let background = tokio::spawn(background);
    readiness.ready();
    tracing::info!(%address, "ready at {address}");
    server.serve(listener, shutdown).await;
    if tokio::time::timeout(BACKGROUND_PATIENCE, background).await.is_err() {
        tracing::warn!("background work did not stop within {BACKGROUND_PATIENCE:?}");
    }
    Ok(())
}

/// Makes every module known to the registry; in the background, because it may be away for now.
fn register(platform: &Platform, modules: &[&'static str], address: &str) -> Vec<Registration> {
    let Some(consul) = &platform.consul else { return Vec::new() };
    let mut registrations = Vec::with_capacity(modules.len());
    for module in modules {
        let instance = Instance {
            id: platform.bootstrap.instance_of(module),
            service: (*module).to_owned(),
            address: address.to_owned(),
            meta: [
                ("pid".to_owned(), std::process::id().to_string()),
                // modules of one process are measured together
                ("process".to_owned(), platform.bootstrap.process.clone()),
            ]
            .into(),
        };
        registrations.push(Registration::start(consul.clone(), instance, HEARTBEAT_TTL, &platform.shutdown));
    }
    registrations
}

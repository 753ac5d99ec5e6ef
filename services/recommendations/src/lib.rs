//! Recommendations: what others bought who bought the same. A read model, built from the log of all events
//! and nothing else, and built anew from its beginning whenever somebody asks.
//!
//! - [`domain`]: what an event says, and how the model changes with it (pure)
//! - [`store`]: generations of the model on SQLite and PostgreSQL, each with how far it has read
//! - [`log`]: the log of all events; [`projection`]: reads it into the model that answers
//! - [`replay`]: builds a second model from the beginning, compares, and switches
//! - [`service`]: the port
//! - [`rest`], [`grpc`], [`amqp`]: the port over three wires
//! - [`config`]: its settings
//!
//! Not for: what an order is (`orders`). It is optional everywhere: callers do without it when it is away,
//! and it answers as of the event that it has read last (`as_of`), without waiting until it has caught up.

use std::sync::Arc;

use anyhow::Context as _;
use chassis::config::Configuration;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::recommendations::Recommendations;
use sqlx::migrate::Migrator;

pub mod amqp;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod log;
pub mod projection;
pub mod replay;
pub mod rest;
pub mod service;
pub mod store;

use config::ReplayConfig;
use log::{BusLog, EventLog};
use replay::Replays;
use service::Service;
use store::{ModelStore, SqlStore};

const NAME: &str = "recommendations";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Recommendations>) -> axum::Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module on `platform`: opens its database, reads the event log, and offers its port to modules in
/// the same process.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let bus = platform.bus.clone().context(
        "recommendations are made of the events of other modules, and this process has no messages: say \
         --broker amqp://…, or --broker in-process",
    )?;
    let configuration = platform.configure(Configuration::builder(NAME).section::<ReplayConfig>()).await?;
    let database = platform.store(NAME, migrations()).await?;
    bus.keep_log(&database, NAME).await.context("opening the event log")?;
    let store: Arc<dyn ModelStore> = Arc::new(SqlStore::new(database));
    let log: Arc<dyn EventLog> = Arc::new(BusLog(bus));
    let replays = Replays::new(store.clone(), log.clone(), platform.clock.clone(), configuration.section());
    let port: Arc<dyn Recommendations> = Arc::new(Service::new(store.clone()));
    wires.provide_recommendations(port.clone());
    let projecting = projection::run(store, log, platform.shutdown.clone());
    let module = Module::new(NAME, routes(port.clone()), configuration);
    Ok(rpc::offer(module, platform, amqp::operations(port))
        .task(projecting)
        .task(replays.clone().run(platform.shutdown.clone()))
        .control(replay::routes(replays)))
}

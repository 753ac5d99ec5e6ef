//! Inventory: how much of everything there is, and who has a claim on it. Stock is never negative,
//! whatever races.
//!
//! - [`domain`]: what is decided, given what is: pure
//! - [`store`]: accounts and claims in SQL
//! - [`service`]: the port `contracts::inventory::Inventory`, served
//! - [`rest`], [`grpc`], [`amqp`], `messages`: its adapters
//! - [`reactions`]: what others ask by message, and what is answered: pure
//! - [`facts`]: what a change of the books tells the world: pure
//! - [`board`], `watch`: levels, pushed to whoever watches them
//! - [`expiry`]: the sweep that lets reservations lapse
//! - [`config`], [`seed`]: settings, and the opening stock
//!
//! Not for: what a product is or costs (catalog), or why an order claims goods (orders).

pub mod amqp;
pub mod board;
pub mod config;
pub mod domain;
pub mod expiry;
pub mod facts;
pub mod grpc;
mod messages;
mod problems;
pub mod reactions;
pub mod rest;
pub mod seed;
pub mod service;
pub mod store;
mod watch;

use std::sync::Arc;

use axum::Router;
use chassis::config::Configuration;
use chassis::messaging::participant::take_part;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::inventory::Inventory;
use sqlx::migrate::Migrator;

use crate::board::Board;
use crate::config::{ReservationsConfig, WatchConfig};
use crate::expiry::Sweep;
use crate::service::Service;
use crate::store::{InventoryStore, SqlStore};

pub use crate::watch::MOST_WATCHED;

const NAME: &str = "inventory";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// Both adapters of `port`, on one router.
pub fn routes(port: Arc<dyn Inventory>) -> Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// Puts the module together on what the process gives it.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let sections = Configuration::builder(NAME).section::<ReservationsConfig>().section::<WatchConfig>();
    let configuration = platform.configure(sections).await?;
    let reservations = configuration.section::<ReservationsConfig>();
    let watching = configuration.section::<WatchConfig>();

    let db = platform.store(NAME, migrations()).await?;
    let mailbox = platform.mailbox(NAME, &db).await?;
    let store: Arc<dyn InventoryStore> = Arc::new(SqlStore::new(db, mailbox.clone()));
    let opened = store.stock_seed(&seed::stock()?).await?;
    if opened > 0 {
        tracing::info!(opened, "opened {opened} accounts with their first stock");
    }

    let (clock, board) = (platform.clock.clone(), Arc::new(Board::until(platform.draining.clone())));
    let sweep = Sweep::new(store.clone(), clock.clone(), reservations.clone(), board.clone());
    let refresh = board::refresh(board.clone(), store.clone(), watching, platform.shutdown.clone());
    let service = Arc::new(Service::new(store, clock, reservations, board));
    wires.provide_inventory(service.clone());

    let instance = platform.bootstrap.instance_of(NAME);
    let sweeping = sweep.run(platform.consul.clone(), instance, platform.draining.clone());
    let module = Module::new(NAME, routes(service.clone()), configuration).task(sweeping).task(refresh);
    let module = rpc::offer(module, platform, amqp::operations(service.clone()));
    Ok(take_part(module, platform, mailbox, service))
}

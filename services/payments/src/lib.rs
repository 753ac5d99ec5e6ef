//! Payments: holds, takes, lets go and gives back other people's money, at a card network that is not
//! ours, and keeps a double-entry ledger of it.
//!
//! - [`domain`]: the rules, pure: states, transitions, ledger
//! - [`store`]: payments and postings, in SQLite or PostgreSQL
//! - [`network`]: the card network, an outside party
//! - [`settle`]: how an intent comes to its end, whatever fails in between
//! - [`service`]: the port
//! - [`rest`], [`grpc`], [`amqp`]: the port over each wire; `messages`: what it hears besides
//! - [`reactions`]: what others ask by message, and what is answered: pure
//! - [`facts`]: what a change of the books tells the world: pure
//! - [`config`]: the keys
//!
//! Not for: cards themselves (the shop only sees tokens), or when to charge (`services/orders`).

pub mod amqp;
pub mod config;
pub mod domain;
pub mod facts;
pub mod grpc;
mod messages;
pub mod network;
mod problems;
pub mod reactions;
pub mod rest;
pub mod service;
pub mod settle;
pub mod store;

use std::sync::Arc;

use axum::Router;
use chassis::config::Configuration;
use chassis::messaging::participant::take_part;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::payments::Payments;
use sqlx::migrate::Migrator;

use crate::config::{CardNetworkConfig, SettleConfig};
use crate::network::HttpCardNetwork;
use crate::service::Service;
use crate::store::SqlStore;

const NAME: &str = "payments";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Payments>) -> Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module, ready to run in `platform`.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let sections = Configuration::builder(NAME).section::<CardNetworkConfig>().section::<SettleConfig>();
    let configuration = platform.configure(sections).await?;
    let settle = configuration.section::<SettleConfig>();
    let network = HttpCardNetwork::new(configuration.section());
    let store = platform.store(NAME, migrations()).await?;
    let mailbox = platform.mailbox(NAME, &store).await?;
    let service = Arc::new(Service::new(
        Arc::new(SqlStore::new(store, mailbox.clone())),
        Arc::new(network),
        platform.clock.clone(),
        settle.clone(),
    ));
    wires.provide_payments(service.clone());
    let settling = settle::settle_until(service.clone(), settle, platform.shutdown.clone());
    let module = Module::new(NAME, routes(service.clone()), configuration).task(settling);
    let module = rpc::offer(module, platform, amqp::operations(service.clone()));
    Ok(take_part(module, platform, mailbox, service))
}

//! Shipping: how goods get to the customer, and where they are.
//!
//! - [`domain`]: the tariff, and what a shipment may become (pure)
//! - [`store`]: shipments and their stations on SQLite and PostgreSQL
//! - [`service`]: the port
//! - [`carrier`]: the simulated carriers, who collect and deliver
//! - [`tracking`]: follows a shipment from station to station
//! - [`rest`], [`grpc`], [`amqp`]: the port over each wire; `messages`: what it hears besides
//! - [`reactions`]: what others ask by message, and what is answered: pure
//! - [`config`]: its settings

use std::sync::Arc;

use chassis::config::Configuration;
use chassis::messaging::participant::take_part;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::shipping::Shipping;
use sqlx::migrate::Migrator;

pub mod amqp;
pub mod carrier;
pub mod config;
pub mod domain;
pub mod grpc;
mod messages;
pub mod reactions;
pub mod rest;
pub mod service;
pub mod store;
pub mod tracking;

use carrier::Carrier;
use config::{CarrierConfig, TrackingConfig};
use service::Service;
use store::{ShippingStore, SqlStore};
use tracking::Tracker;

const NAME: &str = "shipping";

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Shipping>) -> axum::Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module on `platform`: opens its database, sets the carriers to work, and offers its port to
/// modules in the same process.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let sections = Configuration::builder(NAME).section::<CarrierConfig>().section::<TrackingConfig>();
    let configuration = platform.configure(sections).await?;
    let db = platform.store(NAME, migrations()).await?;
    let mailbox = platform.mailbox(NAME, &db).await?;
    let store: Arc<dyn ShippingStore> = Arc::new(SqlStore::new(db, mailbox.clone()));
    let tracker =
        Tracker::new(store.clone(), configuration.section::<TrackingConfig>(), platform.draining.clone());
    let carrier = Carrier {
        store: store.clone(),
        clock: platform.clock.clone(),
        config: configuration.section::<CarrierConfig>(),
        tracker: tracker.clone(),
    };
    let service = Arc::new(Service::new(store, platform.clock.clone(), tracker));
    wires.provide_shipping(service.clone());
    let working = carrier.run(platform.shutdown.clone());
    let module = Module::new(NAME, routes(service.clone()), configuration).task(working);
    let module = rpc::offer(module, platform, amqp::operations(service.clone()));
    Ok(take_part(module, platform, mailbox, service))
}

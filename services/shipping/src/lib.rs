//! Shipping: how goods get to the customer, and where they are.
//!
//! - [`domain`]: the tariff, and what a shipment may become (pure)
//! - [`store`]: shipments and their stations on SQLite and PostgreSQL
//! - [`service`]: the port
//! - [`carrier`]: the simulated carriers, who collect and deliver
//! - [`tracking`]: follows a shipment from station to station
//! - [`rest`] with [`sse`], [`grpc`]: the port over two wires
//! - [`config`]: its settings

use std::sync::Arc;

use chassis::config::Configuration;
use chassis::process::{Module, Platform};
use contracts::shipping::Shipping;

pub mod carrier;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod rest;
pub mod service;
pub mod sse;
pub mod store;
pub mod tracking;

use carrier::Carrier;
use config::{CarrierConfig, TrackingConfig};
use service::Service;
use store::{ShippingStore, SqlStore};
use tracking::Tracker;

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Shipping>) -> axum::Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module on `platform`: opens its database, sets the carriers to work, and offers its port to
/// modules in the same process.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let sections = Configuration::builder("shipping").section::<CarrierConfig>().section::<TrackingConfig>();
    let configuration = platform.configure(sections).await?;
    let store = platform.store("shipping", sqlx::migrate!("./migrations")).await?;
    let store: Arc<dyn ShippingStore> = Arc::new(SqlStore::new(store));
    let tracker =
        Tracker::new(store.clone(), configuration.section::<TrackingConfig>(), platform.draining.clone());
    let carrier = Carrier {
        store: store.clone(),
        clock: platform.clock.clone(),
        config: configuration.section::<CarrierConfig>(),
        tracker: tracker.clone(),
    };
    let port: Arc<dyn Shipping> = Arc::new(Service::new(store, platform.clock.clone(), tracker));
    wires.provide_shipping(port.clone());
    let working = carrier.run(platform.shutdown.clone());
    Ok(Module::new("shipping", routes(port), configuration).task(working))
}

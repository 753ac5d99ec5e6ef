//! The catalog: what the shop sells. Read-mostly; nobody but its seed writes it yet.
//!
//! - [`domain`]: what may be asked, how a search is read and where its pages begin (pure)
//! - [`seed`]: the shop's first range, read from `seed/products.tsv`
//! - [`store`]: the products on SQLite and PostgreSQL; [`cache`]: a small cache before it
//! - [`service`]: the port, on top of both
//! - [`rest`], [`grpc`], [`amqp`]: the port over three wires
//! - [`config`]: its settings
//!
//! Not for: what is in stock (`inventory`).

use std::sync::Arc;

use anyhow::Context as _;
use chassis::config::Configuration;
use chassis::messaging::rpc;
use chassis::process::{Module, Platform};
use contracts::catalog::Catalog;
use sqlx::migrate::Migrator;

pub mod amqp;
pub mod cache;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod rest;
pub mod seed;
pub mod service;
pub mod store;

use cache::Cached;
use config::CacheConfig;
use service::Service;
use store::{CatalogStore, SqlStore};

/// The module's tables.
pub fn migrations() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// The port over REST and gRPC.
pub fn routes(port: Arc<dyn Catalog>) -> axum::Router {
    rest::routes(port.clone()).merge(grpc::routes(port))
}

/// The module on `platform`: opens and seeds its database, and offers its port to modules in the same
/// process.
pub async fn assemble(platform: &Platform, wires: &wires::Resolver) -> anyhow::Result<Module> {
    let configuration =
        platform.configure(Configuration::builder("catalog").section::<CacheConfig>()).await?;
    let store = SqlStore::new(platform.store("catalog", migrations()).await?);
    let added = store.products_seed(&seed::products()?).await.context("seeding the catalog")?;
    if added > 0 {
        tracing::info!(added, "added {added} products to the catalog");
    }
    let cached = Cached::new(store, platform.clock.clone(), configuration.section::<CacheConfig>());
    let port: Arc<dyn Catalog> = Arc::new(Service::new(Arc::new(cached)));
    wires.provide_catalog(port.clone());
    let module = Module::new("catalog", routes(port.clone()), configuration);
    Ok(rpc::offer(module, platform, amqp::operations(port)))
}

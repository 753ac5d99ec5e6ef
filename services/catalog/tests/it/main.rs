//! The catalog on real databases: each test runs on SQLite and, where there is one, on PostgreSQL.

mod rest;
mod service;
mod store;

use std::sync::Arc;
use std::time::Duration;

use catalog::seed;
use catalog::service::Service;
use catalog::store::{CatalogStore, SqlStore};
use chassis::store::{Store, StoreUrl};
use contracts::Context;

/// A seeded catalog on a database of its own.
struct Shop {
    _database: testkit::Database,
    raw: Store,
    store: SqlStore,
    service: Service,
    ctx: Context,
}

/// One seeded catalog on each engine.
async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let raw = Store::open(&url, "catalog", sqlx::migrate!("./migrations")).await.expect("opens");
        let store = SqlStore::new(raw.clone());
        store.products_seed(&seed::products().expect("reads")).await.expect("seeds");
        let service = Service::new(Arc::new(store.clone()));
        let ctx = Context::background("test", Duration::from_secs(30));
        shops.push(Shop { _database: database, raw, store, service, ctx });
    }
    shops
}

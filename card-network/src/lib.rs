//! A simulated outside party: the company that moves money between banks and shops.
//!
//! It stands for somebody else's system, so it shares nothing with the shop but a URL: its own process,
//! its own database, its own JSON. It is keyed (each charge has a key that the shop chooses, and every
//! request is idempotent by it), durable before it answers, and can be asked what it knows of a key.
//! Test cards make it decline, dawdle, fail, or charge and then not say so.
//!
//! - [`domain`]: what a request does to a hold, pure
//! - [`cards`]: the test cards
//! - [`store`]: its books
//! - [`rest`]: its API, described in README.md
//! - [`args`]: its arguments
//!
//! Not for: a model of a real network's API. It has what a shop needs to be correct against one.

pub mod args;
pub mod cards;
pub mod domain;
pub mod rest;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::store::{Store, StoreError, StoreUrl};

pub use args::Args;

/// What the network is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where its books are.
    pub store: StoreUrl,
    /// How long the slow card takes to approve.
    pub slow: Duration,
    /// How long an answer hangs for the card that charges and then times out.
    pub hang: Duration,
    /// How long to wait for the server of its books where it is not there yet.
    pub patience: Duration,
}

impl Config {
    /// How long the slow card takes when nobody says otherwise, in milliseconds.
    pub const SLOW_MS: u64 = 1200;
    /// How long an answer hangs when nobody says otherwise, in milliseconds: longer than any caller waits.
    pub const HANG_MS: u64 = 30_000;

    /// A network with the usual delays.
    pub fn new(store: StoreUrl) -> Self {
        Self {
            store,
            slow: Duration::from_millis(Self::SLOW_MS),
            hang: Duration::from_millis(Self::HANG_MS),
            patience: chassis::PATIENCE,
        }
    }
}

/// The network, open for business.
#[derive(Debug, Clone)]
pub struct CardNetwork {
    desk: Arc<rest::Desk>,
}

impl CardNetwork {
    /// Opens its books, and creates them where they are missing.
    pub async fn open(config: Config) -> Result<Self, StoreError> {
        let Config { store, slow, hang, patience } = config;
        let migrations = sqlx::migrate!("./migrations");
        let store = Store::open_within(patience, &store, "card-network", migrations).await?;
        let desk = rest::Desk { books: store::Books::new(store), slow, hang };
        Ok(Self { desk: Arc::new(desk) })
    }

    /// Its API.
    pub fn router(&self) -> Router {
        rest::routes(self.desk.clone())
    }
}

//! Recommendations on real databases: each test runs on SQLite and, where there is one, on PostgreSQL.
//! The event log is one in memory, but for the one test that has a broker.

mod memory_log;
mod model;
mod process;
mod projecting;
mod replaying;
mod rest;
mod service;
mod stories;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SystemClock;
use chassis::config::Live;
use chassis::store::{Store, StoreUrl};
use contracts::Context;
use recommendations::config::ReplayConfig;
use recommendations::log::EventLog;
use recommendations::projection::{self, Projection};
use recommendations::replay::Replays;
use recommendations::service::Service;
use recommendations::store::{ModelStore, SqlStore};
use tokio_util::sync::{CancellationToken, DropGuard};

use memory_log::MemoryLog;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database of its own, and a log.
struct Bench {
    _database: testkit::Database,
    raw: Store,
    store: Arc<dyn ModelStore>,
    log: Arc<MemoryLog>,
    service: Arc<Service>,
    ctx: Context,
}

async fn benches() -> Vec<Bench> {
    let mut benches = Vec::new();
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let raw = Store::open(&url, "recommendations", recommendations::migrations()).await.expect("opens");
        let store: Arc<dyn ModelStore> = Arc::new(SqlStore::new(raw.clone()));
        let service = Arc::new(Service::new(store.clone()));
        let ctx = Context::background("test", PATIENCE);
        benches.push(Bench { _database: database, raw, store, log: Arc::default(), service, ctx });
    }
    benches
}

/// One instance of the service at work; killed when dropped.
struct Instance {
    replays: Arc<Replays>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    _shutdown: DropGuard,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Bench {
    fn replays(&self) -> Arc<Replays> {
        self.replays_of(self.log.clone())
    }

    fn replays_of(&self, log: Arc<dyn EventLog>) -> Arc<Replays> {
        let config = Live::fixed(ReplayConfig { look_ms: 10, drop_batch: 7 });
        Replays::new(self.store.clone(), log, Arc::new(SystemClock), config)
    }

    fn projection(&self) -> Projection {
        Projection::new(self.store.clone(), CancellationToken::new())
    }

    fn instance(&self) -> Instance {
        self.instance_on(self.log.clone())
    }

    fn instance_on(&self, log: Arc<dyn EventLog>) -> Instance {
        let (replays, shutdown) = (self.replays_of(log.clone()), CancellationToken::new());
        let tasks = vec![
            tokio::spawn(projection::run(self.store.clone(), log, shutdown.clone())),
            tokio::spawn(replays.clone().run(shutdown.clone())),
        ];
        Instance { replays, tasks, _shutdown: shutdown.drop_guard() }
    }

    /// Until all that is in the log is in the model.
    async fn caught_up(&self) {
        testkit::eventually("the model to have read all of the log", PATIENCE, async || {
            let serving = self.store.positions().await.expect("reads").serving;
            (serving == self.log.len()).then_some(())
        })
        .await;
    }
}

//! What carries messages in a test that holds for every carrier: a broker, or the databases of a process' modules.

use std::collections::BTreeMap;
use std::sync::Arc;

use chassis::clock::SystemClock;
use chassis::messaging::bus::Gate;
use chassis::messaging::consumer::consume;
use chassis::messaging::dead_letters::DeadLetters;
use chassis::messaging::mailbox::Publish as _;
use chassis::messaging::{Bus, Mailbox};
use chassis::store::{Store, StoreUrl, commit};
use contracts::messages::queues::QUEUES;
use contracts::messages::{Outgoing, Queue};
use sqlx::AssertSqlSafe;
use sqlx::migrate::Migrator;
use testkit::{Database, brokers, databases, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::bench::{Bench, SOON, Script};

/// The module that keeps the log where no broker does.
pub const LOG_KEEPER: &str = "recommendations";

/// A carrier of a test's own.
pub struct Ground {
    pub bus: Bus,
    pub stop: CancellationToken,
    pub name: &'static str,
    place: Place,
    _stops: DropGuard,
}

enum Place {
    Broker(Box<Bench>),
    Databases(Shop),
}

/// The databases of all modules of a shop. They go with this value.
pub struct Shop {
    name: &'static str,
    stores: BTreeMap<&'static str, Store>,
    _database: Database,
}

/// One of each kind. A test runs its body once for each; which one it is at stands in its output.
pub async fn grounds() -> impl Iterator<Item = Ground> {
    let mut grounds = Vec::new();
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let (bus, name) = (bench.broker.clone().into(), bench.host.name());
        grounds.push(Ground::new(bus, name, Place::Broker(Box::new(bench))));
    }
    grounds.extend(processes().await);
    grounds.into_iter().inspect(|ground| eprintln!("on {}", ground.name))
}

/// One process without a broker on each engine, in which all modules are.
pub async fn processes() -> Vec<Ground> {
    let mut grounds = Vec::new();
    for shop in shops().await {
        grounds.push(shop.process().await);
    }
    grounds
}

/// Databases on each engine, and no process yet.
pub async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in databases().await {
        let url = database.url.clone();
        shops.push(Shop::at(&url, database).await);
    }
    shops
}

/// The same, where all modules share one database.
pub async fn narrow_shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in databases().await {
        let url = database.url.replace("{module}", "shop");
        shops.push(Shop::at(&url, database).await);
    }
    shops
}

impl Shop {
    async fn at(url: &str, database: Database) -> Self {
        let url = StoreUrl::parse(url).expect("an address");
        let mut stores = BTreeMap::new();
        for module in QUEUES.iter().map(|queue| queue.module).chain([LOG_KEEPER]) {
            let store = Store::open(&url, module, Migrator::with_migrations(Vec::new())).await;
            stores.insert(module, store.expect("opens"));
        }
        Self { name: database.name, stores, _database: database }
    }

    pub fn store(&self, module: &str) -> &Store {
        &self.stores[module]
    }

    pub async fn mailbox(&self, module: &'static str) -> Mailbox {
        Mailbox::open(self.store(module), module, Arc::new(SystemClock)).await.expect("opens")
    }

    /// A process without a broker, in which all modules are.
    pub async fn process(self) -> Ground {
        let bus = Bus::in_process(Gate::default());
        self.furnish(&bus).await;
        Ground::of(bus, self)
    }

    /// Puts all modules into a process that has this bus.
    pub async fn furnish(&self, bus: &Bus) {
        for queue in QUEUES {
            bus.register(&self.mailbox(queue.module).await);
        }
        bus.keep_log(self.store(LOG_KEEPER), LOG_KEEPER).await.expect("opens");
    }

    /// A number out of the database of `module`.
    pub async fn count(&self, module: &str, sql: String) -> u64 {
        let counted = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.store(module).read()).await;
        let counted: i64 = counted.expect("a number");
        u64::try_from(counted).expect("a number of rows")
    }

    /// How many messages a queue, or its dead letters, holds.
    pub async fn holds(&self, queue: &str) -> u64 {
        let (queue, state) = match queue.strip_suffix(".dead-letters") {
            Some(queue) => (queue, "dead"),
            None => (queue, "waiting"),
        };
        let module = queue.split('.').next().expect("a module");
        let sql =
            format!("SELECT COUNT(*) FROM {module}_arrivals WHERE queue = '{queue}' AND state = '{state}'");
        self.count(module, sql).await
    }

    pub async fn execute(&self, module: &str, sql: String) {
        let mut tx = self.store(module).begin().await.expect("begins");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *tx).await.expect("is done");
        commit(tx).await.expect("commits");
    }
}

impl Ground {
    /// A process with this bus.
    pub fn of(bus: Bus, shop: Shop) -> Self {
        Self::new(bus, shop.name, Place::Databases(shop))
    }

    fn new(bus: Bus, name: &'static str, place: Place) -> Self {
        let stop = CancellationToken::new();
        let _stops = stop.clone().drop_guard();
        Self { bus, stop, name, place, _stops }
    }

    /// The databases, where there is no broker.
    pub fn shop(&self) -> &Shop {
        match &self.place {
            Place::Broker(_) => panic!("this one has a broker"),
            Place::Databases(shop) => shop,
        }
    }

    /// Consumes a queue in the background.
    pub fn consume(&self, queue: &'static Queue, handler: &Arc<Script>) -> JoinHandle<()> {
        tokio::spawn(consume(self.bus.clone(), queue, handler.clone(), self.stop.clone()))
    }

    /// Publishes messages until it is confirmed that they were, as a relay does.
    pub async fn publish(&self, messages: &[Outgoing]) {
        eventually("messages to be published", SOON, async || self.bus.publish(messages).await.ok()).await;
    }

    /// Puts something into a queue that nobody can read.
    pub async fn publish_nonsense(&self, queue: &Queue) {
        match &self.place {
            Place::Broker(bench) => bench.host.publish(queue.name, "{}").await,
            Place::Databases(shop) => {
                let (module, queue) = (queue.module, queue.name);
                let sql = format!(
                    "INSERT INTO {module}_arrivals (queue, id, exchange, routing_key, kind, source, subject, \
                     sequence, coordination, said_at, traceparent, data, state, attempts, due_at) \
                     VALUES ('{queue}', 'nonsense', '', '', '', '', '', 0, '', 0, '', '{{', 'waiting', 0, 0)"
                );
                shop.execute(module, sql).await;
            }
        }
    }

    /// Waits until a queue holds that many messages.
    pub async fn holds(&self, queue: &str, messages: u64) {
        match &self.place {
            Place::Broker(bench) => bench.holds(queue, messages).await,
            Place::Databases(shop) => {
                eventually(&format!("{messages} messages in {queue}"), SOON, async || {
                    (shop.holds(queue).await == messages).then_some(())
                })
                .await;
            }
        }
    }

    /// The dead letters of the inventory.
    pub fn letters(&self) -> DeadLetters {
        DeadLetters::new(self.bus.clone(), "inventory", Mailbox::closed())
    }
}

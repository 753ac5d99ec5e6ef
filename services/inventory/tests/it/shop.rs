//! An inventory on a fresh database, with a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::ManualClock;
use chassis::config::Live;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreUrl};
use contracts::inventory::{
    CommitStock, GetReservation, GetStock, Inventory, InventoryRecord, ReleaseStock, Reservation,
    ReservationStatus, ReserveStock, StockAccount,
};
use contracts::orders::Coordination;
use contracts::types::{Line, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem, Sku, Timestamp};
use inventory::board::Board;
use inventory::config::ReservationsConfig;
use inventory::expiry::Sweep;
use inventory::service::Service;
use inventory::store::{InventoryStore, SqlStore};
use testkit::Database;

/// How long a reservation holds in these tests.
pub const TTL: Duration = Duration::from_secs(60);

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Shop {
    pub database: Arc<Database>,
    pub store: Arc<SqlStore>,
    pub clock: ManualClock,
    pub board: Arc<Board>,
    pub service: Arc<Service>,
    pub mailbox: Mailbox,
    db: Store,
}

/// A message in the outbox.
pub struct Said {
    pub name: String,
    pub coordination: Coordination,
    pub trace_id: String,
    pub data: serde_json::Value,
}

impl Said {
    fn read((key, coordination, traceparent, data): (String, String, String, String)) -> Self {
        Self {
            name: key.split('.').nth(1).expect("MODULE.EVENT.COORDINATION, MODULE.QUEUE").to_owned(),
            coordination: Coordination::parse(&coordination).expect("a coordination"),
            trace_id: traceparent.split('-').nth(1).expect("a trace").to_owned(),
            data: serde_json::from_str(&data).expect("JSON"),
        }
    }
}

/// One shop on each engine.
pub async fn shops() -> Vec<Shop> {
    let clock = ManualClock::at(Timestamp(1_700_000_000_000_000));
    let mut shops = Vec::new();
    for database in testkit::databases().await {
        shops.push(Shop::open(Arc::new(database), clock.clone()).await);
    }
    shops
}

impl Shop {
    pub async fn open(database: Arc<Database>, clock: ManualClock) -> Self {
        let url = StoreUrl::parse(&database.url).expect("the database's address");
        let db = Store::open(&url, "inventory", inventory::migrations()).await.expect("the database opens");
        let mailbox = Mailbox::open(&db, "inventory", Arc::new(clock.clone())).await.expect("opens");
        let store = Arc::new(SqlStore::new(db.clone(), mailbox.clone()));
        let board = Arc::new(Board::default());
        let service = Service::new(store.clone(), Arc::new(clock.clone()), config(), board.clone());
        Self { database, store, clock, board, service: Arc::new(service), mailbox, db }
    }

    /// Another process on the same database.
    pub async fn replica(&self) -> Self {
        Self::open(self.database.clone(), self.clock.clone()).await
    }

    pub async fn stock(&self, stock: &[(&str, u32)]) {
        self.store.stock_seed(&lines(stock)).await.expect("seeds");
    }

    pub async fn reserve(&self, order: OrderId, wanted: &[(&str, u32)]) -> PortResult<Reservation> {
        self.service.reserve(&ctx(), ReserveStock { order_id: order, lines: lines(wanted) }).await
    }

    pub async fn commit(&self, order: OrderId) -> PortResult<Reservation> {
        self.service.commit(&ctx(), CommitStock { order_id: order }).await
    }

    pub async fn release(&self, order: OrderId) -> PortResult<Reservation> {
        self.service.release(&ctx(), ReleaseStock { order_id: order }).await
    }

    pub async fn reservation(&self, order: OrderId) -> PortResult<Reservation> {
        self.service.reservation(&ctx(), GetReservation { order_id: order }).await
    }

    /// What was said about an order, oldest first.
    pub async fn said(&self, order: OrderId) -> Vec<Said> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT routing_key, coordination, traceparent, data FROM inventory_outbox \
             WHERE subject = $1 ORDER BY position",
        )
        .bind(order.to_string())
        .fetch_all(self.db.read())
        .await
        .expect("the outbox");
        rows.into_iter().map(Said::read).collect()
    }

    /// The names of what was said about an order.
    pub async fn told(&self, order: OrderId) -> Vec<String> {
        self.said(order).await.into_iter().map(|said| said.name).collect()
    }

    pub async fn available(&self, sku: &str) -> u32 {
        self.service.stock(&ctx(), GetStock { sku: sku.into() }).await.expect("is stocked").available
    }

    pub fn sweep(&self, config: ReservationsConfig) -> Sweep {
        let clock = Arc::new(self.clock.clone());
        Sweep::new(self.store.clone(), clock, Live::fixed(config), self.board.clone())
    }

    /// Everything in the books, in pages of `limit`.
    pub async fn audit(&self, limit: u32) -> Vec<InventoryRecord> {
        let (mut records, mut cursor) = (Vec::new(), None);
        loop {
            let request = PageRequest { cursor, limit: Some(limit) };
            let page = self.service.audit(&ctx(), request).await.expect("a page");
            assert!(page.items.len() <= limit as usize);
            records.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return records;
            }
        }
    }

    /// Available, reserved and sold of each product; panics where the books do not add up.
    pub async fn books(&self) -> BTreeMap<String, (i64, i64, i64)> {
        let (mut accounts, mut reserved, mut sold) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for record in self.audit(200).await {
            match record {
                InventoryRecord::Account(account) => accounts.push(account),
                InventoryRecord::Claim(claim) => {
                    let sums = match claim.status {
                        ReservationStatus::Reserved => &mut reserved,
                        ReservationStatus::Committed => &mut sold,
                        ReservationStatus::Released | ReservationStatus::Expired => continue,
                    };
                    for line in claim.lines {
                        *sums.entry(line.sku).or_insert(0) += i64::from(line.quantity);
                    }
                }
            }
        }
        let of = |sums: &BTreeMap<Sku, i64>, sku| sums.get(sku).copied().unwrap_or(0);
        for account in &accounts {
            adds_up(account);
            assert_eq!(account.reserved, of(&reserved, &account.sku), "{account:?} against its claims");
            assert_eq!(account.sold, of(&sold, &account.sku), "{account:?} against its claims");
        }
        accounts.into_iter().map(|it| (it.sku.0, (it.available, it.reserved, it.sold))).collect()
    }
}

pub fn adds_up(account: &StockAccount) {
    assert_eq!(account.initial, account.available + account.reserved + account.sold, "{account:?}");
    assert!(account.available >= 0 && account.reserved >= 0 && account.sold >= 0, "{account:?}");
}

pub fn config() -> Live<ReservationsConfig> {
    let ttl_ms = u64::try_from(TTL.as_millis()).expect("a minute");
    Live::fixed(ReservationsConfig { ttl_ms, ..ReservationsConfig::default() })
}

pub fn ctx() -> Context {
    Context::background("test", Duration::from_secs(30))
}

pub fn order() -> OrderId {
    OrderId(uuid::Uuid::now_v7())
}

pub fn lines(wanted: &[(&str, u32)]) -> Vec<Line> {
    wanted.iter().map(|(sku, quantity)| Line { sku: (*sku).into(), quantity: *quantity }).collect()
}

/// What a request was refused with.
pub fn problem<T: std::fmt::Debug>(result: PortResult<T>) -> Problem {
    result.expect_err("is refused").into_problem()
}

/// How a request ended, in one word.
pub fn outcome(result: PortResult<Reservation>) -> Result<ReservationStatus, Code> {
    result.map(|claim| claim.status).map_err(|error| error.into_problem().code)
}

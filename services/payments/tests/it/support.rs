//! Payments assembled for a test, on each engine, with a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::ManualClock;
use chassis::config::Live;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreUrl};
use contracts::orders::Coordination;
use contracts::payments::{
    AuthorizePayment, CapturePayment, CardToken, GetPayment, Payment, PaymentStatus, Payments, Posting,
    RefundPayment, VoidPayment,
};
use contracts::types::PageRequest;
use contracts::{Code, Context, Money, OrderId, PortResult, Timestamp};
use payments::config::SettleConfig;
use payments::network::CardNetwork;
use payments::service::Service;
use payments::settle::settle_pass;
use payments::store::{PaymentStore, SqlStore};
use testkit::Database;
use uuid::Uuid;

use crate::network::FakeNetwork;

/// Payments on one engine.
pub struct Shop {
    /// For messages.
    pub engine: &'static str,
    pub store: SqlStore,
    pub service: Arc<Service>,
    pub network: FakeNetwork,
    pub clock: ManualClock,
    pub mailbox: Mailbox,
    db: Store,
    _database: Database,
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

/// A shop of its own on each engine.
pub async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in testkit::databases().await {
        let url = StoreUrl::parse(&database.url).expect("an address");
        let db = Store::open(&url, "payments", sqlx::migrate!("./migrations")).await.expect("opens");
        let (network, clock) = (FakeNetwork::default(), ManualClock::at(Timestamp(1_700_000_000_000_000)));
        let mailbox = Mailbox::open(&db, "payments", Arc::new(clock.clone())).await.expect("opens");
        let store = SqlStore::new(db.clone(), mailbox.clone());
        let service = service(Arc::new(store.clone()), Arc::new(network.clone()), &clock);
        let engine = database.name;
        shops.push(Shop { engine, store, service, network, clock, mailbox, db, _database: database });
    }
    shops
}

/// The service over any store and network.
pub fn service(
    store: Arc<dyn PaymentStore>,
    network: Arc<dyn CardNetwork>,
    clock: &ManualClock,
) -> Arc<Service> {
    Arc::new(Service::new(store, network, Arc::new(clock.clone()), Live::fixed(SettleConfig::default())))
}

pub fn new_order() -> OrderId {
    OrderId(Uuid::now_v7())
}

pub fn ctx() -> Context {
    Context::background("test", Duration::from_secs(10))
}

/// What every test charges.
pub const PRICE: Money = Money::eur(1999);

/// The operations in short form, for any implementation of the port.
pub struct Till<'a>(pub &'a dyn Payments);

impl Till<'_> {
    pub async fn authorize(&self, order_id: OrderId) -> PortResult<Payment> {
        self.authorize_with(order_id, "tok_approve", PRICE).await
    }

    pub async fn authorize_with(&self, order_id: OrderId, card: &str, amount: Money) -> PortResult<Payment> {
        self.0.authorize(&ctx(), AuthorizePayment { order_id, amount, card: CardToken(card.into()) }).await
    }

    pub async fn capture(&self, order_id: OrderId) -> PortResult<Payment> {
        self.0.capture(&ctx(), CapturePayment { order_id }).await
    }

    pub async fn void(&self, order_id: OrderId) -> PortResult<Payment> {
        self.0.void(&ctx(), VoidPayment { order_id }).await
    }

    pub async fn refund(&self, order_id: OrderId) -> PortResult<Payment> {
        self.0.refund(&ctx(), RefundPayment { order_id }).await
    }

    pub async fn status(&self, order_id: OrderId) -> Option<PaymentStatus> {
        self.0.payment(&ctx(), GetPayment { order_id }).await.ok().map(|payment| payment.status)
    }

    /// The whole ledger, read in pages of `limit`.
    pub async fn ledger(&self, limit: u32) -> Vec<Posting> {
        let (mut postings, mut cursor) = (Vec::new(), None);
        loop {
            let page =
                self.0.ledger(&ctx(), PageRequest { cursor, limit: Some(limit) }).await.expect("a page");
            postings.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return postings,
            }
        }
    }

    /// The names of an order's transfers without the order, oldest first. Panics where one does not
    /// balance.
    pub async fn transfers(&self, order: OrderId) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut sum = 0;
        for posting in
            self.ledger(PageRequest::MOST).await.into_iter().filter(|posting| posting.order_id == order)
        {
            let name = posting.transfer.replace(&format!(":{order}"), "");
            if names.last() != Some(&name) {
                assert_eq!(sum, 0, "transfer {:?} balances", names.last());
                names.push(name);
            }
            sum += posting.amount.amount;
        }
        assert_eq!(sum, 0, "transfer {:?} balances", names.last());
        names
    }
}

impl Shop {
    pub fn till(&self) -> Till<'_> {
        Till(&*self.service)
    }

    /// What was said about an order, oldest first.
    pub async fn said(&self, order: OrderId) -> Vec<Said> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT routing_key, coordination, traceparent, data FROM payments_outbox
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

    /// Lets every open intent come due, and runs the settle pass.
    pub async fn settle(&self) {
        self.clock.advance(Duration::from_secs(6));
        settle_pass(&self.service).await;
    }
}

/// Why an operation was refused.
pub fn code(result: PortResult<Payment>) -> Code {
    result.expect_err("refused").code().expect("by the service itself")
}

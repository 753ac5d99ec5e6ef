//! How fast the relay brings an outbox to a real RabbitMQ: `cargo bench -p chassis --bench relay`.
//!
//! On each engine, in one run on one broker:
//! - row by row (publish one, await its confirm, mark it) against batched, the same number of rows each,
//!   in turns; what counts is the ratio of the medians
//! - how long a message takes from its commit to its confirm while 1,000 a second are posted
//!
//! The events are choreographed ones, which the broker puts into two quorum queues and a stream. SQLite
//! writes through to the disk; a PostgreSQL that the tests start does not (`fsync=off`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SystemClock;
use chassis::messaging::Broker;
use chassis::messaging::broker::PublishError;
use chassis::messaging::bus::Gate;
use chassis::messaging::mailbox::{Batch, Mailbox, Publish};
use chassis::store::{Store, StoreUrl, commit};
use contracts::messages::{Address, Message, MessageId, Outgoing};
use contracts::orders::Coordination;
use contracts::{OrderId, Timestamp, TraceContext};
use parking_lot::Mutex;
use sqlx::migrate::Migrator;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const TURNS: usize = 3;
/// Published in each turn, row by row and batched.
const ROWS: usize = 2_000;
/// Published at once, to see what the relay can do for longer.
const MANY: usize = 20_000;
const STEADY: Duration = Duration::from_secs(10);
/// Posted in one transaction, so many times a second: 1,000 events/s.
const POSTED_TOGETHER: usize = 5;
const TRANSACTIONS_A_SECOND: u64 = 200;
/// No part of this takes longer.
const DEADLINE: Duration = Duration::from_secs(300);
const GOAL: f64 = 10.0;

type Result<T> = anyhow::Result<T>;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(bench())
}

async fn bench() -> Result<()> {
    // what goes wrong in a run explains its numbers
    chassis::telemetry::logs::init();
    for database in testkit::databases().await {
        // a fresh one each: nobody empties the queues, and a broker that runs short of memory stops taking
        let Some(server) = testkit::RabbitMq::start().await else {
            println!("relay: skipped, there is no RabbitMQ on this machine");
            return Ok(());
        };
        let shutdown = CancellationToken::new();
        let broker = Broker::connect(server.url(), "bench relay", shutdown.clone())?;
        println!("\noutbox relay, {} → RabbitMQ", database.name);
        Bench::new(&database, &broker).await?.run().await?;
        shutdown.cancel();
    }
    Ok(())
}

struct Bench {
    store: Store,
    mailbox: Mailbox,
    publisher: Arc<Timed>,
}

impl Bench {
    async fn new(database: &testkit::Database, broker: &Broker) -> Result<Self> {
        let none = Migrator::with_migrations(Vec::new());
        let store = Store::open(&StoreUrl::parse(&database.url)?, "bench", none).await?;
        let mailbox = Mailbox::open(&store, "bench", Arc::new(SystemClock)).await?;
        let publisher = Arc::new(Timed { broker: broker.clone(), confirmed: Mutex::default() });
        Ok(Self { store, mailbox, publisher })
    }

    async fn run(&self) -> Result<()> {
        // the first messages pay for the connection and the queues
        self.publish(100, Batch::default()).await?;
        let one = Batch { rows: 1, ..Batch::default() };
        let (mut by_row, mut batched) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            by_row.push(self.publish(ROWS, one).await?);
            batched.push(self.publish(ROWS, Batch::default()).await?);
        }
        let (by_row, batched) = (median(by_row), median(batched));
        let ratio = batched / by_row;
        let verdict = if ratio >= GOAL { "met" } else { "MISSED" };
        println!("  row by row     {by_row:>9.0} messages/s   (median of {TURNS} × {ROWS})");
        println!("  batched        {batched:>9.0} messages/s   (median of {TURNS} × {ROWS})");
        println!("  ratio          {ratio:>9.1} ×            (goal ≥ {GOAL:.0}: {verdict})");
        let lags = self.steady().await?;
        let at = |share: f64| lags[((lags.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        println!(
            "  lag at 1,000/s {:>9.1} ms p50, {:.1} ms p99, {:.1} ms at most   ({} messages, {STEADY:?})",
            at(0.5),
            at(0.99),
            at(1.0),
            lags.len()
        );
        let throughput = self.publish(MANY, Batch::default()).await?;
        println!("  throughput     {throughput:>9.0} messages/s   ({MANY} in one go)");
        Ok(())
    }

    /// Lets a relay publish `count` messages that wait; returns how many it did in a second.
    async fn publish(&self, count: usize, batch: Batch) -> Result<f64> {
        let mut left = count;
        while left > 0 {
            let some = left.min(200);
            self.post(&events(some)).await?;
            left -= some;
        }
        self.publisher.confirmed.lock().clear();
        let relay = Relaying::start(self.mailbox.clone().publishing(batch), &self.publisher);
        let begun = Instant::now();
        self.all_published(count).await?;
        let elapsed = begun.elapsed();
        relay.stop().await?;
        Ok(count as f64 / elapsed.as_secs_f64())
    }

    /// How long each message took from commit to confirm, sorted, while they come steadily.
    async fn steady(&self) -> Result<Vec<Duration>> {
        self.publisher.confirmed.lock().clear();
        let relay = Relaying::start(self.mailbox.clone(), &self.publisher);
        let mut committed = Vec::new();
        let mut ticks = interval(Duration::from_secs(1) / TRANSACTIONS_A_SECOND as u32);
        // a transaction that was late is made up for: the rate stays what it says
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let begun = Instant::now();
        for _ in 0..TRANSACTIONS_A_SECOND * STEADY.as_secs() {
            ticks.tick().await;
            let messages = events(POSTED_TOGETHER);
            self.post(&messages).await?;
            let now = Instant::now();
            self.mailbox.posted();
            committed.extend(messages.iter().map(|outgoing| (outgoing.message.id, now)));
        }
        let late = begun.elapsed().saturating_sub(STEADY);
        if late > Duration::from_millis(200) {
            println!("  (posting itself was {late:?} late: this machine is too busy for the rate)");
        }
        self.all_published(committed.len()).await?;
        relay.stop().await?;
        let confirmed = self.publisher.confirmed.lock();
        let lag = |(id, posted): (MessageId, Instant)| {
            confirmed.get(&id).map(|confirmed| confirmed.saturating_duration_since(posted))
        };
        let mut lags: Vec<Duration> = committed.into_iter().filter_map(lag).collect();
        lags.sort_unstable();
        Ok(lags)
    }

    async fn post(&self, messages: &[Outgoing]) -> Result<()> {
        let mut tx = self.store.begin().await?;
        self.mailbox.post_in_tx(&mut tx, messages).await?;
        Ok(commit(tx).await?)
    }

    async fn all_published(&self, count: usize) -> Result<()> {
        let waiting = "SELECT COUNT(*) FROM bench_outbox WHERE published_at IS NULL";
        let published = async {
            // the database is not asked before the broker has confirmed all: asking takes its time as well
            while self.publisher.confirmed.lock().len() < count {
                sleep(Duration::from_millis(2)).await;
            }
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(self.store.read()).await? > 0 {
                sleep(Duration::from_millis(2)).await;
            }
            Ok(())
        };
        timeout(DEADLINE, published).await?
    }
}

struct Relaying {
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Relaying {
    fn start(mailbox: Mailbox, publisher: &Arc<Timed>) -> Self {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn({
            let (publisher, shutdown) = (Handle(publisher.clone()), shutdown.clone());
            async move { mailbox.relay_to(publisher, &Gate::default(), shutdown).await }
        });
        Self { shutdown, task }
    }

    async fn stop(self) -> Result<()> {
        self.shutdown.cancel();
        Ok(self.task.await?)
    }
}

/// The broker, with a note of when it first confirmed what.
struct Timed {
    broker: Broker,
    confirmed: Mutex<HashMap<MessageId, Instant>>,
}

struct Handle(Arc<Timed>);

impl Publish for Handle {
    async fn publish(&self, messages: &[Outgoing]) -> std::result::Result<(), PublishError> {
        self.0.broker.publish(messages).await?;
        let now = Instant::now();
        let mut confirmed = self.0.confirmed.lock();
        for outgoing in messages {
            confirmed.entry(outgoing.message.id).or_insert(now);
        }
        Ok(())
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Events as large as those of the shop.
fn events(count: usize) -> Vec<Outgoing> {
    let event = |_| {
        let subject = OrderId(Uuid::now_v7());
        let message = Message {
            id: MessageId::random(),
            kind: "tradewind.inventory.stock_reserved.v1".into(),
            source: "inventory".into(),
            subject,
            sequence: 1,
            coordination: Coordination::Choreographed,
            at: Timestamp::now(),
            trace: TraceContext::root(),
            data: serde_json::json!({
                "type": "stock_reserved",
                "order_id": subject,
                "lines": [{ "sku": "TEA-0001", "quantity": 2 }, { "sku": "MUG-0002", "quantity": 1 }],
                "passed": {
                    "customer_id": "ada",
                    "amount": { "amount": 4_200, "currency": "EUR" },
                    "card": "tok_approve",
                    "address": { "name": "Ada", "street": "1 Quay", "city": "Genoa", "country": "IT" },
                    "weight_grams": 900,
                },
            }),
        };
        Outgoing { to: Address::event("inventory", "stock_reserved", Coordination::Choreographed), message }
    };
    (0..count).map(event).collect()
}

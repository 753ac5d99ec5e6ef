//! A broker handle on a fresh host, messages, and a handler that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::broker::Broker;
use chassis::messaging::consumer::consume;
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::TraceContext;
use contracts::messages::queues::{EVENTS, INVENTORY_COMMANDS};
use contracts::messages::{Address, Message, MessageId, Outgoing, Queue};
use contracts::orders::Coordination;
use contracts::types::{OrderId, Timestamp};
use serde_json::json;
use testkit::{BrokerHost, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How long anything may take that should come about soon.
pub const SOON: Duration = Duration::from_secs(120);

/// The message that a handler was given, as it was sent: for the handler it stands in the span of the attempt, in the
/// same trace.
pub fn as_sent(seen: &Delivery, sent: &Outgoing) -> Message {
    let (mut message, sent) = (seen.message.clone(), &sent.message.trace);
    assert_ne!(message.trace.span_id, sent.span_id, "an attempt is a span of its own");
    message.trace.span_id = sent.span_id;
    message
}

/// A broker handle on a fresh host.
pub struct Bench {
    pub host: BrokerHost,
    pub broker: Broker,
    pub stop: CancellationToken,
    _stops: DropGuard,
}

impl Bench {
    /// One that is connected to `host`.
    pub async fn on(host: BrokerHost) -> Self {
        let url = host.url.clone();
        let bench = Self::at(host, &url);
        bench.connected().await;
        bench
    }

    /// One that reaches `host` by `url`.
    pub fn at(host: BrokerHost, url: &str) -> Self {
        if std::env::var_os("TRADEWIND_LOG").is_some() {
            chassis::telemetry::logs::init();
        }
        let stop = CancellationToken::new();
        let broker = Broker::connect(url, "test", stop.clone()).expect("an address");
        Self { host, broker, _stops: stop.clone().drop_guard(), stop }
    }

    pub async fn connected(&self) {
        eventually("a connection", SOON, async || self.broker.check().ok()).await;
    }

    /// Consumes a queue in the background.
    pub fn consume(&self, queue: &'static Queue, handler: &Arc<Script>) -> JoinHandle<()> {
        tokio::spawn(consume(self.broker.clone().into(), queue, handler.clone(), self.stop.clone()))
    }

    /// Publishes messages until the broker has confirmed them, as a relay does.
    pub async fn publish_surely(&self, messages: &[Outgoing]) {
        eventually("the broker to confirm", Duration::from_secs(90), async || {
            self.broker.publish(messages).await.ok()
        })
        .await;
    }

    /// Waits until a queue holds that many messages.
    pub async fn holds(&self, queue: &str, messages: u64) {
        eventually(&format!("{messages} messages in {queue}"), SOON, async || {
            self.host.queue(queue).await.filter(|found| found.messages == Some(messages))
        })
        .await;
    }
}

/// A message that says its number.
pub fn message(number: u64) -> Message {
    Message {
        id: MessageId::random(),
        kind: "tradewind.orders.test.v1".to_owned(),
        source: "orders".to_owned(),
        subject: OrderId(Uuid::now_v7()),
        sequence: number,
        coordination: Coordination::Orchestrated,
        at: Timestamp::now(),
        trace: TraceContext { state: Some("vendor=value".to_owned()), ..TraceContext::root() },
        data: json!({ "number": number }),
    }
}

/// A command for the inventory that says its number.
pub fn command(number: u64) -> Outgoing {
    Outgoing { to: Address::command("inventory"), message: message(number) }
}

/// Commands for the inventory.
pub fn commands(numbers: std::ops::Range<u64>) -> Vec<Outgoing> {
    numbers.map(command).collect()
}

/// An event that nobody but the log takes.
pub fn event(number: u64) -> Outgoing {
    let to = Address { exchange: EVENTS.to_owned(), key: "test.happened.sync".to_owned() };
    Outgoing { to, message: message(number) }
}

/// The queue that commands go to.
pub const COMMANDS: &Queue = &INVENTORY_COMMANDS;

/// A handler that does as a function of the attempt says, and keeps what it saw.
pub struct Script {
    act: Box<dyn Fn(&Delivery) -> Handled + Send + Sync>,
    seen: Mutex<Vec<Delivery>>,
}

impl Script {
    pub fn new(act: impl Fn(&Delivery) -> Handled + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { act: Box::new(act), seen: Mutex::default() })
    }

    /// One that is done with everything at once.
    pub fn done() -> Arc<Self> {
        Self::new(|_| Handled::Done)
    }

    pub fn seen(&self) -> Vec<Delivery> {
        self.seen.lock().expect("no panic under the lock").clone()
    }

    /// How often each number came.
    pub fn numbers(&self) -> BTreeMap<u64, usize> {
        let mut numbers = BTreeMap::new();
        for delivery in self.seen() {
            *numbers.entry(delivery.message.sequence).or_default() += 1;
        }
        numbers
    }

    /// Waits until that many deliveries came.
    pub async fn saw(&self, deliveries: usize) -> Vec<Delivery> {
        eventually(&format!("{deliveries} deliveries"), Duration::from_secs(90), async || {
            Some(self.seen()).filter(|seen| seen.len() >= deliveries)
        })
        .await
    }
}

#[async_trait]
impl Handler for Script {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        self.seen.lock().expect("no panic under the lock").push(delivery.clone());
        (self.act)(delivery)
    }
}

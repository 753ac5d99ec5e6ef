//! Takes messages out of a queue, a bounded number at a time.
//!
//! - [`consume`] gives each message of a queue to a [`Handler`], several at a time and in no order, and
//!   puts aside what nobody can deal with
//! - [`read_log`] reads the stream of all events in its order, from any point on ([`log_end`] is its end)
//!
//! What a handler says decides what becomes of a message: done, it leaves the queue; again, it waits a
//! moment that grows with each attempt and goes back; hopeless, or at its last attempt, it goes to the
//! dead letters with its cause, and leaves the queue when the broker has it there. A handler that panics
//! or takes too long has said `Again`. A process that dies has said nothing, and the message is delivered
//! again; that counts as an attempt too, for messages that kill every process they meet.
//!
//! Where there is no broker the queues are in the databases of the modules, and all of this holds as well:
//! `session` and `attempt` consume a queue of a broker, `local` one of a database, `handling` is for both.

mod aside;
mod attempt;
mod earlier;
mod handling;
mod local;
pub(in crate::messaging) mod log;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::messages::{Message, Queue};
use contracts::{Context, Deadline};
use tokio_util::sync::CancellationToken;

use super::Bus;
use super::bus::Carrier;
use crate::backoff::Backoff;

pub(in crate::messaging) use aside::{
    ATTEMPTS, CAUSE, DELIVERY_COUNT, DIED_AT, LAST_ATTEMPT, Marks, OURS, REVIVED_FROM, marked,
};
pub(in crate::messaging) use attempt::attempts_before;
pub use log::{LogEntry, LogReader, log_end, read_log};

/// How many messages a consumer has in hand at a time.
pub const PREFETCH: u16 = 32;
/// How long a handler may take for one message.
pub const HANDLING: Duration = Duration::from_secs(30);
/// How long what a handler calls may take: it still has time to store what came of it.
const BUDGET: Duration = Duration::from_secs(20);
/// How long what is under way at shutdown may take.
const FINISH: Duration = Duration::from_secs(3);
/// After so long without a message a consumer asks for them anew. The broker should say when a queue is
/// deleted; RabbitMQ 3.10 was seen not to, where the queue was declared again at once.
const RENEW: Duration = Duration::from_secs(10);
/// Between two attempts at one message. All that a message is given take 33 to 66 s together.
const AGAIN: Backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(5) };
/// Between two attempts to consume at all.
const RESUME: Backoff = Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(3) };

/// A message, delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What. Its trace is that of this attempt.
    pub message: Message,
    /// Out of which queue.
    pub queue: &'static str,
    /// Which attempt this is; 1 is the first.
    pub attempt: u32,
}

impl Delivery {
    /// Whether this is the last attempt before the message is put aside.
    pub fn is_last(&self) -> bool {
        self.attempt >= contracts::messages::queues::DELIVERY_LIMIT
    }

    /// The circumstances in which `module` acts on it: this attempt in the message's trace, and a deadline.
    pub fn context(&self, module: &str) -> Context {
        Context {
            deadline: Deadline::after(BUDGET),
            idempotency_key: None,
            caller: module.to_owned(),
            trace: self.message.trace.clone(),
            baggage: None,
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// It is dealt with, and stored where it must be.
    Done,
    /// It cannot be dealt with now, and says why: it is delivered again, a little later.
    Again(String),
    /// It never will be: it is put aside, with this cause.
    Hopeless(String),
}

/// Deals with the messages of a queue.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Deals with one message; it may come twice, late and out of order.
    async fn handle(&self, delivery: &Delivery) -> Handled;
}

/// Consumes `queue` until `shutdown`, while the bus is open; what is under way at the end is finished.
pub async fn consume(
    bus: Bus,
    queue: &'static Queue,
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
) {
    let who = format!("the consumer of {}", queue.name);
    let consuming = async |turn| match bus.carrier() {
        Carrier::Broker(broker) => {
            session::Consumer::new(broker.clone(), queue, handler.clone(), turn).run().await;
        }
        Carrier::InProcess(in_process) => local::consume(in_process, queue, handler.clone(), turn).await,
    };
    bus.gate().while_open(&who, shutdown, consuming).await;
}

/// Runs work that may panic or take for ever: what it says, or what became of it.
async fn guarded<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
    let mut task = tokio::task::JoinSet::new();
    task.spawn(work);
    // dropped with the set, the task ends at its next await
    match tokio::time::timeout(HANDLING, task.join_next()).await {
        Ok(Some(Ok(said))) => Ok(said),
        Ok(Some(Err(ended))) => Err(match ended.try_into_panic() {
            Ok(panic) => format!("the handler panicked: {}", panic_text(&*panic)),
            Err(ended) => format!("the handler ended: {ended}"),
        }),
        Ok(None) => Err("the handler never began".to_owned()),
        Err(_) => Err(format!("the handler took longer than {HANDLING:?}")),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(it does not say why)")
}

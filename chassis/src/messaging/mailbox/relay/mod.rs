//! Publishes what waits in the outbox.
//!
//! - [`term`]: the work of a relay while it holds the lease
//! - `spans`: the publishing of each message, in its trace
//! - [`held`]: orders whose next message the broker does not take
//!
//! A relay stands by until the lease is its own, then leads: it takes the next batch out of the outbox,
//! publishes it, and marks all of it in one transaction once the broker has confirmed it. Where anything
//! fails, nothing is marked that was not confirmed, the relay gives up the lease (another instance may well
//! reach the broker), waits, and stands by again. Messages of a batch that was cut short come twice; their
//! ids make that harmless. While the broker is away messages stay in the database; in memory there is never
//! more than one batch.
//!
//! A message that the broker returns (no queue takes it) or that cannot be read out of its row is not
//! skipped and not dropped: somebody has to mend something, and then it goes out. Until then it holds back
//! the messages about the same order, since a later one without an earlier one would mislead; those about
//! other orders go past. (Those that were on their way in the same batch have gone past as well: consumers
//! compare versions, and never rely on the order alone.) It is tried again and again, and is loud: the log has it as an error each time, and
//! a metric counts such orders. Where there are very many of them the fault is not theirs: then all wait.

mod held;
mod spans;
mod term;

use std::sync::Arc;
use std::time::Duration;

use contracts::error::chain;
use contracts::messages::Outgoing;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::term::{Term, Trouble};
use super::books::Books;
use super::lease::Lease;
use super::status::{RelayState, Status};
use super::{Batch, Retention};
use crate::backoff::Backoff;
use crate::messaging::Broker;
use crate::messaging::broker::{PublishError, RABBITMQ};
use crate::messaging::bus::{Gate, Turn};

/// Where a relay publishes to: a [`Broker`], or in tests something that fails to order.
pub trait Publish: Send + Sync + 'static {
    /// Publishes messages in their order; returns when every one of them is confirmed.
    fn publish(&self, messages: &[Outgoing]) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// What carries them, in OpenTelemetry's terms.
    fn carrier(&self) -> &'static str {
        RABBITMQ
    }
}

impl Publish for Broker {
    async fn publish(&self, messages: &[Outgoing]) -> Result<(), PublishError> {
        Broker::publish(self, messages).await
    }
}

/// How fast a relay does what it does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// For how long the lease holds after the relay that had it died.
    pub lease: Duration,
    /// How often a standby looks whether the lease is free.
    pub standby: Duration,
    /// How often the relay looks into the outbox although nobody called it: for what other processes
    /// post, and for what was posted by a process that died before it could call.
    pub poll: Duration,
    /// How often old rows are deleted.
    pub prune: Duration,
    /// How often the lag is measured.
    pub measure: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(5),
            standby: Duration::from_millis(250),
            poll: Duration::from_millis(100),
            prune: Duration::from_secs(60),
            measure: Duration::from_secs(2),
        }
    }
}

/// How long to wait before the lease is taken again, after failures in a row.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) };
/// How long the batch under way may take to end when the process drains.
const LAST_BATCH: Duration = Duration::from_secs(2);
/// How long a relay that ends tries to give up its lease; otherwise it lapses.
const FAREWELL: Duration = Duration::from_secs(1);
/// How many old rows are deleted at once: writers wait for that long.
const PRUNED_AT_ONCE: u32 = 500;

pub(super) struct Relay<P> {
    pub books: Arc<Books>,
    pub status: Arc<Status>,
    pub posted: Arc<Notify>,
    pub lease: Lease,
    pub publisher: P,
    pub pace: Pace,
    pub retention: Retention,
    pub batch: Batch,
}

impl<P: Publish> Relay<P> {
    /// Stands by and leads in turn while `gate` is open, until `shutdown`.
    pub async fn run(self, gate: &Gate, shutdown: CancellationToken) {
        let who = format!("the relay of {}", self.books.module());
        tokio::select! {
            () = gate.while_open(&who, shutdown, |turn| self.compete(turn)) => {}
            () = self.measure() => {}
        }
    }

    async fn compete(&self, turn: Turn) {
        // in a row, over all terms
        let mut failures = 0;
        while turn.stop.run_until_cancelled(self.lease.take(self.pace.standby)).await.is_some() {
            self.status.relay_is(RelayState::Leading);
            let ended = self.lead(&mut failures, &turn).await;
            self.status.relay_is(RelayState::StandingBy);
            self.status.held(0);
            self.leave().await;
            let Err(trouble) = ended else { return };
            self.status.trouble(chain(&trouble));
            failures += 1;
            if turn.stop.run_until_cancelled(sleep(BACKOFF.after(failures))).await.is_none() {
                return;
            }
        }
    }

    /// Leads while the lease is ours; `Ok` is being told to stop.
    async fn lead(&self, failures: &mut u32, turn: &Turn) -> Result<(), Trouble> {
        tokio::select! {
            ended = Term::new(self, failures).serve(&turn.stop) => ended,
            () = self.lease.keep() => Err(Trouble::LeaseLost),
            () = self.prune() => Ok(()),
            () = turn.out_of_time(LAST_BATCH) => Ok(()),
        }
    }

    async fn leave(&self) {
        let module = self.books.module();
        match timeout(FAREWELL, self.lease.leave()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(module, %error, "the lease of {module} will lapse: {error}"),
            Err(_) => tracing::debug!(module, "the lease of {module} will lapse: the database is slow"),
        }
    }

    /// Deletes what is too old, again and again. That this fails harms nobody, until the next time.
    async fn prune(&self) {
        let Retention { outbox, inbox } = self.retention;
        loop {
            let pruned = async {
                while self.books.outbox_prune(outbox, PRUNED_AT_ONCE).await? == u64::from(PRUNED_AT_ONCE) {}
                while self.books.inbox_prune(inbox, PRUNED_AT_ONCE).await? == u64::from(PRUNED_AT_ONCE) {}
                Ok::<_, crate::store::StoreError>(())
            };
            if let Err(error) = pruned.await {
                let module = self.books.module();
                let error = chain(&error);
                tracing::warn!(module, error, "old messages of {module} were not deleted: {error}");
            }
            sleep(self.pace.prune).await;
        }
    }

    /// Shows the lag as metrics, in every instance: whoever looks at one sees it. Where the database does
    /// not say, they stay as they were.
    async fn measure(&self) {
        loop {
            if let Ok(Ok(lag)) = timeout(self.pace.lease, self.books.lag()).await {
                self.status.measure(lag, self.books.now());
            }
            sleep(self.pace.measure).await;
        }
    }
}

//! Projects the event log onto a generation of the model.
//!
//! Any number of instances may do so at once: a stretch of the log is added under the condition that the
//! generation stands where the stretch begins, so only one of them does it, and the others go on from
//! there. What they waste is reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::error::chain;
use tokio_util::sync::CancellationToken;

use crate::domain::OrderFact;
use crate::log::{EventLog, LogEntry, LogReader};
use crate::store::{Added, ModelStore, Role, Stretch};

/// How many pairs of products one transaction counts, unless a single order has more of them.
const MOST_PAIRS: usize = 10_000;
/// How often a stretch is tried that others keep getting in the way of. Each time somebody else has got
/// on, so that giving up only leads to reading again from there.
const TRIES: usize = 8;

/// An event of the log, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Where it stands.
    pub offset: u64,
    /// What it says about the model, if anything.
    pub fact: Option<OrderFact>,
}

/// What the events say. One that cannot be read is passed over: it is in the log for ever, and the events
/// after it must not wait for it.
pub fn understand(entries: &[LogEntry]) -> Vec<Read> {
    let read = |entry: &LogEntry| {
        let offset = entry.offset;
        let fact = entry.message.as_ref().map_err(Clone::clone).and_then(OrderFact::read);
        let fact = fact.unwrap_or_else(|cause| {
            tracing::warn!(offset, cause, "passed over the event at offset {offset}: {cause}");
            None
        });
        Read { offset, fact }
    };
    entries.iter().map(read).collect()
}

/// Cuts events into parts that one transaction can take.
pub fn parts(mut reads: &[Read]) -> Vec<&[Read]> {
    let mut parts = Vec::new();
    while !reads.is_empty() {
        let mut pairs = 0;
        let fits = reads.iter().take_while(|read| {
            pairs += read.fact.as_ref().map_or(0, OrderFact::pairs);
            pairs <= MOST_PAIRS
        });
        let (part, rest) = reads.split_at(fits.count().max(1));
        parts.push(part);
        reads = rest;
    }
    parts
}

/// The stretch that brings a generation from `from` to `to`: those of `reads` that lie between. Nothing
/// where none of them is at `from` or after it.
pub fn stretch(reads: &[Read], from: u64, to: u64) -> Option<Stretch> {
    let left = &reads[reads.partition_point(|read| read.offset < from)..];
    let first = left.first()?.offset;
    let inside = left.iter().take_while(|read| read.offset < to);
    Some(Stretch { from, first, to, facts: inside.filter_map(|read| read.fact.clone()).collect() })
}

/// The offset after the last of `reads`.
pub fn end_of(reads: &[Read]) -> u64 {
    reads.last().map_or(0, |read| read.offset.saturating_add(1))
}

/// The offset that a generation stands at; nothing where there is no generation in that role.
pub async fn position(store: &dyn ModelStore, role: Role) -> Result<Option<u64>, String> {
    let positions = store.positions().await.map_err(say)?;
    Ok(match role {
        Role::Serving => Some(positions.serving),
        Role::Building => positions.building,
    })
}

/// A failure of the store, in words: whoever reads the log logs them and tries again.
pub fn say(error: StoreError) -> String {
    chain(&error)
}

/// How far adding came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// The generation stands at this offset or after it.
    To(u64),
    /// The generation is not there any more, or another one stands in its place, of which this reader has
    /// not read the beginning.
    Gone,
}

/// Adds to the generation in that role what it has not read yet of `reads`, by whichever instance.
/// `at` is where this reader takes it to stand.
pub async fn advance(
    store: &dyn ModelStore,
    role: Role,
    mut at: u64,
    reads: &[Read],
) -> Result<Advance, String> {
    let to = end_of(reads);
    for _ in 0..TRIES {
        let Some(stretch) = stretch(reads, at, to) else { return Ok(Advance::To(at)) };
        if stretch.first > at {
            let first = stretch.first;
            tracing::warn!(at, first, "the log has nothing between the offsets {at} and {first} any more");
        }
        if store.stretch_add(role, &stretch).await.map_err(say)? == Added::Yes {
            return Ok(Advance::To(to));
        }
        match position(store, role).await? {
            Some(now) if now >= at => at = now,
            _ => return Ok(Advance::Gone),
        }
    }
    Err(format!("others kept changing the model at offset {at}"))
}

/// Projects `log` onto the generation that answers, until `shutdown`.
pub async fn run(store: Arc<dyn ModelStore>, log: Arc<dyn EventLog>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let astray = shutdown.child_token();
        log.read(Arc::new(Projection::new(store.clone(), astray.clone())), astray).await;
    }
}

/// Projects the log onto the generation that answers.
pub struct Projection {
    store: Arc<dyn ModelStore>,
    /// Where reading began.
    begun: AtomicU64,
    /// How far the model has read, as far as this reader knows.
    at: AtomicU64,
    /// Fires when the model turns out to be another than the one that reading began for.
    astray: CancellationToken,
}

impl Projection {
    /// Onto what `store` keeps; fires `astray` when it must begin again.
    pub fn new(store: Arc<dyn ModelStore>, astray: CancellationToken) -> Self {
        Self { store, begun: AtomicU64::new(0), at: AtomicU64::new(0), astray }
    }

    /// Whoever reads a log is given nothing from before the place that they asked for, unless the log was
    /// deleted and begun anew. What it says then is added to what the model has: versions are compared,
    /// so nothing can count twice.
    async fn follow_new_log(&self, first: u64) -> Result<(), String> {
        let begun = self.begun.load(Ordering::Relaxed);
        if first >= begun {
            return Ok(());
        }
        tracing::error!(
            begun,
            first,
            "the event log was begun anew; the model keeps what it has, and reads on"
        );
        self.store.log_begun_anew(self.at.load(Ordering::Relaxed), first).await.map_err(say)?;
        let at = self.store.positions().await.map_err(say)?.serving;
        self.begun.store(first, Ordering::Relaxed);
        self.at.store(at, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl LogReader for Projection {
    fn traced_as(&self) -> Option<&'static str> {
        Some("recommendations")
    }

    async fn next_offset(&self) -> Result<u64, String> {
        let at = self.store.positions().await.map_err(say)?.serving;
        self.begun.store(at, Ordering::Relaxed);
        self.at.store(at, Ordering::Relaxed);
        Ok(at)
    }

    async fn read(&self, entries: &[LogEntry]) -> Result<(), String> {
        let reads = understand(entries);
        if let Some(first) = reads.first() {
            self.follow_new_log(first.offset).await?;
        }
        for part in parts(&reads) {
            let at = self.at.load(Ordering::Relaxed);
            match advance(self.store.as_ref(), Role::Serving, at, part).await? {
                Advance::To(to) => self.at.store(to, Ordering::Relaxed),
                Advance::Gone => {
                    self.astray.cancel();
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use contracts::recommendations::{ProjectedOrder, Standing};
    use contracts::{CustomerId, OrderId, Sku};
    use uuid::Uuid;

    use super::*;

    fn order(offset: u64, skus: usize) -> Read {
        let order = ProjectedOrder {
            order_id: OrderId(Uuid::from_u128(offset.into())),
            customer_id: CustomerId("ada".into()),
            skus: (0..skus).map(|sku| Sku(format!("{sku:02}"))).collect(),
            standing: Standing::Counts,
        };
        Read { offset, fact: Some(OrderFact { order, version: 6 }) }
    }

    #[test]
    fn a_batch_of_the_largest_orders_is_many_transactions_and_one_of_small_ones_is_one() {
        let large: Vec<_> = (0..256).map(|offset| order(offset, 50)).collect();
        let cut = parts(&large);
        assert_eq!(cut.concat(), large);
        assert_eq!(cut[0].len(), 8);
        assert!(cut.iter().all(|part| part.len() <= 8));
        let small: Vec<_> = (0..256).map(|offset| order(offset, 3)).collect();
        assert_eq!(parts(&small), [&small[..]]);
        assert_eq!(parts(&[]).len(), 0);
    }

    #[test]
    fn a_stretch_is_what_lies_between_two_offsets() {
        let reads: Vec<_> = (10..20).map(|offset| order(offset, 1)).collect();
        let offsets =
            |from, to| stretch(&reads, from, to).map(|stretch| (stretch.first, stretch.facts.len()));
        assert_eq!(offsets(10, 20), Some((10, 10)));
        assert_eq!(offsets(12, 15), Some((12, 3)));
        assert_eq!(offsets(0, 12), Some((10, 2)), "the beginning is gone");
        assert_eq!(offsets(0, 5), Some((10, 0)), "all that was there is gone");
        assert_eq!(offsets(20, 30), None);
        assert_eq!((end_of(&reads), end_of(&[])), (20, 0));
    }
}

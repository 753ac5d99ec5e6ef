//! Everything that is declared and outlives a restart, at the head of each segment of the log.

use super::Core;
use super::queue::Queue;
use super::records::Snapshot;
use super::routing::Exchange;

impl Core {
    /// Begins a segment when the present one is full.
    pub(super) fn begin_segment_if_full(&mut self) {
        if !self.store.is_full() {
            return;
        }
        let snapshot = self.snapshot();
        if let Err(error) = self.store.next_segment(&snapshot) {
            // the present one goes on growing, and it is tried again
            tracing::warn!(%error, "no new segment of the log can be begun: {error}");
        }
        self.store.remove_dead();
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let kept = |queue: &&Queue| queue.is_kept();
        let durable = |exchange: &&Exchange| exchange.spec.durable;
        let queues = self.queues.values().filter(kept);
        let bindings = self.exchanges.values().filter(durable).flat_map(|exchange| {
            let kept = exchange
                .bindings()
                .iter()
                .filter(|binding| self.queues.get(&binding.queue).is_some_and(Queue::is_kept));
            kept.map(|binding| (exchange.spec.name.to_string(), binding.clone()))
        });
        Snapshot {
            next_queue: self.next_queue,
            queues: queues.map(|queue| (queue.spec.clone(), queue.messages.next())).collect(),
            exchanges: self
                .exchanges
                .values()
                .filter(durable)
                .map(|exchange| exchange.spec.clone())
                .collect(),
            bindings: bindings.collect(),
        }
    }
}

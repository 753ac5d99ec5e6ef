//! How everything is doing.

use super::Core;
use super::queue::Queue;
use crate::status::{ConnectionStatus, QueueStatus, Status};

impl Core {
    /// How everything is doing, as far as it is known here.
    pub fn status(&self) -> Status {
        let connections = self.connections.values().map(|client| ConnectionStatus {
            name: client.name.clone(),
            peer: client.peer.clone(),
            user: client.user.clone(),
            channels: client.channels.len(),
        });
        let queues = self.names.values().filter_map(|id| self.queues.get(id));
        let of_streams: u64 =
            self.queues.values().filter_map(|queue| queue.stream.as_ref()).map(|stream| stream.bytes()).sum();
        Status {
            alarm: None,
            connections: connections.collect(),
            queues: queues.map(queue_status).collect(),
            disk_bytes: self.store.bytes() + of_streams,
            cached_bytes: self.store.cached as u64,
            index_bytes: self.index_bytes() as u64,
            totals: self.totals,
        }
    }
}

fn queue_status(queue: &Queue) -> QueueStatus {
    QueueStatus {
        name: queue.spec.name.to_string(),
        kind: queue.settings.kind.as_str().to_owned(),
        ready: queue.ready(),
        unacknowledged: match queue.stream {
            Some(_) => queue.consumers.iter().map(|consumer| u64::from(consumer.held)).sum(),
            None => queue.messages.held(),
        },
        consumers: queue.consumers.len(),
        published: queue.counts.published,
        delivered: queue.counts.delivered,
        acknowledged: queue.counts.acknowledged,
    }
}

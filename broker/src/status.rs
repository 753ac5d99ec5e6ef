//! How a broker is doing: what `GET /status` answers.

use serde::{Deserialize, Serialize};

/// How a broker is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Why publishers are blocked at present, if they are.
    pub alarm: Option<String>,
    /// Open connections.
    pub connections: Vec<ConnectionStatus>,
    /// Every queue, by name.
    pub queues: Vec<QueueStatus>,
    /// Bytes of its files.
    pub disk_bytes: u64,
    /// Bytes of messages in memory.
    pub cached_bytes: u64,
    /// Bytes of memory that it takes to know where all messages are.
    pub index_bytes: u64,
    /// Messages since it was started.
    pub totals: Totals,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// What the client calls it; its address where it does not say.
    pub name: String,
    /// The client's address.
    pub peer: String,
    /// Who came in.
    pub user: String,
    /// Open channels.
    pub channels: usize,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    pub kind: String,
    /// Messages that wait for a consumer; of a stream, those that it keeps.
    pub ready: u64,
    /// Messages that were delivered and not acknowledged yet.
    pub unacknowledged: u64,
    /// Consumers.
    pub consumers: usize,
    /// Messages put into it since the start.
    pub published: u64,
    /// Messages given to consumers since the start.
    pub delivered: u64,
    /// Messages acknowledged since the start.
    pub acknowledged: u64,
}

/// Messages since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Taken from publishers.
    pub published: u64,
    /// Confirmed to publishers.
    pub confirmed: u64,
    /// Given to consumers.
    pub delivered: u64,
    /// Acknowledged by consumers.
    pub acknowledged: u64,
    /// Delivered once more.
    pub redelivered: u64,
    /// Put aside into another queue.
    pub dead_lettered: u64,
    /// Returned to publishers, or dropped, because no queue takes them.
    pub unroutable: u64,
}

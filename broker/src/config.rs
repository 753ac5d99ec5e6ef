//! What a broker is told at its start.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a broker is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder for durable queues and messages.
    pub data: PathBuf,
    /// Who may come in, and with which password.
    pub users: Users,
    /// What is bounded, and where.
    pub limits: Limits,
}

impl Config {
    /// A broker on this folder, as RabbitMQ is out of the box: `guest` may come in, from this machine.
    pub fn new(data: PathBuf) -> Self {
        Self { data, users: Users::default(), limits: Limits::default() }
    }
}

/// Who may come in.
#[derive(Clone)]
pub struct Users {
    passwords: BTreeMap<String, String>,
}

/// `guest`, password `guest`, who comes in from this machine alone.
impl Default for Users {
    fn default() -> Self {
        Self { passwords: BTreeMap::from([(GUEST.to_owned(), GUEST.to_owned())]) }
    }
}

/// The user that is let in from loopback alone, as in RabbitMQ.
const GUEST: &str = "guest";

impl Users {
    /// These users and no others, `guest` neither: name and password each.
    pub fn only(users: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { passwords: users.into_iter().collect() }
    }

    /// Whether somebody with this name and password may come in from `peer`.
    pub(crate) fn admits(&self, name: &str, password: &str, peer: std::net::IpAddr) -> bool {
        let known = self.passwords.get(name).is_some_and(|known| same(known, password));
        known && (name != GUEST || peer.is_loopback())
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.passwords.keys()).finish()
    }
}

/// Compares without telling by its time where two passwords differ.
fn same(one: &str, other: &str) -> bool {
    let differ = one.bytes().zip(other.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    one.len() == other.len() && differ == 0
}

/// What is bounded, and where. The defaults suit a laptop.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Channels of one connection (RabbitMQ: 2047).
    pub channels: u16,
    /// Bytes of one frame (RabbitMQ: 131,072).
    pub frame_bytes: u32,
    /// Bytes of one message's body (RabbitMQ 4: 16 MiB).
    pub message_bytes: u64,
    /// Queues.
    pub queues: usize,
    /// Bytes of message bodies that are kept in memory, over all queues; the rest is read from disk when its
    /// turn comes.
    pub cached_bytes: usize,
    /// Bytes that wait to be written before publishers are made to wait.
    pub backlog_bytes: usize,
    /// Bytes that wait for one connection before it is given nothing more.
    pub outgoing_bytes: usize,
    /// Bytes that all queues together may need in memory to know where their messages are, 32 or so a message;
    /// beyond it publishers are blocked until consumers have caught up.
    pub index_bytes: usize,
    /// Free bytes of the disk below which publishers are blocked (RabbitMQ: 50 MB).
    pub disk_free_bytes: u64,
    /// How long one segment of the log is, in bytes.
    pub segment_bytes: u64,
    /// How long a client may take to introduce itself, in milliseconds.
    pub handshake_ms: u64,
    /// How often each side is to show that it is there when nothing else is sent, in seconds; the client may
    /// ask for less (RabbitMQ: 60).
    pub heartbeat_s: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            channels: 2047,
            frame_bytes: 131_072,
            message_bytes: 16 << 20,
            queues: 10_000,
            cached_bytes: 8 << 20,
            backlog_bytes: 4 << 20,
            outgoing_bytes: 512 << 10,
            index_bytes: 256 << 20,
            disk_free_bytes: 50_000_000,
            segment_bytes: 16 << 20,
            handshake_ms: 10_000,
            heartbeat_s: 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_comes_in_from_this_machine_alone() {
        let (near, far) = ([127, 0, 0, 1].into(), [10, 0, 0, 7].into());
        let users = Users::default();
        assert!(users.admits("guest", "guest", near));
        assert!(!users.admits("guest", "guest", far));
        assert!(!users.admits("guest", "guess", near) && !users.admits("guest", "", near));
        let users = Users::only([("shop".to_owned(), "secret".to_owned())]);
        assert!(users.admits("shop", "secret", far));
        assert!(!users.admits("guest", "guest", near));
        assert!(!format!("{users:?}").contains("secret"));
    }
}

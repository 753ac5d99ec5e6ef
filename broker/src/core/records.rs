//! What is written into the log, and read back from it after a restart.

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};

use super::ids::QueueId;
use super::queue::QueueSpec;
use super::routing::{Binding, ExchangeSpec};
use crate::message::Message;

/// A message in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub queue: QueueId,
    /// Its number in the queue.
    pub number: u64,
    /// When it expires, in milliseconds since 1970; 0 for never.
    pub expires: u64,
    /// How often it came back.
    pub returns: u16,
}

const ENTRY: usize = 4 + 8 + 8 + 2;

/// Why a message is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is to outlive a restart.
    Keep,
    /// There is no room for it in memory.
    Spill,
}

/// A record.
#[derive(Debug)]
pub(crate) enum Record {
    /// A message, once for all the queues that it is in.
    Message(Vec<Entry>, Bytes),
    /// A message that is on disk for want of memory alone, and of no use after a restart.
    Spilled(Vec<Entry>, Bytes),
    /// Messages of a queue are gone.
    Gone(QueueId, Vec<u64>),
    /// A message came back once more.
    Returned(QueueId, u64, u16),
    /// Something was declared, or deleted.
    Change(Change),
    /// Everything that is declared; each segment begins with it, so that older ones can go.
    Snapshot(Snapshot),
}

/// What was declared, or deleted. Only what outlives a restart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    QueueDeclared(QueueSpec),
    QueueDeleted(QueueId),
    ExchangeDeclared(ExchangeSpec),
    ExchangeDeleted(String),
    Bound(String, Binding),
    Unbound(String, Binding),
}

/// Everything that is declared and outlives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The number of the next queue.
    pub next_queue: u32,
    /// Queues, each with the number of its next message.
    pub queues: Vec<(QueueSpec, u64)>,
    pub exchanges: Vec<ExchangeSpec>,
    pub bindings: Vec<(String, Binding)>,
}

const MESSAGE: u8 = 1;
const SPILLED: u8 = 2;
const GONE: u8 = 3;
const RETURNED: u8 = 4;
const CHANGE: u8 = 5;
const SNAPSHOT: u8 = 6;

/// Writes down a message with the queues that it is in.
pub(crate) fn write_message(to: &mut Vec<u8>, purpose: Purpose, entries: &[Entry], message: &Message) {
    write_entries(to, purpose, entries);
    message.encode(to);
}

/// Writes down a message once more, from its record: with the queues that it is still in.
pub(crate) fn write_again(to: &mut Vec<u8>, purpose: Purpose, entries: &[Entry], message: &[u8]) {
    write_entries(to, purpose, entries);
    to.extend_from_slice(message);
}

fn write_entries(to: &mut Vec<u8>, purpose: Purpose, entries: &[Entry]) {
    to.push(match purpose {
        Purpose::Keep => MESSAGE,
        Purpose::Spill => SPILLED,
    });
    // a message goes to each of at most `Limits::queues` queues once
    to.extend_from_slice(&u16::try_from(entries.len()).unwrap_or(u16::MAX).to_le_bytes());
    for entry in entries {
        to.extend_from_slice(&entry.queue.0.to_le_bytes());
        to.extend_from_slice(&entry.number.to_le_bytes());
        to.extend_from_slice(&entry.expires.to_le_bytes());
        to.extend_from_slice(&entry.returns.to_le_bytes());
    }
}

/// Writes down that messages are gone.
pub(crate) fn write_gone(to: &mut Vec<u8>, queue: QueueId, numbers: &[u64]) {
    to.push(GONE);
    to.extend_from_slice(&queue.0.to_le_bytes());
    numbers.iter().for_each(|number| to.extend_from_slice(&number.to_le_bytes()));
}

/// Writes down how often a message came back.
pub(crate) fn write_returned(to: &mut Vec<u8>, queue: QueueId, number: u64, returns: u16) {
    to.push(RETURNED);
    to.extend_from_slice(&queue.0.to_le_bytes());
    to.extend_from_slice(&number.to_le_bytes());
    to.extend_from_slice(&returns.to_le_bytes());
}

/// Writes down what was declared, or deleted.
pub(crate) fn write_change(to: &mut Vec<u8>, change: &Change) {
    to.push(CHANGE);
    // none of its maps has keys that JSON has not
    to.extend(serde_json::to_vec(change).unwrap_or_default());
}

/// Writes down everything that is declared.
pub(crate) fn write_snapshot(to: &mut Vec<u8>, snapshot: &Snapshot) {
    to.push(SNAPSHOT);
    to.extend(serde_json::to_vec(snapshot).unwrap_or_default());
}

/// Reads a record; says what is wrong with one that cannot be read.
pub(crate) fn read(mut from: Bytes) -> Result<Record, String> {
    if from.is_empty() {
        return Err("it is empty".to_owned());
    }
    match from.get_u8() {
        MESSAGE => read_entries(&mut from).map(|entries| Record::Message(entries, from)),
        SPILLED => read_entries(&mut from).map(|entries| Record::Spilled(entries, from)),
        GONE if from.len() % 8 == 4 => {
            let queue = QueueId(from.get_u32_le());
            Ok(Record::Gone(
                queue,
                std::iter::from_fn(|| from.has_remaining().then(|| from.get_u64_le())).collect(),
            ))
        }
        RETURNED if from.len() == 14 => {
            Ok(Record::Returned(QueueId(from.get_u32_le()), from.get_u64_le(), from.get_u16_le()))
        }
        CHANGE => serde_json::from_slice(&from).map(Record::Change).map_err(|error| error.to_string()),
        SNAPSHOT => serde_json::from_slice(&from).map(Record::Snapshot).map_err(|error| error.to_string()),
        kind => Err(format!("a record of kind {kind} with {} bytes makes no sense", from.len())),
    }
}

/// Reads the message out of its record.
pub(crate) fn read_message(mut from: Bytes) -> Option<Message> {
    if !from.has_remaining() || !matches!(from.get_u8(), MESSAGE | SPILLED) {
        return None;
    }
    read_entries(&mut from).ok()?;
    Message::decode(from)
}

fn read_entries(from: &mut Bytes) -> Result<Vec<Entry>, String> {
    let short = || "it ends too early".to_owned();
    if from.len() < 2 {
        return Err(short());
    }
    let count = usize::from(from.get_u16_le());
    if from.len() < count * ENTRY {
        return Err(short());
    }
    let entry = |from: &mut Bytes| Entry {
        queue: QueueId(from.get_u32_le()),
        number: from.get_u64_le(),
        expires: from.get_u64_le(),
        returns: from.get_u16_le(),
    };
    Ok((0..count).map(|_| entry(from)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
        let mut bytes = Vec::new();
        write(&mut bytes);
        Bytes::from(bytes)
    }

    #[test]
    fn what_is_written_reads_back() {
        let message = Message {
            exchange: "".into(),
            routing_key: "orders".into(),
            properties: Bytes::from_static(&[0, 0]),
            body: Bytes::from_static(b"hello"),
        };
        let entries = vec![
            Entry { queue: QueueId(1), number: 2, expires: 3, returns: 4 },
            Entry { queue: QueueId(5), number: 6, expires: 0, returns: 0 },
        ];
        let record = written(|to| write_message(to, Purpose::Keep, &entries, &message));
        let Ok(Record::Message(read_entries, rest)) = read(record.clone()) else { panic!("a message") };
        assert_eq!((&read_entries, Message::decode(rest)), (&entries, Some(message.clone())));
        assert_eq!(read_message(record), Some(message.clone()));
        let spilled = written(|to| write_message(to, Purpose::Spill, &entries, &message));
        assert!(matches!(read(spilled.clone()), Ok(Record::Spilled(..))));
        assert_eq!(read_message(spilled), Some(message));
        let gone = written(|to| write_gone(to, QueueId(7), &[8, 9]));
        assert!(matches!(read(gone), Ok(Record::Gone(QueueId(7), numbers)) if numbers == [8, 9]));
        let returned = written(|to| write_returned(to, QueueId(7), 8, 2));
        assert!(matches!(read(returned), Ok(Record::Returned(QueueId(7), 8, 2))));
        let change = written(|to| write_change(to, &Change::QueueDeleted(QueueId(3))));
        assert!(matches!(read(change), Ok(Record::Change(Change::QueueDeleted(QueueId(3))))));
        let snapshot = written(|to| write_snapshot(to, &Snapshot { next_queue: 4, ..Snapshot::default() }));
        assert!(matches!(read(snapshot), Ok(Record::Snapshot(snapshot)) if snapshot.next_queue == 4));
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for bytes in [
            &[][..],
            &[0],
            &[9, 1],
            &[MESSAGE],
            &[MESSAGE, 1, 0, 1],
            &[GONE, 1, 2],
            &[RETURNED],
            &[CHANGE, b'{'],
        ] {
            assert!(read(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:?}");
        }
    }
}

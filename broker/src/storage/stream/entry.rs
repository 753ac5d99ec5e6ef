//! What a record of a stream says: its offset, its timestamp, and a payload.

use bytes::Bytes;

/// A record of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Which of the stream's records it is.
    pub offset: u64,
    /// When it was appended, in milliseconds since 1970.
    pub timestamp_ms: u64,
    /// What was appended.
    pub payload: Bytes,
}

/// Writes it down; `fill` appends the payload.
pub(super) fn write(to: &mut Vec<u8>, offset: u64, timestamp_ms: u64, fill: impl FnOnce(&mut Vec<u8>)) {
    to.extend_from_slice(&offset.to_le_bytes());
    to.extend_from_slice(&timestamp_ms.to_le_bytes());
    fill(to);
}

/// Offset, timestamp and payload; nothing where it is too short for that.
pub(super) fn read(record: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (offset, rest) = record.split_first_chunk()?;
    let (timestamp_ms, payload) = rest.split_first_chunk()?;
    Some((u64::from_le_bytes(*offset), u64::from_le_bytes(*timestamp_ms), payload))
}

//! How a record is framed: the payload's length, a checksum of that and of the payload, the payload. The
//! checksum covers the length, so that zeroes, which a file may end with after a power cut, are no record.

/// Bytes of what stands before the payload.
pub(crate) const HEAD: usize = 8;

/// Writes a record, whose payload `fill` appends; returns the payload's length.
pub(crate) fn write(to: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) -> u32 {
    let start = to.len();
    to.extend_from_slice(&[0; HEAD]);
    fill(to);
    // a message is far shorter, so this never cuts; if it did, the record would read as damaged
    let length = u32::try_from(to.len() - start - HEAD).unwrap_or(u32::MAX);
    let checksum = checksum(length, &to[start + HEAD..]);
    to[start..start + 4].copy_from_slice(&length.to_le_bytes());
    to[start + 4..start + HEAD].copy_from_slice(&checksum.to_le_bytes());
    length
}

/// The length and the checksum that stand before a payload.
pub(crate) fn head(bytes: [u8; HEAD]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = bytes;
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

/// The checksum of a record.
pub(crate) fn checksum(length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

//! Encoding by amq-protocol.

use amq_protocol::frame::{SerializeFn, WriteContext};

/// What a generator of amq-protocol writes.
pub(crate) fn generated(generator: impl SerializeFn<Vec<u8>>) -> Vec<u8> {
    // memory takes whatever is written, so there is no error
    generator(WriteContext::from(Vec::new())).map(|done| done.into_inner().0).unwrap_or_default()
}

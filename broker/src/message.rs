//! A message, as its publisher sent it. Its properties stay as they stand on the wire: whoever must know one
//! looks it up ([`crate::frame::properties`]), and nobody takes them apart to hand them on.

use std::sync::Arc;

use bytes::Bytes;

/// What a message takes in memory besides its parts, in bytes.
const ITSELF: usize = 256;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The exchange that it was sent to; empty for the default one.
    pub exchange: Arc<str>,
    /// Its routing key there.
    pub routing_key: Arc<str>,
    /// Property flags and list, as a content header frame carries them after the body's size.
    pub properties: Bytes,
    /// What it says.
    pub body: Bytes,
}

impl Message {
    /// The bytes that it takes in memory, roughly.
    pub fn size(&self) -> usize {
        ITSELF + self.properties.len() + self.body.len() + self.exchange.len() + self.routing_key.len()
    }

    /// Writes it down: each part after its length.
    pub fn encode(&self, to: &mut Vec<u8>) {
        for short in [&self.exchange, &self.routing_key] {
            // names and keys come from short strings, 255 bytes at most
            to.push(u8::try_from(short.len()).unwrap_or(u8::MAX));
            to.extend_from_slice(short.as_bytes());
        }
        for long in [&self.properties, &self.body] {
            to.extend_from_slice(&u32::try_from(long.len()).unwrap_or(u32::MAX).to_le_bytes());
            to.extend_from_slice(long);
        }
    }

    /// Reads what [`Self::encode`] wrote; nothing where that is not what stands there.
    pub fn decode(mut from: Bytes) -> Option<Self> {
        let mut short = || {
            let length = usize::from(*from.first()?);
            let text = from.get(1..=length)?.to_vec();
            bytes::Buf::advance(&mut from, 1 + length);
            Some(Arc::<str>::from(String::from_utf8(text).ok()?))
        };
        let (exchange, routing_key) = (short()?, short()?);
        let mut long = || {
            let length = usize::try_from(u32::from_le_bytes(from.get(..4)?.try_into().ok()?)).ok()?;
            let end = length.checked_add(4).filter(|end| *end <= from.len())?;
            let bytes = from.slice(4..end);
            bytes::Buf::advance(&mut from, end);
            Some(bytes)
        };
        let (properties, body) = (long()?, long()?);
        from.is_empty().then_some(Self { exchange, routing_key, properties, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_reads_back_and_nothing_else_does() {
        let message = Message {
            exchange: "shop".into(),
            routing_key: "orders.placed".into(),
            properties: Bytes::from_static(&[0x80, 0, 4, b't', b'e', b'x', b't']),
            body: Bytes::from_static(b"hello"),
        };
        let mut written = Vec::new();
        message.encode(&mut written);
        assert_eq!(Message::decode(Bytes::from(written.clone())), Some(message));
        for end in 0..written.len() {
            assert_eq!(Message::decode(Bytes::copy_from_slice(&written[..end])), None, "{end}");
        }
        written.push(0);
        assert_eq!(Message::decode(Bytes::from(written)), None);
    }
}

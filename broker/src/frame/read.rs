//! Takes frames from what has arrived.

use amq_protocol::protocol::constants::{FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD};
use bytes::{Bytes, BytesMut};

use crate::{
    error::{Code, Refusal},
    frame::{cursor::Cursor, properties, refuse},
};

/// The first octets of every connection: AMQP 0-9-1.
pub(crate) const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";
/// The class of everything that has a content.
pub(crate) const BASIC: u16 = 60;
/// What a frame takes besides its payload: type, channel and length before it, and the end octet.
pub(crate) const OVERHEAD: usize = HEAD + 1;
const HEAD: usize = 7;

/// Whether a client speaks AMQP 0-9-1. If not, the error is the answer to it, after which its connection is
/// closed.
pub(crate) fn protocol_header(first: &[u8; 8]) -> Result<(), [u8; 8]> {
    if *first == PROTOCOL_HEADER { Ok(()) } else { Err(PROTOCOL_HEADER) }
}

/// A frame. Its octets are a part of the buffer that was read into, which stays in memory as long as they do:
/// what is kept for long is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// See [`super::method`].
    Method { channel: u16, payload: Bytes },
    /// Says what the body frames after it make up.
    Header {
        channel: u16,
        /// [`BASIC`], if the client knows what it does.
        class: u16,
        /// The octets of the body.
        body_size: u64,
        /// Flags and list, well formed; empty if the class is another.
        properties: Bytes,
    },
    /// A part of a body.
    Body { channel: u16, payload: Bytes },
    /// The client is alive.
    Heartbeat,
}

/// What a client has sent, from the frame on that was not taken yet.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: BytesMut,
}

impl FrameReader {
    /// Where to put what arrives.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame, once all of it is there. Nothing more can be read after a refusal.
    ///
    /// `frame_max` is what was negotiated. As with RabbitMQ a payload may be as long as that, since some
    /// clients forget what a frame takes besides.
    pub fn next(&mut self, frame_max: u32) -> Result<Option<Frame>, Refusal> {
        let mut head = Cursor::new(&self.buffer);
        let (Some(kind), Some(channel), Some(length)) = (head.u8(), head.u16(), head.u32()) else {
            return Ok(None);
        };
        if length > frame_max {
            let most = (frame_max as usize).saturating_sub(OVERHEAD);
            return Err(refuse::frame_error(kind, &[], format_args!("{{frame_too_large,{length},{most}}}")));
        }
        if !matches!(kind, FRAME_METHOD | FRAME_HEADER | FRAME_BODY | FRAME_HEARTBEAT) {
            return Err(unknown(kind, &[]));
        }
        let end = HEAD + length as usize;
        let Some(last) = self.buffer.get(end).copied() else {
            self.buffer.reserve(end + 1 - self.buffer.len());
            return Ok(None);
        };
        let payload = self.buffer.split_to(end + 1).freeze().slice(HEAD..end);
        if last != FRAME_END {
            let what = format_args!("{{invalid_frame_end_marker,{last}}}");
            return Err(refuse::frame_error(kind, &payload, what));
        }
        match kind {
            FRAME_METHOD => Ok(Some(Frame::Method { channel, payload })),
            FRAME_HEADER => header(channel, payload).map(Some),
            FRAME_BODY => Ok(Some(Frame::Body { channel, payload })),
            _ if !payload.is_empty() => Err(unknown(kind, &payload)),
            _ if channel != 0 => Err(refuse::unexpected_frame(kind, &payload)),
            _ => Ok(Some(Frame::Heartbeat)),
        }
    }
}

fn unknown(kind: u8, payload: &[u8]) -> Refusal {
    refuse::frame_error(kind, payload, "unknown_frame")
}

fn header(channel: u16, payload: Bytes) -> Result<Frame, Refusal> {
    let mut cursor = Cursor::new(&payload);
    let (Some(class), Some(weight), Some(body_size)) = (cursor.u16(), cursor.u16(), cursor.u64()) else {
        return Err(unknown(FRAME_HEADER, &payload));
    };
    if weight != 0 {
        // no content has had another one since AMQP 0-8; RabbitMQ takes it for something else, too
        let text = "expected content header for class 60, got non content header frame instead";
        return Err(Refusal::new(Code::UnexpectedFrame, text));
    }
    let raw = cursor.rest();
    let properties = if class == BASIC {
        properties::check(raw)?;
        payload.slice_ref(raw)
    } else {
        Bytes::new()
    };
    Ok(Frame::Header { channel, class, body_size, properties })
}

#[cfg(test)]
mod tests;

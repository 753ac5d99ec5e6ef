//! Appends frames to what is to be sent. What comes with every message is written by hand, all else by
//! amq-protocol.

use amq_protocol::protocol::{
    AMQPClass,
    constants::{FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_HEARTBEAT, FRAME_METHOD},
    gen_class,
};
use bytes::{BufMut, BytesMut};

use crate::frame::{
    generate::generated,
    read::{BASIC, OVERHEAD},
};

/// Whether a message was delivered before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redelivered {
    /// Not to anybody.
    No,
    /// It may have been seen.
    Yes,
}

/// Which messages a confirm speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiple {
    /// The one that it names.
    Single,
    /// That one and all before it.
    UpTo,
}

/// Any method.
pub(crate) fn method(buffer: &mut BytesMut, channel: u16, method: &AMQPClass) {
    let payload = generated(gen_class(method));
    frame(buffer, FRAME_METHOD, channel, payload.len(), |buffer| buffer.put_slice(&payload));
}

/// `basic.deliver`. A [`content`] follows.
pub(crate) fn deliver(
    buffer: &mut BytesMut,
    channel: u16,
    consumer_tag: &str,
    delivery_tag: u64,
    redelivered: Redelivered,
    exchange: &str,
    routing_key: &str,
) {
    let [consumer_tag, exchange, routing_key] = [consumer_tag, exchange, routing_key].map(short);
    let length = consumer_tag.len() + exchange.len() + routing_key.len() + 3 + 8 + 1;
    basic(buffer, channel, 60, length, |buffer| {
        put_short(buffer, consumer_tag);
        buffer.put_u64(delivery_tag);
        buffer.put_u8(u8::from(redelivered == Redelivered::Yes));
        put_short(buffer, exchange);
        put_short(buffer, routing_key);
    });
}

/// `basic.get-ok`: a message that was asked for, and how many are left. A [`content`] follows.
pub(crate) fn get_ok(
    buffer: &mut BytesMut,
    channel: u16,
    delivery_tag: u64,
    redelivered: Redelivered,
    exchange: &str,
    routing_key: &str,
    message_count: u32,
) {
    let [exchange, routing_key] = [exchange, routing_key].map(short);
    let length = exchange.len() + routing_key.len() + 2 + 8 + 1 + 4;
    basic(buffer, channel, 71, length, |buffer| {
        buffer.put_u64(delivery_tag);
        buffer.put_u8(u8::from(redelivered == Redelivered::Yes));
        put_short(buffer, exchange);
        put_short(buffer, routing_key);
        buffer.put_u32(message_count);
    });
}

/// `basic.return`: a message that nobody took. A [`content`] follows.
pub(crate) fn returned(
    buffer: &mut BytesMut,
    channel: u16,
    code: u16,
    text: &str,
    exchange: &str,
    routing_key: &str,
) {
    let [text, exchange, routing_key] = [text, exchange, routing_key].map(short);
    let length = text.len() + exchange.len() + routing_key.len() + 3 + 2;
    basic(buffer, channel, 50, length, |buffer| {
        buffer.put_u16(code);
        put_short(buffer, text);
        put_short(buffer, exchange);
        put_short(buffer, routing_key);
    });
}

/// `basic.ack`: messages are confirmed.
pub(crate) fn ack(buffer: &mut BytesMut, channel: u16, tag: u64, multiple: Multiple) {
    confirm(buffer, channel, 80, tag, multiple);
}

/// `basic.nack`: messages were not taken.
pub(crate) fn nack(buffer: &mut BytesMut, channel: u16, tag: u64, multiple: Multiple) {
    confirm(buffer, channel, 120, tag, multiple);
}

fn confirm(buffer: &mut BytesMut, channel: u16, method: u16, tag: u64, multiple: Multiple) {
    basic(buffer, channel, method, 9, |buffer| {
        buffer.put_u64(tag);
        buffer.put_u8(u8::from(multiple == Multiple::UpTo));
    });
}

/// The properties and the body of a message, in frames of `frame_max` octets at most. Properties are never
/// split, as AMQP has no way to: a client that wants small frames gets a larger one for large properties.
pub(crate) fn content(buffer: &mut BytesMut, channel: u16, properties: &[u8], body: &[u8], frame_max: u32) {
    frame(buffer, FRAME_HEADER, channel, 12 + properties.len(), |buffer| {
        buffer.put_u16(BASIC);
        buffer.put_u16(0); // weight: unused since ever
        buffer.put_u64(body.len() as u64);
        buffer.put_slice(properties);
    });
    let most = (frame_max as usize).saturating_sub(OVERHEAD).max(1);
    buffer.reserve(body.len() + body.len().div_ceil(most) * OVERHEAD);
    for part in body.chunks(most) {
        frame(buffer, FRAME_BODY, channel, part.len(), |buffer| buffer.put_slice(part));
    }
}

/// The broker is alive.
pub(crate) fn heartbeat(buffer: &mut BytesMut) {
    frame(buffer, FRAME_HEARTBEAT, 0, 0, |_| ());
}

/// A method of class basic, whose fields take `length` octets.
fn basic(
    buffer: &mut BytesMut,
    channel: u16,
    method: u16,
    length: usize,
    fields: impl FnOnce(&mut BytesMut),
) {
    frame(buffer, FRAME_METHOD, channel, 4 + length, |buffer| {
        buffer.put_u16(BASIC);
        buffer.put_u16(method);
        fields(buffer);
    });
}

fn frame(buffer: &mut BytesMut, kind: u8, channel: u16, length: usize, payload: impl FnOnce(&mut BytesMut)) {
    buffer.reserve(OVERHEAD + length);
    buffer.put_u8(kind);
    buffer.put_u16(channel);
    // methods and properties are short, and a body is split
    buffer.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    let start = buffer.len();
    payload(buffer);
    debug_assert_eq!(buffer.len() - start, length, "the length of a frame of type {kind}");
    buffer.put_u8(FRAME_END);
}

/// As much of a text as a short string has room for: names and keys always fit, reasons may not.
pub(crate) fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(255)]
}

fn put_short(buffer: &mut BytesMut, text: &str) {
    // `short` cut it
    buffer.put_u8(text.len() as u8);
    buffer.put_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;

//! Random bytes, and conversations that were tampered with. After each stream an ordinary client is served.

use rand::rngs::SmallRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};

use super::bytes::{self, Bytes, frame, method, start_ok, tune_ok};
use super::process::Process;
use super::{Bystander, Raw};

/// How many streams of each kind: `TRADEWIND_HOSTILE_STREAMS`, or 100.
fn streams() -> u64 {
    let asked = std::env::var("TRADEWIND_HOSTILE_STREAMS").ok();
    asked.map_or(100, |asked| asked.parse().expect("TRADEWIND_HOSTILE_STREAMS is a number"))
}

#[tokio::test]
async fn nothing_that_a_client_sends_harms_others() {
    let mut process = Process::start().await;
    let mut bystander = Bystander::at(&process.url).await;
    for seed in 0..streams() {
        eprintln!("stream {seed}");
        let mut raw = Raw::channel(&process.url).await;
        raw.send(stream(seed, &conversation())).await;
        raw.hang_up().await;
        Bystander::at(&process.url).await.lives().await;
        process.is_well();
    }
    bystander.lives().await;
}

#[tokio::test]
async fn nothing_that_a_stranger_sends_harms_others() {
    let mut process = Process::start().await;
    let mut bystander = Bystander::at(&process.url).await;
    let handshake = [
        Bytes::new().raw(bytes::PROTOCOL),
        start_ok("PLAIN", "\0guest\0guest"),
        tune_ok(2047, 131_072, 0),
        bytes::open("/"),
        bytes::channel_open(1),
        bytes::message(1, "queue", "x"),
    ];
    for seed in 0..streams() {
        eprintln!("stream {seed}");
        let mut raw = Raw::dial(&process.url).await;
        raw.send(stream(seed, &handshake)).await;
        raw.hang_up().await;
        Bystander::at(&process.url).await.lives().await;
        process.is_well();
    }
    bystander.lives().await;
}

/// All that a client does in a day.
fn conversation() -> Vec<Bytes> {
    let text = |key: &str, value: &str| Bytes::new().short(key).raw(b"S").long(value);
    let number = |key: &str, value: u32| Bytes::new().short(key).raw(b"I").u32(value);
    let quorum = text("x-queue-type", "quorum").raw(number("x-delivery-limit", 2));
    let dying = number("x-message-ttl", 1)
        .raw(text("x-dead-letter-exchange", "amq.topic"))
        .raw(number("x-max-length", 3))
        .raw(text("x-overflow", "reject-publish"));
    let durable = |queue: &str, arguments: Bytes| {
        method(1, bytes::QUEUE_DECLARE, Bytes::new().u16(0).short(queue).u8(2).long(arguments))
    };
    let properties = Bytes::new()
        .u16(0b1011_0000_0000_0000)
        .short("text/plain")
        .long(text("kind", "mail").raw(Bytes::new().short("list").raw(b"A").long(b"t\x01I\x00\x00\x00\x07V")))
        .u8(2);
    vec![
        bytes::confirm_select(1),
        bytes::prefetch(1, 10),
        bytes::queue_declare(1, "plain", []),
        durable("firm", quorum),
        durable("dying", dying),
        durable("log", text("x-queue-type", "stream")),
        // exchange.declare, queue.bind, exchange.bind
        method(1, (40, 10), Bytes::new().u16(0).short("by-headers").short("headers").u8(2).long([])),
        method(
            1,
            (50, 20),
            Bytes::new()
                .u16(0)
                .short("plain")
                .short("by-headers")
                .short("")
                .u8(0)
                .long(text("x-match", "any").raw(text("kind", "mail"))),
        ),
        method(
            1,
            (50, 20),
            Bytes::new().u16(0).short("log").short("amq.topic").short("#.a.*").u8(0).long([]),
        ),
        bytes::publish(1, "plain").raw(bytes::header_with(1, 4, &properties)).raw(bytes::body(1, "abcd")),
        bytes::message(1, "firm", "content"),
        bytes::message(1, "dying", "content"),
        bytes::message(1, "log", "content"),
        bytes::publish_with(1, "nowhere", 1).raw(bytes::header(1, 0)),
        bytes::consume(1, "firm"),
        bytes::consume(1, "plain"),
        method(
            1,
            bytes::CONSUME,
            Bytes::new().u16(0).short("amq.rabbitmq.reply-to").short("replies").u8(2).long([]),
        ),
        bytes::get(1, "plain"),
        bytes::ack(1, 1, 0),
        // reject, nack
        method(1, (60, 90), Bytes::new().u64(2).u8(1)),
        method(1, bytes::NACK, Bytes::new().u64(3).u8(3)),
        method(1, bytes::RECOVER, [1]),
        // cancel, purge, unbind, delete
        method(1, (60, 30), Bytes::new().short("replies").u8(0)),
        method(1, (50, 30), Bytes::new().u16(0).short("plain").u8(0)),
        method(1, (50, 50), Bytes::new().u16(0).short("log").short("amq.topic").short("#.a.*").long([])),
        method(1, (50, 40), Bytes::new().u16(0).short("plain").u8(0)),
        method(1, (40, 20), Bytes::new().u16(0).short("by-headers").u8(0)),
        bytes::channel_open(2),
        bytes::channel_close(1),
        bytes::heartbeat(),
        bytes::close(),
    ]
}

/// A stream that is the same for the same seed.
fn stream(seed: u64, conversation: &[Bytes]) -> Vec<u8> {
    let mut chance = SmallRng::seed_from_u64(seed);
    match seed % 5 {
        0 => noise(&mut chance),
        1 => strange_frames(&mut chance),
        2 => strange_methods(&mut chance),
        3 => shuffled(&mut chance, conversation),
        _ => tampered(&mut chance, conversation),
    }
}

fn noise(chance: &mut SmallRng) -> Vec<u8> {
    let mut bytes = vec![0; chance.random_range(1..5000)];
    chance.fill_bytes(&mut bytes);
    bytes
}

/// Frames that are good but for what is in them.
fn strange_frames(chance: &mut SmallRng) -> Vec<u8> {
    let frames = (0..chance.random_range(1..20)).fold(Bytes::new(), |all, _| {
        let (kind, channel) = (chance.random_range(0..10), chance.random_range(0..3));
        let mut payload = vec![0; chance.random_range(0..200)];
        chance.fill_bytes(&mut payload);
        all.raw(frame(kind, channel, payload))
    });
    frames.0
}

/// Methods that exist, with arguments that mean nothing.
fn strange_methods(chance: &mut SmallRng) -> Vec<u8> {
    let methods = (0..chance.random_range(1..20)).fold(Bytes::new(), |all, _| {
        let class = [10, 20, 40, 50, 60, 85, 90][chance.random_range(0..7)];
        let which = (class, 10 * chance.random_range(1..13) + chance.random_range(0..2));
        let mut arguments = vec![0; chance.random_range(0..40)];
        chance.fill_bytes(&mut arguments);
        // most of them short strings and tables that are not longer than what there is
        arguments.iter_mut().for_each(|byte| *byte &= [0xFF, 0x0F, 0x03][usize::from(*byte) % 3]);
        all.raw(method(chance.random_range(0..2), which, arguments))
    });
    methods.0
}

/// All is good, and nothing in order.
fn shuffled(chance: &mut SmallRng, conversation: &[Bytes]) -> Vec<u8> {
    let count = chance.random_range(1..3 * conversation.len());
    let any = (0..count).map(|_| &conversation[chance.random_range(0..conversation.len())]);
    any.fold(Bytes::new(), |all, frames| all.raw(frames)).0
}

/// In order, but with bytes that were changed, taken away, doubled or added.
fn tampered(chance: &mut SmallRng, conversation: &[Bytes]) -> Vec<u8> {
    let mut bytes = conversation.iter().fold(Bytes::new(), |all, frames| all.raw(frames)).0;
    for _ in 0..chance.random_range(1..8) {
        let at = chance.random_range(0..bytes.len());
        let until = bytes.len().min(at + chance.random_range(1..30));
        match chance.random_range(0..5) {
            0 => bytes[at] ^= 1 << chance.random_range(0..8),
            1 => bytes[at] = chance.random(),
            2 => drop(bytes.drain(at..until)),
            3 => {
                let part = bytes[at..until].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let mut part = [0; 16];
                chance.fill_bytes(&mut part);
                bytes.splice(at..at, part);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

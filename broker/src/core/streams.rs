//! Streams: queues that keep what is read. Each consumer reads by itself, from where it likes; a task of its
//! own reads the files, so that nobody else waits for the disk.

use std::sync::Arc;

use amq_protocol::types::{AMQPValue, FieldTable};
use bytes::Bytes;
use tokio::sync::Notify;

use super::consume::{Wake, start_argument};
use super::ids::{ConsumerId, QueueId};
use super::queue::Queue;
use super::queue::consumers::Acks;
use super::queue::settings::{integer, parse_age, type_name};
use super::{Core, Held, now};
use crate::connection::outbox::{Content, Note, Outgoing, Source};
use crate::error::{Code, Refusal};
use crate::frame::write::Redelivered;
use crate::message::Message;
use crate::storage::scribe::Ticket;
use crate::storage::stream::{Start, StreamReader};

/// What is to be read for one consumer of a stream.
pub(crate) struct Feeding {
    pub queue: QueueId,
    pub consumer: ConsumerId,
    pub reader: StreamReader,
    /// Says that it may take more, or that it is gone.
    pub wake: Wake,
}

/// Begins to read a stream for a consumer.
pub(super) fn begin(
    queue: &Queue,
    consumer: ConsumerId,
    arguments: &FieldTable,
    acks: Acks,
    prefetch: u16,
) -> Result<Feeding, Refusal> {
    let name = &queue.spec.name;
    if prefetch == 0 {
        let text = format!("consumer prefetch count is not set for stream queue '{name}' in vhost '/'");
        return Err(Refusal::new(Code::PreconditionFailed, text));
    }
    if acks == Acks::None {
        let text = format!("automatic acknowledgement not supported by stream queue '{name}' in vhost '/'");
        return Err(Refusal::not_implemented(text));
    }
    let start = parse_start(name, arguments)?;
    let stream = queue.stream.as_ref().ok_or_else(|| Refusal::missing("queue", name))?;
    Ok(Feeding {
        queue: queue.spec.id,
        consumer,
        reader: stream.reader(start),
        wake: Arc::new(Notify::new()),
    })
}

/// Where reading begins: `first`, `last`, `next` (also when nothing is said), an offset, a time, or how long
/// ago (`12h`).
fn parse_start(name: &str, arguments: &FieldTable) -> Result<Start, Refusal> {
    let invalid = |value: &AMQPValue| {
        let shown = match value {
            AMQPValue::LongString(text) => format!("<<\"{text}\">>"),
            other => format!("{other:?}"),
        };
        let text = format!(
            "invalid arg 'x-stream-offset' for queue '{name}' in vhost '/': {{invalid_stream_offset_arg,{{{},{shown}}}}}",
            type_name(value)
        );
        Err(Refusal::new(Code::PreconditionFailed, text))
    };
    match start_argument(arguments) {
        None => Ok(Start::Next),
        Some(AMQPValue::Timestamp(seconds)) => Ok(Start::Timestamp(seconds.saturating_mul(1000))),
        Some(value @ AMQPValue::LongString(text)) => {
            match std::str::from_utf8(text.as_bytes()).unwrap_or_default() {
                "first" => Ok(Start::First),
                "last" => Ok(Start::Last),
                "next" => Ok(Start::Next),
                age => match parse_age(age) {
                    Some(age) => Ok(Start::Timestamp(now().saturating_sub(age))),
                    None => invalid(value),
                },
            }
        }
        Some(value) => match integer(value).map(u64::try_from) {
            Some(Ok(offset)) => Ok(Start::Offset(offset)),
            // before the first is at the first
            Some(Err(_)) => Ok(Start::First),
            None => invalid(value),
        },
    }
}

impl Core {
    /// Puts a message at the end of a stream.
    pub(super) fn append_to_stream(
        &mut self,
        id: QueueId,
        message: &Message,
        now: u64,
    ) -> std::io::Result<Ticket> {
        let Some(queue) = self.queues.get_mut(&id) else { return Ok(0) };
        let Some(stream) = queue.stream.as_mut() else { return Ok(0) };
        let (_, ticket) = stream.append(now, |to| message.encode(to))?;
        queue.counts.published += 1;
        if queue.settings.max_bytes.is_some() || queue.settings.max_age.is_some() {
            let older_than = queue.settings.max_age.map(|age| now.saturating_sub(age));
            stream.retain(queue.settings.max_bytes, older_than);
        }
        Ok(ticket)
    }

    /// How many entries a consumer of a stream takes now; nothing when it is gone.
    pub fn stream_credit(&mut self, queue: QueueId, consumer: ConsumerId) -> Option<usize> {
        self.queues.get_mut(&queue)?.consumers.get_mut(consumer).map(|consumer| consumer.credit())
    }

    /// A stream cannot be read for a consumer, which is told that it ends.
    pub fn end_feed(&mut self, queue: QueueId, consumer: ConsumerId) {
        let removed = self.queues.get_mut(&queue).and_then(|queue| queue.consumers.remove(consumer));
        self.cancel_by_us(removed.into_iter().collect());
    }

    /// Gives entries of a stream to a consumer, which took no more than its credit. One that cannot be read
    /// is left out.
    pub fn feed(&mut self, id: QueueId, consumer: ConsumerId, entries: Vec<(u64, Bytes)>) {
        for (offset, entry) in entries {
            let Some(message) = Message::decode(entry) else {
                tracing::error!("entry {offset} of stream {} makes no sense", id.0);
                continue;
            };
            let Some(queue) = self.queues.get_mut(&id) else { return };
            let Some(reading) = queue.consumers.get_mut(consumer) else { return };
            reading.held += 1;
            let (key, tag_of_consumer, outbox) =
                (reading.channel, reading.tag.clone(), reading.outbox.clone());
            queue.counts.delivered += 1;
            self.totals.delivered += 1;
            let tag = self.next_tag(key);
            outbox.push(Outgoing::Delivery {
                channel: key.number,
                consumer: tag_of_consumer,
                tag,
                redelivered: Redelivered::No,
                content: Content {
                    source: Source::Memory(Arc::new(message)),
                    note: Some(Note::StreamOffset(offset)),
                },
            });
            if let Some(channel) = self.channels.get_mut(&key) {
                channel.held.insert(tag, Held { queue: id, number: offset, consumer: Some(consumer) });
            }
        }
    }
}

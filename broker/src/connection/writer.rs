//! Sends a client what is in its outbox: what waits goes out in one write, and confirms in as few as will do.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use amq_protocol::types::AMQPValue;
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::Instant;

use super::handshake::Agreed;
use super::outbox::{Confirm, Content, Note, Outbox, Outgoing, Source, Taken, Verdict};
use super::session::closing;
use crate::core::ids::ConnectionId;
use crate::core::store::read_message;
use crate::error::{Code, Refusal};
use crate::frame::properties;
use crate::frame::write::{self, Multiple};
use crate::message::Message;
use crate::shared::Shared;

/// A buffer that grew larger is not kept.
const KEPT_BUFFER: usize = 256 * 1024;
/// A client that takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(60);
/// Where no heartbeats were agreed, the writer looks up that often all the same.
const IDLE: Duration = Duration::from_secs(3600);

/// Sends a client what is in its outbox.
pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub id: ConnectionId,
    pub outbox: Arc<Outbox>,
    pub agreed: Agreed,
}

impl Writer {
    /// Sends until the outbox ends, or the client takes no more.
    pub async fn run(self, mut stream: OwnedWriteHalf) {
        if let Err(error) = self.write_all(&mut stream).await {
            tracing::debug!(%error, "a client takes no more: {error}");
        }
    }

    async fn write_all(&self, stream: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut progress = self.shared.scribe.watch();
        let mut buffer = BytesMut::new();
        let half = self.agreed.heartbeat.map_or(IDLE, |heartbeat| heartbeat / 2);
        let mut last = Instant::now();
        loop {
            let reached = *progress.borrow_and_update();
            let Taken { items, confirms, ended } = self.outbox.take(reached);
            let nothing = items.is_empty() && confirms.is_empty();
            if nothing && ended {
                return stream.shutdown().await;
            }
            if nothing {
                let waits = self.outbox.awaits_disk();
                tokio::select! {
                    () = self.outbox.filled() => continue,
                    changed = progress.changed(), if waits => match changed {
                        Ok(()) => continue,
                        Err(_) => return Ok(()),
                    },
                    () = tokio::time::sleep_until(last + half) => write::heartbeat(&mut buffer),
                }
            }
            let bytes = items.iter().map(Outgoing::size).sum();
            let failed = self.encode(items, &mut buffer).await;
            self.confirm(&confirms, &mut buffer);
            tokio::time::timeout(STALLED, stream.write_all(&buffer))
                .await
                .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not read"))??;
            last = Instant::now();
            match buffer.capacity() > KEPT_BUFFER {
                true => buffer = BytesMut::new(),
                false => buffer.clear(),
            }
            if let Err(error) = failed {
                return self.give_up(stream, &error).await;
            }
            if self.outbox.sent(bytes) {
                self.shared.core.lock().resumed(self.id);
            }
        }
    }

    /// Writes everything into the buffer; where files are to be read for it, on a thread that may block.
    async fn encode(&self, items: VecDeque<Outgoing>, buffer: &mut BytesMut) -> io::Result<()> {
        let frame_max = self.agreed.frame_max;
        if !items.iter().any(reads_file) {
            return items.into_iter().try_for_each(|item| encode(item, buffer, frame_max));
        }
        let mut filled = std::mem::take(buffer);
        let encoding = tokio::task::spawn_blocking(move || {
            let outcome = items.into_iter().try_for_each(|item| encode(item, &mut filled, frame_max));
            (filled, outcome)
        });
        let (filled, outcome) = encoding.await.map_err(io::Error::other)?;
        *buffer = filled;
        outcome
    }

    fn confirm(&self, confirms: &[Confirm], buffer: &mut BytesMut) {
        // by channel: the last number that was taken, and how many
        let mut runs: Vec<(u16, u64, u64)> = Vec::new();
        for confirm in confirms {
            let at = runs.iter().position(|(channel, ..)| *channel == confirm.channel);
            match (confirm.verdict, at) {
                (Verdict::Taken, Some(at)) => {
                    runs[at].1 = confirm.number;
                    runs[at].2 += 1;
                }
                (Verdict::Taken, None) => runs.push((confirm.channel, confirm.number, 1)),
                (Verdict::Refused, at) => {
                    at.map(|at| runs.swap_remove(at)).into_iter().for_each(|run| acknowledge(buffer, run));
                    write::nack(buffer, confirm.channel, confirm.number, Multiple::Single);
                }
            }
        }
        runs.into_iter().for_each(|run| acknowledge(buffer, run));
        self.shared.confirmed.fetch_add(confirms.len() as u64, Ordering::Relaxed);
    }

    /// A message of the client's cannot be read: it must not wait for it for ever.
    async fn give_up(&self, stream: &mut OwnedWriteHalf, error: &io::Error) -> io::Result<()> {
        tracing::error!(%error, "a message cannot be read, and its consumer is disconnected: {error}");
        let refusal = Refusal::new(Code::InternalError, "a message cannot be read from disk");
        let mut buffer = BytesMut::new();
        write::method(
            &mut buffer,
            0,
            &amq_protocol::protocol::AMQPClass::Connection(closing(&refusal, (0, 0))),
        );
        stream.write_all(&buffer).await?;
        stream.shutdown().await
    }
}

fn acknowledge(buffer: &mut BytesMut, (channel, number, count): (u16, u64, u64)) {
    let multiple = if count > 1 { Multiple::UpTo } else { Multiple::Single };
    write::ack(buffer, channel, number, multiple);
}

fn reads_file(item: &Outgoing) -> bool {
    let content = match item {
        Outgoing::Delivery { content, .. } | Outgoing::Got { content, .. } => content,
        _ => return false,
    };
    matches!(content.source, Source::File(..))
}

fn encode(item: Outgoing, buffer: &mut BytesMut, frame_max: u32) -> io::Result<()> {
    match item {
        Outgoing::Method(channel, method) => write::method(buffer, channel, &method),
        Outgoing::Delivery { channel, consumer, tag, redelivered, content } => {
            let (message, properties) = opened(content)?;
            write::deliver(
                buffer,
                channel,
                &consumer,
                tag,
                redelivered,
                &message.exchange,
                &message.routing_key,
            );
            write::content(buffer, channel, &properties, &message.body, frame_max);
        }
        Outgoing::Got { channel, tag, redelivered, left, content } => {
            let (message, properties) = opened(content)?;
            write::get_ok(buffer, channel, tag, redelivered, &message.exchange, &message.routing_key, left);
            write::content(buffer, channel, &properties, &message.body, frame_max);
        }
        Outgoing::Returned { channel, code, text, message } => {
            write::returned(buffer, channel, code, text, &message.exchange, &message.routing_key);
            write::content(buffer, channel, &message.properties, &message.body, frame_max);
        }
    }
    Ok(())
}

/// The message, and its properties with what this delivery adds.
fn opened(content: Content) -> io::Result<(Arc<Message>, Bytes)> {
    let message = match content.source {
        Source::Memory(message) => message,
        Source::File(segment, place) => Arc::new(read_message(&segment, place)?),
    };
    let (key, number) = match content.note {
        None => return Ok((message.clone(), message.properties.clone())),
        Some(Note::DeliveryCount(count)) => ("x-delivery-count", u64::from(count)),
        Some(Note::StreamOffset(offset)) => ("x-stream-offset", offset),
    };
    let number = AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX));
    let properties = properties::with_header(&message.properties, key, &number);
    Ok((message, properties))
}

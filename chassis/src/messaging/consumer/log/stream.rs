//! Reads the log where it is a stream of a broker.

use std::sync::Arc;
use std::time::Duration;

use contracts::messages::queues::EVENT_LOG;
use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use tokio_util::sync::CancellationToken;

use super::{BATCH, LogEntry, LogReader, beginning, rest, surely};
use crate::messaging::broker::{Broker, Link, PublishError, RABBITMQ, decode, integer, short};
use crate::messaging::consumer::RENEW;

/// How long no entry comes out of a log that may be empty.
const SILENCE: Duration = Duration::from_secs(1);
/// How long the first entry may take to come when the end of the log is looked for.
const FIRST_ENTRY: Duration = Duration::from_secs(3);
/// More than a stream delivers at once: so many entries, and the end of the log is among them.
const WHOLE_CHUNK: u16 = u16::MAX;

const OFFSET: &str = "x-stream-offset";

/// Reads the stream until it is told to stop, over one connection after another.
pub(super) async fn read(broker: &Broker, reader: Arc<dyn LogReader>, stop: CancellationToken) {
    let _until_done = broker.user();
    let mut failures: u32 = 0;
    loop {
        let link = tokio::select! {
            () = stop.cancelled() => return,
            link = broker.next_link() => link,
        };
        let Some(link) = link else { return };
        let mut reading = Reading { link, reader: reader.clone(), stop: stop.clone(), read: 0 };
        let Err(why) = reading.run().await else { return };
        failures = if reading.read > 0 { 1 } else { failures.saturating_add(1) };
        if rest(&why, failures, &stop).await.is_none() {
            return;
        }
    }
}

/// The offset of the last entry; nothing while the stream is empty.
pub(super) async fn end(link: &Link) -> Result<Option<u64>, PublishError> {
    Ok(last(link).await?.map(|last| last.offset))
}

/// An entry of the stream, as it was delivered.
pub(in crate::messaging) struct Delivered {
    pub offset: u64,
    pub entry: lapin::message::Delivery,
}

/// The last entry; nothing while the stream is empty.
pub(in crate::messaging) async fn last(link: &Link) -> Result<Option<Delivered>, PublishError> {
    let channel = link.channel().await?;
    // a stream delivers whole chunks, and begins "last" with the last of them
    let mut entries = subscribe(link, &channel, AMQPValue::LongString("last".into()), WHOLE_CHUNK).await?;
    let mut first = tokio::time::timeout(SILENCE, entries.next()).await;
    if first.is_err() {
        // it may say so for a moment after it grew, so this is only asked where no entry came
        if is_empty(link, &channel).await? {
            return Ok(None);
        }
        first = tokio::time::timeout(FIRST_ENTRY, entries.next()).await;
    }
    let mut last = match first {
        Ok(Some(Ok(entry))) => delivered(entry)?,
        Ok(Some(Err(error))) => return Err(PublishError::Away(error.to_string())),
        Ok(None) => return Err(PublishError::Away("the log ended".to_owned())),
        Err(_) => {
            return Err(PublishError::Away(format!("the log's end did not come within {FIRST_ENTRY:?}")));
        }
    };
    // the chunk is delivered in one go: once the broker has answered something else on this channel, all
    // of it is here
    link.answered("answer", channel.basic_qos(WHOLE_CHUNK, BasicQosOptions::default())).await?;
    while let Some(Some(Ok(entry))) = entries.next().now_or_never() {
        last = delivered(entry)?;
    }
    Ok(Some(last))
}

/// Whether the broker says that the log is empty.
async fn is_empty(link: &Link, channel: &Channel) -> Result<bool, PublishError> {
    let options = QueueDeclareOptions::durable().passive();
    let log = channel.queue_declare(EVENT_LOG.into(), options, FieldTable::default());
    Ok(link.answered("look at the log", log).await?.message_count() == 0)
}

async fn subscribe(
    link: &Link,
    channel: &Channel,
    from: AMQPValue,
    prefetch: u16,
) -> Result<lapin::Consumer, PublishError> {
    link.answered("set the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let mut arguments = FieldTable::default();
    arguments.insert(short(OFFSET), from);
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(EVENT_LOG.into(), "".into(), options, arguments);
    link.answered("begin to read the log", consumer).await
}

fn offset(entry: &lapin::message::Delivery) -> Option<u64> {
    let headers = entry.properties.headers().as_ref()?;
    u64::try_from(integer(headers.inner().get(OFFSET)?)?).ok()
}

fn delivered(entry: lapin::message::Delivery) -> Result<Delivered, PublishError> {
    let offset =
        offset(&entry).ok_or_else(|| PublishError::Away(format!("an entry came without {OFFSET}")))?;
    Ok(Delivered { offset, entry })
}

/// A part of the stream, read once.
pub(in crate::messaging) struct Range {
    link: Link,
    // reading ends with it
    _channel: Channel,
    entries: lapin::Consumer,
    from: u64,
    to: u64,
    ended: bool,
}

impl Range {
    /// The entries from `from` to `to`, which must be there.
    pub(in crate::messaging) async fn begin(link: &Link, from: u64, to: u64) -> Result<Self, PublishError> {
        let channel = link.channel().await?;
        let first = i64::try_from(from).map_err(|error| PublishError::Away(error.to_string()))?;
        let entries = subscribe(link, &channel, AMQPValue::LongLongInt(first), BATCH).await?;
        Ok(Self { link: link.clone(), _channel: channel, entries, from, to, ended: false })
    }

    /// The next of them, in their order; none after the last.
    pub(in crate::messaging) async fn next(&mut self) -> Result<Vec<Delivered>, PublishError> {
        while !self.ended {
            // a stream may begin with the chunk that holds the entry that was asked for
            let mut batch = self.batch().await?;
            batch.retain(|found| (self.from..=self.to).contains(&found.offset));
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
        Ok(Vec::new())
    }

    /// What has come: at least one entry.
    async fn batch(&mut self) -> Result<Vec<Delivered>, PublishError> {
        let first = match tokio::time::timeout(FIRST_ENTRY, self.entries.next()).await {
            Ok(Some(Ok(entry))) => delivered(entry)?,
            Ok(Some(Err(error))) => return Err(PublishError::Away(error.to_string())),
            Ok(None) => return Err(PublishError::Away("the log ended".to_owned())),
            Err(_) => return Err(PublishError::Away(format!("no entry came within {FIRST_ENTRY:?}"))),
        };
        let mut batch = vec![first];
        while batch.len() < usize::from(BATCH) {
            // how the stream ended is seen when the next batch is begun
            let Some(Some(Ok(entry))) = self.entries.next().now_or_never() else { break };
            batch.push(delivered(entry)?);
        }
        if let Some(last) = batch.last() {
            self.ended = last.offset >= self.to;
            let ack = last.entry.acker.ack(BasicAckOptions { multiple: true });
            self.link.answered("take an acknowledgement", ack).await?;
        }
        Ok(batch)
    }
}

/// Reads over one connection.
struct Reading {
    link: Link,
    reader: Arc<dyn LogReader>,
    stop: CancellationToken,
    // how many entries were read
    read: usize,
}

/// Why waiting ended early.
enum Interrupted {
    Stopped,
    Lost(String),
}

impl Reading {
    /// Reads until it is told to stop; an error says what came between.
    async fn run(&mut self) -> Result<(), String> {
        let mut next = beginning(&self.reader, self.end()).await?;
        let channel = self.link.channel().await.map_err(|error| error.to_string())?;
        let from = AMQPValue::LongLongInt(i64::try_from(next).map_err(|error| error.to_string())?);
        let mut entries = match subscribe(&self.link, &channel, from, BATCH).await {
            Ok(entries) => entries,
            Err(error) => return Err(self.declare_again(&error).await),
        };
        loop {
            let first = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = self.link.lost() => return Err(self.link.why_lost()),
                () = tokio::time::sleep(RENEW) => return Err(format!("nothing came for {RENEW:?}")),
                first = entries.next() => first,
            };
            let first = first.ok_or("the broker ended the reading: the log was deleted or moved")?;
            let mut batch = vec![first.map_err(|error| error.to_string())?];
            while batch.len() < usize::from(BATCH) {
                // how the stream ended is seen when the next batch is begun
                let Some(Some(Ok(entry))) = entries.next().now_or_never() else { break };
                batch.push(entry);
            }
            next = match self.read(&batch, next).await {
                Ok(next) => next,
                Err(Interrupted::Stopped) => return Ok(()),
                Err(Interrupted::Lost(why)) => return Err(why),
            };
            // for a stream this only asks for more: it forgets nothing, and the reader knows where it is
            if let Some(last) = batch.last() {
                let ack = last.acker.ack(BasicAckOptions { multiple: true });
                let told = self.link.answered("take an acknowledgement", ack).await;
                told.map_err(|error| error.to_string())?;
            }
        }
    }

    async fn end(&self) -> Result<Option<u64>, String> {
        match end(&self.link).await {
            Ok(end) => Ok(end),
            Err(error) => Err(self.declare_again(&error).await),
        }
    }

    /// Declares the log again, which somebody may have deleted, and says why it could not be read.
    async fn declare_again(&self, error: &PublishError) -> String {
        // what fails here fails again with the next attempt
        let _ = self.link.declare_again().await;
        error.to_string()
    }

    /// Has the reader read a batch, again and again until it has; says what to read next.
    async fn read(&mut self, batch: &[lapin::message::Delivery], next: u64) -> Result<u64, Interrupted> {
        let entries = batch.iter().map(entry).collect::<Option<Vec<_>>>();
        let entries = entries.ok_or_else(|| Interrupted::Lost(format!("an entry came without {OFFSET}")))?;
        // a stream may begin with the chunk that holds the entry that was asked for
        let entries: Arc<[_]> = entries.into_iter().filter(|entry| entry.offset >= next).collect();
        let read = entries.len();
        let interrupted = async {
            tokio::select! {
                () = self.stop.cancelled() => Interrupted::Stopped,
                () = self.link.lost() => Interrupted::Lost(self.link.why_lost()),
            }
        };
        let next = surely(&self.reader, RABBITMQ, entries, next, interrupted).await?;
        self.read += read;
        Ok(next)
    }
}

fn entry(delivery: &lapin::message::Delivery) -> Option<LogEntry> {
    let message = decode(&delivery.properties, &delivery.data);
    Some(LogEntry { offset: offset(delivery)?, message })
}

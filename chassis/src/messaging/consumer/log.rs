//! The log of all events: a stream that is read in its order, from any point, as often as one likes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use contracts::messages::Message;
use contracts::messages::queues::EVENT_LOG;
use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use tokio_util::sync::CancellationToken;

use super::{AGAIN, RENEW, RESUME, guarded};
use crate::messaging::broker::{Broker, Link, PublishError, consumed, decode, integer, short};

/// How many entries a reader is given at a time, at most.
pub const BATCH: u16 = 256;
/// How long the first entry may take to come when the end of the log is looked for.
const FIRST_ENTRY: Duration = Duration::from_secs(3);
/// More than a stream delivers at once: so many entries, and the end of the log is among them.
const WHOLE_CHUNK: u16 = u16::MAX;

const OFFSET: &str = "x-stream-offset";

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// Where it stands: each entry's is greater than that of the one before.
    pub offset: u64,
    /// What it says, or why it cannot be read.
    pub message: Result<Message, String>,
}

/// Reads the log of all events, and remembers how far it got.
#[async_trait]
pub trait LogReader: Send + Sync + 'static {
    /// The first offset that it has not read yet; 0 to begin with.
    async fn next_offset(&self) -> Result<u64, String>;

    /// Reads entries, which come in order and without a gap. An error has the same entries come again.
    async fn read(&self, entries: &[LogEntry]) -> Result<(), String>;
}

/// Reads the log until `shutdown`, from where `reader` says and in its order.
pub async fn read_log(broker: Broker, reader: Arc<dyn LogReader>, shutdown: CancellationToken) {
    let _until_done = broker.user();
    let mut failures: u32 = 0;
    loop {
        let link = tokio::select! {
            () = shutdown.cancelled() => return,
            link = broker.next_link() => link,
        };
        let Some(link) = link else { return };
        let mut reading = Reading { link, reader: reader.clone(), shutdown: shutdown.clone(), read: 0 };
        let Err(why) = reading.run().await else { return };
        failures = if reading.read > 0 { 1 } else { failures.saturating_add(1) };
        tracing::debug!(why, "reading {EVENT_LOG} begins anew: {why}");
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RESUME.after(failures)) => {}
        }
    }
}

/// The offset of the last entry of the log; nothing while it is empty. For a replay that wants to know
/// when it has caught up.
pub async fn log_end(broker: &Broker) -> Result<Option<u64>, PublishError> {
    end_of_log(&broker.link().await?).await
}

async fn end_of_log(link: &Link) -> Result<Option<u64>, PublishError> {
    let channel = link.channel().await?;
    // a stream delivers whole chunks, and begins "last" with the last of them
    let mut entries = subscribe(link, &channel, AMQPValue::LongString("last".into()), WHOLE_CHUNK).await?;
    let mut last = match tokio::time::timeout(FIRST_ENTRY, entries.next()).await {
        Ok(Some(Ok(entry))) => offset(&entry),
        Ok(Some(Err(error))) => return Err(PublishError::Away(error.to_string())),
        Ok(None) => return Err(PublishError::Away("the log ended".to_owned())),
        Err(_) => return nothing_in_log(link, &channel).await,
    };
    // the chunk is delivered in one go: once the broker has answered something else on this channel, all
    // of it is here
    link.answered("answer", channel.basic_qos(WHOLE_CHUNK, BasicQosOptions::default())).await?;
    while let Some(Some(Ok(entry))) = entries.next().now_or_never() {
        last = last.max(offset(&entry));
    }
    Ok(last)
}

/// Whether the broker says that the log is empty. It may do so for a moment after it grew, so this is only
/// asked where no entry came.
async fn nothing_in_log(link: &Link, channel: &Channel) -> Result<Option<u64>, PublishError> {
    let options = QueueDeclareOptions::durable().passive();
    let log = channel.queue_declare(EVENT_LOG.into(), options, FieldTable::default());
    match link.answered("look at the log", log).await?.message_count() {
        0 => Ok(None),
        _ => Err(PublishError::Away(format!("the log's end did not come within {FIRST_ENTRY:?}"))),
    }
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

/// Reads over one connection.
struct Reading {
    link: Link,
    reader: Arc<dyn LogReader>,
    shutdown: CancellationToken,
    // how many entries were read
    read: usize,
}

/// Why waiting ended early.
enum Interrupted {
    Shutdown,
    Lost(String),
}

impl Reading {
    /// Reads until shutdown; an error says what came between.
    async fn run(&mut self) -> Result<(), String> {
        let mut next = self.start().await?;
        let channel = self.link.channel().await.map_err(|error| error.to_string())?;
        let from = AMQPValue::LongLongInt(i64::try_from(next).map_err(|error| error.to_string())?);
        let mut entries = match subscribe(&self.link, &channel, from, BATCH).await {
            Ok(entries) => entries,
            Err(error) => return Err(self.declare_again(&error).await),
        };
        loop {
            let first = tokio::select! {
                () = self.shutdown.cancelled() => return Ok(()),
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
                Err(Interrupted::Shutdown) => return Ok(()),
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

    /// Where to begin.
    async fn start(&self) -> Result<u64, String> {
        let reader = self.reader.clone();
        let next = guarded(async move { reader.next_offset().await }).await??;
        if next == 0 {
            return Ok(0);
        }
        let end = match end_of_log(&self.link).await {
            Ok(end) => end,
            Err(error) => return Err(self.declare_again(&error).await),
        };
        let end = end.ok_or("the log shows no entries, and some were read from it already")?;
        if next <= end.saturating_add(1) {
            return Ok(next);
        }
        tracing::error!(
            next,
            end,
            "{EVENT_LOG} ends before entry {next}, up to which it was read already: it was deleted and begun \
             anew, and is read from its beginning"
        );
        Ok(0)
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
        let Some(last) = entries.last().map(|entry| entry.offset) else { return Ok(next) };
        let mut failures: u32 = 0;
        loop {
            let (reader, batch) = (self.reader.clone(), entries.clone());
            let begun = Instant::now();
            let read = guarded(async move { reader.read(&batch).await }).await.and_then(|read| read);
            consumed(EVENT_LOG, if read.is_ok() { "done" } else { "again" }, begun.elapsed());
            let Err(cause) = read else { break };
            failures = failures.saturating_add(1);
            if failures == 1 {
                tracing::warn!(cause, "{EVENT_LOG} cannot be read on from {next} yet: {cause}");
            }
            tokio::select! {
                () = self.shutdown.cancelled() => return Err(Interrupted::Shutdown),
                () = self.link.lost() => return Err(Interrupted::Lost(self.link.why_lost())),
                () = tokio::time::sleep(AGAIN.after(failures)) => {}
            }
        }
        self.read += entries.len();
        Ok(last.saturating_add(1))
    }
}

fn entry(delivery: &lapin::message::Delivery) -> Option<LogEntry> {
    let message = decode(&delivery.properties, &delivery.data);
    Some(LogEntry { offset: offset(delivery)?, message })
}

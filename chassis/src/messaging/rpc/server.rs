//! Takes requests out of a service's queue and sets to work on them, over one connection after the other.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Desk, Envelope};
use super::{Operations, requests_of};
use crate::messaging::Broker;
use crate::messaging::broker::{Link, Promise, PublishError, is_declared_otherwise};

/// How many requests are worked on at once.
const CALLS: usize = 128;
/// How many more wait here for their turn; the rest wait in the queue, for other instances too.
const PREFETCH: u16 = 32;
/// A queue of requests that nobody listens to goes after so many milliseconds. It goes with its last consumer
/// as it is; but one that outlived the broker's restart never had any, and would keep requests to nobody.
const EXPIRES_MILLIS: i32 = 30_000;
/// How long to wait where the broker does not let us listen.
const AGAIN: Duration = Duration::from_secs(1);

/// Answers requests by `operations` until `draining`. Then it takes no more of them, so that they go to
/// other instances, and returns when those under way are answered.
pub fn serve<P>(
    broker: Broker,
    operations: Operations<P>,
    draining: CancellationToken,
) -> impl Future<Output = ()> + Send
where
    P: ?Sized + Send + Sync + 'static,
{
    // from now on, and not from when its task has its first turn
    let promise = broker.promise();
    serve_as_promised(broker, operations, draining, promise)
}

async fn serve_as_promised<P>(
    broker: Broker,
    operations: Operations<P>,
    draining: CancellationToken,
    promise: Promise,
) where
    P: ?Sized + Send + Sync + 'static,
{
    let _until_answered = broker.user();
    let mut promise = Some(promise);
    let operations = operations.into_table();
    let server = Server {
        service: operations.service,
        desk: Arc::new(Desk::new(operations)),
        calls: Arc::new(Semaphore::new(CALLS)),
        work: TaskTracker::new(),
    };
    while let Some(link) = draining.run_until_cancelled(broker.next_publishing_link()).await.flatten() {
        if let Err(error) = server.serve_over(&link, &draining, &mut promise).await
            && !link.is_lost()
        {
            let service = server.service;
            tracing::warn!(service, %error, "{service} takes no requests by message for now: {error}");
            draining.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
        }
    }
    server.work.close();
    server.work.wait().await;
}

struct Server {
    service: &'static str,
    desk: Arc<Desk>,
    calls: Arc<Semaphore>,
    work: TaskTracker,
}

impl Server {
    /// Takes requests until this connection is lost, or until `draining` and the last that came before.
    async fn serve_over(
        &self,
        link: &Link,
        draining: &CancellationToken,
        promise: &mut Option<Promise>,
    ) -> Result<(), PublishError> {
        let (channel, mut requests) = self.listen(link).await?;
        promise.take();
        tracing::debug!(service = self.service, "{} takes requests by message", self.service);
        let mut turn: Option<OwnedSemaphorePermit> = None;
        let mut listening = true;
        loop {
            tokio::select! {
                () = link.lost() => return Ok(()),
                () = draining.cancelled(), if listening => {
                    listening = false;
                    // what was delivered before is answered; then the consumer ends
                    let cancelled = channel.basic_cancel(requests.tag(), BasicCancelOptions::default());
                    link.answered("end a consumer", cancelled).await?;
                }
                permit = self.calls.clone().acquire_owned(), if turn.is_none() => turn = permit.ok(),
                request = requests.next(), if turn.is_some() => match (request, turn.take()) {
                    (Some(Ok(request)), Some(turn)) => self.begin(request, turn, link, &channel).await?,
                    (Some(Err(error)), _) => return Err(PublishError::Away(error.to_string())),
                    // cancelled by us, or by the broker, because somebody deleted the queue
                    (None, _) | (_, None) => return Ok(()),
                },
            }
        }
    }

    async fn listen(&self, link: &Link) -> Result<(Channel, Consumer), PublishError> {
        let mut channel = link.channel().await?;
        let declared = async {
            match declare(&channel, self.service).await {
                Ok(()) => Ok(true),
                Err(error) if is_declared_otherwise(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if !link.answered("declare a queue for requests", declared).await? {
            // by a process of another version, with which it is shared as it is; the refusal cost the channel
            channel = link.channel().await?;
        }
        let listening = async {
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            channel.basic_consume(requests_of(self.service), "".into(), options, arguments).await
        };
        let requests = link.answered("let us take requests", listening).await?;
        Ok((channel, requests))
    }

    /// Acknowledges a request and begins to work on it.
    async fn begin(
        &self,
        request: Delivery,
        turn: OwnedSemaphorePermit,
        link: &Link,
        channel: &Channel,
    ) -> Result<(), PublishError> {
        let acknowledged = request.acker.ack(BasicAckOptions::default()).await;
        if !acknowledged.map_err(|error| PublishError::Away(error.to_string()))? {
            // the channel is lost, and another instance is given it
            return Err(PublishError::Away("a request came over a channel that was lost since".to_owned()));
        }
        let envelope = Envelope { request, link: link.clone(), channel: channel.clone(), turn };
        self.work.spawn(self.desk.clone().answer(envelope));
        Ok(())
    }
}

/// The queue goes with its last consumer, so that a request to nobody is refused and does not wait. Requests
/// themselves are not kept on disk, because nobody waits for them that long.
async fn declare(channel: &Channel, service: &str) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, auto_delete: true, ..Default::default() };
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongInt(EXPIRES_MILLIS));
    channel.queue_declare(requests_of(service), options, arguments).await.map(drop)
}

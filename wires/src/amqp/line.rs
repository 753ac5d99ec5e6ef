//! A channel over which calls are made, as long as it lasts. What comes in goes to the call that it belongs
//! to; when the channel is lost, all calls on it are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chassis::messaging::broker::Link;
use chassis::messaging::rpc::Frame;
use chassis::messaging::rpc::request::DIRECT_REPLY;
use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Consumer};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many messages may be on their way to the broker without its word that it has them.
const UNCONFIRMED: usize = 1024;
/// How many calls may wait for replies.
const CALLS: usize = 4096;

/// What comes in for a call.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message from the callee, with its place in the row and its body.
    Frame(Frame, u64, Bytes),
    /// A message from the callee that cannot be read.
    Garbled(String),
    /// A message to the callee came back: its queue is not there.
    Returned,
    /// The broker did not keep a message.
    Refused,
}

/// A line to the broker.
pub(super) struct Line {
    channel: Channel,
    link: Link,
    unconfirmed: Arc<Semaphore>,
    calls: Arc<Calls>,
    numbers: AtomicU64,
    _listening: DropGuard,
}

/// The calls that wait, by the mark that replies to them bear; nothing once the line is lost.
type Waiting = Option<HashMap<ShortString, mpsc::Sender<Heard>>>;

struct Calls(Mutex<Waiting>);

/// Why a message was not sent.
pub(super) enum Unsent {
    /// It never left.
    Never(String),
    /// It may have.
    Perhaps(String),
}

impl Line {
    /// A line over `link`.
    pub(super) async fn open(link: Link) -> Result<Arc<Self>, String> {
        let channel = link.channel().await.map_err(|error| error.to_string())?;
        let replies = tokio::select! {
            replies = listen(&channel) => replies.map_err(|error| error.to_string())?,
            () = link.lost() => return Err("the connection to the broker was lost".to_owned()),
        };
        let calls = Arc::new(Calls(Mutex::new(Some(HashMap::new()))));
        let let_go = CancellationToken::new();
        tokio::spawn(hear(calls.clone(), replies, link.clone(), let_go.clone()));
        Ok(Arc::new(Self {
            channel,
            link,
            unconfirmed: Arc::new(Semaphore::new(UNCONFIRMED)),
            calls,
            numbers: AtomicU64::new(0),
            _listening: let_go.drop_guard(),
        }))
    }

    /// Whether it carries no more calls.
    pub(super) fn is_lost(&self) -> bool {
        self.link.is_lost() || self.calls.0.lock().is_none()
    }

    /// Begins a call, for which no more than `most` messages may wait to be read.
    pub(super) fn begin(self: &Arc<Self>, most: usize) -> Result<Conversation, String> {
        let correlation = ShortString::from(self.numbers.fetch_add(1, Ordering::Relaxed).to_string());
        let (heard, inbox) = mpsc::channel(most);
        match self.calls.0.lock().as_mut() {
            Some(waiting) if waiting.len() < CALLS => waiting.insert(correlation.clone(), heard),
            Some(_) => return Err(format!("{CALLS} calls wait for replies already")),
            None => return Err("the channel was lost".to_owned()),
        };
        Ok(Conversation { line: self.clone(), correlation, inbox })
    }
}

async fn listen(channel: &Channel) -> lapin::Result<Consumer> {
    // so that it is known what became of a request: one to nobody comes back
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    channel.basic_consume(DIRECT_REPLY.into(), "".into(), options, FieldTable::default()).await
}

/// Hands out what comes in until the line is lost or not needed any more.
async fn hear(calls: Arc<Calls>, mut replies: Consumer, link: Link, let_go: CancellationToken) {
    loop {
        let reply = tokio::select! {
            reply = replies.next() => reply,
            () = link.lost() => break,
            () = let_go.cancelled() => break,
        };
        let Some(Ok(reply)) = reply else { break };
        if let Some(correlation) = reply.properties.correlation_id().clone() {
            calls.tell(&correlation, read(reply));
        }
    }
    // the inboxes end, and so their calls learn it
    calls.0.lock().take();
}

fn read(reply: Delivery) -> Heard {
    match Frame::read(&reply.properties) {
        Ok((frame, sequence)) => Heard::Frame(frame, sequence, reply.data.into()),
        Err(fault) => Heard::Garbled(fault),
    }
}

impl Calls {
    /// Tells a call what came in for it, if it still waits. One that does not keep up is ended, so that it
    /// holds up no other.
    fn tell(&self, correlation: &ShortString, heard: Heard) {
        if let Some(waiting) = self.0.lock().as_mut()
            && let Some(call) = waiting.get(correlation)
            && call.try_send(heard).is_err()
        {
            waiting.remove(correlation);
        }
    }
}

/// A call under way on a line.
pub(super) struct Conversation {
    line: Arc<Line>,
    pub(super) correlation: ShortString,
    inbox: mpsc::Receiver<Heard>,
}

impl Conversation {
    /// What comes in next; nothing when no more can come, because the line is lost or this call did not
    /// keep up.
    pub(super) async fn hear(&mut self) -> Option<Heard> {
        self.inbox.recv().await
    }

    /// Whether the line is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.line.is_lost()
    }

    /// Sends a message to a queue; returns when it has left. Should the queue not be there, that is heard
    /// later. Whoever stops waiting for this does not stop what is half done.
    pub(super) async fn send(
        &self,
        queue: ShortString,
        properties: BasicProperties,
        body: Bytes,
    ) -> Result<(), Unsent> {
        let line = self.line.clone();
        let permit = line.unconfirmed.clone().acquire_owned().await;
        let permit = permit.map_err(|closed| Unsent::Never(closed.to_string()))?;
        if !line.channel.status().connected() {
            return Err(Unsent::Never("the channel was lost".to_owned()));
        }
        let (left, sent) = oneshot::channel();
        let correlation = self.correlation.clone();
        tokio::spawn(async move {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let publishing = line.channel.basic_publish("".into(), queue, options, &body, properties);
            let published = tokio::select! {
                published = publishing => published.map_err(|error| error.to_string()),
                () = line.link.lost() => Err("the connection to the broker was lost".to_owned()),
            };
            match published {
                Err(error) => drop(left.send(Err(Unsent::Perhaps(error)))),
                Ok(confirm) => {
                    // who asked may have gone
                    let _ = left.send(Ok(()));
                    tokio::select! {
                        confirmation = confirm => if let Ok(confirmation) = confirmation {
                            confirmed(&line.calls, &correlation, confirmation);
                        },
                        () = line.link.lost() => {}
                    }
                }
            }
            drop(permit);
        });
        sent.await.unwrap_or_else(|ended| Err(Unsent::Perhaps(ended.to_string())))
    }
}

/// What the broker says of a message. One that came back says itself which it is: lapin may hand it out
/// with the confirmation of another.
fn confirmed(calls: &Calls, sent: &ShortString, confirmation: Confirmation) {
    let refused = confirmation.is_nack();
    match confirmation.take_message() {
        Some(returned) => {
            if let Some(correlation) = returned.delivery.properties.correlation_id() {
                calls.tell(correlation, Heard::Returned);
            }
        }
        None if refused => calls.tell(sent, Heard::Refused),
        None => {}
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if let Some(waiting) = self.line.calls.0.lock().as_mut() {
            waiting.remove(&self.correlation);
        }
    }
}

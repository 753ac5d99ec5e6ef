//! What a client asks for, frame by frame, and what ends when it asks for what cannot be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use amq_protocol::protocol::{AMQPClass, channel, connection};
use amq_protocol::types::ShortString;
use tokio_util::sync::CancellationToken;

use super::handshake::Agreed;
use super::incoming::{End, Incoming};
use super::outbox::{Outbox, Outgoing};
use super::publishing::{self, Publishing};
use crate::core::ids::{ChannelKey, ConnectionId};
use crate::error::{Code, Reach, Refusal};
use crate::frame::method::{self, Method};
use crate::frame::read::Frame;
use crate::frame::write::short;
use crate::shared::Shared;

/// How long a client may take to agree that its connection ends.
const CLOSING: Duration = Duration::from_secs(3);

/// `basic.qos`, by class and method.
const QOS: (u16, u16) = (60, 10);

/// One client's side of the broker.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ConnectionId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) agreed: Agreed,
    pub(super) channels: HashMap<u16, LocalChannel>,
    /// The bytes of messages that are being put together, on all channels.
    pub(super) assembling: u64,
    /// Whether it has changed something since its last answer that may not be in the file yet.
    pub(super) unsettled: bool,
}

/// What the session alone knows of a channel.
#[derive(Default)]
pub(super) struct LocalChannel {
    pub state: ChannelState,
    /// The message that is being put together.
    pub publishing: Option<Publishing>,
    /// With confirms: the number of the last publish.
    pub confirms: Option<u64>,
    /// The queue that was declared last: what an empty name stands for.
    pub last_queue: Option<String>,
    /// Where the last message went: the next one mostly goes there, too.
    pub last_address: Option<(Arc<str>, Arc<str>)>,
}

/// How a channel stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelState {
    #[default]
    Open,
    /// We ended it, and wait for the client to agree; what it says until then is not heard.
    Closing,
}

/// How it goes on after a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    /// The connection is over, by agreement.
    Over,
}

impl Session {
    pub fn new(shared: Arc<Shared>, id: ConnectionId, outbox: Arc<Outbox>, agreed: Agreed) -> Self {
        Self { shared, id, outbox, agreed, channels: HashMap::new(), assembling: 0, unsettled: false }
    }

    /// Hears the client until its connection is over, or `ending` fires.
    pub async fn run(&mut self, incoming: &mut Incoming, ending: &CancellationToken) {
        tokio::select! {
            () = self.hear(incoming) => {}
            () = ending.cancelled() => {
                let refusal = Refusal::new(Code::ConnectionForced, self.shared.farewell());
                self.close(incoming, &refusal, (0, 0)).await;
            }
        }
    }

    async fn hear(&mut self, incoming: &mut Incoming) {
        loop {
            // a client that does not read is not heard
            self.outbox.room().await;
            let (refusal, asked) = match incoming.next().await {
                Ok(frame) => {
                    let asked = asked(&frame);
                    match self.take(frame).await {
                        Ok(Flow::Continue) => continue,
                        Ok(Flow::Over) => return,
                        Err(refusal) => (refusal, asked),
                    }
                }
                Err(End::Refused(refusal)) => (refusal, (0, 0)),
                Err(End::Gone(error)) => return tracing::debug!(%error, "a client is gone: {error}"),
            };
            return self.close(incoming, &refusal, asked).await;
        }
    }

    /// Ends the connection: says why, and waits until the client agrees.
    async fn close(&mut self, incoming: &mut Incoming, refusal: &Refusal, asked: (u16, u16)) {
        tracing::info!(connection = self.id.0, "connection {} is ended: {refusal}", self.id.0);
        self.shared.core.lock().disconnected(self.id);
        self.outbox.push(Outgoing::Method(0, AMQPClass::Connection(closing(refusal, asked))));
        let agreement = async {
            loop {
                match incoming.next().await {
                    Ok(Frame::Method { channel: 0, payload }) if agrees(&payload) => return,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        };
        // one that never agrees is cut off
        let _ = tokio::time::timeout(CLOSING, agreement).await;
    }

    /// Deals with a frame. An error ends the connection.
    async fn take(&mut self, frame: Frame) -> Result<Flow, Refusal> {
        let asked = asked(&frame);
        let (number, outcome) = match frame {
            Frame::Heartbeat => return Ok(Flow::Continue),
            Frame::Method { channel: 0, payload } => return self.connection_method(&payload),
            Frame::Header { channel: 0, .. } | Frame::Body { channel: 0, .. } => {
                return Err(Refusal::new(Code::UnexpectedFrame, "channel 0 carries no content"));
            }
            Frame::Method { channel, payload } => {
                let method = method::decode(&payload)?;
                if asked == QOS {
                    refuse_prefetch_size(&payload)?;
                }
                match self.state_for(channel, &method)? {
                    Some(ChannelState::Open) => (channel, self.method(channel, method).await),
                    Some(ChannelState::Closing) => {
                        self.while_closing(channel, &method);
                        return Ok(Flow::Continue);
                    }
                    None => {
                        self.open_channel(channel)?;
                        return Ok(Flow::Continue);
                    }
                }
            }
            Frame::Header { channel, class, body_size, properties } => {
                if self.is_closing(channel)? {
                    return Ok(Flow::Continue);
                }
                (channel, self.content_header(channel, class, body_size, &properties).await)
            }
            Frame::Body { channel, payload } => {
                if self.is_closing(channel)? {
                    return Ok(Flow::Continue);
                }
                (channel, self.content_body(channel, &payload).await)
            }
        };
        match outcome {
            Ok(()) => Ok(Flow::Continue),
            Err(refusal) if refusal.code.reach() == Reach::Channel => {
                self.end_channel(number, &refusal, asked);
                Ok(Flow::Continue)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// How a channel stands on which a method comes; nothing where the method opens it.
    fn state_for(&self, number: u16, method: &Method<'_>) -> Result<Option<ChannelState>, Refusal> {
        let opens = matches!(method, Method::Other(AMQPClass::Channel(channel::AMQPMethod::Open(_))));
        match self.channels.get(&number) {
            None if opens => Ok(None),
            None => Err(Refusal::new(Code::ChannelError, "expected 'channel.open'")),
            Some(channel) if channel.state == ChannelState::Closing => Ok(Some(ChannelState::Closing)),
            Some(_) if opens => Err(Refusal::new(Code::ChannelError, "second 'channel.open' seen")),
            Some(LocalChannel { publishing: Some(publishing), .. }) => Err(publishing.interrupted()),
            Some(_) => Ok(Some(ChannelState::Open)),
        }
    }

    /// Whether what comes on a channel is not heard; content comes only where a channel is open.
    fn is_closing(&self, number: u16) -> Result<bool, Refusal> {
        match self.channels.get(&number) {
            Some(channel) => Ok(channel.state == ChannelState::Closing),
            None => Err(publishing::out_of_place()),
        }
    }

    fn open_channel(&mut self, number: u16) -> Result<(), Refusal> {
        let most = self.agreed.channel_max;
        if self.channels.len() >= usize::from(most) {
            let text = format!(
                "number of channels opened ({}) has reached the negotiated channel_max ({most})",
                self.channels.len()
            );
            return Err(Refusal::new(Code::NotAllowed, text));
        }
        self.channels.insert(number, LocalChannel::default());
        self.shared.core.lock().channel_opened(self.key(number));
        self.say(number, AMQPClass::Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})));
        Ok(())
    }

    /// We ended this channel: what the client says before it agrees is not heard.
    fn while_closing(&mut self, number: u16, method: &Method<'_>) {
        match method {
            Method::Other(AMQPClass::Channel(channel::AMQPMethod::CloseOk(_))) => {
                self.channels.remove(&number);
            }
            // it wanted to end at the same time
            Method::Other(AMQPClass::Channel(channel::AMQPMethod::Close(_))) => {
                self.say(number, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
            }
            _ => {}
        }
    }

    fn end_channel(&mut self, number: u16, refusal: &Refusal, (class_id, method_id): (u16, u16)) {
        tracing::info!(
            connection = self.id.0,
            "channel {number} of connection {} is ended: {refusal}",
            self.id.0
        );
        self.shared.core.lock().channel_closed(self.key(number));
        if let Some(channel) = self.channels.get_mut(&number) {
            let unfinished = channel.publishing.take();
            *channel = LocalChannel { state: ChannelState::Closing, ..LocalChannel::default() };
            self.assembling -= unfinished.map_or(0, |unfinished| unfinished.size());
        }
        let close = channel::Close {
            reply_code: refusal.code.number(),
            reply_text: text(refusal),
            class_id,
            method_id,
        };
        self.say(number, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
    }

    fn connection_method(&mut self, payload: &[u8]) -> Result<Flow, Refusal> {
        match method::decode(payload)? {
            Method::Other(AMQPClass::Connection(connection::AMQPMethod::Close(_))) => {
                self.shared.core.lock().disconnected(self.id);
                let agreed = connection::AMQPMethod::CloseOk(connection::CloseOk {});
                self.outbox.push(Outgoing::Method(0, AMQPClass::Connection(agreed)));
                Ok(Flow::Over)
            }
            Method::Other(AMQPClass::Connection(connection::AMQPMethod::UpdateSecret(_))) => {
                Err(Refusal::not_implemented("this broker knows no secrets that could be updated"))
            }
            _ => Err(Refusal::new(Code::ChannelError, "unexpected method in connection state running")),
        }
    }

    /// Sends a method.
    pub(super) fn say(&self, channel: u16, method: AMQPClass) {
        self.outbox.push(Outgoing::Method(channel, method));
    }

    /// What the core calls a channel.
    pub(super) fn key(&self, number: u16) -> ChannelKey {
        ChannelKey { connection: self.id, number }
    }
}

/// A prefetch counts messages, not bytes. amq-protocol leaves the field out.
fn refuse_prefetch_size(qos: &[u8]) -> Result<(), Refusal> {
    match qos.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_be_bytes) {
        0 => Ok(()),
        size => Err(Refusal::not_implemented(format_args!("prefetch_size!=0 ({size})"))),
    }
}

/// Whether a client agrees to the end of its connection, or wants it itself.
fn agrees(payload: &[u8]) -> bool {
    use connection::AMQPMethod::{Close, CloseOk};
    matches!(method::decode(payload), Ok(Method::Other(AMQPClass::Connection(CloseOk(_) | Close(_)))))
}

/// The method that a frame asks for, by class and method; zeros for none.
fn asked(frame: &Frame) -> (u16, u16) {
    match frame {
        Frame::Method { payload, .. } if payload.len() >= 4 => {
            (u16::from_be_bytes([payload[0], payload[1]]), u16::from_be_bytes([payload[2], payload[3]]))
        }
        // content belongs to basic.publish
        Frame::Header { .. } | Frame::Body { .. } => (60, 40),
        _ => (0, 0),
    }
}

/// What says that a connection ends, and why.
pub(super) fn closing(refusal: &Refusal, (class_id, method_id): (u16, u16)) -> connection::AMQPMethod {
    let reply_code = refusal.code.number();
    connection::AMQPMethod::Close(connection::Close {
        reply_code,
        reply_text: text(refusal),
        class_id,
        method_id,
    })
}

fn text(refusal: &Refusal) -> ShortString {
    short(&refusal.text).into()
}

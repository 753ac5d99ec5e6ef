//! A message comes in several frames: what is to be done with it, its properties, its body in parts.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, connection};
use bytes::{Bytes, BytesMut};

use super::outbox::{Confirm, Outgoing};
use super::session::Session;
use crate::core::Mandatory;
use crate::error::{Code, Refusal};
use crate::frame::method::Publish;
use crate::frame::read::BASIC;
use crate::frame::write::short;
use crate::message::Message;

/// All messages that one client has under way at the same time may be so many of the largest.
const AT_A_TIME: u64 = 2;
/// A buffer for a body is not made larger than this before its bytes are here.
const FIRST_BUFFER: u64 = 128 * 1024;

/// A message that is being put together.
pub(super) struct Publishing {
    exchange: Arc<str>,
    routing_key: Arc<str>,
    mandatory: Mandatory,
    content: Option<Begun>,
}

struct Begun {
    size: u64,
    properties: Bytes,
    body: BytesMut,
}

impl Publishing {
    /// The bytes that its body is to have.
    pub fn size(&self) -> u64 {
        self.content.as_ref().map_or(0, |begun| begun.size)
    }

    /// Something else came than what is to come next.
    pub fn interrupted(&self) -> Refusal {
        let text = match self.content {
            None => "expected content header for class 60, got non content header frame instead",
            Some(_) => "expected content body, got non content body frame instead",
        };
        Refusal::new(Code::UnexpectedFrame, text)
    }
}

/// Content came that belongs to no message.
pub(super) fn out_of_place() -> Refusal {
    Refusal::new(Code::UnexpectedFrame, "expected method frame, got non method frame instead")
}

impl Session {
    /// A message is about to come.
    pub(super) fn begin_publish(&mut self, number: u16, publish: Publish<'_>) -> Result<(), Refusal> {
        if publish.immediate {
            return Err(Refusal::not_implemented("immediate=true"));
        }
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let (exchange, routing_key) = match &channel.last_address {
            Some((exchange, key)) if **exchange == *publish.exchange && **key == *publish.routing_key => {
                (exchange.clone(), key.clone())
            }
            _ => (publish.exchange.into(), publish.routing_key.into()),
        };
        channel.last_address = Some((exchange.clone(), routing_key.clone()));
        let mandatory = if publish.mandatory { Mandatory::Yes } else { Mandatory::No };
        channel.publishing = Some(Publishing { exchange, routing_key, mandatory, content: None });
        Ok(())
    }

    /// Its properties have come, and how long it is.
    pub(super) async fn content_header(
        &mut self,
        number: u16,
        class: u16,
        size: u64,
        properties: &Bytes,
    ) -> Result<(), Refusal> {
        let (most, together) = (self.shared.limits.message_bytes, self.assembling.saturating_add(size));
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let Some(publishing) = channel.publishing.as_mut() else { return Err(out_of_place()) };
        if publishing.content.is_some() {
            return Err(publishing.interrupted());
        }
        if class != BASIC {
            let text =
                format!("expected content header for class {BASIC}, got one for class {class} instead");
            return Err(Refusal::new(Code::UnexpectedFrame, text));
        }
        if size > most {
            let text = format!("message size {size} is larger than configured max size {most}");
            return Err(Refusal::new(Code::PreconditionFailed, text));
        }
        if together > most.saturating_mul(AT_A_TIME) {
            let text = format!(
                "messages of {together} bytes at the same time are more than one connection may have"
            );
            return Err(Refusal::new(Code::ResourceError, text));
        }
        // what arrives is a part of the buffer that was read into, which must not be kept for its sake
        let properties = Bytes::copy_from_slice(properties);
        let body = BytesMut::with_capacity(usize::try_from(size.min(FIRST_BUFFER)).unwrap_or_default());
        publishing.content = Some(Begun { size, properties, body });
        self.assembling = together;
        if size == 0 { self.publish(number).await } else { Ok(()) }
    }

    /// A part of its body has come.
    pub(super) async fn content_body(&mut self, number: u16, part: &Bytes) -> Result<(), Refusal> {
        let Some(channel) = self.channels.get_mut(&number) else { return Ok(()) };
        let Some(publishing) = channel.publishing.as_mut() else { return Err(out_of_place()) };
        let Some(begun) = publishing.content.as_mut() else { return Err(publishing.interrupted()) };
        let there = (begun.body.len() + part.len()) as u64;
        if there > begun.size {
            return Err(publishing.interrupted());
        }
        begun.body.extend_from_slice(part);
        if there == begun.size { self.publish(number).await } else { Ok(()) }
    }

    /// The message is whole.
    async fn publish(&mut self, number: u16) -> Result<(), Refusal> {
        let key = self.key(number);
        let publishing = self.channels.get_mut(&number).and_then(|channel| channel.publishing.take());
        let Some(Publishing { exchange, routing_key, mandatory, content: Some(begun) }) = publishing else {
            return Ok(());
        };
        self.assembling -= begun.size;
        self.wait_for_leave().await;
        self.unsettled = true;
        let message =
            Message { exchange, routing_key, properties: begun.properties, body: begun.body.freeze() };
        let published = self.shared.core.lock().publish(key, message, mandatory)?;
        if let Some(last) = self.channels.get_mut(&number).and_then(|channel| channel.confirms.as_mut()) {
            *last += 1;
            let confirm = Confirm {
                channel: number,
                number: *last,
                ticket: published.ticket,
                verdict: published.verdict,
            };
            self.outbox.confirm(confirm);
        }
        Ok(())
    }

    /// A publisher waits while disk or memory are short, and until what it published before is written. It is
    /// told why where something is short.
    async fn wait_for_leave(&self) {
        let shared = &self.shared;
        let backlog = shared.scribe.backlog() > shared.limits.backlog_bytes;
        if !backlog && shared.alarm().is_none() {
            return;
        }
        let leave = async {
            if backlog {
                shared.scribe.until(shared.scribe.given()).await;
            }
            shared.until_no_alarm().await;
        };
        tokio::pin!(leave);
        let alarm = tokio::select! {
            biased;
            alarm = shared.until_alarm() => alarm,
            () = &mut leave => return,
        };
        self.say_if_heard(connection::AMQPMethod::Blocked(connection::Blocked {
            reason: short(&alarm).into(),
        }));
        leave.await;
        self.say_if_heard(connection::AMQPMethod::Unblocked(connection::Unblocked {}));
    }

    fn say_if_heard(&self, method: connection::AMQPMethod) {
        if self.shared.core.lock().hears_blocked(self.id) {
            self.outbox.push(Outgoing::Method(0, AMQPClass::Connection(method)));
        }
    }
}

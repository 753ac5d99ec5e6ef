//! Direct reply-to: answers go straight to the channel that asked, through no queue. RabbitMQ's manual,
//! "Direct Reply-to", says what clients may expect.

use std::sync::Arc;

use rand::RngCore;

use super::Core;
use super::consume::ConsumeRequest;
use super::ids::{ChannelKey, ConnectionId};
use super::publish::{Mandatory, Published};
use super::queue::consumers::Acks;
use crate::connection::outbox::{Content, Outgoing, Source, Verdict};
use crate::error::{Code, Refusal};
use crate::frame::properties;
use crate::frame::write::Redelivered;
use crate::message::Message;

/// What clients consume from, and write into `reply-to`, to be answered directly.
pub(super) const PSEUDO_QUEUE: &str = "amq.rabbitmq.reply-to";

/// Where the direct replies of a channel go.
#[derive(Debug)]
pub(super) struct Replies {
    pub tag: Arc<str>,
    // in the address, so that nobody guesses it
    secret: u64,
}

/// Who is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    channel: ChannelKey,
    secret: u64,
}

/// The address that a routing key, or the name of a queue, stands for.
pub(super) fn address_of(key: &str) -> Option<Address> {
    let mut parts = key.strip_prefix(PSEUDO_QUEUE)?.strip_prefix('.')?.splitn(3, '.');
    let connection = ConnectionId(u64::from_str_radix(parts.next()?, 16).ok()?);
    let number = u16::from_str_radix(parts.next()?, 16).ok()?;
    let secret = u64::from_str_radix(parts.next()?, 16).ok()?;
    Some(Address { channel: ChannelKey { connection, number }, secret })
}

fn written(channel: ChannelKey, secret: u64) -> String {
    format!("{PSEUDO_QUEUE}.{:x}.{:x}.{secret:016x}", channel.connection.0, channel.number)
}

impl Core {
    /// A channel wants direct replies.
    pub(super) fn consume_replies(
        &mut self,
        key: ChannelKey,
        tag: Arc<str>,
        request: &ConsumeRequest,
    ) -> Result<Arc<str>, Refusal> {
        let refuse = |text| Err(Refusal::new(Code::PreconditionFailed, text));
        if request.acks == Acks::Awaited {
            return refuse("reply consumer cannot acknowledge");
        }
        match self.channels.get_mut(&key) {
            Some(channel) if channel.replies.is_some() => refuse("reply consumer already set"),
            Some(channel) => {
                channel.replies = Some(Replies { tag: tag.clone(), secret: rand::rng().next_u64() });
                Ok(tag)
            }
            None => Err(Refusal::new(Code::ChannelError, "the channel is not open")),
        }
    }

    /// Writes the address of the channel into a message that asks for a direct reply.
    pub(super) fn with_reply_address(&self, key: ChannelKey, message: Message) -> Result<Message, Refusal> {
        let replies = self.channels.get(&key).and_then(|channel| channel.replies.as_ref());
        let Some(replies) = replies else {
            return Err(Refusal::new(Code::PreconditionFailed, "fast reply consumer does not exist"));
        };
        let properties = properties::with_reply_to(&message.properties, &written(key, replies.secret));
        Ok(Message { properties, ..message })
    }

    /// Whether somebody still waits for replies at an address.
    pub(super) fn awaits_replies(&self, address: Address) -> bool {
        let replies = self.channels.get(&address.channel).and_then(|channel| channel.replies.as_ref());
        replies.is_some_and(|replies| replies.secret == address.secret)
    }

    /// Gives a reply to whoever asked; it is lost where that one is gone, or does not read.
    pub(super) fn publish_reply(
        &mut self,
        from: ChannelKey,
        address: Address,
        message: Message,
        mandatory: Mandatory,
    ) -> Result<Published, Refusal> {
        let message = Arc::new(message);
        let taken = Published { ticket: 0, verdict: Verdict::Taken };
        let there = self.awaits_replies(address);
        let client = self.connections.get(&address.channel.connection).filter(|_| there);
        let Some((outbox, tag)) = client.map(|client| client.outbox.clone()).zip(self.reply_tag(address))
        else {
            self.totals.unroutable += 1;
            if mandatory == Mandatory::Yes {
                self.give_return(from, message);
            }
            return Ok(taken);
        };
        if outbox.is_overfull() {
            self.totals.unroutable += 1;
            return Ok(taken);
        }
        if mandatory == Mandatory::Yes {
            // RabbitMQ says of every reply that no queue took it, and so it is
            self.give_return(from, message.clone());
        }
        let number = self.next_tag(address.channel);
        self.totals.delivered += 1;
        outbox.push(Outgoing::Delivery {
            channel: address.channel.number,
            consumer: tag,
            tag: number,
            redelivered: Redelivered::No,
            content: Content { source: Source::Memory(message), note: None },
        });
        Ok(taken)
    }

    fn reply_tag(&self, address: Address) -> Option<Arc<str>> {
        self.channels.get(&address.channel)?.replies.as_ref().map(|replies| replies.tag.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_and_nothing_else_is_one() {
        let channel = ChannelKey { connection: ConnectionId(77), number: 12 };
        let text = written(channel, 0xfeed);
        assert_eq!(address_of(&text), Some(Address { channel, secret: 0xfeed }));
        for other in [
            "amq.rabbitmq.reply-to",
            "amq.rabbitmq.reply-to.",
            "amq.rabbitmq.reply-to.1.2",
            "orders",
            "amq.rabbitmq.reply-to.1.2.x",
        ] {
            assert_eq!(address_of(other), None, "{other}");
        }
    }
}

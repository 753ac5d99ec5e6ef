//! A message comes in.

use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::ids::{ChannelKey, QueueId};
use super::queue::Persistence;
use super::queue::settings::{LONGEST_TTL, Overflow, QueueKind};
use super::queue::slots::{Mark, Slot};
use super::records::{Entry, Purpose};
use super::{Core, now};
use crate::connection::outbox::{Outgoing, Verdict};
use crate::error::{Code, Refusal};
use crate::frame::properties;
use crate::message::Message;
use crate::storage::scribe::Ticket;

/// Whether a publisher wants a message back that no queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mandatory {
    Yes,
    No,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// What must be on disk before it may be confirmed.
    pub ticket: Ticket,
    pub verdict: Verdict,
}

/// What became of a message in the queues that it was put into.
pub(super) struct Enqueued {
    pub ticket: Ticket,
    /// The queues that had no room.
    pub refused: usize,
}

impl Core {
    /// Takes a message from a publisher.
    pub fn publish(
        &mut self,
        channel: ChannelKey,
        message: Message,
        mandatory: Mandatory,
    ) -> Result<Published, Refusal> {
        self.written();
        self.begin_segment_if_full();
        self.totals.published += 1;
        let now = now();
        let facts = properties::peek(&message.properties);
        let ttl = facts.expiration.map(parse_expiration).transpose()?;
        let persistence = match facts.delivery_mode {
            Some(2) => Persistence::Persistent,
            _ => Persistence::Transient,
        };
        self.check_user(channel, facts.user_id)?;
        if let Some(header) = properties::carbon_copies(&message.properties) {
            let text = format!("this broker does not send copies by the header {header}; RabbitMQ does");
            return Err(Refusal::not_implemented(text));
        }
        let replies_here = facts.reply_to == Some(super::direct_reply::PSEUDO_QUEUE);
        let message = match replies_here {
            true => self.with_reply_address(channel, message)?,
            false => message,
        };
        if message.exchange.is_empty()
            && let Some(address) = super::direct_reply::address_of(&message.routing_key)
        {
            return self.publish_reply(channel, address, message, mandatory);
        }
        let mut targets = Vec::new();
        self.route(&message, &mut targets)?;
        let message = Arc::new(message);
        if targets.is_empty() {
            self.totals.unroutable += 1;
            if mandatory == Mandatory::Yes {
                self.give_return(channel, message);
            }
            return Ok(Published { ticket: 0, verdict: Verdict::Taken });
        }
        let enqueued = self.enqueue(&targets, &message, persistence, ttl, now);
        self.deliver_at(now);
        let verdict = if enqueued.refused > 0 { Verdict::Refused } else { Verdict::Taken };
        Ok(Published { ticket: enqueued.ticket, verdict })
    }

    /// Gives a message back to its publisher: no queue takes it.
    pub(super) fn give_return(&self, channel: ChannelKey, message: Arc<Message>) {
        if let Some(client) = self.connections.get(&channel.connection) {
            let returned = Outgoing::Returned {
                channel: channel.number,
                code: Code::NoRoute.number(),
                text: Code::NoRoute.name(),
                message,
            };
            client.outbox.push(returned);
        }
    }

    /// The user that a message names must be the one who publishes it.
    fn check_user(&self, channel: ChannelKey, named: Option<&str>) -> Result<(), Refusal> {
        let (Some(named), Some(client)) = (named, self.connections.get(&channel.connection)) else {
            return Ok(());
        };
        if named == client.user {
            return Ok(());
        }
        let text = format!("user_id property set to '{named}' but authenticated user was '{}'", client.user);
        Err(Refusal::new(Code::PreconditionFailed, text))
    }

    /// Puts the queues that a message goes to into `targets`.
    fn route(&self, message: &Message, targets: &mut Vec<QueueId>) -> Result<(), Refusal> {
        if message.exchange.is_empty() {
            targets.extend(self.names.get(&message.routing_key));
            return Ok(());
        }
        let exchange = self.exchanges.get(&message.exchange);
        let exchange = exchange.ok_or_else(|| Refusal::missing("exchange", &message.exchange))?;
        if exchange.spec.internal {
            let name = &message.exchange;
            let text = format!("cannot publish to internal exchange '{name}' in vhost '/'");
            return Err(Refusal::new(Code::AccessRefused, text));
        }
        exchange.route(&message.routing_key, || headers(message), targets);
        Ok(())
    }

    /// The queues that a dead letter goes to.
    pub(super) fn route_dead_letter(&self, message: &Message) -> Vec<QueueId> {
        let mut targets = Vec::new();
        match self.exchanges.get(&message.exchange) {
            Some(exchange) if !message.exchange.is_empty() => {
                exchange.route(&message.routing_key, || headers(message), &mut targets);
            }
            _ if message.exchange.is_empty() => targets.extend(self.names.get(&message.routing_key)),
            _ => {}
        }
        targets
    }

    /// Puts a message into queues. Whoever calls sees to it that it is delivered.
    pub(super) fn enqueue(
        &mut self,
        targets: &[QueueId],
        message: &Arc<Message>,
        persistence: Persistence,
        ttl: Option<u64>,
        now: u64,
    ) -> Enqueued {
        let body = message.body.len();
        let mut enqueued = Enqueued { ticket: 0, refused: 0 };
        let (mut kept, mut spilled) = (Vec::new(), Vec::new());
        for id in targets {
            let Some(queue) = self.queues.get_mut(id) else { continue };
            if queue.settings.kind == QueueKind::Stream {
                match self.append_to_stream(*id, message, now) {
                    Ok(ticket) => enqueued.ticket = enqueued.ticket.max(ticket),
                    Err(error) => {
                        tracing::error!(%error, "a stream cannot grow: {error}");
                        enqueued.refused += 1;
                    }
                }
                continue;
            }
            if queue.settings.overflow != Overflow::DropHead && queue.is_full(body) {
                enqueued.refused += 1;
                if queue.settings.overflow == Overflow::RejectPublishDlx {
                    self.turned_away.push_back((*id, message.clone()));
                }
                continue;
            }
            let mut slot = Slot::new(body);
            slot.expires = queue.expiry(ttl, now);
            let entry =
                Entry { queue: *id, number: queue.messages.next(), expires: slot.expires, returns: 0 };
            if queue.keeps(persistence) {
                slot.set(Mark::Durable);
                kept.push(entry);
            } else if self.store.cached > self.limits.cached_bytes {
                spilled.push(entry);
            }
            queue.counts.published += 1;
            queue.messages.push(slot, Some(message.clone()));
            self.store.cached += message.size();
            self.dirty.push_back(*id);
        }
        for (purpose, entries) in [(Purpose::Keep, kept), (Purpose::Spill, spilled)] {
            let ticket = self.write_down(purpose, &entries, message);
            if purpose == Purpose::Keep {
                enqueued.ticket = enqueued.ticket.max(ticket);
            }
        }
        self.overfull.extend(targets);
        enqueued
    }

    fn write_down(&mut self, purpose: Purpose, entries: &[Entry], message: &Message) -> Ticket {
        if entries.is_empty() {
            return 0;
        }
        let (place, ticket) = self.store.message(purpose, entries, message);
        for entry in entries {
            let slot =
                self.queues.get_mut(&entry.queue).and_then(|queue| queue.messages.get_mut(entry.number));
            if let Some(slot) = slot {
                slot.put(place);
                self.store.await_written(entry.queue, entry.number, place, ticket);
            }
        }
        ticket
    }

    /// Takes note of what has arrived on disk: it need not be in memory any more.
    pub fn written(&mut self) {
        while let Some(written) = self.store.next_written() {
            let Some(queue) = self.queues.get_mut(&written.queue) else { continue };
            let Some(slot) = queue.messages.get_mut(written.number) else { continue };
            slot.set(Mark::Written);
            if (slot.is(Mark::Held) || self.store.cached > self.limits.cached_bytes)
                && let Some(message) = queue.messages.uncache(written.number)
            {
                self.store.cached -= message.size();
            }
        }
    }
}

/// The headers of a message.
fn headers(message: &Message) -> FieldTable {
    properties::headers(&message.properties)
}

/// How long a message may wait by its own word, in milliseconds.
fn parse_expiration(text: &str) -> Result<u64, Refusal> {
    let invalid = |why: String| {
        Refusal::new(Code::PreconditionFailed, format_args!("invalid expiration '{text}': {why}"))
    };
    let digits = text.trim_start_matches(['+', '-']).bytes().take_while(u8::is_ascii_digit).count();
    match text.parse::<i64>() {
        Ok(ttl) if ttl < 0 => Err(invalid(format!("{{value_negative,{ttl}}}"))),
        Ok(ttl) if ttl.unsigned_abs() > LONGEST_TTL => Err(invalid(format!("{{value_too_large,{ttl}}}"))),
        Ok(ttl) => Ok(ttl.unsigned_abs()),
        Err(_) if digits > 0 && !text.starts_with(['+', '-']) => {
            Err(invalid(format!("{{leftover_string,\"{}\"}}", &text[digits..])))
        }
        Err(_) => Err(invalid("no_integer".to_owned())),
    }
}

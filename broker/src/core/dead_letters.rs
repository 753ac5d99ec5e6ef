//! Messages that nobody takes: put aside into another queue, with their history.

use std::io;
use std::sync::Arc;

use amq_protocol::types::{AMQPValue, FieldArray, FieldTable};

use super::ids::QueueId;
use super::publish::Enqueued;
use super::queue::settings::{DeadLetters, Overflow, Strategy, integer};
use super::{Core, now};
use crate::core::queue::Persistence;
use crate::frame::properties;
use crate::message::Message;

/// Why a message is put aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A consumer refused it.
    Rejected,
    /// It waited too long.
    Expired,
    /// The queue was too full.
    MaxLen,
    /// It came back too often.
    DeliveryLimit,
}

impl Reason {
    /// RabbitMQ's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLen => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

impl Core {
    /// A message leaves its queue, as a dead letter where the queue has a place for them. Where none may be
    /// lost and no queue takes it, it stays, and is tried again.
    pub(super) fn bury(&mut self, id: QueueId, number: u64, reason: Reason) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let Some(place) = queue.settings.dead_letters.clone() else { return self.discard(id, &[number]) };
        let Some(slot) = queue.messages.get(number) else { return };
        let message = match queue.messages.cached(number).cloned() {
            Some(message) => message,
            None => match slot.place().map(|place| self.store.read(place)) {
                Some(Ok(message)) => Arc::new(message),
                Some(Err(error)) if !is_damage(&error) => {
                    tracing::warn!(%error, "message {number} of {} cannot be read now: {error}", queue.spec.name);
                    return self.keep_stuck(id, number, reason);
                }
                damaged => {
                    let name = &queue.spec.name;
                    tracing::error!(queue = %name, ?damaged, "message {number} of {name} is damaged: it is dropped");
                    return self.discard(id, &[number]);
                }
            },
        };
        let name = queue.spec.name.clone();
        // what follows from the letter must not find the message in its place
        queue.messages.hold(number);
        let arrived = self.dead_letter(&name, &place, &message, reason);
        if arrived == Arrived::Nowhere && place.strategy == Strategy::AtLeastOnce {
            return self.keep_stuck(id, number, reason);
        }
        self.discard(id, &[number]);
    }

    fn keep_stuck(&mut self, id: QueueId, number: u64, reason: Reason) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.messages.hold(number);
            queue.stuck.push_back((number, reason));
        }
        self.set_timer(id);
    }

    /// A message that a full queue did not take is a dead letter.
    pub(super) fn dead_letter_refused(&mut self, id: QueueId, message: &Message) {
        let Some(queue) = self.queues.get(&id) else { return };
        if let Some(place) = queue.settings.dead_letters.clone() {
            let name = queue.spec.name.clone();
            self.dead_letter(&name, &place, message, Reason::MaxLen);
        }
    }

    fn dead_letter(
        &mut self,
        queue: &str,
        place: &DeadLetters,
        message: &Message,
        reason: Reason,
    ) -> Arrived {
        let letter = Arc::new(letter(queue, place, message, reason));
        let mut targets = self.route_dead_letter(&letter);
        let deaths = deaths(&letter.properties);
        targets.retain(|target| {
            self.queues.get(target).is_some_and(|target| !goes_in_circles(&deaths, &target.spec.name))
        });
        if targets.is_empty() {
            return Arrived::Nowhere;
        }
        let persistence = match properties::peek(&letter.properties).delivery_mode {
            Some(2) => Persistence::Persistent,
            _ => Persistence::Transient,
        };
        let Enqueued { refused, .. } = self.enqueue(&targets, &letter, persistence, None, now());
        if refused == targets.len() {
            return Arrived::Nowhere;
        }
        self.totals.dead_lettered += 1;
        Arrived::Somewhere
    }

    /// Tries once more to put aside what found no queue, so many at the most: what stays goes to the back.
    pub(super) fn retry_stuck(&mut self, id: QueueId, most: usize) {
        let Some(queue) = self.queues.get(&id) else { return };
        for _ in 0..most.min(queue.stuck.len()) {
            let stuck = self.queues.get_mut(&id).and_then(|queue| queue.stuck.pop_front());
            let Some((number, reason)) = stuck else { return };
            self.bury(id, number, reason);
        }
    }

    /// A queue that has more than it may have lets go of the oldest.
    pub(super) fn drop_what_is_too_much(&mut self, id: QueueId, now: u64) {
        if self
            .queues
            .get(&id)
            .is_some_and(|queue| queue.settings.overflow == Overflow::DropHead && queue.is_overfull())
        {
            // what a consumer takes at once is not too much
            self.deliver_from(id, now);
        }
        while let Some(queue) = self.queues.get(&id)
            && queue.settings.overflow == Overflow::DropHead
            && queue.is_overfull()
            && let Some(head) = queue.messages.head()
        {
            self.bury(id, head, Reason::MaxLen);
        }
    }
}

/// Whether what should be there is something else; anything else passes.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

/// Whether a dead letter found a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrived {
    Somewhere,
    Nowhere,
}

/// The message as it is put aside: under another address, with one more death.
fn letter(queue: &str, place: &DeadLetters, message: &Message, reason: Reason) -> Message {
    let mut headers = properties::headers(&message.properties);
    let expiration = properties::peek(&message.properties).expiration.map(str::to_owned);
    let mut deaths: Vec<FieldTable> = tables(&headers);
    let known = deaths
        .iter()
        .position(|death| is_text(death, "queue", queue) && is_text(death, "reason", reason.as_str()));
    let death = match known.map(|at| deaths.remove(at)) {
        Some(mut death) => {
            let count = death.inner().get("count").and_then(integer).unwrap_or(0).saturating_add(1);
            death.insert("count".into(), AMQPValue::LongLongInt(i64::try_from(count).unwrap_or(i64::MAX)));
            death
        }
        None => {
            let mut death = FieldTable::default();
            death.insert("count".into(), AMQPValue::LongLongInt(1));
            death.insert("reason".into(), text(reason.as_str()));
            death.insert("queue".into(), text(queue));
            death.insert("time".into(), AMQPValue::Timestamp(now() / 1000));
            death.insert("exchange".into(), text(&message.exchange));
            let keys = FieldArray::from(vec![text(&message.routing_key)]);
            death.insert("routing-keys".into(), AMQPValue::FieldArray(keys));
            if let Some(expiration) = expiration {
                death.insert("original-expiration".into(), AMQPValue::LongString(expiration.into()));
            }
            death
        }
    };
    deaths.insert(0, death);
    let listed: Vec<AMQPValue> = deaths.into_iter().map(AMQPValue::FieldTable).collect();
    headers.insert("x-death".into(), AMQPValue::FieldArray(FieldArray::from(listed)));
    for (when, always) in [("x-first-death", Writes::Once), ("x-last-death", Writes::Always)] {
        if always == Writes::Once && headers.inner().contains_key(format!("{when}-queue").as_str()) {
            continue;
        }
        for (what, value) in [("queue", queue), ("reason", reason.as_str()), ("exchange", &message.exchange)]
        {
            headers.insert(format!("{when}-{what}").into(), text(value));
        }
    }
    Message {
        exchange: place.exchange.clone(),
        routing_key: place.key.clone().unwrap_or_else(|| message.routing_key.clone()),
        properties: properties::with_headers(&properties::without_expiration(&message.properties), &headers),
        body: message.body.clone(),
    }
}

/// Whether a header is written at the first death alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Once,
    Always,
}

fn deaths(raw: &[u8]) -> Vec<FieldTable> {
    tables(&properties::headers(raw))
}

fn tables(headers: &FieldTable) -> Vec<FieldTable> {
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else { return Vec::new() };
    let table = |death: &AMQPValue| match death {
        AMQPValue::FieldTable(death) => Some(death.clone()),
        _ => None,
    };
    deaths.as_slice().iter().filter_map(table).collect()
}

/// Whether a message died in this queue before, and no client refused it since: it would go round for ever.
fn goes_in_circles(deaths: &[FieldTable], queue: &str) -> bool {
    let since = deaths.iter().position(|death| is_text(death, "queue", queue));
    since.is_some_and(|at| {
        !deaths[..=at].iter().any(|death| is_text(death, "reason", Reason::Rejected.as_str()))
    })
}

fn is_text(table: &FieldTable, key: &str, expected: &str) -> bool {
    matches!(table.inner().get(key), Some(AMQPValue::LongString(text)) if text.as_bytes() == expected.as_bytes())
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn place(key: Option<&str>) -> DeadLetters {
        DeadLetters { exchange: "aside".into(), key: key.map(Arc::from), strategy: Strategy::AtMostOnce }
    }

    fn message() -> Message {
        // no property but an expiration of 60 ms
        let properties = Bytes::from_static(&[0x01, 0x00, 2, b'6', b'0']);
        Message {
            exchange: "shop".into(),
            routing_key: "placed".into(),
            properties,
            body: Bytes::from_static(b"x"),
        }
    }

    #[test]
    fn a_letter_says_where_and_why_it_died_and_how_often() {
        let first = letter("work", &place(Some("late")), &message(), Reason::Expired);
        assert_eq!((&*first.exchange, &*first.routing_key), ("aside", "late"));
        assert_eq!(properties::peek(&first.properties).expiration, None);
        let known = deaths(&first.properties);
        assert_eq!(known.len(), 1);
        assert!(is_text(&known[0], "original-expiration", "60") && is_text(&known[0], "exchange", "shop"));

        let again = letter("work", &place(None), &first, Reason::Expired);
        assert_eq!(&*again.routing_key, "late");
        let known = deaths(&again.properties);
        assert_eq!((known.len(), known[0].inner().get("count")), (1, Some(&AMQPValue::LongLongInt(2))));

        let other = letter("aside", &place(None), &again, Reason::Rejected);
        let known = deaths(&other.properties);
        assert!(is_text(&known[0], "queue", "aside") && is_text(&known[1], "queue", "work"));
        let headers = properties::headers(&other.properties);
        assert!(
            is_text(&headers, "x-first-death-queue", "work")
                && is_text(&headers, "x-last-death-queue", "aside")
        );
    }

    #[test]
    fn what_goes_round_without_a_client_is_noticed() {
        let first = letter("a", &place(None), &message(), Reason::Expired);
        assert!(goes_in_circles(&deaths(&first.properties), "a"));
        assert!(!goes_in_circles(&deaths(&first.properties), "b"));
        let second = letter("b", &place(None), &first, Reason::Rejected);
        assert!(!goes_in_circles(&deaths(&second.properties), "a"), "a client refused it in between");
    }
}

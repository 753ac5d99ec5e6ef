//! What must be true of messages: whatever a module said reached everybody who must hear it, once, and
//! nobody heard what nobody said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::dead_letters::dropped_from;
use chassis::messaging::mailbox::{InboxEntry, OutboxEntry};
use contracts::messages::event::kind;
use contracts::messages::queues::{NOTIFICATIONS_EVENTS, QUEUES};
use contracts::messages::{Address, MessageId};
use contracts::notifications::Notification;
use contracts::recommendations::{ProjectedOrder, Standing};
use contracts::{PortResult, Timestamp};
use serde::Serialize;

use super::Books;
use super::checks::Finding;

/// How old a message may be before it is late: until then it is under way.
const LATE: Duration = Duration::from_secs(10);
/// Inbox rows live longer than outbox rows; for this long both are there.
const BOTH_KEPT: Duration = Duration::from_secs(23 * 60 * 60);

/// Events that a customer is told of by mail.
const MAILED: [(&str, &str); 6] = [
    ("orders", "order_confirmed"),
    ("orders", "order_rejected"),
    ("orders", "order_cancelled"),
    ("orders", "order_refunded"),
    ("shipping", "shipment_shipped"),
    ("shipping", "shipment_delivered"),
];

/// Where the books of messages are read.
#[async_trait]
pub trait MessageSource: Send + Sync {
    /// The books as they stand; outboxes are read first, so that what is in an outbox had its time to
    /// arrive.
    async fn read(&self) -> PortResult<MessageBooks>;
}

/// What left the modules by message, and what reached them.
#[derive(Debug, Clone)]
pub struct MessageBooks {
    /// When the outboxes were read.
    pub read_at: Timestamp,
    /// The modules that were asked: the queues of others are nobody's concern.
    pub modules: BTreeSet<String>,
    /// Everything in every outbox.
    pub outbox: Vec<OutboxEntry>,
    /// Everything in every inbox.
    pub inbox: Vec<InboxEntry>,
    /// Everything that was put aside: queue and message.
    pub dead_letters: BTreeSet<(String, MessageId)>,
    /// Every mail.
    pub notifications: Vec<Notification>,
    /// Every order in the read model of recommendations.
    pub projected: Vec<ProjectedOrder>,
}

impl MessageBooks {
    /// Books in which nothing is written yet.
    pub fn empty(read_at: Timestamp) -> Self {
        Self {
            read_at,
            modules: BTreeSet::new(),
            outbox: Vec::new(),
            inbox: Vec::new(),
            dead_letters: BTreeSet::new(),
            notifications: Vec::new(),
            projected: Vec::new(),
        }
    }
}

/// How many messages there were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MessageTally {
    /// Messages in outboxes.
    pub said: usize,
    /// Messages in inboxes.
    pub heard: usize,
    /// Mails written.
    pub mails: usize,
    /// Messages that nobody could deal with, and that wait for somebody to decide.
    pub dead_letters: usize,
    /// Messages that are not where they must go, and may still be on their way.
    pub under_way: usize,
}

/// What is wrong with the messages, and what is only late.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many messages there were.
    pub tally: MessageTally,
}

impl Judgement {
    /// Whether nothing is left to wait for.
    pub fn is_settled(&self) -> bool {
        self.findings.is_empty() && self.tally.under_way == 0
    }

    fn wrong(&mut self, rule: &'static str, subject: impl ToString, detail: String) {
        self.findings.push(Finding { rule, subject: subject.to_string(), detail });
    }
}

/// Judges the books of messages beside those of the modules.
pub fn judge(messages: &MessageBooks, books: &Books) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.tally.said = messages.outbox.len();
    judgement.tally.heard = messages.inbox.len();
    judgement.tally.mails = messages.notifications.len();
    judgement.tally.dead_letters = messages.dead_letters.len();
    everything_arrives(messages, &mut judgement);
    nothing_from_nowhere(messages, &mut judgement);
    one_mail_an_event(messages, &mut judgement);
    read_model_agrees(messages, books, &mut judgement);
    judgement
}

/// What was said was published, and is in the inbox of each queue that takes it, or was put aside there.
fn everything_arrives(messages: &MessageBooks, judgement: &mut Judgement) {
    let heard: BTreeSet<(&str, MessageId)> =
        messages.inbox.iter().map(|entry| (entry.queue.as_str(), entry.id)).collect();
    for entry in &messages.outbox {
        let mut missing = Vec::new();
        if entry.published_at.is_none() {
            missing.push("it was not published".to_owned());
        }
        let to = Address { exchange: entry.exchange.clone(), key: entry.key.clone() };
        for queue in QUEUES.iter().filter(|queue| queue.takes(&to) && messages.modules.contains(queue.module))
        {
            let arrived = heard.contains(&(queue.name, entry.id))
                || heard.contains(&(dropped_from(queue.name).as_str(), entry.id));
            if !arrived && !messages.dead_letters.contains(&(queue.name.to_owned(), entry.id)) {
                missing.push(format!("{} has not dealt with it", queue.name));
            }
        }
        if missing.is_empty() {
            continue;
        }
        if messages.read_at.minus(LATE) > entry.created_at {
            let detail = format!("{} of order {}: {}", entry.kind, entry.subject, missing.join(", "));
            judgement.wrong("every message arrives", entry.id, detail);
        } else {
            judgement.tally.under_way += 1;
        }
    }
}

/// What was dealt with, somebody said; and each message was said once.
fn nothing_from_nowhere(messages: &MessageBooks, judgement: &mut Judgement) {
    let mut said: BTreeMap<MessageId, usize> = BTreeMap::new();
    for entry in &messages.outbox {
        *said.entry(entry.id).or_default() += 1;
    }
    for (id, count) in said.iter().filter(|(_, count)| **count > 1) {
        judgement.wrong("a message is one message", id, format!("it is in {count} outboxes"));
    }
    let since = messages.read_at.minus(BOTH_KEPT);
    for entry in messages.inbox.iter().filter(|entry| entry.received_at > since) {
        // an outbox was read before the inboxes: what was said and heard in between is no finding
        if !said.contains_key(&entry.id) && messages.read_at > entry.received_at {
            let detail = format!("{} has dealt with it, and no outbox has it", entry.queue);
            judgement.wrong("nobody hears what nobody said", entry.id, detail);
        }
    }
}

/// Each event that customers are told of led to one mail, and each mail tells of one.
fn one_mail_an_event(messages: &MessageBooks, judgement: &mut Judgement) {
    if !messages.modules.contains("notifications") {
        return;
    }
    let mut mails: BTreeMap<MessageId, usize> = BTreeMap::new();
    for mail in &messages.notifications {
        *mails.entry(mail.id).or_default() += 1;
    }
    let dealt_with: BTreeSet<MessageId> = messages
        .inbox
        .iter()
        .filter(|entry| entry.queue == NOTIFICATIONS_EVENTS.name)
        .map(|entry| entry.id)
        .collect();
    let events: BTreeMap<MessageId, &OutboxEntry> = messages
        .outbox
        .iter()
        .filter(|entry| MAILED.iter().any(|(module, name)| entry.kind == kind(module, name)))
        .map(|entry| (entry.id, entry))
        .collect();
    for (id, entry) in events.iter().filter(|(id, _)| dealt_with.contains(id)) {
        let count = mails.get(id).copied().unwrap_or(0);
        if count != 1 {
            let detail = format!("{} of order {} led to {count} mails", entry.kind, entry.subject);
            judgement.wrong("one mail an event", id, detail);
        }
    }
    let since = messages.read_at.minus(BOTH_KEPT);
    for mail in messages.notifications.iter().filter(|mail| mail.written_at > since) {
        if !events.contains_key(&mail.id) && messages.read_at > mail.written_at {
            let detail = format!("it tells of {} of order {}, which nobody said", mail.event, mail.order_id);
            judgement.wrong("one mail an event", mail.id, detail);
        }
    }
}

/// The read model is made of the orders that were confirmed, without those that were refunded.
fn read_model_agrees(messages: &MessageBooks, books: &Books, judgement: &mut Judgement) {
    if !messages.modules.contains("recommendations") {
        return;
    }
    let projected: BTreeMap<_, _> =
        messages.projected.iter().map(|order| (order.order_id, order.standing)).collect();
    // orders that were placed before there was a broker are in no event
    let told: BTreeSet<&str> = messages
        .outbox
        .iter()
        .filter(|entry| entry.kind == kind("orders", "order_confirmed"))
        .map(|entry| entry.subject.as_str())
        .collect();
    for order in books.resting().filter(|order| told.contains(order.id.to_string().as_str())) {
        let wanted = match order.step.as_str() {
            "confirmed" => Standing::Counts,
            _ => Standing::Withdrawn,
        };
        let stands = projected.get(&order.id).copied();
        if stands == Some(wanted) {
            continue;
        }
        if messages.read_at.minus(LATE) > order.updated_at {
            let detail = format!("it is {}, and in the read model {stands:?}", order.step);
            judgement.wrong("recommendations agree with orders", order.id, detail);
        } else {
            judgement.tally.under_way += 1;
        }
    }
    for order in &messages.projected {
        let Some(ordered) = books.resting().find(|known| known.id == order.order_id) else { continue };
        // these two ends are final, so there is nothing to wait for
        let wrong_end = matches!(ordered.step.as_str(), "rejected" | "cancelled");
        let mut skus: Vec<_> = ordered.lines.iter().map(|line| line.sku.clone()).collect();
        let mut counted = order.skus.clone();
        skus.sort();
        counted.sort();
        if wrong_end || skus != counted {
            let detail = format!(
                "it is {}, and in the read model {:?} with {counted:?}",
                ordered.step, order.standing
            );
            judgement.wrong("recommendations agree with orders", order.order_id, detail);
        }
    }
}

#[cfg(test)]
mod tests;

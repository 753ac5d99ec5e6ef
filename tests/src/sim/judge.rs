//! What is wrong in the end, besides what the audit finds: promises that were not kept, messages that did
//! not arrive, and such as nobody sent.

use std::collections::HashSet;

use chassis::messaging::participant::Participant;
use contracts::messages::topology::{ORDERS_EVENTS, ORDERS_REPLIES};
use contracts::messages::{Command, CommandReply, Message, MessageId, Queue};
use tradewind::audit::{Finding, Report};

use super::messaging::broker;
use super::modules::{SimInventory, SimPayments, SimShipping};
use super::shop::Shop;
use super::shoppers::Told;
use super::world::Process;

/// What shoppers were told that is not so.
pub fn broken_promises(shop: &Shop, told: &Told, report: &Report) -> Vec<Finding> {
    let mut broken = Vec::new();
    if report.in_flight > 0 {
        let detail = format!("{} orders never came to rest", report.in_flight);
        broken.push(Finding { rule: "every order comes to rest", subject: "the shop".into(), detail });
    }
    for (key, orders) in told.by_key.iter().filter(|(_, orders)| orders.len() > 1) {
        let detail = format!("it led to {} orders", orders.len());
        broken.push(Finding { rule: "one key, one order", subject: key.clone(), detail });
    }
    let orders = shop.orders.orders();
    for id in told.confirmed.difference(&told.cancelled) {
        let order = orders.iter().find(|order| order.id == *id);
        let step = order.map_or("nowhere", |order| order.state.name());
        if step != "confirmed" {
            let (subject, detail) = (id.to_string(), format!("it is {step}"));
            broken.push(Finding { rule: "what was confirmed stays confirmed", subject, detail });
        }
    }
    broken
}

/// What went wrong with messages.
pub fn lost_messages(shop: &Shop) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut said = HashSet::new();
    let inbox: HashSet<(&'static str, MessageId)> =
        Process::ALL.iter().flat_map(|process| shop.mailbox(*process).inbox()).collect();
    for process in Process::ALL {
        for row in shop.mailbox(process).outbox() {
            let (to, message) = (&row.outgoing.to, &row.outgoing.message);
            said.insert(message.id);
            let mut find = |rule, detail: String| {
                let subject = format!("{} of {}", message.kind, message.subject);
                findings.push(Finding { rule, subject, detail });
            };
            if !row.published || !shop.broker.has_accepted(message.id) {
                let detail = format!("published: {}, at the broker: it is not", row.published);
                find("what is said is published", detail);
            }
            for queue in broker::queues().filter(|queue| queue.takes(to) && concerns(queue, message)) {
                if !inbox.contains(&(queue.name, message.id)) {
                    find("what is said is heard", format!("{} knows nothing of it", queue.name));
                }
            }
        }
    }
    for (queue, _) in inbox.iter().filter(|(_, id)| !said.contains(id)) {
        let (rule, detail) = ("what is heard was said", "nobody said it".to_owned());
        findings.push(Finding { rule, subject: (*queue).into(), detail });
    }
    for letter in shop.broker.dead_letters() {
        let rule = "nothing is put aside once everything works again";
        findings.push(Finding { rule, subject: letter.kind, detail: letter.cause });
    }
    findings
}

/// Whether the module that consumes `queue` has something to do with `message`; otherwise it leaves no
/// trace there.
fn concerns(queue: &Queue, message: &Message) -> bool {
    if *queue == ORDERS_EVENTS {
        return orders::domain::messages::heard(message).is_ok_and(|input| input.is_some());
    }
    if *queue == ORDERS_REPLIES {
        return CommandReply::read(message).is_ok_and(|reply| reply.is_some());
    }
    asks::<SimInventory>(queue, message)
        || asks::<SimPayments>(queue, message)
        || asks::<SimShipping>(queue, message)
}

fn asks<P: Participant>(queue: &Queue, message: &Message) -> bool {
    let commanded = queue == P::COMMANDS && Command::read(message).is_ok_and(|command| command.is_some());
    commanded || (queue == P::EVENTS && P::asked(message).is_ok_and(|request| request.is_some()))
}

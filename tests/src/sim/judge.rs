//! What is wrong in the end, besides what the audit finds: promises that were not kept, facts that were said
//! twice, and messages that were put aside although everything works again.

use std::collections::BTreeMap;

use contracts::messages::queues::EVENTS;
use tradewind::audit::{Finding, Report};

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

/// Dead letters: every failure passes, so that there is no reason for any.
pub fn dead_letters(shop: &Shop) -> Vec<Finding> {
    let letters = shop.broker.dead_letters().into_iter();
    let found = letters.map(|letter| {
        let (rule, subject) =
            ("nothing is put aside for ever", format!("{} in {}", letter.kind, letter.queue));
        Finding { rule, subject, detail: letter.cause }
    });
    found.collect()
}

/// What a module's books became is said under one id, however often: whoever hears it, a customer's
/// mailbox among them, counts on that. Refusals are not in the books: each that asks is refused anew.
pub fn repeated_facts(shop: &Shop) -> Vec<Finding> {
    let mut said: BTreeMap<(String, String), usize> = BTreeMap::new();
    for process in [Process::Inventory, Process::Payments, Process::Shipping] {
        let events = shop.mailbox(process).outbox().into_iter().filter(|entry| entry.exchange == EVENTS);
        for entry in events.filter(|entry| !entry.kind.contains("_refused.")) {
            *said.entry((entry.kind, entry.subject)).or_default() += 1;
        }
    }
    let repeated = said.into_iter().filter(|(_, times)| *times > 1);
    let found = repeated.map(|((kind, order), times)| {
        let detail = format!("{kind} was said {times} times");
        Finding { rule: "a fact is said once", subject: order, detail }
    });
    found.collect()
}

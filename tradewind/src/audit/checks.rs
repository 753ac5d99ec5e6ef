//! What must be true of the books. Orders under way are left out, and with them whatever the other
//! modules hold for them; that they come to rest is a rule for those that a client was told of.

use std::collections::BTreeMap;
use std::fmt;

use contracts::inventory::ReservationStatus;
use contracts::orders::Order;
use contracts::payments::{AuditedPayment, NetworkRecord, PaymentStatus};
use contracts::shipping::ShipmentStatus;
use contracts::types::Line;
use contracts::{OrderId, Sku};
use serde::Serialize;

use super::Books;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule is broken.
    pub rule: &'static str,
    /// Where: an order, a product, a transfer.
    pub subject: String,
    /// What is, and what should be.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.rule, self.subject, self.detail)
    }
}

/// Everything that is wrong with the books.
pub fn check(books: &Books, acknowledged: &[OrderId]) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    orders_are_whole(books, acknowledged, &mut findings);
    stock_adds_up(books, &mut findings);
    ledger_balances(books, &mut findings);
    for order in books.resting() {
        goods_match(books, order, &mut findings);
        money_matches(books, order, &mut findings);
        carrier_matches(books, order, &mut findings);
    }
    nothing_without_an_order(books, &mut findings);
    money_in_all_matches(books, &mut findings);
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn expect(
        &mut self,
        good: bool,
        rule: &'static str,
        subject: impl fmt::Display,
        detail: impl FnOnce() -> String,
    ) {
        if !good {
            self.0.push(Finding { rule, subject: subject.to_string(), detail: detail() });
        }
    }
}

/// Every order that somebody was told of exists once, in exactly one state at rest.
fn orders_are_whole(books: &Books, acknowledged: &[OrderId], findings: &mut Findings) {
    for id in &books.repeated {
        findings.expect(false, "an order is one order", id, || "it is listed twice".into());
    }
    for id in &books.vanished {
        findings.expect(false, "no order disappears", id, || "it was there, and is not any more".into());
    }
    for id in acknowledged {
        let rests = !books.in_flight.contains(id);
        findings.expect(rests, "every acknowledged order comes to rest", id, || {
            let step = books.orders.get(id).map_or("new", |order| order.step.as_str());
            format!("it is still under way; when it was read first it was {step}")
        });
        let there = books.orders.contains_key(id) || books.in_flight.contains(id);
        findings.expect(there, "no acknowledged order is lost", id, || "orders knows nothing of it".into());
    }
}

/// available = initial − sold − reserved, none is negative, and the accounts agree with the claims.
fn stock_adds_up(books: &Books, findings: &mut Findings) {
    let mut reserved: BTreeMap<&Sku, i64> = BTreeMap::new();
    let mut sold: BTreeMap<&Sku, i64> = BTreeMap::new();
    for claim in books.claims.values() {
        let sums = match claim.status {
            ReservationStatus::Reserved => &mut reserved,
            ReservationStatus::Committed => &mut sold,
            ReservationStatus::Released | ReservationStatus::Expired => continue,
        };
        for line in &claim.lines {
            *sums.entry(&line.sku).or_default() += i64::from(line.quantity);
        }
    }
    for account in &books.accounts {
        let sku = &account.sku;
        let parts = [account.available, account.reserved, account.sold];
        findings.expect(parts.iter().all(|part| *part >= 0), "stock is never negative", sku, || {
            format!("available {}, reserved {}, sold {}", account.available, account.reserved, account.sold)
        });
        let rest = account.initial - account.sold - account.reserved;
        findings.expect(account.available == rest, "available = initial − sold − reserved", sku, || {
            format!("available is {} and should be {rest}", account.available)
        });
        // claims come and go while orders are under way: the account was read before them
        if books.is_quiet() {
            for (name, says, claims) in
                [("reserved", account.reserved, &reserved), ("sold", account.sold, &sold)]
            {
                let sum = claims.get(sku).copied().unwrap_or(0);
                findings.expect(says == sum, "accounts agree with claims", sku, || {
                    format!("the account says {says} {name}, the claims add up to {sum}")
                });
            }
        }
    }
}

/// Every transfer's postings add up to zero.
fn ledger_balances(books: &Books, findings: &mut Findings) {
    let mut transfers: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for posting in &books.postings {
        *transfers.entry((&posting.transfer, posting.amount.currency.as_str())).or_default() +=
            posting.amount.amount;
    }
    for ((transfer, currency), sum) in transfers {
        findings.expect(sum == 0, "debits = credits", transfer, || {
            format!("its postings add up to {sum} {currency}")
        });
    }
}

/// A confirmed order's goods are sold; no other order has a claim on any.
fn goods_match(books: &Books, order: &Order, findings: &mut Findings) {
    let rule = "stock agrees with orders";
    let claim = books.claims.get(&order.id);
    if order.step == "confirmed" {
        let mut ordered: Vec<Line> =
            order.lines.iter().map(|line| Line { sku: line.sku.clone(), quantity: line.quantity }).collect();
        ordered.sort_by(|a, b| a.sku.cmp(&b.sku));
        let sold = claim.filter(|claim| claim.status == ReservationStatus::Committed).map(|claim| {
            let mut lines = claim.lines.clone();
            lines.sort_by(|a, b| a.sku.cmp(&b.sku));
            lines
        });
        findings.expect(sold.as_ref() == Some(&ordered), rule, order.id, || {
            format!("it is confirmed, and its claim is {:?}", claim.map(|claim| claim.status))
        });
    } else {
        let free = claim.is_none_or(|claim| {
            matches!(claim.status, ReservationStatus::Released | ReservationStatus::Expired)
        });
        findings.expect(free, rule, order.id, || {
            format!("it is {}, and its claim is {:?}", order.step, claim.map(|claim| claim.status))
        });
    }
}

/// A confirmed order was captured once and in full; a refunded one was given back in full; no other
/// was captured. Both our record and the card network's must say so.
fn money_matches(books: &Books, order: &Order, findings: &mut Findings) {
    let payment = books.payments.get(&order.id);
    let network = payment.and_then(|entry| entry.network.clone()).unwrap_or(NetworkRecord {
        holds: 0,
        captures: 0,
        captured: 0,
        refunded: 0,
    });
    let status = payment.map(|entry| entry.payment.status);
    findings.expect(network.captures <= 1, "at most one capture an order", order.id, || {
        format!("the card network made {}", network.captures)
    });
    findings.expect(network.holds <= 1, "at most one hold an order", order.id, || {
        format!("the card network placed {}", network.holds)
    });
    let (wanted, captured, refunded): (&[Option<PaymentStatus>], i64, i64) = match order.step.as_str() {
        "confirmed" => (&[Some(PaymentStatus::Captured)], order.total.amount, 0),
        "refunded" => (&[Some(PaymentStatus::Refunded)], order.total.amount, order.total.amount),
        _ => (&[None, Some(PaymentStatus::Declined), Some(PaymentStatus::Voided)], 0, 0),
    };
    findings.expect(wanted.contains(&status), "payments agree with orders", order.id, || {
        format!("it is {}, and its payment is {status:?}", order.step)
    });
    let moved = (network.captured, network.refunded);
    findings.expect(moved == (captured, refunded), "the card network agrees with orders", order.id, || {
        format!(
            "it is {}; captured {} and refunded {}, expected {captured} and {refunded}",
            order.step, moved.0, moved.1
        )
    });
}

/// A confirmed order has a shipment; no other order has one that goes on.
fn carrier_matches(books: &Books, order: &Order, findings: &mut Findings) {
    let status = books.shipments.get(&order.id).map(|shipment| shipment.status);
    let goes = matches!(
        status,
        Some(ShipmentStatus::Scheduled | ShipmentStatus::Shipped | ShipmentStatus::Delivered)
    );
    findings.expect(goes == (order.step == "confirmed"), "shipments agree with orders", order.id, || {
        format!("it is {}, and its shipment is {status:?}", order.step)
    });
}

/// Nobody holds anything for an order that does not exist.
fn nothing_without_an_order(books: &Books, findings: &mut Findings) {
    let known = |id: &OrderId| books.orders.contains_key(id) || books.in_flight.contains(id);
    let holds_money = |entry: &AuditedPayment| {
        !matches!(entry.payment.status, PaymentStatus::Voided | PaymentStatus::Declined)
    };
    let rule = "nothing is held without an order";
    for (id, claim) in &books.claims {
        let holds = matches!(claim.status, ReservationStatus::Reserved | ReservationStatus::Committed);
        findings.expect(known(id) || !holds, rule, id, || format!("its claim is {:?}", claim.status));
    }
    for (id, entry) in &books.payments {
        findings.expect(known(id) || !holds_money(entry), rule, id, || {
            format!("its payment is {:?}", entry.payment.status)
        });
    }
    for (id, shipment) in &books.shipments {
        let goes = shipment.status != ShipmentStatus::Cancelled;
        findings.expect(known(id) || !goes, rule, id, || format!("its shipment is {:?}", shipment.status));
    }
}

/// captured − refunded = what confirmed orders cost, in all.
fn money_in_all_matches(books: &Books, findings: &mut Findings) {
    if !books.is_quiet() {
        return;
    }
    let networks = books.payments.values().filter_map(|entry| entry.network.as_ref());
    let kept: i64 = networks.map(|record| record.captured - record.refunded).sum();
    let confirmed = books.orders.values().filter(|order| order.step == "confirmed");
    let owed: i64 = confirmed.map(|order| order.total.amount).sum();
    findings.expect(kept == owed, "captured − refunded = confirmed orders", "the shop", || {
        format!("captured − refunded is {kept}, confirmed orders cost {owed}")
    });
    let sales: i64 =
        books.postings.iter().filter(|posting| posting.account == "sales").map(|p| p.amount.amount).sum();
    findings.expect(-sales == owed, "the ledger's sales = confirmed orders", "the ledger", || {
        format!("sales are {}, confirmed orders cost {owed}", -sales)
    });
}

#[cfg(test)]
mod tests;

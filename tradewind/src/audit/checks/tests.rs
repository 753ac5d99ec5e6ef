//! Every rule can be broken: books without fault, and one fault at a time.

use std::collections::{BTreeMap, BTreeSet};

use contracts::inventory::{Reservation, ReservationStatus, StockAccount};
use contracts::payments::{AuditedPayment, NetworkRecord, Payment, PaymentStatus, Posting};
use contracts::shipping::{Shipment, ShipmentStatus};
use contracts::types::Line;
use contracts::{Money, OrderId};
use uuid::Uuid;

use super::super::samples::{PRICE, THEN, order};
use super::{Books, check};

const CONFIRMED: OrderId = OrderId(Uuid::from_u128(1));
const REJECTED: OrderId = OrderId(Uuid::from_u128(2));
const CANCELLED: OrderId = OrderId(Uuid::from_u128(3));
const REFUNDED: OrderId = OrderId(Uuid::from_u128(4));
const NOBODY: OrderId = OrderId(Uuid::from_u128(5));

fn claim(order_id: OrderId, status: ReservationStatus) -> (OrderId, Reservation) {
    let lines = vec![Line { sku: "A-1".into(), quantity: 2 }];
    (order_id, Reservation { order_id, status, lines, expires_at: THEN })
}

fn payment(order_id: OrderId, status: PaymentStatus, network: NetworkRecord) -> (OrderId, AuditedPayment) {
    let payment = Payment { order_id, status, amount: Some(Money::eur(PRICE)), updated_at: THEN };
    (order_id, AuditedPayment { payment, network: Some(network) })
}

/// Both sides of a transfer from `from` to `to`.
fn transfer(order_id: OrderId, what: &str, [from, to]: [&str; 2]) -> [Posting; 2] {
    [(from, -PRICE), (to, PRICE)].map(|(account, amount)| Posting {
        id: format!("{order_id}-{what}-{account}"),
        transfer: format!("{order_id}-{what}"),
        order_id,
        account: account.into(),
        amount: Money::eur(amount),
        posted_at: THEN,
    })
}

fn shipment(order_id: OrderId, status: ShipmentStatus) -> (OrderId, Shipment) {
    let (carrier, tracking_number) = ("carrier".into(), "1".into());
    (order_id, Shipment { order_id, status, carrier, tracking_number, updated_at: THEN })
}

/// One order of each ending, and what everybody holds for it.
fn sound() -> Books {
    let held = NetworkRecord { holds: 1, captures: 0, captured: 0, refunded: 0 };
    let taken = NetworkRecord { captures: 1, captured: PRICE, ..held };
    let given_back = NetworkRecord { refunded: PRICE, ..taken };
    Books {
        orders: BTreeMap::from([
            (CONFIRMED, order(CONFIRMED, "confirmed")),
            (REJECTED, order(REJECTED, "rejected")),
            (CANCELLED, order(CANCELLED, "cancelled")),
            (REFUNDED, order(REFUNDED, "refunded")),
        ]),
        accounts: vec![StockAccount { sku: "A-1".into(), initial: 10, available: 8, reserved: 0, sold: 2 }],
        claims: BTreeMap::from([
            claim(CONFIRMED, ReservationStatus::Committed),
            claim(CANCELLED, ReservationStatus::Expired),
            claim(REFUNDED, ReservationStatus::Released),
        ]),
        payments: BTreeMap::from([
            payment(CONFIRMED, PaymentStatus::Captured, taken),
            payment(CANCELLED, PaymentStatus::Voided, held),
            payment(REFUNDED, PaymentStatus::Refunded, given_back),
        ]),
        postings: [
            transfer(CONFIRMED, "capture", ["sales", "card-network"]),
            transfer(REFUNDED, "capture", ["sales", "card-network"]),
            transfer(REFUNDED, "refund", ["card-network", "sales"]),
        ]
        .concat(),
        shipments: BTreeMap::from([
            shipment(CONFIRMED, ShipmentStatus::Delivered),
            shipment(REFUNDED, ShipmentStatus::Cancelled),
        ]),
        ..Books::default()
    }
}

const TOLD: [OrderId; 2] = [CONFIRMED, REFUNDED];

/// The rules that `fault` breaks in books that are sound otherwise.
fn broken_by(fault: impl FnOnce(&mut Books)) -> BTreeSet<&'static str> {
    let mut books = sound();
    fault(&mut books);
    check(&books, &TOLD).into_iter().map(|finding| finding.rule).collect()
}

#[track_caller]
fn assert_breaks(rule: &str, fault: impl FnOnce(&mut Books)) {
    let broken = broken_by(fault);
    assert!(broken.contains(rule), "{rule:?} is not among {broken:?}");
}

/// The card network's record of an order.
fn record(books: &mut Books, id: OrderId) -> &mut NetworkRecord {
    let entry = books.payments.get_mut(&id).expect("an entry");
    entry.network.as_mut().expect("a record")
}

#[test]
fn sound_books_break_no_rule() {
    assert_eq!(broken_by(|_| {}), BTreeSet::new());
    assert_eq!(check(&Books::default(), &[]), []);
}

#[test]
fn orders_must_be_there_once_and_come_to_rest() {
    assert_breaks("an order is one order", |books| books.repeated.push(CONFIRMED));
    assert_breaks("no order disappears", |books| books.vanished.extend([CANCELLED]));
    assert_breaks("no acknowledged order is lost", |books| {
        books.orders.remove(&CONFIRMED);
    });
    assert_breaks("every acknowledged order comes to rest", |books| books.in_flight.extend([CONFIRMED]));
    // nobody was told of this one yet
    assert_eq!(broken_by(|books| books.in_flight.extend([CANCELLED])), BTreeSet::new());
}

#[test]
fn goods_must_add_up() {
    assert_breaks("stock is never negative", |books| {
        books.accounts[0].available = -1;
    });
    assert_breaks("available = initial − sold − reserved", |books| books.accounts[0].available += 1);
    assert_breaks("accounts agree with claims", |books| {
        books.accounts[0].reserved += 1;
        books.accounts[0].available -= 1;
    });
    for (id, status) in [(CONFIRMED, ReservationStatus::Released), (CANCELLED, ReservationStatus::Reserved)] {
        assert_breaks("stock agrees with orders", |books| books.claims.extend([claim(id, status)]));
    }
    assert_breaks("stock agrees with orders", |books| {
        books.claims.get_mut(&CONFIRMED).expect("a claim").lines[0].quantity = 1;
    });
}

#[test]
fn money_must_add_up() {
    assert_breaks("debits = credits", |books| {
        books.postings.pop();
    });
    assert_breaks("at most one capture an order", |books| record(books, CONFIRMED).captures = 2);
    assert_breaks("at most one hold an order", |books| record(books, CANCELLED).holds = 2);
    assert_breaks("payments agree with orders", |books| {
        books.payments.remove(&CONFIRMED);
    });
    assert_breaks("payments agree with orders", |books| {
        books.payments.get_mut(&CANCELLED).expect("an entry").payment.status = PaymentStatus::Authorized;
    });
    assert_breaks("the card network agrees with orders", |books| record(books, REFUNDED).refunded -= 1);
    assert_breaks("captured − refunded = confirmed orders", |books| record(books, CONFIRMED).captured += 1);
    assert_breaks("the ledger's sales = confirmed orders", |books| books.postings.truncate(4));
}

#[test]
fn nothing_goes_out_or_is_held_for_an_order_that_was_not_confirmed() {
    assert_breaks("shipments agree with orders", |books| {
        books.shipments.remove(&CONFIRMED);
    });
    assert_breaks("shipments agree with orders", |books| {
        books.shipments.extend([shipment(CANCELLED, ShipmentStatus::Scheduled)]);
    });
    let rule = "nothing is held without an order";
    assert_breaks(rule, |books| books.claims.extend([claim(NOBODY, ReservationStatus::Reserved)]));
    assert_breaks(rule, |books| books.shipments.extend([shipment(NOBODY, ShipmentStatus::Shipped)]));
    assert_breaks(rule, |books| {
        let none = NetworkRecord { holds: 0, captures: 0, captured: 0, refunded: 0 };
        books.payments.extend([payment(NOBODY, PaymentStatus::Authorized, none)]);
    });
}

//! Every row of the table, and what is none of payments' business.

use contracts::inventory::{Reservation, ReservationStatus};
use contracts::messages::{Event, MessageId, Origin, Outgoing};
use contracts::orders::{Order, OrderEvent, OrderStatus, Reason};
use contracts::payments::{CardToken, PaymentStatus};
use contracts::shipping::{Shipment, ShipmentStatus};
use contracts::types::Address;
use contracts::{CustomerId, Money, PortError, Problem, Timestamp, TraceContext};
use serde_json::json;

use super::*;
use crate::domain::{Charge, Decline, Known, State};
use crate::store::Stored;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const ORDER: OrderId = OrderId(uuid::Uuid::from_u128(7));

fn origin(coordination: Coordination) -> Origin {
    Origin { coordination, trace: TraceContext::root(), passed: None }
}

fn passed() -> Passed {
    let address = Address {
        name: "Ada Lovelace".into(),
        street: "Invalidenstr. 117".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    Passed {
        customer_id: CustomerId("ada".into()),
        amount: Money::eur(1999),
        card: CardToken("tok_approve".into()),
        address,
        weight_grams: 500,
    }
}

fn order() -> Order {
    Order {
        id: ORDER,
        customer_id: passed().customer_id,
        status: OrderStatus::Placed,
        step: "authorizing".into(),
        coordination: Coordination::Choreographed,
        lines: Vec::new(),
        shipping: Money::eur(199),
        total: Money::eur(1999),
        reason: None,
        placed_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn claim() -> Reservation {
    Reservation { order_id: ORDER, status: ReservationStatus::Reserved, lines: Vec::new(), expires_at: NOW }
}

fn payment(status: PaymentStatus) -> Payment {
    Payment { order_id: ORDER, status, amount: Some(Money::eur(1999)), updated_at: NOW }
}

fn reason() -> Reason {
    Reason { code: Code::Conflict.as_str().into(), detail: String::new() }
}

fn said(event: &impl Event, coordination: Coordination) -> Outgoing {
    event.fact(&origin(coordination), NOW)
}

fn authorize() -> Request {
    let Passed { amount, card, .. } = passed();
    let charge = AuthorizePayment { order_id: ORDER, amount, card };
    Request::Authorize { charge, passed: Some(Box::new(passed())) }
}

fn capture() -> Request {
    Request::Capture(CapturePayment { order_id: ORDER })
}

fn refund() -> Request {
    Request::Refund(RefundPayment { order_id: ORDER })
}

/// What others may say of an order in `coordination`, and what the table makes of it.
fn table(coordination: Coordination) -> Vec<(Outgoing, Option<Request>)> {
    let (order_id, reservation, payment) = (ORDER, claim(), payment(PaymentStatus::Authorized));
    let shipment = Shipment {
        order_id,
        status: ShipmentStatus::Scheduled,
        carrier: String::new(),
        tracking_number: String::new(),
        updated_at: NOW,
    };
    let mut table = Vec::new();
    let mut row = |message, asks| table.push((message, asks));
    for event in [
        OrderEvent::OrderPlaced { order: order(), passed: Some(passed()) },
        OrderEvent::OrderConfirmed { order: order() },
        OrderEvent::OrderCancellationRequested { order: order() },
    ] {
        row(said(&event, coordination), None);
    }
    for (event, asks) in [
        (
            InventoryEvent::StockReserved { reservation: reservation.clone(), passed: Some(passed()) },
            Some(authorize()),
        ),
        (InventoryEvent::StockRefused { order_id, reason: reason() }, None),
        (InventoryEvent::StockCommitted { reservation: reservation.clone() }, Some(capture())),
        (InventoryEvent::StockCommitRefused { order_id, reason: reason() }, Some(void(ORDER))),
        (InventoryEvent::StockExpired { reservation: reservation.clone() }, None),
        (InventoryEvent::StockReleased { reservation }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    for (event, asks) in [
        (PaymentEvent::PaymentAuthorized { payment: payment.clone(), passed: Some(passed()) }, None),
        (PaymentEvent::PaymentDeclined { order_id, reason: reason() }, None),
        (PaymentEvent::PaymentCaptured { payment: payment.clone() }, None),
        (PaymentEvent::PaymentCaptureRefused { order_id, reason: reason() }, Some(void(ORDER))),
        (PaymentEvent::PaymentVoided { payment: payment.clone() }, None),
        (PaymentEvent::PaymentRefunded { payment }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    let cancelled = |recall| ShippingEvent::ShipmentCancelled { shipment: shipment.clone(), recall };
    for (event, asks) in [
        (ShippingEvent::ShipmentScheduled { shipment: shipment.clone() }, None),
        (ShippingEvent::ShipmentRefused { order_id, reason: reason() }, Some(void(ORDER))),
        (cancelled(Recall::Never), Some(refund())),
        (cancelled(Recall::IfShipped), None),
        (ShippingEvent::ShipmentCancelRefused { order_id, reason: reason() }, None),
        (ShippingEvent::ShipmentShipped { shipment: shipment.clone() }, None),
        (ShippingEvent::ShipmentDelivered { shipment: shipment.clone() }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    table
}

#[test]
fn each_event_of_a_choreographed_order_asks_what_the_table_says() {
    for (outgoing, asks) in table(Coordination::Choreographed) {
        assert_eq!(Request::asked(&outgoing.message), Ok(asks), "{}", outgoing.message.kind);
    }
}

#[test]
fn the_queue_takes_every_event_that_asks_something() {
    for (outgoing, asks) in table(Coordination::Choreographed) {
        let takes = PAYMENTS_EVENTS.takes(&outgoing.to);
        assert!(takes || asks.is_none(), "{} is not bound", outgoing.message.kind);
    }
}

#[test]
fn orders_that_somebody_else_drives_ask_nothing() {
    for coordination in [Coordination::Sync, Coordination::Orchestrated] {
        for (outgoing, _) in table(coordination) {
            assert_eq!(Request::asked(&outgoing.message), Ok(None), "{}", outgoing.message.kind);
        }
    }
}

#[test]
fn unknown_types_and_versions_ask_nothing_and_unknown_fields_do_not_matter() {
    for (outgoing, asks) in table(Coordination::Choreographed) {
        let mut message = outgoing.message;
        message.data["of_a_later_release"] = json!({"any": "thing"});
        assert_eq!(Request::asked(&message), Ok(asks), "{}", message.kind);
        for kind in [message.kind.replace(".v1", ".v2"), "tradewind.inventory.stock_dreamt_of.v1".into()] {
            let other = Message { kind, data: json!("no event"), ..message.clone() };
            assert_eq!(Request::asked(&other), Ok(None), "{}", other.kind);
        }
    }
}

#[test]
fn what_claims_to_be_an_event_and_is_none_is_an_error() {
    let heard = |outgoing: &Outgoing| outgoing.message.source != "orders";
    for (outgoing, _) in table(Coordination::Choreographed).into_iter().filter(|(event, _)| heard(event)) {
        let message = Message { data: json!({"type": "order_placed"}), ..outgoing.message };
        let cause = Request::asked(&message).expect_err("cannot be read");
        assert!(cause.contains(&message.kind), "{cause}");
    }
    let reserved = InventoryEvent::StockReserved { reservation: claim(), passed: None };
    let nothing_passed = Request::asked(&said(&reserved, Coordination::Choreographed).message);
    assert!(nothing_passed.is_err_and(|cause| cause.contains("passes nothing on")));
}

#[test]
fn a_command_asks_what_its_port_call_would() {
    let Request::Authorize { charge, .. } = authorize() else { panic!("an authorization") };
    let asks = Request::commanded(Command::AuthorizePayment(charge.clone()));
    assert_eq!(asks, Some(Request::Authorize { charge, passed: None }));
    let order_id = ORDER;
    assert_eq!(Request::commanded(Command::CapturePayment(CapturePayment { order_id })), Some(capture()));
    assert_eq!(Request::commanded(Command::VoidPayment(VoidPayment { order_id })), Some(void(ORDER)));
    assert_eq!(Request::commanded(Command::RefundPayment(RefundPayment { order_id })), Some(refund()));
    let commit = contracts::inventory::CommitStock { order_id };
    assert_eq!(Request::commanded(Command::CommitStock(commit)), None);
}

#[test]
fn what_was_done_is_a_fact_and_a_refusal_is_an_answer() {
    let (order_id, payment) = (ORDER, payment(PaymentStatus::Captured));
    let done = Ok(payment.clone());
    let refused: PortResult<Payment> = Err(Problem::new(Code::Conflict, "").into());
    for (request, success, refusal) in [
        (
            authorize(),
            PaymentEvent::PaymentAuthorized { payment: payment.clone(), passed: Some(passed()) },
            PaymentEvent::PaymentDeclined { order_id, reason: reason() },
        ),
        (
            capture(),
            PaymentEvent::PaymentCaptured { payment: payment.clone() },
            PaymentEvent::PaymentCaptureRefused { order_id, reason: reason() },
        ),
    ] {
        assert_eq!(request.told(&done), Told::Fact(success));
        assert_eq!(request.told(&refused), Told::Answer(refusal));
    }
    assert_eq!(void(ORDER).told(&done), Told::Fact(PaymentEvent::PaymentVoided { payment: payment.clone() }));
    assert_eq!(refund().told(&done), Told::Fact(PaymentEvent::PaymentRefunded { payment }));
    for request in [void(ORDER), refund()] {
        assert!(matches!(request.told(&refused), Told::Hopeless(_)));
    }
}

/// The bank's no is in the books, where it was said as a fact: saying it again must not make it two.
#[test]
fn what_the_bank_said_is_the_fact_that_the_books_tell() {
    for decline in [Decline::Declined, Decline::InsufficientFunds, Decline::UnknownCard] {
        let Passed { amount, card, .. } = passed();
        let known = Known::Charge(Charge { amount, card, state: State::Declined(decline) });
        let stored = Stored { order_id: ORDER, known, updated_at: NOW };
        let fact = crate::facts::of(&stored, None).expect("something to say");
        let result = Err(crate::problems::declined(decline).into());
        assert_eq!(authorize().told(&result), Told::Fact(fact));
    }
}

#[test]
fn an_intent_tells_nothing_and_each_end_something() {
    let of = |state| {
        let Passed { amount, card, .. } = passed();
        let stored =
            Stored { order_id: ORDER, known: Known::Charge(Charge { amount, card, state }), updated_at: NOW };
        crate::facts::of(&stored, Some(passed())).map(|event| event.name())
    };
    for state in [State::Authorizing, State::Capturing, State::Refunding] {
        assert_eq!(of(state), None, "{state:?}");
    }
    for (state, name) in [
        (State::Authorized, "payment_authorized"),
        (State::Captured, "payment_captured"),
        (State::Voided, "payment_voided"),
        (State::Refunded, "payment_refunded"),
    ] {
        assert_eq!(of(state), Some(name));
    }
}

#[test]
fn what_is_no_decision_is_tried_again() {
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::OutcomeUnknown, Code::Internal] {
        for request in [authorize(), capture(), void(ORDER), refund()] {
            let error = PortError::from(Problem::new(code, "not now"));
            assert!(matches!(request.told(&Err(error)), Told::Again(cause) if cause.contains("not now")));
        }
    }
}

#[test]
fn a_repeated_message_is_answered_under_the_same_id_and_another_one_under_another() {
    let refused: PortResult<Payment> = Err(Problem::new(Code::NotFound, "").into());
    let origin = origin(Coordination::Choreographed);
    let answer = |result: &PortResult<Payment>, cause| {
        authorize()
            .told(result)
            .message(cause, &origin, NOW)
            .expect("is no failure")
            .expect("there is something to say")
            .message
            .id
    };
    let (one, other) = (MessageId::random(), MessageId::random());
    assert_eq!(answer(&refused, one), answer(&refused, one));
    assert_ne!(answer(&refused, one), answer(&refused, other));
    let done = Ok(payment(PaymentStatus::Authorized));
    assert_eq!(answer(&done, one), answer(&done, other), "a fact is one, whoever asks");
}

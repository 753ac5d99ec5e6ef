//! Every row of the table, and what is none of shipping's business.

use contracts::inventory::{Reservation, ReservationStatus};
use contracts::messages::{Event, MessageId, Origin, Outgoing, Passed};
use contracts::orders::{Order, OrderStatus, Reason};
use contracts::payments::{CardToken, Payment, PaymentStatus};
use contracts::shipping::ShipmentStatus;
use contracts::types::Address;
use contracts::{Code, CustomerId, Money, PortError, Problem, Timestamp, TraceContext};
use serde_json::json;

use super::*;

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
        status: OrderStatus::Confirmed,
        step: "confirmed".into(),
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

fn payment() -> Payment {
    Payment { order_id: ORDER, status: PaymentStatus::Authorized, amount: None, updated_at: NOW }
}

fn shipment() -> Shipment {
    Shipment {
        order_id: ORDER,
        status: ShipmentStatus::Scheduled,
        carrier: "Tailwind Parcel".into(),
        tracking_number: "TP1".into(),
        updated_at: NOW,
    }
}

fn reason() -> Reason {
    Reason { code: Code::Conflict.as_str().into(), detail: String::new() }
}

fn said(event: &impl Event, coordination: Coordination) -> Outgoing {
    event.fact(&origin(coordination), NOW)
}

fn schedule() -> Request {
    let Passed { address, weight_grams, .. } = passed();
    Request::Schedule(ScheduleShipment { order_id: ORDER, address, weight_grams })
}

/// What others may say of an order in `coordination`, and what the table makes of it.
fn table(coordination: Coordination) -> Vec<(Outgoing, Option<Request>)> {
    let reservation = Reservation {
        order_id: ORDER,
        status: ReservationStatus::Reserved,
        lines: Vec::new(),
        expires_at: NOW,
    };
    let (order_id, payment, shipment) = (ORDER, payment(), shipment());
    let recall = || Some(cancel(ORDER, Recall::IfShipped));
    let mut table = Vec::new();
    let mut row = |message, asks| table.push((message, asks));
    for (event, asks) in [
        (OrderEvent::OrderPlaced { order: order(), passed: Some(passed()) }, None),
        (OrderEvent::OrderConfirmed { order: order() }, None),
        (OrderEvent::OrderRejected { order: order() }, None),
        (OrderEvent::OrderCancelled { order: order() }, None),
        (OrderEvent::OrderCancellationRequested { order: order() }, Some(cancel(ORDER, Recall::Never))),
        (OrderEvent::OrderRefunded { order: order() }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    for (event, asks) in [
        (InventoryEvent::StockReserved { reservation: reservation.clone(), passed: Some(passed()) }, None),
        (InventoryEvent::StockRefused { order_id, reason: reason() }, None),
        (InventoryEvent::StockCommitted { reservation: reservation.clone() }, None),
        (InventoryEvent::StockCommitRefused { order_id, reason: reason() }, recall()),
        (InventoryEvent::StockExpired { reservation: reservation.clone() }, None),
        (InventoryEvent::StockReleased { reservation }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    for (event, asks) in [
        (
            PaymentEvent::PaymentAuthorized { payment: payment.clone(), passed: Some(passed()) },
            Some(schedule()),
        ),
        (PaymentEvent::PaymentDeclined { order_id, reason: reason() }, None),
        (PaymentEvent::PaymentCaptured { payment: payment.clone() }, None),
        (PaymentEvent::PaymentCaptureRefused { order_id, reason: reason() }, recall()),
        (PaymentEvent::PaymentVoided { payment: payment.clone() }, None),
        (PaymentEvent::PaymentRefunded { payment }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    for event in [
        ShippingEvent::ShipmentScheduled { shipment: shipment.clone() },
        ShippingEvent::ShipmentRefused { order_id, reason: reason() },
        ShippingEvent::ShipmentCancelled { shipment: shipment.clone(), recall: Recall::Never },
        ShippingEvent::ShipmentCancelRefused { order_id, reason: reason() },
        ShippingEvent::ShipmentShipped { shipment: shipment.clone() },
        ShippingEvent::ShipmentDelivered { shipment },
    ] {
        row(said(&event, coordination), None);
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
        let takes = SHIPPING_EVENTS.takes(&outgoing.to);
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
        for kind in [message.kind.replace(".v1", ".v2"), "tradewind.payments.payment_dreamt_of.v1".into()] {
            let other = Message { kind, data: json!("no event"), ..message.clone() };
            assert_eq!(Request::asked(&other), Ok(None), "{}", other.kind);
        }
    }
}

#[test]
fn what_claims_to_be_an_event_and_is_none_is_an_error() {
    let heard = |outgoing: &Outgoing| !outgoing.message.source.contains("shipping");
    for (outgoing, _) in table(Coordination::Choreographed).into_iter().filter(|(event, _)| heard(event)) {
        let message = Message { data: json!({"type": "order_placed"}), ..outgoing.message };
        let cause = Request::asked(&message).expect_err("cannot be read");
        assert!(cause.contains(&message.kind), "{cause}");
    }
    let authorized = PaymentEvent::PaymentAuthorized { payment: payment(), passed: None };
    let nothing_passed = Request::asked(&said(&authorized, Coordination::Choreographed).message);
    assert!(nothing_passed.is_err_and(|cause| cause.contains("passes nothing on")));
}

#[test]
fn a_command_asks_what_its_port_call_would() {
    let Request::Schedule(booking) = schedule() else { panic!("a booking") };
    assert_eq!(Request::commanded(Command::ScheduleShipment(booking)), Some(schedule()));
    let calling_off = |recall| CancelShipment { order_id: ORDER, recall };
    let cancelled = Request::commanded(Command::CancelShipment(calling_off(Recall::Never)));
    assert_eq!(cancelled, Some(cancel(ORDER, Recall::Never)));
    let recalled = Request::commanded(Command::RecallShipment(calling_off(Recall::IfShipped)));
    assert_eq!(recalled, Some(cancel(ORDER, Recall::IfShipped)));
    let voiding = contracts::payments::VoidPayment { order_id: ORDER };
    assert_eq!(Request::commanded(Command::VoidPayment(voiding)), None);
}

#[test]
fn what_was_done_is_a_fact_and_a_refusal_is_an_answer() {
    let (order_id, shipment) = (ORDER, shipment());
    let done = Ok(shipment.clone());
    let refused: PortResult<Shipment> = Err(Problem::new(Code::Conflict, "").into());
    let cancelled = |recall| ShippingEvent::ShipmentCancelled { shipment: shipment.clone(), recall };
    for (request, success, refusal) in [
        (
            schedule(),
            ShippingEvent::ShipmentScheduled { shipment: shipment.clone() },
            ShippingEvent::ShipmentRefused { order_id, reason: reason() },
        ),
        (
            cancel(ORDER, Recall::Never),
            cancelled(Recall::Never),
            ShippingEvent::ShipmentCancelRefused { order_id, reason: reason() },
        ),
    ] {
        assert_eq!(request.told(&done), Told::Fact(success));
        assert_eq!(request.told(&refused), Told::Answer(refusal));
    }
    let recall = cancel(ORDER, Recall::IfShipped);
    assert_eq!(recall.told(&done), Told::Fact(cancelled(Recall::IfShipped)));
    assert!(matches!(recall.told(&refused), Told::Hopeless(_)));
}

#[test]
fn what_is_no_decision_is_tried_again() {
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::OutcomeUnknown, Code::Internal] {
        for request in [schedule(), cancel(ORDER, Recall::Never), cancel(ORDER, Recall::IfShipped)] {
            let error = PortError::from(Problem::new(code, "not now"));
            assert!(matches!(request.told(&Err(error)), Told::Again(cause) if cause.contains("not now")));
        }
    }
}

#[test]
fn a_repeated_message_is_answered_under_the_same_id_and_another_one_under_another() {
    let refused: PortResult<Shipment> = Err(Problem::new(Code::ShipmentRefused, "").into());
    let origin = origin(Coordination::Choreographed);
    let answer = |result: &PortResult<Shipment>, cause| {
        schedule()
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
    let done = Ok(shipment());
    assert_eq!(answer(&done, one), answer(&done, other), "a fact is one, whoever asks");
}

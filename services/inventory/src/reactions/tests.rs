//! Every row of the table, and what is none of the inventory's business.

use contracts::inventory::ReservationStatus;
use contracts::messages::{Event, Origin, Outgoing};
use contracts::orders::{Order, OrderStatus, PricedLine, Reason};
use contracts::payments::{CardToken, Payment, PaymentStatus};
use contracts::shipping::{Shipment, ShipmentStatus};
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

fn placed() -> Order {
    let line = PricedLine {
        sku: "A".into(),
        name: "A kettle".into(),
        quantity: 2,
        unit_price: Money::eur(900),
        weight_grams: 250,
    };
    Order {
        id: ORDER,
        customer_id: passed().customer_id,
        status: OrderStatus::Placed,
        step: "reserving".into(),
        coordination: Coordination::Choreographed,
        lines: vec![line],
        shipping: Money::eur(199),
        total: Money::eur(1999),
        reason: None,
        placed_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn claim(status: ReservationStatus) -> Reservation {
    let lines = vec![Line { sku: "A".into(), quantity: 2 }];
    Reservation { order_id: ORDER, status, lines, expires_at: NOW }
}

fn payment() -> Payment {
    Payment { order_id: ORDER, status: PaymentStatus::Authorized, amount: None, updated_at: NOW }
}

fn shipment() -> Shipment {
    Shipment {
        order_id: ORDER,
        status: ShipmentStatus::Scheduled,
        carrier: String::new(),
        tracking_number: String::new(),
        updated_at: NOW,
    }
}

fn reason() -> Reason {
    Reason { code: Code::Conflict.as_str().into(), detail: String::new() }
}

fn said(event: &impl Event, coordination: Coordination) -> Outgoing {
    event.fact(&origin(coordination), NOW)
}

fn reserve() -> Request {
    let goods = ReserveStock { order_id: ORDER, lines: claim(ReservationStatus::Reserved).lines };
    Request::Reserve { goods, passed: Some(Box::new(passed())) }
}

fn commit() -> Request {
    Request::Commit(CommitStock { order_id: ORDER })
}

/// What others may say of an order in `coordination`, and what the table makes of it.
fn table(coordination: Coordination) -> Vec<(Outgoing, Option<Request>)> {
    let order = placed();
    let (reservation, payment, shipment) = (claim(ReservationStatus::Reserved), payment(), shipment());
    let order_id = ORDER;
    let release = || Some(release(ORDER));
    let mut table = Vec::new();
    let mut row = |message, asks| table.push((message, asks));
    let placed = OrderEvent::OrderPlaced { order: order.clone(), passed: Some(passed()) };
    row(said(&placed, coordination), Some(reserve()));
    for silent in [
        OrderEvent::OrderConfirmed { order: order.clone() },
        OrderEvent::OrderRejected { order: order.clone() },
        OrderEvent::OrderCancelled { order: order.clone() },
        OrderEvent::OrderCancellationRequested { order: order.clone() },
        OrderEvent::OrderRefunded { order },
    ] {
        row(said(&silent, coordination), None);
    }
    for (event, asks) in [
        (InventoryEvent::StockReserved { reservation: reservation.clone(), passed: Some(passed()) }, None),
        (InventoryEvent::StockRefused { order_id, reason: reason() }, None),
        (InventoryEvent::StockCommitted { reservation: reservation.clone() }, None),
        (InventoryEvent::StockCommitRefused { order_id, reason: reason() }, release()),
        (InventoryEvent::StockExpired { reservation: reservation.clone() }, None),
        (InventoryEvent::StockReleased { reservation }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    for (event, asks) in [
        (PaymentEvent::PaymentAuthorized { payment: payment.clone(), passed: Some(passed()) }, None),
        (PaymentEvent::PaymentDeclined { order_id, reason: reason() }, release()),
        (PaymentEvent::PaymentCaptured { payment: payment.clone() }, None),
        (PaymentEvent::PaymentCaptureRefused { order_id, reason: reason() }, release()),
        (PaymentEvent::PaymentVoided { payment: payment.clone() }, None),
        (PaymentEvent::PaymentRefunded { payment }, None),
    ] {
        row(said(&event, coordination), asks);
    }
    let cancelled = |recall| ShippingEvent::ShipmentCancelled { shipment: shipment.clone(), recall };
    for (event, asks) in [
        (ShippingEvent::ShipmentScheduled { shipment: shipment.clone() }, Some(commit())),
        (ShippingEvent::ShipmentRefused { order_id, reason: reason() }, release()),
        (cancelled(Recall::Never), release()),
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
        let takes = INVENTORY_EVENTS.takes(&outgoing.to);
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
        for kind in [message.kind.replace(".v1", ".v2"), "tradewind.orders.order_dreamt_of.v1".into()] {
            let other = Message { kind, data: json!("no event"), ..message.clone() };
            assert_eq!(Request::asked(&other), Ok(None), "{}", other.kind);
        }
    }
}

#[test]
fn what_claims_to_be_an_event_and_is_none_is_an_error() {
    for (outgoing, _) in table(Coordination::Choreographed) {
        let message = Message { data: json!({"type": "stock_reserved"}), ..outgoing.message };
        let cause = Request::asked(&message).expect_err("cannot be read");
        assert!(cause.contains(&message.kind), "{cause}");
    }
    let placed = OrderEvent::OrderPlaced { order: placed(), passed: None };
    let nothing_passed = Request::asked(&said(&placed, Coordination::Choreographed).message);
    assert!(nothing_passed.is_err_and(|cause| cause.contains("passes nothing on")));
}

#[test]
fn a_command_asks_what_its_port_call_would() {
    let Request::Reserve { goods, .. } = reserve() else { panic!("a reserve") };
    let asks = Request::commanded(Command::ReserveStock(goods.clone()));
    assert_eq!(asks, Some(Request::Reserve { goods, passed: None }));
    assert_eq!(Request::commanded(Command::CommitStock(CommitStock { order_id: ORDER })), Some(commit()));
    assert_eq!(
        Request::commanded(Command::ReleaseStock(ReleaseStock { order_id: ORDER })),
        Some(release(ORDER))
    );
    let voiding = contracts::payments::VoidPayment { order_id: ORDER };
    assert_eq!(Request::commanded(Command::VoidPayment(voiding)), None);
}

#[test]
fn what_was_done_is_a_fact_and_so_is_a_refusal_that_is_remembered() {
    let reservation = claim(ReservationStatus::Reserved);
    let done = Ok(reservation.clone());
    let refused: PortResult<Reservation> = Err(Problem::new(Code::Conflict, "").into());
    let order_id = ORDER;
    for (request, success, refusal) in [
        (
            reserve(),
            InventoryEvent::StockReserved { reservation: reservation.clone(), passed: Some(passed()) },
            Told::Fact(InventoryEvent::StockRefused { order_id, reason: reason() }),
        ),
        (
            commit(),
            InventoryEvent::StockCommitted { reservation: reservation.clone() },
            Told::Answer(InventoryEvent::StockCommitRefused { order_id, reason: reason() }),
        ),
    ] {
        assert_eq!(request.told(&done), Told::Fact(success));
        assert_eq!(request.told(&refused), refusal);
    }
    assert_eq!(release(ORDER).told(&done), Told::Fact(InventoryEvent::StockReleased { reservation }));
    assert!(matches!(release(ORDER).told(&refused), Told::Hopeless(_)));
}

#[test]
fn what_is_no_decision_is_tried_again() {
    for code in [Code::Unavailable, Code::DeadlineExceeded, Code::OutcomeUnknown, Code::Internal] {
        for request in [reserve(), commit(), release(ORDER)] {
            let error = PortError::from(Problem::new(code, "not now"));
            assert!(matches!(request.told(&Err(error)), Told::Again(cause) if cause.contains("not now")));
        }
    }
}

#[test]
fn a_repeated_message_is_answered_under_the_same_id_and_another_one_under_another() {
    let refused: PortResult<Reservation> = Err(Problem::new(Code::OutOfStock, "").into());
    let origin = origin(Coordination::Choreographed);
    let answer = |request: &Request, result: &PortResult<Reservation>, cause| {
        let said = request.told(result).message(cause, &origin, NOW).expect("it is a decision");
        said.expect("there is something to say").message.id
    };
    let (one, other) = (contracts::messages::MessageId::random(), contracts::messages::MessageId::random());
    assert_eq!(answer(&commit(), &refused, one), answer(&commit(), &refused, one));
    assert_ne!(answer(&commit(), &refused, one), answer(&commit(), &refused, other));
    let done = Ok(claim(ReservationStatus::Reserved));
    for result in [&done, &refused] {
        let (one, other) = (answer(&reserve(), result, one), answer(&reserve(), result, other));
        assert_eq!(one, other, "a fact is one, whoever asks");
    }
}

/// Each status of a claim has an event of its own, so that no change goes unsaid.
#[test]
fn the_answer_to_an_event_is_the_fact_that_the_books_tell() {
    for (request, status) in [
        (reserve(), ReservationStatus::Reserved),
        (commit(), ReservationStatus::Committed),
        (release(ORDER), ReservationStatus::Released),
    ] {
        let fact = crate::facts::of(claim(status), Some(passed()));
        assert_eq!(request.told(&Ok(claim(status))), Told::Fact(fact));
    }
    let lapsed = crate::facts::of(claim(ReservationStatus::Expired), None);
    assert_eq!(lapsed.name(), "stock_expired");
    let refusal = crate::domain::Refusal::OutOfStock(Vec::new());
    let refused = Err(crate::problems::of(&refusal, ORDER).into());
    assert_eq!(reserve().told(&refused), Told::Fact(crate::facts::refused(ORDER, &refusal)));
}

/// Also to a reserve that meets the tombstone of its own refusal: that was told with the tombstone.
#[test]
fn what_comes_again_after_it_was_undone_is_not_answered_a_second_time() {
    let undone: PortResult<Reservation> = Err(Problem::new(Code::Compensated, "").into());
    for request in [reserve(), commit()] {
        assert_eq!(request.told(&undone), Told::Nothing);
    }
}

//! Messages, there and back.

use contracts::messages::{MessageId, Origin};
use contracts::payments::CardToken;
use contracts::shipping::{Shipment, ShipmentStatus};
use contracts::types::Address;
use contracts::{CustomerId, Money, OrderId, RemoteFailure, RemoteReason, Timestamp, TraceContext};
use uuid::Uuid;

use super::*;

const EFFECTS: [Effect; 10] = [
    Effect::ReserveStock,
    Effect::AuthorizePayment,
    Effect::ScheduleShipment,
    Effect::CommitStock,
    Effect::CapturePayment,
    Effect::RecallShipment,
    Effect::VoidPayment,
    Effect::ReleaseStock,
    Effect::CancelShipment,
    Effect::RefundPayment,
];

fn order(coordination: Coordination) -> StoredOrder {
    let line = contracts::orders::PricedLine {
        sku: "A-1".into(),
        name: String::new(),
        quantity: 3,
        unit_price: Money::eur(5),
        weight_grams: 100,
    };
    StoredOrder {
        id: OrderId(Uuid::from_u128(7)),
        customer_id: CustomerId("ada".into()),
        state: State::Reserving,
        early: Vec::new(),
        coordination,
        lines: vec![line],
        card: CardToken("tok_approve".into()),
        address: Address {
            name: "Ada".into(),
            street: "Elm 1".into(),
            city: "Bonn".into(),
            postal_code: "53111".into(),
            country: "DE".into(),
        },
        shipping: Money::eur(4),
        total: Money::eur(19),
        reason: None,
        placed_at: Timestamp(1),
        updated_at: Timestamp(1),
        version: 1,
    }
}

fn reply(command: &str, outcome: Outcome) -> CommandReply {
    CommandReply { order_id: order(Coordination::Orchestrated).id, command: command.to_owned(), outcome }
}

fn failed_with(code: &str, may_have_happened: bool) -> Outcome {
    Outcome::Failed { code: code.to_owned(), detail: "so it is".to_owned(), may_have_happened }
}

#[test]
fn the_reply_to_a_command_is_about_the_effect_that_it_was_given_for() {
    for effect in EFFECTS {
        let command = command(&order(Coordination::Orchestrated), effect);
        assert!(Command::NAMES.contains(&command.name()));
        assert_eq!(replied(&reply(command.name(), Outcome::Done)), Some(Input::Done(effect)));
    }
    assert_eq!(replied(&reply("paint_stock", Outcome::Done)), None, "of a later version");
}

#[test]
fn a_reply_is_judged_as_a_call_of_a_repetition_is() {
    let judge = |outcome| replied(&reply("authorize_payment", outcome)).expect("is known");
    assert!(matches!(judge(failed_with("card_declined", false)), Input::Refused(..)));
    assert!(matches!(judge(failed_with("card_declined", true)), Input::Unknown(..)));
    assert!(matches!(judge(failed_with("unavailable", false)), Input::Unknown(..)));
    assert!(matches!(judge(failed_with("outcome_unknown", true)), Input::Unknown(..)));
    assert!(matches!(judge(failed_with("a_code_of_a_later_version", false)), Input::Unknown(..)));
}

#[test]
fn only_a_decision_counts_as_one() {
    let failure = |effect| RemoteFailure {
        operation: "payments.authorize".into(),
        wire: "rest".into(),
        reason: RemoteReason::Broken,
        effect,
        detail: String::new(),
    };
    let judge = |error| failed(Effect::AuthorizePayment, error);
    assert!(matches!(judge(Problem::new(Code::CardDeclined, "").into()), Input::Refused(..)));
    assert!(matches!(judge(Problem::new(Code::Unavailable, "").into()), Input::NotBegun(..)));
    assert!(matches!(judge(Problem::new(Code::OutcomeUnknown, "").into()), Input::Unknown(..)));
    assert!(matches!(judge(Problem::internal().into()), Input::Unknown(..)));
    assert!(matches!(judge(failure(contracts::Effect::None).into()), Input::NotBegun(..)));
    assert!(matches!(judge(failure(contracts::Effect::Unknown).into()), Input::Unknown(..)));
}

#[test]
fn only_a_choreographed_order_tells_what_others_need_later() {
    for coordination in Coordination::ALL {
        let order = order(coordination);
        let OrderEvent::OrderPlaced { order: told, passed } = placed(&order) else { panic!("it was placed") };
        assert_eq!(told, order.view());
        assert_eq!(passed.is_some(), coordination == Coordination::Choreographed);
        if let Some(passed) = passed {
            assert_eq!((passed.amount, passed.weight_grams), (order.total, 300));
            assert_eq!((passed.card, passed.address), (order.card, order.address));
        }
    }
}

/// A message that says `event` about a choreographed order.
fn message<E: contracts::messages::Event>(event: &E) -> Message {
    let origin =
        Origin { coordination: Coordination::Choreographed, trace: TraceContext::root(), passed: None };
    event.answer(MessageId::random(), &origin, Timestamp(2)).message
}

#[test]
fn whose_sake_a_shipment_was_called_off_for_makes_the_difference() {
    for (recall, effect) in
        [(Recall::IfShipped, Effect::RecallShipment), (Recall::Never, Effect::CancelShipment)]
    {
        let shipment = Shipment {
            order_id: OrderId(Uuid::from_u128(7)),
            status: ShipmentStatus::Cancelled,
            carrier: String::new(),
            tracking_number: String::new(),
            updated_at: Timestamp(2),
        };
        let said = message(&ShippingEvent::ShipmentCancelled { shipment, recall });
        assert_eq!(heard(&said).expect("reads"), Some(Input::Done(effect)));
    }
}

#[test]
fn a_refusal_is_heard_with_its_reason_even_of_a_later_version() {
    let order_id = OrderId(Uuid::from_u128(7));
    for (code, understood) in
        [("card_declined", Code::CardDeclined), ("a_code_of_a_later_version", Code::Conflict)]
    {
        let reason = contracts::orders::Reason { code: code.to_owned(), detail: "no".to_owned() };
        let said = message(&PaymentEvent::PaymentDeclined { order_id, reason });
        let expected = Reason { code: understood, detail: "no".to_owned() };
        assert_eq!(heard(&said).expect("reads"), Some(Input::Refused(Effect::AuthorizePayment, expected)));
    }
}

#[test]
fn what_is_of_no_concern_is_not_heard_and_what_makes_no_sense_is_an_error() {
    let order_id = OrderId(Uuid::from_u128(7));
    let reason = contracts::orders::Reason { code: "out_of_stock".into(), detail: String::new() };
    let mut said = message(&InventoryEvent::StockRefused { order_id, reason });
    said.kind = "tradewind.inventory.stock_refused.v9".to_owned();
    assert_eq!(heard(&said).expect("is ignored"), None, "of a later version");
    said.kind = "tradewind.inventory.stock_refused.v1".to_owned();
    said.data = serde_json::json!({ "type": "stock_refused" });
    assert!(heard(&said).is_err());
}

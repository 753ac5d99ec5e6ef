//! Whatever arrives, the answer is a value or a problem that names the field.

use proptest::prelude::*;
use prost::Message;

use super::any;
use crate::error::Code;
use crate::grpc::{Proto, pb};
use crate::inventory::{InventoryRecord, Reservation, ReserveStock, WatchStock};
use crate::notifications::{Notification, StreamNotifications};
use crate::orders::{FollowOrder, ListOrders, Order, PlaceOrder, Timeline};
use crate::payments::{AuditedPayment, AuthorizePayment, Payment};
use crate::recommendations::{ProjectedOrder, Recommended};
use crate::shipping::{CancelShipment, ScheduleShipment, TrackingEvent};
use crate::types::{Money, Page, PageRequest, Timestamp};

const ORDER: &str = "0190b7a0-7b1e-7c3a-8a55-0242ac120002";

/// The one field that is at fault, and what is wrong with it.
fn fault<T: Proto + std::fmt::Debug>(message: T::Message) -> (String, String) {
    let problem = T::from_message(message).expect_err("a message that says nothing sensible");
    assert_eq!(problem.code, Code::InvalidRequest);
    assert_eq!(problem.faults.len(), 1, "{problem:?}");
    let fault = problem.faults[0].clone();
    assert_eq!(problem.detail, format!("{} {}", fault.field, fault.message));
    (fault.field, fault.message)
}

fn missing(field: &str) -> (String, String) {
    (field.to_owned(), "is missing".to_owned())
}

#[test]
fn ids_that_are_no_uuids_are_named() {
    for bad in ["", "x", "0190b7a0", "0190b7a0-7b1e-7c3a-8a55-0242ac12000g", "\0", &"9".repeat(10_000)] {
        let message = pb::inventory::ReserveRequest { order_id: bad.to_owned(), lines: Vec::new() };
        let expected = ("order_id".to_owned(), format!("is not a UUID: {bad:?}"));
        assert_eq!(fault::<ReserveStock>(message), expected);
        let message = pb::orders::FollowRequest { order_id: bad.to_owned(), after: None };
        assert_eq!(fault::<FollowOrder>(message), expected);
        let after = Some(bad.to_owned());
        let message = pb::notifications::StreamRequest { customer_id: "ada".into(), after };
        assert_eq!(fault::<StreamNotifications>(message).0, "after");
        let message = pb::notifications::Notification { id: bad.to_owned(), ..Default::default() };
        assert_eq!(fault::<Notification>(message).0, "id");
    }
}

#[test]
fn fields_that_must_be_there_are_named() {
    let order_id = ORDER.to_owned();
    let authorize = pb::payments::AuthorizeRequest { order_id: order_id.clone(), ..Default::default() };
    assert_eq!(fault::<AuthorizePayment>(authorize), missing("amount"));
    let schedule = pb::shipping::ScheduleRequest { order_id: order_id.clone(), ..Default::default() };
    assert_eq!(fault::<ScheduleShipment>(schedule), missing("address"));
    assert_eq!(fault::<PlaceOrder>(pb::orders::PlaceRequest::default()), missing("address"));
    assert_eq!(fault::<WatchStock>(pb::inventory::WatchRequest::default()), missing("change"));
    assert_eq!(fault::<InventoryRecord>(pb::inventory::InventoryRecord::default()), missing("record"));
    assert_eq!(fault::<AuditedPayment>(pb::payments::AuditedPayment::default()), missing("payment"));
    let cancel = pb::shipping::CancelRequest { order_id: order_id.clone(), recall: 0 };
    assert_eq!(fault::<CancelShipment>(cancel), missing("recall"));
    let event = pb::shipping::TrackingEvent { order_id, status: 1, ..Default::default() };
    assert_eq!(fault::<TrackingEvent>(event), missing("at"));
    let mail = pb::notifications::Notification {
        id: ORDER.into(),
        order_id: ORDER.into(),
        delivery: 1,
        ..Default::default()
    };
    assert_eq!(fault::<Notification>(mail), missing("written_at"));
    let projected = pb::recommendations::ProjectedOrder { order_id: ORDER.into(), ..Default::default() };
    assert_eq!(fault::<ProjectedOrder>(projected), missing("standing"));
}

#[test]
fn a_page_that_is_not_asked_for_is_the_first() {
    let message = pb::orders::ListRequest { customer_id: "ada".into(), page: None };
    assert_eq!(ListOrders::from_message(message).expect("reads").page, PageRequest::default());
}

#[test]
fn numbers_that_no_enum_has_are_named() {
    for bad in [-1, 5, i32::MIN, i32::MAX] {
        let message =
            pb::inventory::Reservation { order_id: ORDER.into(), status: bad, ..Default::default() };
        assert_eq!(fault::<Reservation>(message), ("status".to_owned(), format!("has no value {bad}")));
        let message = pb::orders::PlaceRequest {
            address: Some(pb::common::Address::default()),
            coordination: Some(bad),
            ..Default::default()
        };
        assert_eq!(fault::<PlaceOrder>(message), ("coordination".to_owned(), format!("has no value {bad}")));
    }
}

#[test]
fn currencies_that_the_shop_does_not_take_are_named() {
    for bad in ["", "eur", "EURO", "JPY"] {
        let message = pb::common::Money { amount: 1, currency: bad.to_owned() };
        assert_eq!(fault::<Money>(message).0, "currency");
    }
}

#[test]
fn moments_outside_our_range_are_named() {
    for (seconds, nanos, field) in [
        (i64::MAX, 0, "seconds"),
        (i64::MIN, 0, "seconds"),
        (i64::MAX / 1_000_000 + 1, 0, "seconds"),
        (0, -1, "nanos"),
        (0, 1_000_000_000, "nanos"),
        (0, i32::MIN, "nanos"),
    ] {
        assert_eq!(fault::<Timestamp>(pb::Timestamp { seconds, nanos }).0, field, "{seconds} s, {nanos} ns");
    }
}

#[test]
fn nanoseconds_below_ours_are_dropped() {
    let message = pb::Timestamp { seconds: 1, nanos: 2_999 };
    assert_eq!(Timestamp::from_message(message), Ok(Timestamp(1_000_002)));
}

#[test]
fn a_fault_deep_inside_is_reported_with_its_path() {
    let money = |currency: &str| Some(pb::common::Money { amount: 1, currency: currency.to_owned() });
    let line = |currency| pb::orders::PricedLine { unit_price: money(currency), ..Default::default() };
    let order = pb::orders::Order {
        id: ORDER.into(),
        status: 1,
        coordination: 1,
        lines: vec![line("EUR"), line("XXX")],
        ..Default::default()
    };
    let page = pb::orders::OrderPage { items: vec![order], next: None };
    assert_eq!(fault::<Page<Order>>(page).0, "items[0].lines[1].unit_price.currency");
    let claim = pb::inventory::inventory_record::Record::Claim(pb::inventory::Reservation::default());
    assert_eq!(
        fault::<InventoryRecord>(pb::inventory::InventoryRecord { record: Some(claim) }).0,
        "claim.order_id"
    );
}

/// Bytes with some of their bits changed: mostly still a message, seldom a sensible one.
fn damaged<T: Proto>(value: T, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = value.into_message().encode_to_vec();
    for (at, mask) in changes {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at % length) {
            *byte ^= mask;
        }
    }
    bytes
}

/// Reads bytes as a message; what can be read at all, and means something, means the same when read
/// again. A problem always names a field.
fn reads<T: Proto + Clone + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(message) = T::Message::decode(bytes) else { return Ok(()) };
    match T::from_message(message) {
        Ok(value) => prop_assert_eq!(T::from_message(value.clone().into_message()), Ok(value)),
        Err(problem) => prop_assert!(!problem.faults.is_empty(), "{:?}", problem),
    }
    Ok(())
}

proptest! {
    #[test]
    fn damaged_messages_never_panic(
        order in any::order(),
        timeline in any::timeline(),
        payment in any::payment(),
        record in any::inventory_record(),
        mail in any::notifications::notification(),
        recommended in any::recommendations::recommended(),
        projected in any::recommendations::projected_order(),
        changes in proptest::collection::vec((0usize..4096, 1u8..), 1..6),
    ) {
        reads::<Order>(&damaged(order, &changes))?;
        reads::<Timeline>(&damaged(timeline, &changes))?;
        reads::<Payment>(&damaged(payment, &changes))?;
        reads::<InventoryRecord>(&damaged(record, &changes))?;
        reads::<Notification>(&damaged(mail, &changes))?;
        reads::<Recommended>(&damaged(recommended, &changes))?;
        reads::<ProjectedOrder>(&damaged(projected, &changes))?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
        reads::<Order>(&bytes)?;
        reads::<PlaceOrder>(&bytes)?;
        reads::<Timestamp>(&bytes)?;
        reads::<WatchStock>(&bytes)?;
    }

    #[test]
    fn any_moment_is_read_or_refused(seconds: i64, nanos: i32) {
        reads::<Timestamp>(&pb::Timestamp { seconds, nanos }.encode_to_vec())?;
    }
}

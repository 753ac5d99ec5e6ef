//! The state machine, case by case and at random.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ORDER: OrderId = OrderId(Uuid::from_u128(7));
const START: Timestamp = Timestamp(1_000_000_000);
const PACE: Pace = Pace { dispatch_after: Duration::from_secs(60), deliver_after: Duration::from_secs(120) };

fn booking(weight_grams: u32) -> ScheduleShipment {
    let address = Address {
        name: "Ada Lovelace".into(),
        street: "Invalidenstr. 117".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    ScheduleShipment { order_id: ORDER, address, weight_grams }
}

fn calling_off(recall: Recall) -> CancelShipment {
    CancelShipment { order_id: ORDER, recall }
}

fn changed(decision: Result<Decision, Refusal>) -> Parcel {
    match decision {
        Ok(Decision::Change(step)) => step.parcel,
        other => panic!("no change but {other:?}"),
    }
}

/// Whether an event tells of a shipment as it stands.
fn tells(fact: &ShippingEvent, now: &Shipment) -> bool {
    let (shipment, status) = match fact {
        ShippingEvent::ShipmentScheduled { shipment } => (shipment, ShipmentStatus::Scheduled),
        ShippingEvent::ShipmentShipped { shipment } => (shipment, ShipmentStatus::Shipped),
        ShippingEvent::ShipmentDelivered { shipment } => (shipment, ShipmentStatus::Delivered),
        ShippingEvent::ShipmentCancelled { shipment, .. } => (shipment, ShipmentStatus::Cancelled),
        ShippingEvent::ShipmentRefused { .. } | ShippingEvent::ShipmentCancelRefused { .. } => return false,
    };
    shipment == now && status == now.status
}

fn scheduled() -> Parcel {
    changed(schedule(None, &booking(500), START))
}

fn shipped() -> Parcel {
    advance(&scheduled(), PACE, START.plus(PACE.dispatch_after)).expect("is due").parcel
}

fn delivered() -> Parcel {
    let parcel = shipped();
    advance(&parcel, PACE, parcel.updated_at.plus(PACE.deliver_after)).expect("is due").parcel
}

#[test]
fn a_repeated_booking_answers_the_same_however_far_the_goods_have_come() {
    let answer = scheduled().shipment();
    let called_off = |parcel: Parcel| changed(cancel(Some(&parcel), &calling_off(Recall::IfShipped), START));
    let cancelled = [scheduled(), shipped(), delivered()].map(called_off);
    for parcel in [scheduled(), shipped(), delivered()].into_iter().chain(cancelled) {
        let again = schedule(Some(&parcel), &booking(500), START.plus(Duration::from_secs(999)));
        assert_eq!(again, Ok(Decision::Stand(answer.clone())));
    }
}

#[test]
fn a_repeated_booking_of_something_else_is_a_conflict() {
    let elsewhere =
        ScheduleShipment { address: Address { city: "Bonn".into(), ..booking(1).address }, ..booking(500) };
    for other in [booking(501), elsewhere] {
        assert_eq!(schedule(Some(&scheduled()), &other, START), Err(Refusal::Different(ORDER)));
        let cancelled = changed(cancel(Some(&scheduled()), &calling_off(Recall::Never), START));
        assert_eq!(schedule(Some(&cancelled), &other, START), Err(Refusal::Cancelled(ORDER)));
    }
}

#[test]
fn a_cancellation_that_comes_first_refuses_the_late_booking() {
    let tombstone = changed(cancel(None, &calling_off(Recall::IfShipped), START));
    let seen = tombstone.shipment();
    assert_eq!(
        (seen.status, seen.carrier.as_str(), seen.tracking_number.as_str()),
        (ShipmentStatus::Cancelled, "", "")
    );
    assert_eq!(schedule(Some(&tombstone), &booking(500), START), Err(Refusal::Cancelled(ORDER)));
}

#[test]
fn goods_that_have_left_are_only_called_back_when_asked() {
    for parcel in [shipped(), delivered()] {
        assert_eq!(cancel(Some(&parcel), &calling_off(Recall::Never), START), Err(Refusal::Left(ORDER)));
        let back = changed(cancel(Some(&parcel), &calling_off(Recall::IfShipped), START));
        assert_eq!(back.status, ShipmentStatus::Cancelled);
    }
    assert_eq!(
        changed(cancel(Some(&scheduled()), &calling_off(Recall::Never), START)).status,
        ShipmentStatus::Cancelled
    );
}

#[test]
fn the_carrier_comes_when_it_is_time_and_not_before() {
    let (due, early) = (START.plus(PACE.dispatch_after), Timestamp(START.plus(PACE.dispatch_after).0 - 1));
    assert_eq!(advance(&scheduled(), PACE, early), None);
    let step = advance(&scheduled(), PACE, due).expect("is due");
    assert_eq!((step.event.sequence, step.event.status), (2, ShipmentStatus::Shipped));
    assert_eq!(advance(&delivered(), PACE, Timestamp(i64::MAX)), None);
}

/// What anybody may do to a shipment, in any order.
#[derive(Debug, Clone, Copy)]
enum Act {
    Schedule(u32),
    Cancel(Recall),
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (500u32..502).prop_map(Act::Schedule),
        Just(Act::Cancel(Recall::Never)),
        Just(Act::Cancel(Recall::IfShipped)),
        // backwards too: clocks are set
        (-100_000_000i64..200_000_000).prop_map(Act::Wait),
    ];
    proptest::collection::vec(act, 0..25)
}

proptest! {
    #[test]
    fn whatever_happens_stations_count_up_time_runs_forward_and_cancelled_is_for_good(acts in acts()) {
        let mut known: Option<Parcel> = None;
        let mut now = START;
        let mut moves = 0;
        for act in acts {
            let step = match act {
                Act::Schedule(weight) => schedule(known.as_ref(), &booking(weight), now).ok(),
                Act::Cancel(recall) => cancel(known.as_ref(), &calling_off(recall), now).ok(),
                Act::Wait(micros) => {
                    now = Timestamp(now.0 + micros);
                    let step = known.as_ref().and_then(|parcel| advance(parcel, PACE, now));
                    step.map(|step| Decision::Change(Box::new(step)))
                }
            };
            let Some(Decision::Change(step)) = step else { continue };
            let Move { parcel, event, fact } = *step;
            moves += 1;
            prop_assert!(tells(&fact, &parcel.shipment()), "{:?} of {:?}", fact, parcel);
            prop_assert_eq!(parcel.sequence, moves);
            prop_assert_eq!((event.sequence, event.status, event.at), (parcel.sequence, parcel.status, parcel.updated_at));
            if let Some(before) = &known {
                prop_assert_ne!(before.status, ShipmentStatus::Cancelled);
                prop_assert_ne!(before.status, parcel.status);
                prop_assert!(before.updated_at <= parcel.updated_at);
                prop_assert_eq!(&before.booking, &parcel.booking);
            }
            known = Some(parcel);
        }
        prop_assert!(moves <= MOST_MOVES);
    }
}

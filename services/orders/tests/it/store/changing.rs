//! Orders that a message changes: the order, its steps, inbox and outbox, all at once or not at all.

use contracts::messages::{MessageId, Outgoing};
use contracts::orders::{Coordination, TimelineEntry};
use contracts::{OrderId, Timestamp, TraceContext};
use orders::domain::{Effect, Input, Progress, State, StoredOrder, progress};
use orders::store::{Change, Lease, OrderStore as _, Receipt, Transition};
use uuid::Uuid;

use super::{Bench, benches, key, lease};
use crate::shop::{BEGIN, stored};

const QUEUE: &str = "orders.events";

fn receipt() -> Receipt {
    Receipt { queue: QUEUE, message: MessageId::random() }
}

/// An order whose steps are told by messages.
fn choreographed(state: State) -> StoredOrder {
    StoredOrder { coordination: Coordination::Choreographed, ..stored(state) }
}

/// What the saga makes of `input`; every step says something under an id that is given by its version.
fn decided(order: &StoredOrder, input: &Input) -> Option<Transition> {
    let Progress { order, entries, .. } = progress(order, input, BEGIN, "0af7651916cd43dd8448eb211c80319c")?;
    let outgoing = entries.iter().map(|entry| said(order.id, entry)).collect();
    let answer = order.state.rests().then(|| "the end".to_owned());
    Some(Transition { order, entries, lease: lease("messages", 50), answer, outgoing })
}

fn said(id: OrderId, entry: &TimelineEntry) -> Outgoing {
    let message = contracts::messages::Message {
        id: MessageId::of("orders", &entry.cause, id, entry.version),
        kind: entry.cause.clone(),
        source: "orders".into(),
        subject: id,
        sequence: entry.version,
        coordination: Coordination::Choreographed,
        at: BEGIN,
        trace: TraceContext::root(),
        data: serde_json::Value::Null,
    };
    Outgoing { to: contracts::messages::Address::reply(), message }
}

impl Bench {
    async fn tell(&self, id: OrderId, receipt: &Receipt, input: Input) -> Change {
        let decide = |order: &StoredOrder, _: &Lease| decided(order, &input);
        self.store.order_change(id, Some(receipt), &decide).await.expect("the database answers")
    }

    async fn versions(&self, id: OrderId) -> Vec<u64> {
        let timeline = self.store.timeline(id).await.expect("reads");
        timeline.into_iter().map(|entry| entry.version).collect()
    }
}

#[tokio::test]
async fn a_message_changes_an_order_once_and_says_once_what_follows() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        let receipt = receipt();
        let done = Input::Done(Effect::ReserveStock);
        let Change::Made(made) = bench.tell(order.id, &receipt, done.clone()).await else {
            panic!("it moves")
        };
        assert_eq!(bench.stands(order.id).await, Some(made.order));
        for _ in 0..2 {
            assert_eq!(bench.tell(order.id, &receipt, done.clone()).await, Change::ReceivedBefore);
        }
        assert_eq!(bench.versions(order.id).await, [1, 2]);
        assert_eq!(bench.posted().await, [MessageId::of("orders", "stock_reserved", order.id, 2)]);
    }
}

#[tokio::test]
async fn the_same_message_in_another_queue_is_another_message() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        let first = receipt();
        bench.tell(order.id, &first, Input::Done(Effect::ReserveStock)).await;
        let second = Receipt { queue: "orders.replies", ..first };
        let change = bench.tell(order.id, &second, Input::Done(Effect::AuthorizePayment)).await;
        assert!(matches!(change, Change::Made(_)), "{change:?}");
    }
}

#[tokio::test]
async fn news_that_come_early_are_kept_and_made_into_steps_in_one_change() {
    for bench in benches().await {
        let order = choreographed(State::Committing);
        bench.insert(&order, &lease("messages", 10), Some(&key("k"))).await;
        let early = Input::Done(Effect::CapturePayment);
        let change = bench.tell(order.id, &receipt(), early.clone()).await;
        let Change::Made(kept) = change else { panic!("it is kept: {change:?}") };
        assert_eq!((kept.order.version, &kept.order.early[..]), (1, &[early.clone()][..]));
        assert_eq!(bench.stands(order.id).await, Some(kept.order));
        assert_eq!(bench.tell(order.id, &receipt(), early).await, Change::None, "it is known");
        assert_eq!(bench.known(&key("k")).await.expect("is known").answer, None);

        bench.tell(order.id, &receipt(), Input::Done(Effect::CommitStock)).await;
        let stands = bench.stands(order.id).await.expect("is there");
        assert_eq!((stands.state, stands.version, stands.early), (State::Confirmed, 3, vec![]));
        assert_eq!(bench.versions(order.id).await, [1, 2, 3]);
        assert_eq!(bench.posted().await.len(), 2);
        assert_eq!(bench.known(&key("k")).await.expect("is known").answer.as_deref(), Some("the end"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_deliveries_of_one_message_at_once_one_changes_the_order() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        let (id, receipt) = (order.id, receipt());
        let changes = bench
            .together(16, move |store, _| async move {
                let decide =
                    |order: &StoredOrder, _: &Lease| decided(order, &Input::Done(Effect::ReserveStock));
                store.order_change(id, Some(&receipt), &decide).await.expect("the database answers")
            })
            .await;
        let made = changes.iter().filter(|change| matches!(change, Change::Made(_))).count();
        let before = changes.iter().filter(|change| **change == Change::ReceivedBefore).count();
        assert_eq!((made, before), (1, 15), "{changes:?}");
        assert_eq!(bench.versions(id).await, [1, 2]);
        assert_eq!(bench.posted().await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_messages_at_once_all_count() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        let id = order.id;
        let news = [
            Effect::ReserveStock,
            Effect::AuthorizePayment,
            Effect::ScheduleShipment,
            Effect::CommitStock,
            Effect::CapturePayment,
        ];
        bench
            .together(5, move |store, n| async move {
                let decide = |order: &StoredOrder, _: &Lease| decided(order, &Input::Done(news[n]));
                store.order_change(id, Some(&receipt()), &decide).await.expect("the database answers")
            })
            .await;
        let stands = bench.stands(id).await.expect("is there");
        assert_eq!((stands.state, stands.early), (State::Confirmed, vec![]));
        assert_eq!(bench.versions(id).await, [1, 2, 3, 4, 5, 6]);
    }
}

#[tokio::test]
async fn where_one_part_cannot_be_stored_nothing_is() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        let receipt = receipt();
        let skips = |order: &StoredOrder, _: &Lease| {
            let mut transition = decided(order, &Input::Done(Effect::ReserveStock))?;
            // there is a first step already
            transition.entries[0].version = 1;
            Some(transition)
        };
        let failed = bench.store.order_change(order.id, Some(&receipt), &skips).await;
        assert!(failed.expect_err("the version is taken").is_unique_violation());
        assert_eq!(bench.stands(order.id).await.as_ref(), Some(&order));
        assert_eq!(bench.posted().await, []);
        // and the message was not dealt with
        let change = bench.tell(order.id, &receipt, Input::Done(Effect::ReserveStock)).await;
        assert!(matches!(change, Change::Made(_)), "{change:?}");
    }
}

#[tokio::test]
async fn a_message_about_an_order_that_is_not_there_changes_nothing() {
    for bench in benches().await {
        let nobody = OrderId(Uuid::now_v7());
        let change = bench.tell(nobody, &receipt(), Input::Done(Effect::ReserveStock)).await;
        assert_eq!(change, Change::NoOrder);
        assert_eq!(bench.posted().await, []);
    }
}

#[tokio::test]
async fn a_message_that_changes_nothing_was_dealt_with() {
    for bench in benches().await {
        let order = choreographed(State::Confirmed);
        bench.insert(&order, &lease("messages", 0), None).await;
        let receipt = receipt();
        let done = Input::Done(Effect::CapturePayment);
        assert_eq!(bench.tell(order.id, &receipt, done.clone()).await, Change::None);
        assert_eq!(bench.tell(order.id, &receipt, done).await, Change::ReceivedBefore);
        assert_eq!(bench.stands(order.id).await, Some(order));
    }
}

#[tokio::test]
async fn whoever_decides_sees_the_lease_and_may_renew_it_without_a_step() {
    for bench in benches().await {
        let order = choreographed(State::Reserving);
        bench.insert(&order, &lease("messages", 10), None).await;
        for (until, next) in [(10, 20), (20, 30)] {
            let renew = |order: &StoredOrder, held: &Lease| {
                assert_eq!(*held, lease("messages", until));
                let (entries, outgoing) = (Vec::new(), Vec::new());
                Some(Transition {
                    order: order.clone(),
                    entries,
                    lease: lease("messages", next),
                    answer: None,
                    outgoing,
                })
            };
            let change =
                bench.store.order_change(order.id, None, &renew).await.expect("the database answers");
            assert!(matches!(change, Change::Made(_)), "{change:?}");
        }
        assert_eq!(bench.stands(order.id).await, Some(order));
        let driver = orders::domain::Driver::Messages;
        let overdue = bench.store.orders_overdue(driver, Timestamp(29), 9).await.expect("reads");
        assert_eq!(overdue, []);
    }
}

#[tokio::test]
async fn a_new_order_and_a_step_say_what_follows_or_nothing_at_all() {
    for bench in benches().await {
        let order = choreographed(State::Confirmed);
        let entry = crate::shop::first_entry(&order);
        let first = [said(order.id, &entry)];
        for expected in [true, false] {
            let store = &bench.store;
            let inserted =
                store.order_insert(&order, &entry, &lease("messages", 0), Some(&key("k")), &first).await;
            let new = inserted.expect("the database answers") == orders::store::Inserted::New;
            assert_eq!(new, expected, "the key was used the second time");
        }
        let step = decided(&order, &Input::CancelRequested).expect("it moves");
        bench.step(&step).await;
        bench.step(&step).await;
        let expected = [
            MessageId::of("orders", "placed", order.id, 1),
            MessageId::of("orders", "cancel_requested", order.id, 2),
        ];
        assert_eq!(bench.posted().await, expected);
    }
}

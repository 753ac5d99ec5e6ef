//! Each rule is broken once.

use contracts::notifications::Delivery;
use contracts::orders::Coordination;
use contracts::{CustomerId, OrderId};
use uuid::Uuid;

use super::*;
use crate::audit::samples;

const NOW: Timestamp = Timestamp(1_000_000_000_000);

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

/// `orders.order_confirmed` of order 1, said a minute ago.
fn confirmed(number: u128) -> OutboxEntry {
    let to = Address::event("orders", "order_confirmed", Coordination::Sync);
    OutboxEntry {
        position: 1,
        id: id(number),
        kind: kind("orders", "order_confirmed"),
        subject: Uuid::from_u128(1).to_string(),
        exchange: to.exchange,
        key: to.key,
        coordination: Coordination::Sync,
        created_at: NOW.minus(Duration::from_secs(60)),
        published_at: Some(NOW.minus(Duration::from_secs(60))),
    }
}

fn heard(number: u128) -> InboxEntry {
    let received_at = NOW.minus(Duration::from_secs(59));
    InboxEntry { position: 1, queue: NOTIFICATIONS_EVENTS.name.into(), id: id(number), received_at }
}

fn mail(number: u128) -> Notification {
    Notification {
        id: id(number),
        event: "order_confirmed".into(),
        order_id: OrderId(Uuid::from_u128(1)),
        customer_id: CustomerId("ada".into()),
        to: String::new(),
        subject: String::new(),
        body: String::new(),
        written_at: NOW.minus(Duration::from_secs(59)),
        delivery: Delivery::Sent,
    }
}

fn projected(standing: Standing) -> ProjectedOrder {
    let order_id = OrderId(Uuid::from_u128(1));
    ProjectedOrder { order_id, customer_id: CustomerId("ada".into()), skus: vec!["A-1".into()], standing }
}

/// Everything as it should be.
fn good() -> MessageBooks {
    MessageBooks {
        read_at: NOW,
        modules: ["orders", "notifications", "recommendations"].map(str::to_owned).into(),
        outbox: vec![confirmed(7)],
        inbox: vec![heard(7)],
        dead_letters: BTreeSet::new(),
        notifications: vec![mail(7)],
        projected: vec![projected(Standing::Counts)],
    }
}

fn judged(messages: &MessageBooks) -> Judgement {
    let order = samples::order(OrderId(Uuid::from_u128(1)), "confirmed");
    let books = Books { orders: [(order.id, order)].into(), ..Books::default() };
    judge(messages, &books)
}

fn rules(messages: &MessageBooks) -> Vec<&'static str> {
    judged(messages).findings.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn books_that_agree_are_settled() {
    assert!(judged(&good()).is_settled(), "{:?}", judged(&good()).findings);
}

#[test]
fn a_message_that_was_not_published_or_not_heard_is_late_and_then_missing() {
    let mut unpublished = good();
    unpublished.outbox[0].published_at = None;
    assert_eq!(rules(&unpublished), ["every message arrives"]);
    let unheard = MessageBooks { inbox: Vec::new(), notifications: Vec::new(), ..good() };
    assert_eq!(rules(&unheard), ["every message arrives"]);
    let mut young = unheard;
    young.outbox[0].created_at = NOW.minus(Duration::from_secs(1));
    let judgement = judged(&young);
    assert!(judgement.findings.is_empty() && judgement.tally.under_way == 1, "{judgement:?}");
    assert!(!judgement.is_settled());
}

#[test]
fn a_dead_letter_is_accounted_for() {
    let queue = NOTIFICATIONS_EVENTS.name.to_owned();
    let put_aside = MessageBooks {
        inbox: Vec::new(),
        notifications: Vec::new(),
        dead_letters: [(queue, id(7))].into(),
        ..good()
    };
    let judgement = judged(&put_aside);
    assert!(judgement.is_settled() && judgement.tally.dead_letters == 1, "{judgement:?}");
}

#[test]
fn a_queue_of_a_module_that_does_not_run_expects_nothing() {
    let modules = ["orders", "recommendations"].map(str::to_owned).into();
    let without = MessageBooks { modules, inbox: Vec::new(), notifications: Vec::new(), ..good() };
    assert!(judged(&without).is_settled());
}

#[test]
fn what_nobody_said_is_noticed_wherever_it_turns_up() {
    let mut heard_more = good();
    heard_more.inbox.push(heard(8));
    assert_eq!(rules(&heard_more), ["nobody hears what nobody said"]);
    let mut told_more = good();
    told_more.notifications.push(mail(8));
    assert_eq!(rules(&told_more), ["one mail an event"]);
    let mut said_twice = good();
    said_twice.outbox.push(confirmed(7));
    assert_eq!(rules(&said_twice), ["a message is one message"]);
}

#[test]
fn one_event_is_one_mail() {
    let none = MessageBooks { notifications: Vec::new(), ..good() };
    assert_eq!(rules(&none), ["one mail an event"]);
    let two = MessageBooks { notifications: vec![mail(7), mail(7)], ..good() };
    assert_eq!(rules(&two), ["one mail an event"]);
}

#[test]
fn the_read_model_is_made_of_confirmed_orders() {
    for projected in [Vec::new(), vec![projected(Standing::Withdrawn)]] {
        let wrong = MessageBooks { projected, ..good() };
        assert_eq!(rules(&wrong), ["recommendations agree with orders"]);
    }
    let mut other_goods = good();
    other_goods.projected[0].skus.push("B-2".into());
    assert_eq!(rules(&other_goods), ["recommendations agree with orders"]);
    let order = samples::order(OrderId(Uuid::from_u128(1)), "cancelled");
    let books = Books { orders: [(order.id, order)].into(), ..Books::default() };
    let unsaid = MessageBooks { outbox: Vec::new(), inbox: Vec::new(), notifications: Vec::new(), ..good() };
    assert_eq!(judge(&unsaid, &books).findings[0].rule, "recommendations agree with orders");
}

#[test]
fn what_somebody_dropped_on_purpose_is_accounted_for() {
    let dropped = InboxEntry { queue: dropped_from(NOTIFICATIONS_EVENTS.name), ..heard(7) };
    let books = MessageBooks { inbox: vec![dropped], notifications: Vec::new(), ..good() };
    assert!(judged(&books).is_settled(), "{:?}", judged(&books).findings);
}

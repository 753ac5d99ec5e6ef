//! Random values of notifications.

use super::*;
use crate::messages::MessageId;
use crate::notifications::{Delivery, ListNotifications, Notification, StreamNotifications};

fn message_id() -> impl Strategy<Value = MessageId> {
    any::<u128>().prop_map(|bits| MessageId(Uuid::from_u128(bits)))
}

pub(in crate::grpc::tests) fn list_notifications() -> impl Strategy<Value = ListNotifications> {
    (customer_id(), page_request()).prop_map(|(customer_id, page)| ListNotifications { customer_id, page })
}

pub(in crate::grpc::tests) fn stream_notifications() -> impl Strategy<Value = StreamNotifications> {
    (customer_id(), option::of(message_id()))
        .prop_map(|(customer_id, after)| StreamNotifications { customer_id, after })
}

pub(in crate::grpc::tests) fn notification() -> impl Strategy<Value = Notification> {
    let delivery = proptest::sample::select(vec![Delivery::Pending, Delivery::Sent, Delivery::Refused]);
    let mail = (text(), text(), text());
    (message_id(), text(), order_id(), customer_id(), mail, moment(), delivery).prop_map(
        |(id, event, order_id, customer_id, (to, subject, body), written_at, delivery)| Notification {
            id,
            event,
            order_id,
            customer_id,
            to,
            subject,
            body,
            written_at,
            delivery,
        },
    )
}

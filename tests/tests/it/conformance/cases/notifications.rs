//! The operations of notifications.

use contracts::CustomerId;
use contracts::messages::MessageId;
use contracts::notifications::{
    AUDIT, Delivery, LIST, ListNotifications, Notification, STREAM, StreamNotifications,
};
use contracts::types::Page;
use futures::TryStreamExt;
use uuid::Uuid;

use super::Case;
use super::values::{EARLY, LAST, NOW, TEXT, blank_page, first_page, last_order_id, later_page, order_id};

/// A mail in each state.
fn mails() -> Vec<Notification> {
    let ids = [order_id().0, Uuid::nil(), last_order_id().0];
    let states = [Delivery::Pending, Delivery::Sent, Delivery::Refused];
    let texts = [TEXT, "", "order_confirmed"];
    let moments = [NOW, LAST, EARLY];
    let mail = |(((id, delivery), text), written_at): (((_, _), &str), _)| Notification {
        id: MessageId(id),
        event: text.into(),
        order_id: last_order_id(),
        customer_id: CustomerId(text.into()),
        to: text.into(),
        subject: text.into(),
        body: text.repeat(20),
        written_at,
        delivery,
    };
    ids.into_iter().zip(states).zip(texts).zip(moments).map(mail).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (page, items) in [(later_page(), mails()), (first_page(), Vec::new()), (blank_page(), mails())] {
        let reply = Page { items, next: page.cursor.clone() };
        let request = ListNotifications { customer_id: CustomerId(TEXT.into()), page: page.clone() };
        cases.push(Case::new(&LIST, request, reply.clone(), |clients, ctx, request| async move {
            clients.notifications.list(&ctx, request).await
        }));
        cases.push(Case::new(&AUDIT, page, reply, |clients, ctx, request| async move {
            clients.notifications.audit(&ctx, request).await
        }));
    }
    for (after, mails) in [(None, mails()), (Some(MessageId(Uuid::max())), Vec::new())] {
        let request = StreamNotifications { customer_id: CustomerId(TEXT.into()), after };
        cases.push(Case::new(&STREAM, request, mails, |clients, ctx, request| async move {
            clients.notifications.stream(&ctx, request).await?.try_collect().await
        }));
    }
    cases
}

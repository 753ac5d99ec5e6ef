//! The notifications' requests and replies as protobuf.

use uuid::Uuid;

use super::convert::{Numbered, numbered, optional, pages, required};
use super::{Proto, pb::notifications as pb};
use crate::error::Problem;
use crate::messages::MessageId;
use crate::notifications::{Delivery, ListNotifications, Notification, StreamNotifications};
use crate::types::{CustomerId, OrderId};

pages! {
    Notification => pb::NotificationPage;
}

numbered! {
    Delivery => pb::Delivery { Pending, Sent, Refused }
}

fn message_id(field: &str, text: &str) -> Result<MessageId, Problem> {
    Uuid::try_parse(text)
        .map(MessageId)
        .map_err(|_| Problem::invalid_field(field, format!("is not a UUID: {text:?}")))
}

impl Proto for ListNotifications {
    type Message = pb::ListRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { customer_id: self.customer_id.0, page: Some(self.page.into_message()) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            customer_id: CustomerId(message.customer_id),
            page: optional("page", message.page)?.unwrap_or_default(),
        })
    }
}

impl Proto for StreamNotifications {
    type Message = pb::StreamRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { customer_id: self.customer_id.0, after: self.after.map(|id| id.to_string()) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            customer_id: CustomerId(message.customer_id),
            after: message.after.map(|id| message_id("after", &id)).transpose()?,
        })
    }
}

impl Proto for Notification {
    type Message = pb::Notification;

    fn into_message(self) -> Self::Message {
        Self::Message {
            id: self.id.to_string(),
            event: self.event,
            order_id: self.order_id.to_string(),
            customer_id: self.customer_id.0,
            to: self.to,
            subject: self.subject,
            body: self.body,
            written_at: Some(self.written_at.into_message()),
            delivery: self.delivery.number(),
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            id: message_id("id", &message.id)?,
            event: message.event,
            order_id: OrderId::parse("order_id", &message.order_id)?,
            customer_id: CustomerId(message.customer_id),
            to: message.to,
            subject: message.subject,
            body: message.body,
            written_at: required("written_at", message.written_at)?,
            delivery: Delivery::from_number("delivery", message.delivery)?,
        })
    }
}

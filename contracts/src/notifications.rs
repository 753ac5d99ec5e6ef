//! Notifications: what customers are told about their orders, by mail.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::MessageId;
use crate::operation::{Operation, Shape};
use crate::types::{CustomerId, OrderId, Page, PageRequest, Timestamp};
use crate::{Context, PortResult, Streaming};

/// What others ask of notifications. Nobody asks them to notify anybody: they hear of it by events.
#[async_trait]
pub trait Notifications: Send + Sync + 'static {
    /// A customer's notifications, newest first.
    async fn list(&self, ctx: &Context, request: ListNotifications) -> PortResult<Page<Notification>>;

    /// A customer's notifications, those past (after the one that is named, where one is) at once, oldest
    /// first, and those to come as they are written. It has no end of its own.
    async fn stream(
        &self,
        ctx: &Context,
        request: StreamNotifications,
    ) -> PortResult<Streaming<PortResult<Notification>>>;

    /// Every notification, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Notification>>;
}

/// `list`
pub const LIST: Operation = Operation::read("notifications", "list", "/notifications")
    .grpc("/tradewind.notifications.v1.Notifications/List");
/// `stream`
pub const STREAM: Operation = Operation::read("notifications", "stream", "/notifications/stream")
    .shaped(Shape::ServerStream)
    .grpc("/tradewind.notifications.v1.Notifications/Stream");
/// `audit`
pub const AUDIT: Operation = Operation::read("notifications", "audit", "/audit/notifications")
    .grpc("/tradewind.notifications.v1.Notifications/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&LIST, &STREAM, &AUDIT];

/// Asks for a customer's notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListNotifications {
    /// Whose.
    pub customer_id: CustomerId,
    /// Which page.
    #[serde(flatten)]
    pub page: PageRequest,
}

/// Asks for a customer's notifications as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamNotifications {
    /// Whose.
    pub customer_id: CustomerId,
    /// Those after this one; all where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<MessageId>,
}

/// A mail to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The id of the event that it tells of: one event, one mail.
    pub id: MessageId,
    /// What the event was: `order_confirmed`, `shipment_delivered`.
    pub event: String,
    /// About which order.
    pub order_id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// The mail address.
    pub to: String,
    /// The mail's subject.
    pub subject: String,
    /// The mail's text.
    pub body: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// How far it has come.
    pub delivery: Delivery,
}

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It is to be sent.
    Pending,
    /// It lies in the outbox folder, or the mail server has taken it.
    Sent,
    /// The mail server will not have it.
    Refused,
}

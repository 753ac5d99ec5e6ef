//! Orders: what a customer wants, and how far it has come.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::messages::{Event, Passed};
use crate::operation::{Operation, Shape, Verb};
use crate::payments::CardToken;
use crate::types::{Address, CustomerId, Line, Money, OrderId, Page, PageRequest, Sku, Timestamp};

pub use crate::types::Reason;
use crate::{Context, PortResult, Streaming};

/// What others ask of orders.
#[async_trait]
pub trait Orders: Send + Sync + 'static {
    /// Places an order and, in the `sync` coordination, sees it through: the order is confirmed when
    /// this returns. Otherwise a problem that points at the order: `out_of_stock`, `card_declined`,
    /// `insufficient_funds`, `shipment_refused`, `dependency_unavailable` when it was undone, and
    /// `outcome_unknown` when the time was up first. `invalid_request` and `unknown_sku` create no
    /// order. With an idempotency key, a repetition gives the first answer; `in_progress` while that
    /// is out, `idempotency_key_reused` for another request under the same key.
    ///
    /// In the other two coordinations, and wherever the request says how long it waits, the order is
    /// returned as it then stands, `placed` if it is still under way. `coordination_unavailable` where
    /// messages are asked for and there is no broker.
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order>;

    /// One order. `not_found` where there is none.
    async fn order(&self, ctx: &Context, request: GetOrder) -> PortResult<Order>;

    /// Cancels a confirmed order whose goods have not left: refunds and restocks. `already_shipped`
    /// after that, `conflict` where the order is not confirmed yet or never was, `not_found` where
    /// there is none. An order that is cancelled or refunded already is returned as it is; while a
    /// cancellation is under way another one is told `in_progress`, at the order's address.
    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order>;

    /// A customer's orders, newest first.
    async fn list(&self, ctx: &Context, request: ListOrders) -> PortResult<Page<Order>>;

    /// Every step of an order with what caused it. `not_found` where there is no order.
    async fn timeline(&self, ctx: &Context, request: GetTimeline) -> PortResult<Timeline>;

    /// Every step of an order, those past at once and those to come as they happen; ends when the order
    /// rests. `not_found` where there is no order.
    async fn follow(
        &self,
        ctx: &Context,
        request: FollowOrder,
    ) -> PortResult<Streaming<PortResult<TimelineEntry>>>;

    /// Every order, page by page, for `tradewind audit`.
    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Order>>;
}

/// `place`
pub const PLACE: Operation = Operation::changing("orders", "place", "/orders")
    .within(Duration::from_secs(10))
    .grpc("/tradewind.orders.v1.Orders/Place");
/// `order`
pub const ORDER: Operation =
    Operation::read("orders", "order", "/orders/{order_id}").grpc("/tradewind.orders.v1.Orders/Order");
/// `cancel`
pub const CANCEL: Operation = Operation::idempotent("orders", "cancel", "/orders/{order_id}/cancel")
    .by(Verb::Post)
    .within(Duration::from_secs(10))
    .grpc("/tradewind.orders.v1.Orders/Cancel");
/// `list`
pub const LIST: Operation =
    Operation::read("orders", "list", "/orders").grpc("/tradewind.orders.v1.Orders/List");
/// `timeline`
pub const TIMELINE: Operation = Operation::read("orders", "timeline", "/orders/{order_id}/timeline")
    .grpc("/tradewind.orders.v1.Orders/Timeline");
/// `follow`
pub const FOLLOW: Operation = Operation::read("orders", "follow", "/orders/{order_id}/events")
    .shaped(Shape::ServerStream)
    .grpc("/tradewind.orders.v1.Orders/Follow");
/// `audit`
pub const AUDIT: Operation =
    Operation::read("orders", "audit", "/audit/orders").grpc("/tradewind.orders.v1.Orders/Audit");

/// Every operation of the port.
pub const OPERATIONS: &[&Operation] = &[&PLACE, &ORDER, &CANCEL, &LIST, &TIMELINE, &FOLLOW, &AUDIT];

/// Places an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceOrder {
    /// Who orders.
    pub customer_id: CustomerId,
    /// What, each product once, 1 to 50 lines.
    pub lines: Vec<Line>,
    /// Who pays.
    pub card: CardToken,
    /// Where to.
    pub address: Address,
    /// Who is to drive it; as configured where it does not say. On REST: `Prefer: coordination=…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordination: Option<Coordination>,
    /// How long the caller waits for the end, in milliseconds; 0 not at all. Where it does not say: until
    /// the end in the `sync` coordination, not at all in the others. On REST: `Prefer: respond-async` or
    /// `Prefer: wait=SECONDS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u32>,
}

/// Asks for one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetOrder {
    /// Which.
    pub order_id: OrderId,
}

/// Cancels an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancelOrder {
    /// Which.
    pub order_id: OrderId,
}

/// Asks for a customer's orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListOrders {
    /// Whose.
    pub customer_id: CustomerId,
    /// Which page.
    #[serde(flatten)]
    pub page: PageRequest,
}

/// Asks for the steps of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GetTimeline {
    /// Of which order.
    pub order_id: OrderId,
}

/// Asks for the steps of an order, as they happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowOrder {
    /// Of which order.
    pub order_id: OrderId,
    /// Those after this version; all where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// Which.
    pub id: OrderId,
    /// Whose.
    pub customer_id: CustomerId,
    /// How it stands, in the customer's words.
    pub status: OrderStatus,
    /// How it stands, in the saga's words: the step it waits for.
    pub step: String,
    /// Who drives it through its steps; fixed when it was placed.
    pub coordination: Coordination,
    /// What was ordered, at the prices of that moment.
    pub lines: Vec<PricedLine>,
    /// What shipping costs.
    pub shipping: Money,
    /// What is to be paid in all.
    pub total: Money,
    /// Why it was not confirmed: a [`crate::Code`] and what it means here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Rises by one with each step.
    pub version: u64,
}

impl Order {
    /// Whether nobody needs to do anything for it: its step is one of the four ends.
    pub fn rests(&self) -> bool {
        matches!(self.step.as_str(), "confirmed" | "rejected" | "cancelled" | "refunded")
    }
}

/// One product of an order at the price that was promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PricedLine {
    /// Which product.
    pub sku: Sku,
    /// Its name at that moment.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one costs.
    pub unit_price: Money,
    /// What one weighs, in grams.
    pub weight_grams: u32,
}

/// How an order stands. `Placed` is the only state that is not the end (though a `Confirmed` order
/// may still be cancelled, and ends `Refunded`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Under way.
    Placed,
    /// Paid for, and on the carrier's list.
    Confirmed,
    /// The goods were not there; nothing was charged.
    Rejected,
    /// It could not be paid for or delivered, and everything was undone.
    Cancelled,
    /// It was confirmed, then cancelled; the money is back.
    Refunded,
}

/// Who drives an order through its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Coordination {
    /// Orders calls the other modules one after the other while the customer waits.
    Sync,
    /// Orders sends the other modules commands, and goes on with their replies.
    Orchestrated,
    /// Each module acts on the events of the others; orders only looks on.
    Choreographed,
}

impl Coordination {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sync, Self::Orchestrated, Self::Choreographed];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Orchestrated => "orchestrated",
            Self::Choreographed => "choreographed",
        }
    }

    /// The coordination of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|coordination| coordination.as_str() == text)
    }
}

/// Every step of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Whose.
    pub order_id: OrderId,
    /// Oldest first.
    pub entries: Vec<TimelineEntry>,
}

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// The order's version after this step.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// The saga's state before; nothing for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The saga's state after.
    pub to: String,
    /// What caused it: `stock_reserved`, `payment_refused`.
    pub cause: String,
    /// For people: what the other side said.
    pub detail: String,
    /// Whether this step went forward, or undid something.
    pub direction: Direction,
    /// The trace in which it happened.
    pub trace_id: String,
}

/// Which way a saga's step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards confirmation.
    Forward,
    /// Undoing what was done.
    Compensation,
}

/// What orders tell the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderEvent {
    /// It was placed.
    OrderPlaced {
        /// The order.
        order: Order,
        /// For those who come later in a choreographed order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passed: Option<Passed>,
    },
    /// It was paid for.
    OrderConfirmed {
        /// The order.
        order: Order,
    },
    /// The goods were not there.
    OrderRejected {
        /// The order.
        order: Order,
    },
    /// It was undone.
    OrderCancelled {
        /// The order.
        order: Order,
    },
    /// The customer wants out of it, though it was confirmed.
    OrderCancellationRequested {
        /// The order.
        order: Order,
    },
    /// It was cancelled after confirmation.
    OrderRefunded {
        /// The order.
        order: Order,
    },
}

impl OrderEvent {
    /// The order, as it was then.
    pub fn order(&self) -> &Order {
        match self {
            Self::OrderPlaced { order, .. }
            | Self::OrderConfirmed { order }
            | Self::OrderRejected { order }
            | Self::OrderCancelled { order }
            | Self::OrderCancellationRequested { order }
            | Self::OrderRefunded { order } => order,
        }
    }
}

impl Event for OrderEvent {
    const MODULE: &'static str = "orders";
    const NAMES: &'static [&'static str] = &[
        "order_placed",
        "order_confirmed",
        "order_rejected",
        "order_cancelled",
        "order_cancellation_requested",
        "order_refunded",
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::OrderPlaced { .. } => "order_placed",
            Self::OrderConfirmed { .. } => "order_confirmed",
            Self::OrderRejected { .. } => "order_rejected",
            Self::OrderCancelled { .. } => "order_cancelled",
            Self::OrderCancellationRequested { .. } => "order_cancellation_requested",
            Self::OrderRefunded { .. } => "order_refunded",
        }
    }

    fn subject(&self) -> OrderId {
        self.order().id
    }

    fn sequence(&self) -> u64 {
        self.order().version
    }
}

//! The orders' requests and replies as protobuf.

use super::convert::{Numbered, into_list, list, numbered, optional, order_id_requests, pages, required};
use super::{Proto, pb::orders as pb};
use crate::error::Problem;
use crate::orders::{
    CancelOrder, Coordination, Direction, FollowOrder, GetOrder, GetTimeline, ListOrders, Order, OrderStatus,
    PlaceOrder, PricedLine, Reason, Timeline, TimelineEntry,
};
use crate::payments::CardToken;
use crate::types::{CustomerId, OrderId, Sku};

order_id_requests! {
    GetOrder => pb::OrderRequest;
    CancelOrder => pb::CancelRequest;
    GetTimeline => pb::TimelineRequest;
}

pages! {
    Order => pb::OrderPage;
}

numbered! {
    OrderStatus => pb::OrderStatus { Placed, Confirmed, Rejected, Cancelled, Refunded }
    Coordination => pb::Coordination { Sync, Orchestrated, Choreographed }
    Direction => pb::Direction { Forward, Compensation }
}

impl Proto for PlaceOrder {
    type Message = pb::PlaceRequest;

    fn into_message(self) -> Self::Message {
        Self::Message {
            customer_id: self.customer_id.0,
            lines: into_list(self.lines),
            card: self.card.0,
            address: Some(self.address.into_message()),
            coordination: self.coordination.map(Numbered::number),
            wait_ms: self.wait_ms,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            customer_id: CustomerId(message.customer_id),
            lines: list("lines", message.lines)?,
            card: CardToken(message.card),
            address: required("address", message.address)?,
            coordination: message
                .coordination
                .map(|number| Coordination::from_number("coordination", number))
                .transpose()?,
            wait_ms: message.wait_ms,
        })
    }
}

impl Proto for FollowOrder {
    type Message = pb::FollowRequest;

    fn into_message(self) -> Self::Message {
        Self::Message { order_id: self.order_id.to_string(), after: self.after }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { order_id: OrderId::parse("order_id", &message.order_id)?, after: message.after })
    }
}

impl Proto for ListOrders {
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

impl Proto for Order {
    type Message = pb::Order;

    fn into_message(self) -> Self::Message {
        Self::Message {
            id: self.id.to_string(),
            customer_id: self.customer_id.0,
            status: self.status.number(),
            step: self.step,
            coordination: self.coordination.number(),
            lines: into_list(self.lines),
            shipping: Some(self.shipping.into_message()),
            total: Some(self.total.into_message()),
            reason: self.reason.map(Proto::into_message),
            placed_at: Some(self.placed_at.into_message()),
            updated_at: Some(self.updated_at.into_message()),
            version: self.version,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            id: OrderId::parse("id", &message.id)?,
            customer_id: CustomerId(message.customer_id),
            status: OrderStatus::from_number("status", message.status)?,
            step: message.step,
            coordination: Coordination::from_number("coordination", message.coordination)?,
            lines: list("lines", message.lines)?,
            shipping: required("shipping", message.shipping)?,
            total: required("total", message.total)?,
            reason: optional("reason", message.reason)?,
            placed_at: required("placed_at", message.placed_at)?,
            updated_at: required("updated_at", message.updated_at)?,
            version: message.version,
        })
    }
}

impl Proto for Reason {
    type Message = pb::Reason;

    fn into_message(self) -> Self::Message {
        Self::Message { code: self.code, detail: self.detail }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self { code: message.code, detail: message.detail })
    }
}

impl Proto for PricedLine {
    type Message = pb::PricedLine;

    fn into_message(self) -> Self::Message {
        Self::Message {
            sku: self.sku.0,
            name: self.name,
            quantity: self.quantity,
            unit_price: Some(self.unit_price.into_message()),
            weight_grams: self.weight_grams,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            sku: Sku(message.sku),
            name: message.name,
            quantity: message.quantity,
            unit_price: required("unit_price", message.unit_price)?,
            weight_grams: message.weight_grams,
        })
    }
}

impl Proto for Timeline {
    type Message = pb::Timeline;

    fn into_message(self) -> Self::Message {
        Self::Message { order_id: self.order_id.to_string(), entries: into_list(self.entries) }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            order_id: OrderId::parse("order_id", &message.order_id)?,
            entries: list("entries", message.entries)?,
        })
    }
}

impl Proto for TimelineEntry {
    type Message = pb::TimelineEntry;

    fn into_message(self) -> Self::Message {
        Self::Message {
            version: self.version,
            at: Some(self.at.into_message()),
            from: self.from,
            to: self.to,
            cause: self.cause,
            detail: self.detail,
            direction: self.direction.number(),
            trace_id: self.trace_id,
        }
    }

    fn from_message(message: Self::Message) -> Result<Self, Problem> {
        Ok(Self {
            version: message.version,
            at: required("at", message.at)?,
            from: message.from,
            to: message.to,
            cause: message.cause,
            detail: message.detail,
            direction: Direction::from_number("direction", message.direction)?,
            trace_id: message.trace_id,
        })
    }
}

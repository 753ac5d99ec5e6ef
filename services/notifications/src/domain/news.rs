//! What an event means to a customer.

use contracts::OrderId;
use contracts::messages::{Event, Message, MessageId};
use contracts::orders::{Order, OrderEvent};
use contracts::shipping::{Shipment, ShippingEvent};
use contracts::types::CustomerId;

/// An event that we want to know of.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// The event's own id, which its mail takes over.
    pub id: MessageId,
    /// Its name: `order_confirmed`.
    pub event: &'static str,
    /// About which order.
    pub order_id: OrderId,
    /// Whose order that is, where the event says so; shipping does not know.
    pub customer_id: Option<CustomerId>,
    /// What to write about; nothing where all that is to be learnt is whose order it is.
    pub occasion: Option<Occasion>,
}

/// A reason to write to a customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Occasion {
    /// The order is paid for.
    Confirmed(Order),
    /// The goods were not there.
    Rejected(Order),
    /// It could not be paid for or delivered.
    Cancelled(Order),
    /// It was cancelled after confirmation.
    Refunded(Order),
    /// The goods have left.
    Shipped(Shipment),
    /// The goods are there.
    Delivered(Shipment),
}

/// Why an event that claims to be one of those cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It does not say what such an event says.
    #[error("the event cannot be read")]
    Data(#[from] serde_json::Error),
    /// It names a customer as no customer is named.
    #[error("{0:?} is not the id of a customer")]
    Customer(String),
}

/// The news in `message`: none where it says what no customer needs to know, or what this code does not.
pub fn read(message: &Message) -> Result<Option<News>, Unreadable> {
    if let Some(event) = OrderEvent::read(message)? {
        return of_order(message.id, event).map(Some);
    }
    Ok(ShippingEvent::read(message)?.and_then(|event| of_shipment(message.id, event)))
}

fn of_order(id: MessageId, event: OrderEvent) -> Result<News, Unreadable> {
    let name = event.name();
    let (order_id, customer_id) = (event.order().id, event.order().customer_id.clone());
    if !customer_id.is_valid() {
        return Err(Unreadable::Customer(customer_id.0));
    }
    let occasion = match event {
        OrderEvent::OrderPlaced { .. } | OrderEvent::OrderCancellationRequested { .. } => None,
        OrderEvent::OrderConfirmed { order } => Some(Occasion::Confirmed(order)),
        OrderEvent::OrderRejected { order } => Some(Occasion::Rejected(order)),
        OrderEvent::OrderCancelled { order } => Some(Occasion::Cancelled(order)),
        OrderEvent::OrderRefunded { order } => Some(Occasion::Refunded(order)),
    };
    Ok(News { id, event: name, order_id, customer_id: Some(customer_id), occasion })
}

fn of_shipment(id: MessageId, event: ShippingEvent) -> Option<News> {
    let (name, order_id) = (event.name(), event.subject());
    let occasion = match event {
        ShippingEvent::ShipmentShipped { shipment } => Occasion::Shipped(shipment),
        ShippingEvent::ShipmentDelivered { shipment } => Occasion::Delivered(shipment),
        ShippingEvent::ShipmentScheduled { .. }
        | ShippingEvent::ShipmentRefused { .. }
        | ShippingEvent::ShipmentCancelled { .. }
        | ShippingEvent::ShipmentCancelRefused { .. } => return None,
    };
    Some(News { id, event: name, order_id, customer_id: None, occasion: Some(occasion) })
}

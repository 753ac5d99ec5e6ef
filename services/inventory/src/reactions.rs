//! What others ask of the inventory by message, and what it says in answer: pure.
//!
//! | event of a choreographed order | leads to | answered by |
//! |---|---|---|
//! | order_placed | reserve | stock_reserved, stock_refused |
//! | shipment_scheduled | commit | stock_committed, stock_commit_refused |
//! | payment_declined, shipment_refused, stock_commit_refused, payment_capture_refused | release | stock_released |
//! | shipment_cancelled, for the customer | release | stock_released |
//!
//! A shipment that was called back because its order failed leads to nothing: the event which made it fail
//! releases the stock.

use chassis::messaging::participant::{Asks, Told, heard};
use contracts::inventory::{CommitStock, InventoryEvent, ReleaseStock, Reservation, ReserveStock};
use contracts::messages::queues::{INVENTORY_COMMANDS, INVENTORY_EVENTS};
use contracts::messages::{Command, Message, Passed, Queue};
use contracts::orders::{Coordination, OrderEvent};
use contracts::payments::PaymentEvent;
use contracts::shipping::{Recall, ShippingEvent};
use contracts::types::Line;
use contracts::{OrderId, PortResult};

/// What can be asked of the inventory about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Set goods aside.
    Reserve {
        /// Which.
        goods: ReserveStock,
        /// For those who come later in a choreographed order.
        passed: Option<Box<Passed>>,
    },
    /// Sell them.
    Commit(CommitStock),
    /// Take them back.
    Release(ReleaseStock),
}

impl Request {
    /// The order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Reserve { goods, .. } => goods.order_id,
            Self::Commit(request) => request.order_id,
            Self::Release(request) => request.order_id,
        }
    }
}

impl Asks for Request {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &INVENTORY_COMMANDS;
    const EVENTS: &'static Queue = &INVENTORY_EVENTS;

    type Entry = Reservation;
    type Event = InventoryEvent;

    fn commanded(command: Command) -> Option<Self> {
        match command {
            Command::ReserveStock(goods) => Some(Self::Reserve { goods, passed: None }),
            Command::CommitStock(request) => Some(Self::Commit(request)),
            Command::ReleaseStock(request) => Some(Self::Release(request)),
            _ => None,
        }
    }

    fn asked(message: &Message) -> Result<Option<Self>, String> {
        if message.coordination != Coordination::Choreographed {
            return Ok(None);
        }
        if let Some(event) = heard::<OrderEvent>(message)? {
            return of_orders(event);
        }
        if let Some(event) = heard::<InventoryEvent>(message)? {
            return Ok(of_inventory(&event));
        }
        if let Some(event) = heard::<PaymentEvent>(message)? {
            return Ok(of_payments(&event));
        }
        Ok(heard::<ShippingEvent>(message)?.and_then(|event| of_shipping(&event)))
    }

    /// A release is never refused.
    ///
    /// That goods cannot be set aside is a fact like that they are: it stands in the books, or in the request,
    /// which no repetition mends. An order hears one of these two answers, however often it asks.
    fn told(&self, result: &PortResult<Reservation>) -> Told<InventoryEvent> {
        let order_id = self.order_id();
        match result {
            Ok(claim) => {
                let reservation = claim.clone();
                Told::Fact(match self {
                    Self::Reserve { passed, .. } => {
                        InventoryEvent::StockReserved { reservation, passed: passed.as_deref().cloned() }
                    }
                    Self::Commit(_) => InventoryEvent::StockCommitted { reservation },
                    Self::Release(_) => InventoryEvent::StockReleased { reservation },
                })
            }
            Err(error) => {
                let told = Told::refused(error, |reason| match self {
                    Self::Reserve { .. } => Some(InventoryEvent::StockRefused { order_id, reason }),
                    Self::Commit(_) => Some(InventoryEvent::StockCommitRefused { order_id, reason }),
                    Self::Release(_) => None,
                });
                match (told, self) {
                    (Told::Answer(event), Self::Reserve { .. }) => Told::Fact(event),
                    (told, _) => told,
                }
            }
        }
    }
}

fn of_orders(event: OrderEvent) -> Result<Option<Request>, String> {
    match event {
        OrderEvent::OrderPlaced { order, passed: Some(passed) } => {
            let lines = order.lines.into_iter().map(|line| Line { sku: line.sku, quantity: line.quantity });
            let goods = ReserveStock { order_id: order.id, lines: lines.collect() };
            Ok(Some(Request::Reserve { goods, passed: Some(Box::new(passed)) }))
        }
        OrderEvent::OrderPlaced { passed: None, .. } => {
            Err("order_placed passes nothing on: nobody could go on with this order".to_owned())
        }
        _ => Ok(None),
    }
}

/// The inventory hears itself: a sale that it refuses ends the order, and so its claim.
fn of_inventory(event: &InventoryEvent) -> Option<Request> {
    match event {
        InventoryEvent::StockCommitRefused { order_id, .. } => Some(release(*order_id)),
        _ => None,
    }
}

fn of_payments(event: &PaymentEvent) -> Option<Request> {
    match event {
        PaymentEvent::PaymentDeclined { order_id, .. }
        | PaymentEvent::PaymentCaptureRefused { order_id, .. } => Some(release(*order_id)),
        _ => None,
    }
}

fn of_shipping(event: &ShippingEvent) -> Option<Request> {
    match event {
        ShippingEvent::ShipmentScheduled { shipment } => {
            Some(Request::Commit(CommitStock { order_id: shipment.order_id }))
        }
        ShippingEvent::ShipmentRefused { order_id, .. } => Some(release(*order_id)),
        ShippingEvent::ShipmentCancelled { shipment, recall: Recall::Never } => {
            Some(release(shipment.order_id))
        }
        _ => None,
    }
}

fn release(order_id: OrderId) -> Request {
    Request::Release(ReleaseStock { order_id })
}

#[cfg(test)]
mod tests;

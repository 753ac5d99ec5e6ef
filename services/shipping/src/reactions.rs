//! What others ask of shipping by message, and what it says in answer: pure.
//!
//! | event of a choreographed order | leads to | answered by |
//! |---|---|---|
//! | payment_authorized | schedule | shipment_scheduled, shipment_refused |
//! | stock_commit_refused, payment_capture_refused | cancel, and call back what has left | shipment_cancelled |
//! | order_cancellation_requested | cancel | shipment_cancelled, shipment_cancel_refused |

use chassis::messaging::participant::{Asks, Told, heard};
use contracts::inventory::InventoryEvent;
use contracts::messages::queues::{SHIPPING_COMMANDS, SHIPPING_EVENTS};
use contracts::messages::{Command, Message, Queue};
use contracts::orders::{Coordination, OrderEvent};
use contracts::payments::PaymentEvent;
use contracts::shipping::{CancelShipment, Recall, ScheduleShipment, Shipment, ShippingEvent};
use contracts::{OrderId, PortResult};

/// What can be asked of shipping about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Book a carrier.
    Schedule(ScheduleShipment),
    /// Call the shipment off.
    Cancel(CancelShipment),
}

impl Request {
    /// The order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Schedule(request) => request.order_id,
            Self::Cancel(request) => request.order_id,
        }
    }
}

impl Asks for Request {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &SHIPPING_COMMANDS;
    const EVENTS: &'static Queue = &SHIPPING_EVENTS;

    type Entry = Shipment;
    type Event = ShippingEvent;

    fn commanded(command: Command) -> Option<Self> {
        match command {
            Command::ScheduleShipment(request) => Some(Self::Schedule(request)),
            Command::CancelShipment(request) | Command::RecallShipment(request) => {
                Some(Self::Cancel(request))
            }
            _ => None,
        }
    }

    fn asked(message: &Message) -> Result<Option<Self>, String> {
        if message.coordination != Coordination::Choreographed {
            return Ok(None);
        }
        if let Some(event) = heard::<PaymentEvent>(message)? {
            return of_payments(event);
        }
        if let Some(event) = heard::<InventoryEvent>(message)? {
            return Ok(of_inventory(&event));
        }
        Ok(heard::<OrderEvent>(message)?.and_then(|event| of_orders(&event)))
    }

    /// Goods are always called back where that was asked.
    fn told(&self, result: &PortResult<Shipment>) -> Told<ShippingEvent> {
        let order_id = self.order_id();
        match result {
            Ok(shipment) => {
                let shipment = shipment.clone();
                Told::Fact(match self {
                    Self::Schedule(_) => ShippingEvent::ShipmentScheduled { shipment },
                    Self::Cancel(request) => {
                        ShippingEvent::ShipmentCancelled { shipment, recall: request.recall }
                    }
                })
            }
            Err(error) => Told::refused(error, |reason| match self {
                Self::Schedule(_) => Some(ShippingEvent::ShipmentRefused { order_id, reason }),
                Self::Cancel(CancelShipment { recall: Recall::Never, .. }) => {
                    Some(ShippingEvent::ShipmentCancelRefused { order_id, reason })
                }
                Self::Cancel(CancelShipment { recall: Recall::IfShipped, .. }) => None,
            }),
        }
    }
}

fn of_payments(event: PaymentEvent) -> Result<Option<Request>, String> {
    Ok(match event {
        PaymentEvent::PaymentAuthorized { payment, passed: Some(passed) } => {
            Some(Request::Schedule(ScheduleShipment {
                order_id: payment.order_id,
                address: passed.address,
                weight_grams: passed.weight_grams,
            }))
        }
        PaymentEvent::PaymentAuthorized { passed: None, .. } => {
            return Err("payment_authorized passes nothing on: there is no address to ship to".to_owned());
        }
        PaymentEvent::PaymentCaptureRefused { order_id, .. } => Some(cancel(order_id, Recall::IfShipped)),
        _ => None,
    })
}

fn of_inventory(event: &InventoryEvent) -> Option<Request> {
    match event {
        InventoryEvent::StockCommitRefused { order_id, .. } => Some(cancel(*order_id, Recall::IfShipped)),
        _ => None,
    }
}

fn of_orders(event: &OrderEvent) -> Option<Request> {
    match event {
        OrderEvent::OrderCancellationRequested { order } => Some(cancel(order.id, Recall::Never)),
        _ => None,
    }
}

fn cancel(order_id: OrderId, recall: Recall) -> Request {
    Request::Cancel(CancelShipment { order_id, recall })
}

#[cfg(test)]
mod tests;

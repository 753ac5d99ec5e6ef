//! What others ask of payments by message, and what they say in answer: pure.
//!
//! | event of a choreographed order | leads to | answered by |
//! |---|---|---|
//! | stock_reserved | authorize | payment_authorized, payment_declined |
//! | stock_committed | capture | payment_captured, payment_capture_refused |
//! | shipment_refused, stock_commit_refused, payment_capture_refused | void | payment_voided |
//! | shipment_cancelled, for the customer | refund | payment_refunded |
//!
//! A shipment that was called back because its order failed leads to nothing: the event which made it fail
//! voids the payment.

use chassis::messaging::participant::{Asks, Told, heard};
use contracts::inventory::InventoryEvent;
use contracts::messages::queues::{PAYMENTS_COMMANDS, PAYMENTS_EVENTS};
use contracts::messages::{Command, Message, Passed, Queue};
use contracts::orders::Coordination;
use contracts::payments::{
    AuthorizePayment, CapturePayment, Payment, PaymentEvent, RefundPayment, VoidPayment,
};
use contracts::shipping::{Recall, ShippingEvent};
use contracts::{Code, OrderId, PortResult};

/// What can be asked of payments about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Hold an amount.
    Authorize {
        /// How much, on which card.
        charge: AuthorizePayment,
        /// For those who come later in a choreographed order.
        passed: Option<Box<Passed>>,
    },
    /// Take it.
    Capture(CapturePayment),
    /// Let it go.
    Void(VoidPayment),
    /// Give it back.
    Refund(RefundPayment),
}

impl Request {
    /// The order that it is about.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Authorize { charge, .. } => charge.order_id,
            Self::Capture(request) => request.order_id,
            Self::Void(request) => request.order_id,
            Self::Refund(request) => request.order_id,
        }
    }
}

impl Asks for Request {
    const NAME: &'static str = crate::NAME;
    const COMMANDS: &'static Queue = &PAYMENTS_COMMANDS;
    const EVENTS: &'static Queue = &PAYMENTS_EVENTS;

    type Entry = Payment;
    type Event = PaymentEvent;

    fn commanded(command: Command) -> Option<Self> {
        match command {
            Command::AuthorizePayment(charge) => Some(Self::Authorize { charge, passed: None }),
            Command::CapturePayment(request) => Some(Self::Capture(request)),
            Command::VoidPayment(request) => Some(Self::Void(request)),
            Command::RefundPayment(request) => Some(Self::Refund(request)),
            _ => None,
        }
    }

    fn asked(message: &Message) -> Result<Option<Self>, String> {
        if message.coordination != Coordination::Choreographed {
            return Ok(None);
        }
        if let Some(event) = heard::<InventoryEvent>(message)? {
            return of_inventory(event);
        }
        if let Some(event) = heard::<PaymentEvent>(message)? {
            return Ok(of_payments(&event));
        }
        Ok(heard::<ShippingEvent>(message)?.and_then(|event| of_shipping(&event)))
    }

    /// The choreography never voids what was captured, nor refunds what was not.
    fn told(&self, result: &PortResult<Payment>) -> Told<PaymentEvent> {
        let order_id = self.order_id();
        let error = match result {
            Ok(payment) => {
                let payment = payment.clone();
                return Told::Fact(match self {
                    Self::Authorize { passed, .. } => {
                        PaymentEvent::PaymentAuthorized { payment, passed: passed.as_deref().cloned() }
                    }
                    Self::Capture(_) => PaymentEvent::PaymentCaptured { payment },
                    // a declined payment has nothing to let go, and is as good as voided
                    Self::Void(_) => PaymentEvent::PaymentVoided { payment },
                    Self::Refund(_) => PaymentEvent::PaymentRefunded { payment },
                });
            }
            Err(error) => error,
        };
        let told = Told::refused(error, |reason| match self {
            Self::Authorize { .. } => Some(PaymentEvent::PaymentDeclined { order_id, reason }),
            Self::Capture(_) => Some(PaymentEvent::PaymentCaptureRefused { order_id, reason }),
            Self::Void(_) | Self::Refund(_) => None,
        });
        match (told, error.code()) {
            // what the bank said stands in the books, and was said as a fact when it was written there
            (Told::Answer(event), Some(Code::CardDeclined | Code::InsufficientFunds)) => Told::Fact(event),
            (told, _) => told,
        }
    }
}

fn of_inventory(event: InventoryEvent) -> Result<Option<Request>, String> {
    Ok(match event {
        InventoryEvent::StockReserved { reservation, passed: Some(passed) } => {
            let order_id = reservation.order_id;
            let charge = AuthorizePayment { order_id, amount: passed.amount, card: passed.card.clone() };
            Some(Request::Authorize { charge, passed: Some(Box::new(passed)) })
        }
        InventoryEvent::StockReserved { passed: None, .. } => {
            return Err("stock_reserved passes nothing on: there is no amount to hold".to_owned());
        }
        InventoryEvent::StockCommitted { reservation } => {
            Some(Request::Capture(CapturePayment { order_id: reservation.order_id }))
        }
        InventoryEvent::StockCommitRefused { order_id, .. } => Some(void(order_id)),
        _ => None,
    })
}

/// Payments hear themselves: a capture that they refuse ends the order, and so the hold.
fn of_payments(event: &PaymentEvent) -> Option<Request> {
    match event {
        PaymentEvent::PaymentCaptureRefused { order_id, .. } => Some(void(*order_id)),
        _ => None,
    }
}

fn of_shipping(event: &ShippingEvent) -> Option<Request> {
    match event {
        ShippingEvent::ShipmentRefused { order_id, .. } => Some(void(*order_id)),
        ShippingEvent::ShipmentCancelled { shipment, recall: Recall::Never } => {
            Some(Request::Refund(RefundPayment { order_id: shipment.order_id }))
        }
        _ => None,
    }
}

fn void(order_id: OrderId) -> Request {
    Request::Void(VoidPayment { order_id })
}

#[cfg(test)]
mod tests;

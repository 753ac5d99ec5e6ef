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

use chassis::messaging::participant::{Told, heard};
use contracts::inventory::InventoryEvent;
use contracts::messages::{Command, Message, Passed};
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

/// What an event asks. Nothing where it asks nothing, is of an order that somebody else drives, or is of a
/// type or version that this code does not know; an error where it cannot be read.
pub fn asked(message: &Message) -> Result<Option<Request>, String> {
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

/// What a command asks; nothing where it is for another module.
pub fn commanded(command: Command) -> Option<Request> {
    match command {
        Command::AuthorizePayment(charge) => Some(Request::Authorize { charge, passed: None }),
        Command::CapturePayment(request) => Some(Request::Capture(request)),
        Command::VoidPayment(request) => Some(Request::Void(request)),
        Command::RefundPayment(request) => Some(Request::Refund(request)),
        _ => None,
    }
}

/// What is said after a request that an event led to. The choreography never voids what was captured, nor
/// refunds what was not.
pub fn told(request: &Request, result: &PortResult<Payment>) -> Told<PaymentEvent> {
    let order_id = request.order_id();
    let error = match result {
        Ok(payment) => {
            let payment = payment.clone();
            return Told::Fact(match request {
                Request::Authorize { passed, .. } => {
                    PaymentEvent::PaymentAuthorized { payment, passed: passed.as_deref().cloned() }
                }
                Request::Capture(_) => PaymentEvent::PaymentCaptured { payment },
                // a declined payment has nothing to let go, and is as good as voided
                Request::Void(_) => PaymentEvent::PaymentVoided { payment },
                Request::Refund(_) => PaymentEvent::PaymentRefunded { payment },
            });
        }
        Err(error) => error,
    };
    let told = Told::refused(error, |reason| match request {
        Request::Authorize { .. } => Some(PaymentEvent::PaymentDeclined { order_id, reason }),
        Request::Capture(_) => Some(PaymentEvent::PaymentCaptureRefused { order_id, reason }),
        Request::Void(_) | Request::Refund(_) => None,
    });
    match (told, error.code()) {
        // what the bank said stands in the books, and was said as a fact when it was written there
        (Told::Answer(event), Some(Code::CardDeclined | Code::InsufficientFunds)) => Told::Fact(event),
        (told, _) => told,
    }
}

#[cfg(test)]
mod tests;

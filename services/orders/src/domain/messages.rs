//! What a move of an order says to the world, and what the world's messages mean to an order.

use contracts::inventory::{CommitStock, InventoryEvent, ReleaseStock, ReserveStock};
use contracts::messages::{Command, CommandReply, Event as _, Message, Outcome, Passed};
use contracts::orders::{Coordination, OrderEvent};
use contracts::payments::{AuthorizePayment, CapturePayment, PaymentEvent, RefundPayment, VoidPayment};
use contracts::shipping::{CancelShipment, Recall, ScheduleShipment, ShippingEvent};
use contracts::types::Line;
use contracts::{Code, PortError, Problem};

use super::order::StoredOrder;
use super::placing::weight_grams;
use super::saga::{Effect, Input, Reason, State};

/// What is said about a new order. Of a choreographed one it says what those who come later need to
/// know: they have nobody to ask. Of any other it does not, since a card is nobody else's affair.
pub fn placed(order: &StoredOrder) -> OrderEvent {
    let passed = (order.coordination == Coordination::Choreographed).then(|| Passed {
        customer_id: order.customer_id.clone(),
        amount: order.total,
        card: order.card.clone(),
        address: order.address.clone(),
        weight_grams: weight_grams(&order.lines),
    });
    OrderEvent::OrderPlaced { order: order.view(), passed }
}

/// What is said about `order` after a step from `from`, in every coordination; most steps concern
/// nobody else. A refused cancellation does not confirm the order a second time.
pub fn event(from: &State, order: &StoredOrder) -> Option<OrderEvent> {
    let order = match (from, &order.state) {
        (State::Capturing, State::Confirmed)
        | (State::Confirmed, State::Cancelling)
        | (_, State::Rejected | State::Cancelled | State::Refunded) => order,
        _ => return None,
    };
    let view = order.view();
    Some(match &order.state {
        State::Confirmed => OrderEvent::OrderConfirmed { order: view },
        State::Cancelling => OrderEvent::OrderCancellationRequested { order: view },
        State::Rejected => OrderEvent::OrderRejected { order: view },
        State::Cancelled => OrderEvent::OrderCancelled { order: view },
        _ => OrderEvent::OrderRefunded { order: view },
    })
}

/// What is asked of another module for `effect`, be it by a call or by a message.
pub fn command(order: &StoredOrder, effect: Effect) -> Command {
    let order_id = order.id;
    match effect {
        Effect::ReserveStock => {
            let line = |line: &contracts::orders::PricedLine| Line {
                sku: line.sku.clone(),
                quantity: line.quantity,
            };
            Command::ReserveStock(ReserveStock { order_id, lines: order.lines.iter().map(line).collect() })
        }
        Effect::AuthorizePayment => {
            let (amount, card) = (order.total, order.card.clone());
            Command::AuthorizePayment(AuthorizePayment { order_id, amount, card })
        }
        Effect::ScheduleShipment => {
            let (address, weight_grams) = (order.address.clone(), weight_grams(&order.lines));
            Command::ScheduleShipment(ScheduleShipment { order_id, address, weight_grams })
        }
        Effect::CommitStock => Command::CommitStock(CommitStock { order_id }),
        Effect::CapturePayment => Command::CapturePayment(CapturePayment { order_id }),
        Effect::RecallShipment => {
            Command::RecallShipment(CancelShipment { order_id, recall: Recall::IfShipped })
        }
        Effect::CancelShipment => Command::CancelShipment(CancelShipment { order_id, recall: Recall::Never }),
        Effect::VoidPayment => Command::VoidPayment(VoidPayment { order_id }),
        Effect::ReleaseStock => Command::ReleaseStock(ReleaseStock { order_id }),
        Effect::RefundPayment => Command::RefundPayment(RefundPayment { order_id }),
    }
}

/// What `commands` are given for an order that asks for `effects`: nothing where it is not orders that
/// tells the others by messages what to do.
pub fn commands(order: &StoredOrder, effects: &[Effect]) -> Vec<Command> {
    match order.coordination {
        Coordination::Orchestrated => effects.iter().map(|effect| command(order, *effect)).collect(),
        Coordination::Sync | Coordination::Choreographed => Vec::new(),
    }
}

/// What a reply means to an orchestrated order; nothing where it answers a command that this code does
/// not know. The command may have been given before, so that "it was not begun" means little.
pub fn replied(reply: &CommandReply) -> Option<Input> {
    let effect = Effect::named(&reply.command)?;
    let input = match &reply.outcome {
        Outcome::Done => Input::Done(effect),
        Outcome::Failed { detail, may_have_happened, .. } => {
            let code = reply.outcome.code().unwrap_or(Code::Internal);
            if *may_have_happened {
                Input::Unknown(effect, Reason { code, detail: detail.clone() })
            } else {
                failed(effect, Problem::new(code, detail.clone()).into())
            }
        }
    };
    Some(input.of_a_repetition())
}

/// What it means that `effect` failed: a decision, an open outcome, or a call that never was.
pub fn failed(effect: Effect, error: PortError) -> Input {
    let (decided, happened) = (error.is_decision(), error.effect());
    let problem = error.into_problem();
    let reason = Reason { code: problem.code, detail: problem.detail };
    match happened {
        _ if decided => Input::Refused(effect, reason),
        contracts::Effect::None => Input::NotBegun(effect, reason),
        contracts::Effect::Unknown => Input::Unknown(effect, reason),
    }
}

/// What an event of another module means to a choreographed order: nothing where it concerns none of its
/// steps; an error where it claims to be an event and cannot be read.
pub fn heard(message: &Message) -> Result<Option<Input>, serde_json::Error> {
    if let Some(event) = InventoryEvent::read(message)? {
        return Ok(of_inventory(&event));
    }
    if let Some(event) = PaymentEvent::read(message)? {
        return Ok(of_payments(&event));
    }
    Ok(ShippingEvent::read(message)?.as_ref().and_then(of_shipping))
}

fn of_inventory(event: &InventoryEvent) -> Option<Input> {
    Some(match event {
        InventoryEvent::StockReserved { .. } => Input::Done(Effect::ReserveStock),
        InventoryEvent::StockRefused { reason, .. } => refused(Effect::ReserveStock, reason),
        InventoryEvent::StockCommitted { .. } => Input::Done(Effect::CommitStock),
        InventoryEvent::StockCommitRefused { reason, .. } => refused(Effect::CommitStock, reason),
        InventoryEvent::StockReleased { .. } => Input::Done(Effect::ReleaseStock),
        // that it lapsed shows when it is to be committed
        InventoryEvent::StockExpired { .. } => return None,
    })
}

fn of_payments(event: &PaymentEvent) -> Option<Input> {
    Some(match event {
        PaymentEvent::PaymentAuthorized { .. } => Input::Done(Effect::AuthorizePayment),
        PaymentEvent::PaymentDeclined { reason, .. } => refused(Effect::AuthorizePayment, reason),
        PaymentEvent::PaymentCaptured { .. } => Input::Done(Effect::CapturePayment),
        PaymentEvent::PaymentCaptureRefused { reason, .. } => refused(Effect::CapturePayment, reason),
        PaymentEvent::PaymentVoided { .. } => Input::Done(Effect::VoidPayment),
        PaymentEvent::PaymentRefunded { .. } => Input::Done(Effect::RefundPayment),
    })
}

fn of_shipping(event: &ShippingEvent) -> Option<Input> {
    Some(match event {
        ShippingEvent::ShipmentScheduled { .. } => Input::Done(Effect::ScheduleShipment),
        ShippingEvent::ShipmentRefused { reason, .. } => refused(Effect::ScheduleShipment, reason),
        ShippingEvent::ShipmentCancelled { recall: Recall::IfShipped, .. } => {
            Input::Done(Effect::RecallShipment)
        }
        ShippingEvent::ShipmentCancelled { recall: Recall::Never, .. } => Input::Done(Effect::CancelShipment),
        ShippingEvent::ShipmentCancelRefused { reason, .. } => refused(Effect::CancelShipment, reason),
        ShippingEvent::ShipmentShipped { .. } | ShippingEvent::ShipmentDelivered { .. } => return None,
    })
}

fn refused(effect: Effect, reason: &contracts::orders::Reason) -> Input {
    let code = Code::from_text(&reason.code).unwrap_or(Code::Conflict);
    Input::Refused(effect, Reason { code, detail: reason.detail.clone() })
}

#[cfg(test)]
mod tests;

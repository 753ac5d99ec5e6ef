//! The other modules, as far as messages reach them: they obey commands and, in choreographed orders, react
//! to events, each message once.

use std::collections::HashSet;

use contracts::inventory::Inventory as _;
use contracts::inventory::{InventoryEvent, Reservation, ReservationStatus};
use contracts::messages::queues::{
    INVENTORY_COMMANDS, INVENTORY_EVENTS, PAYMENTS_COMMANDS, PAYMENTS_EVENTS, SHIPPING_COMMANDS,
    SHIPPING_EVENTS,
};
use contracts::messages::{
    Command, CommandReply, Event as _, Message, MessageId, Origin, Outcome, Outgoing, Queue,
};
use contracts::orders::Reason;
use contracts::payments::{Payment, PaymentEvent, PaymentStatus, Payments as _};
use contracts::shipping::{Recall, Shipment, ShipmentStatus, Shipping as _, ShippingEvent};
use contracts::{Context, OrderId, PortResult};
use orders::domain::{Effect, State, messages};

use crate::others::Others;
use crate::shop::{BEGIN, PATIENCE, stored};

/// What each module has dealt with.
#[derive(Default)]
pub struct Inboxes(HashSet<(&'static str, MessageId)>);

const COMMANDS: [&Queue; 3] = [&INVENTORY_COMMANDS, &PAYMENTS_COMMANDS, &SHIPPING_COMMANDS];
const EVENTS: [&Queue; 3] = [&INVENTORY_EVENTS, &PAYMENTS_EVENTS, &SHIPPING_EVENTS];

impl Inboxes {
    /// Delivers a message to whomever it reaches; returns what they say.
    pub async fn deliver(&mut self, others: &Others, parcel: &Outgoing) -> Vec<Outgoing> {
        let mut said = Vec::new();
        for queue in COMMANDS.into_iter().chain(EVENTS) {
            if !queue.takes(&parcel.to) || !self.0.insert((queue.name, parcel.message.id)) {
                continue;
            }
            if COMMANDS.contains(&queue) {
                said.push(obey(others, queue.module, &parcel.message).await);
            } else {
                said.extend(react(others, queue.module, &parcel.message).await);
            }
        }
        said
    }
}

/// Does what a command says, and answers.
pub async fn obey(others: &Others, module: &'static str, message: &Message) -> Outgoing {
    let command = Command::read(message).expect("reads").expect("is a command");
    assert_eq!(command.module(), module);
    let (order_id, name) = (command.subject(), command.name().to_owned());
    let outcome = Outcome::of(call(others, command).await);
    answer(module, message, CommandReply { order_id, command: name, outcome })
}

/// The answer to a command.
pub fn answer(module: &'static str, cause: &Message, reply: CommandReply) -> Outgoing {
    reply.message(module, cause, &origin(cause), BEGIN)
}

fn origin(cause: &Message) -> Origin {
    Origin { coordination: cause.coordination, trace: cause.trace.clone(), passed: None }
}

async fn call(others: &Others, command: Command) -> PortResult<()> {
    let ctx = &Context::background("orders", PATIENCE);
    match command {
        Command::ReserveStock(request) => others.reserve(ctx, request).await.map(drop),
        Command::CommitStock(request) => others.commit(ctx, request).await.map(drop),
        Command::ReleaseStock(request) => others.release(ctx, request).await.map(drop),
        Command::AuthorizePayment(request) => others.authorize(ctx, request).await.map(drop),
        Command::CapturePayment(request) => others.capture(ctx, request).await.map(drop),
        Command::VoidPayment(request) => others.void(ctx, request).await.map(drop),
        Command::RefundPayment(request) => others.refund(ctx, request).await.map(drop),
        Command::ScheduleShipment(request) => others.schedule(ctx, request).await.map(drop),
        Command::CancelShipment(request) | Command::RecallShipment(request) => {
            others.cancel(ctx, request).await.map(drop)
        }
    }
}

/// What one module does about an event, and says about that.
async fn react(others: &Others, module: &str, message: &Message) -> Vec<Outgoing> {
    let name = message.kind.split('.').nth(2).unwrap_or("");
    let effects: &[Effect] = match name {
        "order_placed" => &[Effect::ReserveStock],
        "stock_reserved" => &[Effect::AuthorizePayment],
        "payment_authorized" => &[Effect::ScheduleShipment],
        "shipment_scheduled" => &[Effect::CommitStock],
        "stock_committed" => &[Effect::CapturePayment],
        "payment_declined" => &[Effect::ReleaseStock],
        "shipment_refused" => &[Effect::ReleaseStock, Effect::VoidPayment],
        "stock_commit_refused" | "payment_capture_refused" => {
            &[Effect::ReleaseStock, Effect::VoidPayment, Effect::RecallShipment]
        }
        "order_cancellation_requested" => &[Effect::CancelShipment],
        "shipment_cancelled" if message.data["recall"] == "never" => {
            &[Effect::RefundPayment, Effect::ReleaseStock]
        }
        _ => &[],
    };
    let mut said = Vec::new();
    for effect in effects {
        let mut order = stored(State::Reserving);
        order.id = message.subject;
        let command = messages::command(&order, *effect);
        if command.module() == module {
            said.push(event(*effect, message, call(others, command).await));
        }
    }
    said
}

/// What is said about an effect that a module brought about, or refused.
fn event(effect: Effect, cause: &Message, result: PortResult<()>) -> Outgoing {
    let order_id = cause.subject;
    if let Err(error) = result {
        let problem = error.into_problem();
        let reason = Reason { code: problem.code.as_str().to_owned(), detail: problem.detail };
        return refusal(effect, cause, reason);
    }
    let stock = |status| Reservation { order_id, status, lines: Vec::new(), expires_at: BEGIN };
    let origin = &origin(cause);
    let inventory = |event: InventoryEvent| event.answer(cause.id, origin, BEGIN);
    let payments = |event: PaymentEvent| event.answer(cause.id, origin, BEGIN);
    let shipping = |event: ShippingEvent| event.answer(cause.id, origin, BEGIN);
    match effect {
        Effect::ReserveStock => {
            let reservation = stock(ReservationStatus::Reserved);
            inventory(InventoryEvent::StockReserved { reservation, passed: None })
        }
        Effect::CommitStock => {
            inventory(InventoryEvent::StockCommitted { reservation: stock(ReservationStatus::Committed) })
        }
        Effect::ReleaseStock => {
            inventory(InventoryEvent::StockReleased { reservation: stock(ReservationStatus::Released) })
        }
        Effect::AuthorizePayment => {
            let payment = payment(order_id, PaymentStatus::Authorized);
            payments(PaymentEvent::PaymentAuthorized { payment, passed: None })
        }
        Effect::CapturePayment => {
            payments(PaymentEvent::PaymentCaptured { payment: payment(order_id, PaymentStatus::Captured) })
        }
        Effect::VoidPayment => {
            payments(PaymentEvent::PaymentVoided { payment: payment(order_id, PaymentStatus::Voided) })
        }
        Effect::RefundPayment => {
            payments(PaymentEvent::PaymentRefunded { payment: payment(order_id, PaymentStatus::Refunded) })
        }
        Effect::ScheduleShipment => {
            let shipment = shipment(order_id, ShipmentStatus::Scheduled);
            shipping(ShippingEvent::ShipmentScheduled { shipment })
        }
        Effect::RecallShipment | Effect::CancelShipment => {
            let recall = if effect == Effect::CancelShipment { Recall::Never } else { Recall::IfShipped };
            let shipment = shipment(order_id, ShipmentStatus::Cancelled);
            shipping(ShippingEvent::ShipmentCancelled { shipment, recall })
        }
    }
}

fn refusal(effect: Effect, cause: &Message, reason: Reason) -> Outgoing {
    let (order_id, origin) = (cause.subject, &origin(cause));
    match effect {
        Effect::ReserveStock => {
            InventoryEvent::StockRefused { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        Effect::CommitStock => {
            InventoryEvent::StockCommitRefused { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        Effect::AuthorizePayment => {
            PaymentEvent::PaymentDeclined { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        Effect::CapturePayment => {
            PaymentEvent::PaymentCaptureRefused { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        Effect::ScheduleShipment => {
            ShippingEvent::ShipmentRefused { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        Effect::CancelShipment => {
            ShippingEvent::ShipmentCancelRefused { order_id, reason }.answer(cause.id, origin, BEGIN)
        }
        other => panic!("{other:?} is never refused: {reason:?}"),
    }
}

fn payment(order_id: OrderId, status: PaymentStatus) -> Payment {
    Payment { order_id, status, amount: None, updated_at: BEGIN }
}

fn shipment(order_id: OrderId, status: ShipmentStatus) -> Shipment {
    let (carrier, tracking_number) = (String::new(), String::new());
    Shipment { order_id, status, carrier, tracking_number, updated_at: BEGIN }
}

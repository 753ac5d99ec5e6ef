//! The inventory, asked by message.

use std::sync::Arc;

use chassis::clock::Clock;
use chassis::messaging::participant::{Asks, CommandHandler, EventHandler, Participant};
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::inventory::{CommitStock, ReleaseStock, Reservation, ReservationStatus, ReserveStock};
use contracts::messages::queues::{INVENTORY_COMMANDS, INVENTORY_EVENTS};
use contracts::messages::{Command, Event, MessageId, Origin};
use contracts::orders::{Coordination, Reason};
use contracts::payments::PaymentEvent;
use contracts::shipping::{Shipment, ShipmentStatus, ShippingEvent};
use contracts::{Code, OrderId, PortResult, TraceContext};
use inventory::reactions::Request;
use inventory::service::Service;

use crate::shop::{Shop, lines, order, outcome, shops};

impl Shop {
    fn events(&self) -> EventHandler<Service> {
        EventHandler::new(self.service.clone(), self.mailbox.clone(), Arc::new(self.clock.clone()))
    }

    fn commands(&self) -> CommandHandler<Service> {
        CommandHandler::new(self.service.clone(), self.mailbox.clone(), Arc::new(self.clock.clone()))
    }

    fn heard(&self, event: &impl Event) -> Delivery {
        let message = event.fact(&origin(Coordination::Choreographed), self.clock.now()).message;
        Delivery { message, queue: INVENTORY_EVENTS.name, attempt: 1 }
    }

    /// The event that asks for the sale of what an order has.
    fn scheduled(&self, order_id: OrderId) -> Delivery {
        let shipment = Shipment {
            order_id,
            status: ShipmentStatus::Scheduled,
            carrier: "Tailwind Parcel".into(),
            tracking_number: "TP1".into(),
            updated_at: self.clock.now(),
        };
        self.heard(&ShippingEvent::ShipmentScheduled { shipment })
    }

    /// What a handler does after it has looked into the inbox: all that comes before it settles.
    async fn sell(&self, delivery: &Delivery) -> PortResult<Reservation> {
        let request = Request::asked(&delivery.message).expect("is read").expect("asks for a commit");
        let ctx = delivery.context("inventory");
        let origin = Origin::of_message(&delivery.message, &ctx);
        self.service.perform(&ctx, &request, &origin).await
    }

    fn given(&self, command: Command) -> Delivery {
        let origin = origin(Coordination::Orchestrated);
        let message = command.message(MessageId::random(), 1, &origin, self.clock.now()).message;
        Delivery { message, queue: INVENTORY_COMMANDS.name, attempt: 1 }
    }
}

fn origin(coordination: Coordination) -> Origin {
    Origin { coordination, trace: TraceContext::root(), passed: None }
}

fn reserve(order_id: OrderId, quantity: u32) -> Command {
    Command::ReserveStock(ReserveStock { order_id, lines: lines(&[("A", quantity)]) })
}

#[tokio::test]
async fn commands_do_what_calls_do_and_each_is_replied_to() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let (order_id, commands) = (order(), shop.commands());
        for command in [
            reserve(order_id, 2),
            Command::CommitStock(CommitStock { order_id }),
            Command::ReleaseStock(ReleaseStock { order_id }),
        ] {
            assert_eq!(commands.handle(&shop.given(command)).await, Handled::Done);
        }
        assert_eq!(outcome(shop.reservation(order_id).await), Ok(ReservationStatus::Released));
        let said = shop.said(order_id).await;
        let names: Vec<_> = said.iter().map(|said| said.name.as_str()).collect();
        // a reply goes to the queue `orders.replies`
        assert_eq!(
            names,
            ["stock_reserved", "replies", "stock_committed", "replies", "stock_released", "replies"]
        );
        assert!(said.iter().all(|said| said.coordination == Coordination::Orchestrated));
        shop.books().await;
    }
}

#[tokio::test]
async fn asking_again_is_answered_again_and_changes_nothing() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let (order_id, commands) = (order(), shop.commands());
        for _ in 0..2 {
            assert_eq!(commands.handle(&shop.given(reserve(order_id, 2))).await, Handled::Done);
        }
        assert_eq!(shop.told(order_id).await, ["stock_reserved", "replies", "replies"]);
        assert_eq!(shop.available("A").await, 3);
    }
}

/// The process dies between the change and the answer, and the message comes again.
#[tokio::test]
async fn a_message_that_was_half_dealt_with_is_dealt_with_and_told_once() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order_id = order();
        shop.reserve(order_id, &[("A", 2)]).await.expect("there is enough");
        let delivery = shop.scheduled(order_id);
        shop.sell(&delivery).await.expect("in time");

        for _ in 0..2 {
            assert_eq!(shop.events().handle(&delivery).await, Handled::Done);
        }
        assert_eq!(shop.told(order_id).await, ["stock_reserved", "stock_committed"]);
        assert_eq!(shop.books().await["A"], (3, 0, 2));
    }
}

#[tokio::test]
async fn a_declined_payment_gives_the_goods_back() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order_id = order();
        shop.reserve(order_id, &[("A", 2)]).await.expect("there is enough");
        let reason = Reason { code: "card_declined".into(), detail: String::new() };
        let delivery = shop.heard(&PaymentEvent::PaymentDeclined { order_id, reason });
        assert_eq!(shop.events().handle(&delivery).await, Handled::Done);
        assert_eq!(shop.told(order_id).await, ["stock_reserved", "stock_released"]);
        assert_eq!(shop.available("A").await, 5);
    }
}

/// Nothing changes in the books, and yet the others must learn of it.
#[tokio::test]
async fn a_sale_that_is_refused_is_told_in_answer_to_the_message() {
    for shop in shops().await {
        let order_id = order();
        let delivery = shop.scheduled(order_id);
        for _ in 0..2 {
            assert_eq!(shop.events().handle(&delivery).await, Handled::Done);
        }
        let said = shop.said(order_id).await;
        assert_eq!((said.len(), said[0].name.as_str()), (1, "stock_commit_refused"));
        assert_eq!(said[0].data["reason"]["code"], "not_found");
    }
}

/// The second handler of a message is slow: by the time it works, the order was confirmed and cancelled. A
/// refusal would be a second answer, and would have the others undo what nobody asked them to.
#[tokio::test]
async fn a_sale_that_is_worked_on_again_after_it_was_taken_back_says_nothing_new() {
    for shop in shops().await {
        shop.stock(&[("A", 5)]).await;
        let order_id = order();
        shop.reserve(order_id, &[("A", 2)]).await.expect("there is enough");
        let delivery = shop.scheduled(order_id);
        shop.sell(&delivery).await.expect("in time");
        shop.release(order_id).await.expect("restocks");
        assert_eq!(outcome(shop.sell(&delivery).await), Err(Code::Compensated));
        for _ in 0..2 {
            assert_eq!(shop.events().handle(&delivery).await, Handled::Done);
        }
        assert_eq!(shop.told(order_id).await, ["stock_reserved", "stock_committed", "stock_released"]);
        let noted = shop.mailbox.has_received(delivery.queue, delivery.message.id).await;
        assert!(noted.expect("reads"), "it is dealt with, and does not come again");
        assert_eq!(shop.books().await["A"], (5, 0, 0));
    }
}

//! Shipping, asked by message.

use std::sync::Arc;

use chassis::clock::Clock as _;
use chassis::messaging::participant::{Asks, CommandHandler, EventHandler, Participant};
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::messages::queues::{SHIPPING_COMMANDS, SHIPPING_EVENTS};
use contracts::messages::{Command, Event, MessageId, Origin, Passed};
use contracts::orders::Reason;
use contracts::payments::{CardToken, Payment, PaymentEvent, PaymentStatus};
use contracts::shipping::{Recall, ShipmentStatus, Shipping};
use contracts::{CustomerId, Money, OrderId};
use shipping::reactions::Request;

use crate::{Coordination, HARDLY_EVER, Replica, benches, booking, calling_off, new_order, origin};

impl Replica {
    async fn hears(&self, delivery: &Delivery) -> Handled {
        let clock = Arc::new(self.clock.clone());
        EventHandler::new(self.service.clone(), self.mailbox.clone(), clock).handle(delivery).await
    }

    async fn obeys(&self, command: Command) -> Handled {
        let origin = origin(Coordination::Orchestrated);
        let message = command.message(MessageId::random(), 1, &origin, self.clock.now()).message;
        let delivery = Delivery { message, queue: SHIPPING_COMMANDS.name, attempt: 1 };
        let clock = Arc::new(self.clock.clone());
        CommandHandler::new(self.service.clone(), self.mailbox.clone(), clock).handle(&delivery).await
    }

    fn said_to_us(&self, event: &impl Event) -> Delivery {
        let message = event.fact(&origin(Coordination::Choreographed), self.clock.now()).message;
        Delivery { message, queue: SHIPPING_EVENTS.name, attempt: 1 }
    }

    /// The event that asks for a shipment to `country`.
    fn authorized(&self, order_id: OrderId, country: &str) -> Delivery {
        let request = booking(order_id);
        let passed = Passed {
            customer_id: CustomerId("ada".into()),
            amount: Money::eur(1999),
            card: CardToken("tok_approve".into()),
            address: contracts::types::Address { country: country.into(), ..request.address },
            weight_grams: request.weight_grams,
        };
        let updated_at = self.clock.now();
        let payment = Payment { order_id, status: PaymentStatus::Authorized, amount: None, updated_at };
        self.said_to_us(&PaymentEvent::PaymentAuthorized { payment, passed: Some(passed) })
    }
}

#[tokio::test]
async fn commands_do_what_calls_do_and_each_is_replied_to() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        for command in [
            Command::ScheduleShipment(booking(order)),
            Command::RecallShipment(calling_off(order, Recall::IfShipped)),
            Command::ScheduleShipment(booking(order)),
        ] {
            assert_eq!(replica.obeys(command).await, Handled::Done);
        }
        // a reply goes to the queue `orders.replies`
        let expected = ["shipment_scheduled", "replies", "shipment_cancelled", "replies", "replies"];
        assert_eq!(replica.told(order).await, expected);
        let said = replica.said(order).await;
        assert_eq!(said[4].data["outcome"], said[1].data["outcome"], "as the first time");
        assert!(said.iter().all(|said| said.coordination == Coordination::Orchestrated));
    }
}

#[tokio::test]
async fn a_command_that_was_called_off_before_it_came_is_refused() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        for command in [
            Command::RecallShipment(calling_off(order, Recall::IfShipped)),
            Command::ScheduleShipment(booking(order)),
        ] {
            assert_eq!(replica.obeys(command).await, Handled::Done);
        }
        assert_eq!(replica.told(order).await, ["shipment_cancelled", "replies", "replies"]);
        assert_eq!(replica.said(order).await[2].data["outcome"]["code"], "compensated");
    }
}

/// The second handler of a message is slow: the order was confirmed and cancelled by the time it works.
#[tokio::test]
async fn a_booking_that_is_worked_on_again_after_it_was_called_off_says_nothing_new() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        let delivery = replica.authorized(order, "DE");
        let request = Request::asked(&delivery.message).expect("is read").expect("asks for a carrier");
        let ctx = delivery.context("shipping");
        let origin = Origin::of_message(&delivery.message, &ctx);
        replica.service.perform(&ctx, &request, &origin).await.expect("booked");
        let cancelled = replica.service.cancel(&replica.ctx, calling_off(order, Recall::Never)).await;
        cancelled.expect("has not left");
        assert_eq!(replica.hears(&delivery).await, Handled::Done);
        assert_eq!(replica.told(order).await, ["shipment_scheduled", "shipment_cancelled"]);
    }
}

#[tokio::test]
async fn a_held_payment_books_a_carrier_once() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        let delivery = replica.authorized(order, "DE");
        // the process dies between the change and the answer, and the message comes again
        let request = Request::asked(&delivery.message).expect("is read").expect("asks for a carrier");
        let ctx = delivery.context("shipping");
        let origin = Origin::of_message(&delivery.message, &ctx);
        replica.service.perform(&ctx, &request, &origin).await.expect("booked");
        for _ in 0..2 {
            assert_eq!(replica.hears(&delivery).await, Handled::Done);
        }
        assert_eq!(replica.told(order).await, ["shipment_scheduled"]);
        let said = replica.said(order).await;
        assert_eq!(said[0].coordination, Coordination::Choreographed);
        assert_eq!(said[0].trace_id, delivery.message.trace.trace_id_hex());
    }
}

#[tokio::test]
async fn what_no_carrier_takes_is_refused_in_answer_to_the_message() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order = new_order();
        let delivery = replica.authorized(order, "AQ");
        for _ in 0..2 {
            assert_eq!(replica.hears(&delivery).await, Handled::Done);
        }
        assert_eq!(replica.told(order).await, ["shipment_refused"]);
        assert_eq!(replica.said(order).await[0].data["reason"]["code"], "shipment_refused");
    }
}

#[tokio::test]
async fn a_refused_capture_calls_the_shipment_off() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let order_id = new_order();
        replica.service.schedule(&replica.ctx, booking(order_id)).await.expect("booked");
        let reason = Reason { code: "compensated".into(), detail: String::new() };
        let refused = replica.said_to_us(&PaymentEvent::PaymentCaptureRefused { order_id, reason });
        assert_eq!(replica.hears(&refused).await, Handled::Done);
        assert_eq!(replica.told(order_id).await, ["shipment_scheduled", "shipment_cancelled"]);
        let request = contracts::shipping::GetShipment { order_id };
        let shipment = replica.service.shipment(&replica.ctx, request).await.expect("is there");
        assert_eq!(shipment.status, ShipmentStatus::Cancelled);
    }
}

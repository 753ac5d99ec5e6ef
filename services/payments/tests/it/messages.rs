//! Payments, asked by message.

use std::sync::Arc;

use chassis::clock::Clock;
use chassis::messaging::participant::{CommandHandler, EventHandler};
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::OrderId;
use contracts::TraceContext;
use contracts::inventory::{InventoryEvent, Reservation, ReservationStatus};
use contracts::messages::queues::{PAYMENTS_COMMANDS, PAYMENTS_EVENTS};
use contracts::messages::{Command, Event, MessageId, Origin};
use contracts::orders::{Coordination, Reason};
use contracts::payments::{
    AuthorizePayment, CapturePayment, CardToken, PaymentStatus, RefundPayment, VoidPayment,
};

use crate::facts::choreographed;
use crate::network::Line;
use crate::support::{PRICE, Shop, new_order, shops};

impl Shop {
    async fn hears(&self, delivery: &Delivery) -> Handled {
        let clock = Arc::new(self.clock.clone());
        EventHandler::new(self.service.clone(), self.mailbox.clone(), clock).handle(delivery).await
    }

    async fn obeys(&self, delivery: &Delivery) -> Handled {
        let clock = Arc::new(self.clock.clone());
        CommandHandler::new(self.service.clone(), self.mailbox.clone(), clock).handle(delivery).await
    }

    fn given(&self, command: Command) -> Delivery {
        let origin =
            Origin { coordination: Coordination::Orchestrated, trace: TraceContext::root(), passed: None };
        let message = command.message(MessageId::random(), 1, &origin, self.clock.now()).message;
        Delivery { message, queue: PAYMENTS_COMMANDS.name, attempt: 1 }
    }

    fn delivered(&self, event: &InventoryEvent) -> Delivery {
        let message = event.fact(&choreographed(), self.clock.now()).message;
        Delivery { message, queue: PAYMENTS_EVENTS.name, attempt: 1 }
    }

    /// The event that asks for a hold on `card`.
    fn reserved(&self, order_id: OrderId, card: &str) -> Delivery {
        let mut passed = choreographed().passed.expect("something to pass on");
        passed.card = CardToken(card.into());
        let reservation = claim(order_id, ReservationStatus::Reserved);
        self.delivered(&InventoryEvent::StockReserved { reservation, passed: Some(passed) })
    }
}

fn claim(order_id: OrderId, status: ReservationStatus) -> Reservation {
    Reservation { order_id, status, lines: Vec::new(), expires_at: contracts::Timestamp(0) }
}

#[tokio::test]
async fn commands_do_what_calls_do_and_each_is_replied_to() {
    for shop in shops().await {
        let order_id = new_order();
        let charge = AuthorizePayment { order_id, amount: PRICE, card: CardToken("tok_approve".into()) };
        for command in [
            Command::AuthorizePayment(charge),
            Command::CapturePayment(CapturePayment { order_id }),
            Command::VoidPayment(VoidPayment { order_id }),
            Command::RefundPayment(RefundPayment { order_id }),
        ] {
            let delivery = shop.given(command);
            for _ in 0..2 {
                assert_eq!(shop.obeys(&delivery).await, Handled::Done);
            }
        }
        // a reply goes to the queue `orders.replies`; the void is refused, and changes nothing
        let expected = [
            "payment_authorized",
            "replies",
            "payment_captured",
            "replies",
            "replies",
            "payment_refunded",
            "replies",
        ];
        assert_eq!(shop.told(order_id).await, expected, "{}", shop.engine);
        let said = shop.said(order_id).await;
        assert_eq!(said[4].data["outcome"]["code"], "conflict");
        assert!(said.iter().all(|said| said.coordination == Coordination::Orchestrated));
    }
}

#[tokio::test]
async fn reserved_goods_are_paid_for_and_sold_ones_captured() {
    for shop in shops().await {
        let order = new_order();
        let reserved = shop.reserved(order, "tok_approve");
        let reservation = claim(order, ReservationStatus::Committed);
        let committed = shop.delivered(&InventoryEvent::StockCommitted { reservation });
        for delivery in [&reserved, &reserved, &committed, &committed, &reserved] {
            assert_eq!(shop.hears(delivery).await, Handled::Done);
        }
        assert_eq!(shop.told(order).await, ["payment_authorized", "payment_captured"]);
        let said = shop.said(order).await;
        assert_eq!(said[0].data["passed"]["card"], "tok_approve", "for shipping, which asks nobody");
        assert_eq!(said[1].trace_id, committed.message.trace.trace_id_hex());
        assert_eq!(shop.network.requests(), 2);
    }
}

/// The decline is said when it is written into the books, and not again in answer to the message.
#[tokio::test]
async fn a_decline_is_told_once() {
    for shop in shops().await {
        let order = new_order();
        assert_eq!(shop.hears(&shop.reserved(order, "tok_decline")).await, Handled::Done);
        assert_eq!(shop.told(order).await, ["payment_declined"], "{}", shop.engine);
    }
}

#[tokio::test]
async fn what_cannot_be_captured_is_refused_in_answer_to_the_message() {
    for shop in shops().await {
        let order = new_order();
        let reservation = claim(order, ReservationStatus::Committed);
        let delivery = shop.delivered(&InventoryEvent::StockCommitted { reservation });
        for _ in 0..2 {
            assert_eq!(shop.hears(&delivery).await, Handled::Done);
        }
        assert_eq!(shop.told(order).await, ["payment_capture_refused"], "nothing was ever held");
    }
}

/// A message waits for the network as long as its attempts last, and nothing is guessed meanwhile.
#[tokio::test]
async fn a_network_that_is_away_is_asked_again_with_the_message() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        let delivery = shop.reserved(order, "tok_approve");
        shop.network.line(Line::Down);
        assert!(matches!(shop.hears(&delivery).await, Handled::Again(_)));
        assert_eq!(shop.told(order).await, [""; 0]);
        shop.network.line(Line::Up);
        assert_eq!(shop.hears(&delivery).await, Handled::Done);
        assert_eq!(till.status(order).await, Some(PaymentStatus::Authorized));
        assert_eq!(shop.told(order).await, ["payment_authorized"]);
    }
}

#[tokio::test]
async fn a_sale_that_was_refused_lets_the_amount_go() {
    for shop in shops().await {
        let (till, order_id) = (shop.till(), new_order());
        till.authorize(order_id).await.expect("authorized");
        let reason = Reason { code: "reservation_expired".into(), detail: String::new() };
        let delivery = shop.delivered(&InventoryEvent::StockCommitRefused { order_id, reason });
        assert_eq!(shop.hears(&delivery).await, Handled::Done);
        assert_eq!(shop.told(order_id).await, ["payment_authorized", "payment_voided"]);
    }
}

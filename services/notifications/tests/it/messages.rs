//! What becomes of events.

use std::time::Duration;

use chassis::messaging::Handled;
use contracts::messages::queues::DELIVERY_LIMIT;
use contracts::messages::{Message, MessageId};
use contracts::notifications::Delivery;
use contracts::orders::{Order, OrderEvent};
use contracts::shipping::ShippingEvent;
use serde_json::json;

use crate::{HARDLY_EVER, benches, customer, order, shipped};

#[tokio::test]
async fn each_event_that_matters_becomes_one_mail() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let order = order(&ada);
        let of = |version| Order { version, ..order.clone() };
        let ShippingEvent::ShipmentShipped { shipment } = shipped(order.id) else { unreachable!() };
        let orders = [
            OrderEvent::OrderPlaced { order: of(1), passed: None },
            OrderEvent::OrderConfirmed { order: of(2) },
            OrderEvent::OrderCancellationRequested { order: of(3) },
            OrderEvent::OrderRefunded { order: of(4) },
            OrderEvent::OrderCancelled { order: of(5) },
            OrderEvent::OrderRejected { order: of(6) },
        ];
        let parcels = [
            ShippingEvent::ShipmentScheduled { shipment: shipment.clone() },
            ShippingEvent::ShipmentShipped { shipment: shipment.clone() },
            ShippingEvent::ShipmentDelivered { shipment },
        ];
        let messages = orders
            .iter()
            .map(|event| replica.message(event))
            .chain(parcels.iter().map(|event| replica.message(event)));
        let messages: Vec<_> = messages.collect();
        for message in &messages {
            bench.clock.advance(Duration::from_secs(1));
            assert_eq!(replica.handle(message.clone(), 1).await, Handled::Done, "{}", message.kind);
        }
        let mut mails = replica.list(&ada).await;
        mails.reverse();
        let events: Vec<_> = mails.iter().map(|mail| mail.event.as_str()).collect();
        let expected = [
            "order_confirmed",
            "order_refunded",
            "order_cancelled",
            "order_rejected",
            "shipment_shipped",
            "shipment_delivered",
        ];
        assert_eq!(events, expected);
        for mail in &mails {
            let event = messages.iter().find(|message| message.id == mail.id).expect("the id of its event");
            assert!(event.kind.contains(&mail.event), "{}", event.kind);
            assert_eq!((&mail.customer_id, mail.order_id), (&ada, order.id));
            assert_eq!(mail.to, "ada@customers.tradewind.example");
            assert_eq!(mail.delivery, Delivery::Pending);
            assert!(mail.body.contains(&order.id.to_string()), "{}", mail.body);
        }
    }
}

#[tokio::test]
async fn an_event_that_comes_again_and_at_the_same_time_leads_to_one_mail() {
    for bench in benches().await {
        let (one, two) = (bench.replica(HARDLY_EVER).await, bench.replica(HARDLY_EVER).await);
        let ada = customer("ada");
        let messages: Vec<_> =
            (0..5).map(|_| one.message(&OrderEvent::OrderConfirmed { order: order(&ada) })).collect();
        let handling = messages
            .iter()
            .flat_map(|message| [&one, &two, &one, &two].map(|replica| replica.handle(message.clone(), 1)));
        for handled in futures::future::join_all(handling).await {
            // the loser of a race may be sent away, and comes again
            assert!(matches!(handled, Handled::Done | Handled::Again(_)), "{handled:?}");
        }
        for message in &messages {
            assert_eq!(two.handle(message.clone(), 2).await, Handled::Done);
        }
        assert_eq!(one.list(&ada).await.len(), 5);
    }
}

#[tokio::test]
async fn a_parcel_that_overtakes_its_order_waits_for_it() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let order = order(&ada);
        let parcel = replica.message(&shipped(order.id));
        for attempt in [1, DELIVERY_LIMIT - 1] {
            let handled = replica.handle(parcel.clone(), attempt).await;
            assert!(
                matches!(&handled, Handled::Again(cause) if cause.contains(&order.id.to_string())),
                "{handled:?}"
            );
        }
        let handled = replica.handle(parcel.clone(), DELIVERY_LIMIT).await;
        assert!(matches!(handled, Handled::Hopeless(_)), "{handled:?}");
        assert_eq!(replica.list(&ada).await, []);

        let placed = replica.message(&OrderEvent::OrderPlaced { order, passed: None });
        assert_eq!(replica.handle(placed, 1).await, Handled::Done);
        // redriven out of the dead letters
        assert_eq!(replica.handle(parcel, 1).await, Handled::Done);
        let mails = replica.list(&ada).await;
        assert_eq!(mails.iter().map(|mail| mail.event.as_str()).collect::<Vec<_>>(), ["shipment_shipped"]);
    }
}

#[tokio::test]
async fn what_is_unknown_is_ignored_and_what_is_nonsense_is_put_aside() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        let ada = customer("ada");
        let good = replica.message(&OrderEvent::OrderConfirmed { order: order(&ada) });
        for kind in ["tradewind.orders.order_confirmed.v2", "tradewind.orders.order_pondered.v1", "x", ""] {
            let mut message = Message { id: MessageId::random(), ..good.clone() };
            message.kind = kind.into();
            assert_eq!(replica.handle(message, 1).await, Handled::Done, "{kind}");
        }
        let mut of_tomorrow = good.clone();
        of_tomorrow.data["order"]["gift_wrapped"] = json!(true);
        assert_eq!(replica.handle(of_tomorrow, 1).await, Handled::Done);
        assert_eq!(replica.list(&ada).await.len(), 1);

        for data in [json!(null), json!({}), json!({"type": "order_confirmed", "order": 7})] {
            let mut message = good.clone();
            message.data = data;
            let handled = replica.handle(message, 1).await;
            assert!(matches!(handled, Handled::Hopeless(_)), "{handled:?}");
        }
    }
}

#[tokio::test]
async fn a_customer_cannot_write_headers_and_a_name_cannot_break_the_database() {
    for bench in benches().await {
        let replica = bench.replica(HARDLY_EVER).await;
        for evil in ["ada\r\nBcc: all@example.com", "ada@elsewhere.example, b", "", "a\0", &"x".repeat(65)] {
            let event = OrderEvent::OrderConfirmed { order: order(&customer(evil)) };
            let handled = replica.handle(replica.message(&event), 1).await;
            assert!(matches!(handled, Handled::Hopeless(_)), "{evil:?}: {handled:?}");
        }
        let ada = customer("ada");
        let mut order = order(&ada);
        order.lines[0].name = format!("Tea\0\r\nBcc: all@example.com{}", "ö".repeat(100_000));
        let event = replica.message(&OrderEvent::OrderConfirmed { order });
        assert_eq!(replica.handle(event, 1).await, Handled::Done);
        let mail = replica.list(&ada).await.remove(0);
        assert!(!mail.subject.contains(char::is_control) && !mail.body.contains(['\0', '\r']));
        assert!(mail.body.len() < 1000, "{}", mail.body.len());
    }
}

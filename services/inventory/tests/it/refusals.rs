//! A choreographed order is told once and for all whether it has its goods, however often its message is
//! worked on and whatever comes back to the shelves meanwhile: others act on what is said, and nobody is
//! there to see that they act on one answer.

use chassis::clock::Clock;
use chassis::messaging::participant::{Asks, EventHandler, Participant};
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::inventory::{Reservation, ReservationStatus};
use contracts::messages::queues::INVENTORY_EVENTS;
use contracts::messages::{Event, Origin, Passed};
use contracts::orders::{Coordination, Order, OrderEvent, OrderStatus, PricedLine};
use contracts::payments::CardToken;
use contracts::types::Address;
use contracts::{Code, CustomerId, Money, OrderId, PortResult, TraceContext};
use inventory::reactions::Request;
use inventory::service::Service;

use crate::races::together;
use crate::shop::{Shop, order, outcome, shops};

use ReservationStatus::{Released, Reserved};

impl Shop {
    /// A choreographed order of two pieces of `sku`.
    fn placed(&self, id: OrderId, sku: &str) -> Delivery {
        let customer_id = CustomerId("ada".into());
        let (price, now) = (Money::eur(900), self.clock.now());
        let name = "A kettle".to_owned();
        let line = PricedLine { sku: sku.into(), name, quantity: 2, unit_price: price, weight_grams: 250 };
        let order = Order {
            id,
            customer_id: customer_id.clone(),
            status: OrderStatus::Placed,
            step: "reserving".into(),
            coordination: Coordination::Choreographed,
            lines: vec![line],
            shipping: Money::eur(199),
            total: Money::eur(1999),
            reason: None,
            placed_at: now,
            updated_at: now,
            version: 1,
        };
        let address = Address {
            name: "Ada Lovelace".into(),
            street: "Invalidenstr. 117".into(),
            city: "Berlin".into(),
            postal_code: "10115".into(),
            country: "DE".into(),
        };
        let (amount, card) = (order.total, CardToken("tok_approve".into()));
        let passed = Some(Passed { customer_id, amount, card, address, weight_grams: 500 });
        let origin =
            Origin { coordination: Coordination::Choreographed, trace: TraceContext::root(), passed: None };
        let message = OrderEvent::OrderPlaced { order, passed }.fact(&origin, now).message;
        Delivery { message, queue: INVENTORY_EVENTS.name, attempt: 1 }
    }

    fn handler(&self) -> EventHandler<Service> {
        let clock = std::sync::Arc::new(self.clock.clone());
        EventHandler::new(self.service.clone(), self.mailbox.clone(), clock)
    }

    /// All of a product, which has two pieces, is somebody else's.
    async fn sold_out(&self, sku: &str) -> OrderId {
        self.stock(&[(sku, 2)]).await;
        let holder = order();
        self.reserve(holder, &[(sku, 2)]).await.expect("there is enough");
        holder
    }

    /// What a handler does after it has looked into the inbox: all that comes before it settles.
    async fn work(&self, delivery: &Delivery) -> PortResult<Reservation> {
        let request = Request::asked(&delivery.message).expect("is read").expect("asks for goods");
        let ctx = delivery.context("inventory");
        let origin = Origin::of_message(&delivery.message, &ctx);
        self.service.perform(&ctx, &request, &origin).await
    }

    /// And the rest of it.
    async fn settle(&self, delivery: &Delivery, result: &PortResult<Reservation>) {
        let request = Request::asked(&delivery.message).expect("is read").expect("asks for goods");
        let origin = Origin::of_message(&delivery.message, &delivery.context("inventory"));
        let said = request
            .told(result)
            .message(delivery.message.id, &origin, self.clock.now())
            .expect("it is a decision");
        self.mailbox.settle(delivery.queue, delivery.message.id, said.as_slice()).await.expect("settles");
    }
}

/// What happens while two handlers work on one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Work(usize),
    Settle(usize),
    /// The one who had all the goods gives them back.
    Restock,
    /// The order itself gives back what it has, if anything.
    Release,
}

/// Every order in which the steps of all of `rows` can come, where those of one row keep theirs.
fn interleavings(rows: &[&[Step]]) -> Vec<Vec<Step>> {
    if rows.iter().all(|row| row.is_empty()) {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let Some((first, later)) = row.split_first() else { continue };
        let mut rest = rows.to_vec();
        rest[n] = later;
        all.extend(interleavings(&rest).into_iter().map(|tail| [&[*first], &tail[..]].concat()));
    }
    all
}

/// Plays one script with an order and a product of its own; which answers the order was given.
async fn play(shop: &Shop, sku: &str, script: &[Step]) -> (OrderId, Vec<String>) {
    let (holder, id) = (shop.sold_out(sku).await, order());
    let delivery = shop.placed(id, sku);
    let mut results = [None, None];
    for step in script {
        match *step {
            Step::Work(n) => results[n] = Some(shop.work(&delivery).await),
            Step::Settle(n) => {
                shop.settle(&delivery, results[n].as_ref().expect("worked before")).await;
            }
            Step::Restock => drop(shop.release(holder).await.expect("gives back")),
            Step::Release => drop(shop.release(id).await.expect("gives back")),
        }
    }
    (id, answers(shop, id).await)
}

/// What was said about whether an order has its goods.
async fn answers(shop: &Shop, order: OrderId) -> Vec<String> {
    let mut told = shop.told(order).await;
    told.retain(|name| matches!(name.as_str(), "stock_reserved" | "stock_refused"));
    told
}

#[tokio::test]
async fn a_message_that_is_worked_on_twice_has_one_answer_whenever_goods_come_back() {
    use Step::{Restock, Settle, Work};
    let scripts = interleavings(&[&[Work(0), Settle(0)], &[Work(1), Settle(1)], &[Restock]]);
    assert_eq!(scripts.len(), 30);
    for shop in shops().await {
        for (n, script) in scripts.iter().enumerate() {
            let (order, said) = play(&shop, &format!("T-{n}"), script).await;
            // the first to work on it decides
            let in_time = script.iter().find(|step| !matches!(step, Settle(_))) == Some(&Restock);
            let (answer, status) =
                if in_time { ("stock_reserved", Reserved) } else { ("stock_refused", Released) };
            assert_eq!(said, [answer], "{script:?} on {}", shop.database.name);
            assert_eq!(outcome(shop.reservation(order).await), Ok(status), "{script:?}");
        }
        shop.books().await;
    }
}

#[tokio::test]
async fn what_became_of_the_goods_since_changes_no_answer() {
    use Step::{Release, Restock, Settle, Work};
    // the second handler is slow, and the order may be over by the time it works
    let scripts = interleavings(&[&[Work(0), Settle(0), Release], &[Work(1), Settle(1)], &[Restock]]);
    for shop in shops().await {
        for (n, script) in scripts.iter().enumerate() {
            let (order, said) = play(&shop, &format!("R-{n}"), script).await;
            let in_time = script.iter().find(|step| !matches!(step, Settle(_))) == Some(&Restock);
            let answer = if in_time { "stock_reserved" } else { "stock_refused" };
            assert_eq!(said, [answer], "{script:?} on {}", shop.database.name);
            assert_eq!(outcome(shop.reservation(order).await), Ok(Released), "{script:?}");
        }
        shop.books().await;
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_missing_and_gives_back_what_was_set_aside() {
    for shop in shops().await {
        shop.sold_out("A").await;
        for (sku, code) in [("A", "out_of_stock"), ("NO-1", "unknown_sku")] {
            let id = order();
            let delivery = shop.placed(id, sku);
            for _ in 0..2 {
                assert_eq!(shop.handler().handle(&delivery).await, Handled::Done);
            }
            let said = shop.said(id).await;
            assert_eq!((said.len(), said[0].name.as_str()), (1, "stock_refused"), "{sku}");
            assert_eq!(said[0].data["reason"]["code"], code);
            assert_eq!(said[0].coordination, Coordination::Choreographed);
            assert_eq!(said[0].trace_id, delivery.message.trace.trace_id_hex());
            assert_eq!(outcome(shop.reservation(id).await), Ok(Released));
        }
        shop.books().await;
    }
}

/// The process dies after the refusal was written, and the message comes again.
#[tokio::test]
async fn a_refusal_that_was_not_settled_stands_when_the_message_comes_again() {
    for shop in shops().await {
        let (holder, id) = (shop.sold_out("A").await, order());
        let delivery = shop.placed(id, "A");
        assert_eq!(outcome(shop.work(&delivery).await), Err(Code::OutOfStock));
        shop.release(holder).await.expect("gives back");
        assert_eq!(shop.handler().handle(&delivery).await, Handled::Done);
        let said = shop.said(id).await;
        assert_eq!((said.len(), said[0].name.as_str()), (1, "stock_refused"));
        assert_eq!(said[0].data["reason"]["code"], "out_of_stock", "as it was said first");
        assert_eq!(shop.available("A").await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_race_for_one_message_and_with_a_restock_agree_on_one_answer() {
    const ORDERS: usize = 12;
    const HANDLERS: usize = 4;
    for shop in shops().await {
        let mut rounds = Vec::new();
        for n in 0..ORDERS {
            let (sku, id) = (format!("C-{n}"), order());
            rounds.push((shop.sold_out(&sku).await, shop.placed(id, &sku), id));
        }
        let raced = rounds.clone();
        let (shop, _) = together(shop, ORDERS * (HANDLERS + 1), move |shop, n| {
            let (holder, delivery, _) = raced[n % ORDERS].clone();
            async move {
                match n / ORDERS {
                    // amid the handlers
                    2 => drop(shop.release(holder).await.expect("gives back")),
                    _ => assert_eq!(shop.handler().handle(&delivery).await, Handled::Done),
                }
            }
        })
        .await;
        for (_, _, id) in rounds {
            let said = answers(&shop, id).await;
            let stands = outcome(shop.reservation(id).await);
            let agreed = match said.as_slice() {
                [one] if one == "stock_reserved" => stands == Ok(Reserved),
                [one] if one == "stock_refused" => stands == Ok(Released),
                _ => false,
            };
            assert!(agreed, "{said:?}, {stands:?} on {}", shop.database.name);
        }
        shop.books().await;
    }
}

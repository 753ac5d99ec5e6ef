//! Orders that messages drive: the real handlers over a real outbox and inbox, between faked modules and a
//! broker that delivers in an odd order, and twice.

mod choreographed;
mod keys;
mod modules;
mod news;
mod orchestrated;
mod preferring;
mod resending;
mod waiting;

use std::sync::Arc;

use chassis::messaging::{Delivery, Handled, Handler, Mailbox};
use contracts::messages::queues::{ORDERS_EVENTS, ORDERS_REPLIES};
use contracts::messages::{Message, Outgoing, Queue};
use contracts::orders::{Coordination, Order, Orders as _, PlaceOrder};
use contracts::{Context, OrderId, PortResult};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::others::Others;
use crate::shop::{Shop, ctx, request};

/// A shop that posts, and what is on its way from and to it.
struct Talk {
    shop: Shop,
    replies: Arc<dyn Handler>,
    events: Arc<dyn Handler>,
}

/// How the broker delivers.
#[derive(Debug, Clone, Copy)]
enum Broker {
    /// Each message once, in the order in which they were said.
    Kind,
    /// Some twice, in an order that this seed decides.
    Unkind(u64),
}

impl Talk {
    async fn open() -> Self {
        Self::of(Shop::with_mail().await)
    }

    fn of(shop: Shop) -> Self {
        let (replies, events) = (
            orders::amqp::replies(shop.saga.clone(), Mailbox::closed()),
            orders::amqp::events(shop.saga.clone(), Mailbox::closed()),
        );
        Self { shop, replies, events }
    }

    async fn place_as(&self, coordination: Coordination, ctx: &Context) -> PortResult<Order> {
        let request = PlaceOrder { coordination: Some(coordination), ..request() };
        self.shop.service.place(ctx, request).await
    }

    /// Places an order that is accepted.
    async fn placed(&self, coordination: Coordination) -> Order {
        let order = self.place_as(coordination, &ctx()).await.expect("is accepted");
        assert_eq!((order.step.as_str(), order.coordination), ("reserving", coordination));
        order
    }

    /// Delivers a message to orders.
    async fn deliver(&self, queue: &'static Queue, message: &Message) -> Handled {
        let handler = if *queue == ORDERS_REPLIES { &self.replies } else { &self.events };
        handler.handle(&Delivery { message: message.clone(), queue: queue.name, attempt: 1 }).await
    }

    /// Delivers what was said and what follows from it, until nothing is on its way any more.
    async fn settle(&self, broker: Broker) {
        let mut chance = match broker {
            Broker::Kind => None,
            Broker::Unkind(seed) => Some(SmallRng::seed_from_u64(seed)),
        };
        let mut under_way: Vec<Outgoing> = Vec::new();
        let mut modules = modules::Inboxes::default();
        loop {
            under_way.extend(self.shop.double.said());
            if let Some(chance) = &mut chance {
                under_way.shuffle(chance);
            }
            if under_way.is_empty() {
                return;
            }
            let parcel = under_way.remove(0);
            if let Some(chance) = &mut chance
                && chance.random_ratio(1, 3)
            {
                under_way.push(parcel.clone());
            }
            for queue in [&ORDERS_REPLIES, &ORDERS_EVENTS] {
                if queue.takes(&parcel.to) {
                    assert_eq!(self.deliver(queue, &parcel.message).await, Handled::Done);
                }
            }
            under_way.extend(modules.deliver(&self.shop.others, &parcel).await);
        }
    }

    /// The names of what was said and not yet looked at.
    fn names(&self) -> Vec<String> {
        let name = |outgoing: Outgoing| outgoing.message.kind.split('.').nth(2).unwrap_or("").to_owned();
        self.shop.double.said().into_iter().map(name).collect()
    }

    fn others(&self) -> &Others {
        &self.shop.others
    }

    async fn step_of(&self, id: OrderId) -> String {
        self.shop.order(id).await.step
    }

    /// Versions in the event log rise by one.
    async fn assert_log_is_whole(&self, id: OrderId) {
        let order = self.shop.order(id).await;
        let versions: Vec<u64> = self.shop.timeline(id).await.iter().map(|entry| entry.version).collect();
        assert_eq!(versions, (1..=order.version).collect::<Vec<_>>());
    }
}

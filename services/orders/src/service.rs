//! The port of orders.

use std::time::Duration;

use async_trait::async_trait;
use contracts::catalog::GetProducts;
use contracts::error::chain;
use contracts::orders::{
    CancelOrder, Direction, GetOrder, GetTimeline, ListOrders, Order, Orders, PLACE, PlaceOrder, Timeline,
    TimelineEntry,
};
use contracts::shipping::QuoteShipping;
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, OrderId, PortResult, Problem};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::answer;
use crate::domain::{Draft, Input, State, priced, validate};
use crate::saga::{Advance, Saga, Since};
use crate::store::{Inserted, KeyRecord, KnownKey, StoredOrder};

/// Gives new orders their ids: a source of randomness, handed in.
pub trait OrderIds: Send + Sync + 'static {
    /// An id that no order has.
    fn next(&self) -> OrderId;
}

/// UUIDv7 by clock and chance.
pub struct RandomIds;

impl OrderIds for RandomIds {
    fn next(&self) -> OrderId {
        OrderId(Uuid::now_v7())
    }
}

/// Orders, as others call them.
pub struct Service {
    saga: Saga,
    ids: Box<dyn OrderIds>,
    /// The orders being driven: each in a task of its own, which outlives a client that hangs up.
    driving: TaskTracker,
}

impl Service {
    /// Orders driven by `saga`, in tasks that `driving` counts.
    pub fn new(saga: Saga, ids: impl OrderIds, driving: TaskTracker) -> Self {
        Self { saga, ids: Box::new(ids), driving }
    }

    /// Prices the request: the catalog's prices, and the carrier's.
    async fn draft(&self, ctx: &Context, request: &PlaceOrder) -> PortResult<Draft> {
        let ctx = &ctx.onward("orders");
        let ports = &self.saga.ports;
        let skus = request.lines.iter().map(|line| line.sku.clone()).collect();
        let products = ports.catalog.products(ctx, GetProducts { skus }).await?.products;
        let (lines, weight_grams) = priced(request, products);
        let country = request.address.country.clone();
        let quote = ports.shipping.quote(ctx, QuoteShipping { country, weight_grams }).await?;
        Ok(Draft::new(lines, &quote)?)
    }

    fn first_step(&self, ctx: &Context, order: &StoredOrder) -> TimelineEntry {
        TimelineEntry {
            version: order.version,
            at: order.placed_at,
            from: None,
            to: order.state.name().to_owned(),
            cause: "placed".to_owned(),
            detail: format!("{} for {}", order.total, order.customer_id),
            direction: Direction::Forward,
            trace_id: ctx.trace.trace_id_hex(),
        }
    }

    /// Sees `order` through in a task of its own, and waits for it as long as the caller does.
    async fn see_through(&self, ctx: &Context, order: StoredOrder) -> PortResult<StoredOrder> {
        let (saga, stands) = (self.saga.clone(), order.clone());
        let deadline = ctx.deadline;
        // how long an order takes is its own affair: it neither ends with the caller's patience nor
        // is undone because that was short
        let context = ctx.clone().with_deadline(contracts::Deadline::after(saga.budget()));
        let driven = self.driving.spawn(async move { saga.drive(&context, order, Since::Placed).await });
        match tokio::time::timeout_at(deadline.instant(), driven).await {
            Ok(Ok(Ok(driven))) => Ok(driven),
            // the order is stored, and recovery takes it over: "try again" would make a second one
            Ok(Ok(Err(error))) => {
                let cause = chain(&error);
                tracing::warn!(order_id = %stands.id, error = cause, "order {} is left to recovery: {cause}", stands.id);
                Err(answer::open(&stands).into())
            }
            // the task panicked, or the process is ending: recovery takes the order over
            Ok(Err(ended)) => {
                tracing::error!(order_id = %stands.id, "driving order {} ended badly: {ended}", stands.id);
                Err(answer::open(&stands).into())
            }
            Err(_) => Err(answer::open(&stands).into()),
        }
    }

    /// What to tell a repetition: the first answer, once there is one.
    async fn repeated(&self, ctx: &Context, key: &KeyRecord, known: KnownKey) -> PortResult<Order> {
        if known.fingerprint != key.fingerprint {
            return Err(Problem::new(
                Code::KeyReused,
                format!(
                    "Idempotency-Key {:?} was used for another request, which placed order {}; use a new key",
                    key.key, known.order_id
                ),
            )
            .at(format!("/orders/{}", known.order_id))
            .into());
        }
        let patience = Duration::from_millis(self.saga.config.get().twin_wait_ms).min(ctx.deadline.left());
        let until = Instant::now() + patience;
        let mut known = Some(known);
        loop {
            if let Some(answer) = known.and_then(|known| known.answer).as_deref().and_then(answer::from_store)
            {
                return answer;
            }
            if Instant::now() >= until {
                break;
            }
            tokio::time::sleep(TWIN_POLL).await;
            known = self.saga.store.key(key).await?;
        }
        let order_id = self.saga.store.key(key).await?.map(|known| known.order_id);
        let problem = Problem::new(
            Code::InProgress,
            "the same request is under way; its order's address tells how it ends",
        );
        Err(match order_id {
            Some(id) => problem.at(format!("/orders/{id}")),
            None => problem,
        }
        .into())
    }

    async fn stored(&self, id: OrderId) -> PortResult<StoredOrder> {
        Ok(self.saga.store.order(id).await?.ok_or_else(|| Problem::not_found(format!("order {id}")))?)
    }
}

/// How often a repeated request looks for the first one's answer.
const TWIN_POLL: Duration = Duration::from_millis(20);

#[async_trait]
impl Orders for Service {
    async fn place(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        validate(&request)?;
        let key = ctx.idempotency_key.as_ref().map(|key| KeyRecord {
            customer_id: request.customer_id.clone(),
            operation: PLACE.to_string(),
            key: key.as_str().to_owned(),
            fingerprint: fingerprint(&request),
        });
        if let Some(key) = &key
            && let Some(known) = self.saga.store.key(key).await?
        {
            return self.repeated(ctx, key, known).await;
        }
        let draft = self.draft(ctx, &request).await.inspect_err(|error| {
            tracing::info!(%error, "an order of {} could not be priced: {error}", request.customer_id);
        })?;
        let now = self.saga.clock.now();
        let order = StoredOrder {
            id: self.ids.next(),
            customer_id: request.customer_id,
            state: State::Reserving,
            coordination: self.saga.config.get().coordination,
            lines: draft.lines,
            card: request.card,
            address: request.address,
            shipping: draft.shipping,
            total: draft.total,
            reason: None,
            placed_at: now,
            updated_at: now,
            version: 1,
        };
        let entry = self.first_step(ctx, &order);
        let inserted = self.saga.store.order_insert(&order, &entry, &self.saga.lease(), key.as_ref()).await;
        let inserted = inserted.map_err(|error| answer::unstored(&order, error))?;
        // a twin was faster, between the look-up above and here
        if let (Inserted::KeyKnown(known), Some(key)) = (inserted, &key) {
            return self.repeated(ctx, key, known).await;
        }
        self.saga.abort_point(order.state.name());
        answer::of(&self.see_through(ctx, order).await?)
    }

    async fn order(&self, _: &Context, request: GetOrder) -> PortResult<Order> {
        Ok(self.stored(request.order_id).await?.view())
    }

    async fn cancel(&self, ctx: &Context, request: CancelOrder) -> PortResult<Order> {
        let order = self.stored(request.order_id).await?;
        match order.state {
            State::Refunded | State::Cancelled => return Ok(order.view()),
            State::Confirmed => {}
            State::Cancelling | State::Reversing(_) => return Err(answer::being_cancelled(&order).into()),
            _ => {
                let detail = format!(
                    "order {} is {}; only a confirmed order can be cancelled",
                    order.id,
                    order.state.name()
                );
                return Err(Problem::new(Code::Conflict, detail).at(answer::location(&order)).into());
            }
        }
        let advance = self.saga.advance(ctx, &order, &Input::CancelRequested).await;
        let order = match advance.map_err(|error| answer::unstored(&order, error))? {
            Advance::To(order) => *order,
            // nothing moves a confirmed order but a cancellation: somebody else's was faster
            Advance::Nowhere | Advance::Overtaken => return Err(answer::being_cancelled(&order).into()),
        };
        let order = self.see_through(ctx, order).await?;
        match order.state {
            State::Refunded => Ok(order.view()),
            State::Confirmed => {
                let told = self.saga.store.timeline(order.id).await?.pop();
                Err(kept(&order, told).into())
            }
            _ => Err(answer::open(&order).into()),
        }
    }

    async fn list(&self, _: &Context, request: ListOrders) -> PortResult<Page<Order>> {
        if !request.customer_id.is_valid() {
            return Err(Problem::invalid_field(
                "customer_id",
                "must be 1 to 64 letters, digits or any of . _ -",
            )
            .into());
        }
        let (before, limit) = request.page.resolve()?;
        let orders = self.saga.store.orders_of(&request.customer_id, &before, limit + 1).await?;
        Ok(page(orders, limit))
    }

    async fn timeline(&self, _: &Context, request: GetTimeline) -> PortResult<Timeline> {
        let entries = self.saga.store.timeline(request.order_id).await?;
        if entries.is_empty() {
            return Err(Problem::not_found(format!("order {}", request.order_id)).into());
        }
        Ok(Timeline { order_id: request.order_id, entries })
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<Order>> {
        let (after, limit) = request.resolve()?;
        Ok(page(self.saga.store.orders_after(&after, limit + 1).await?, limit))
    }
}

fn page(orders: Vec<StoredOrder>, limit: u32) -> Page<Order> {
    let orders = orders.iter().map(StoredOrder::view).collect();
    Page::from_overfull(orders, limit, |order: &Order| order.id.to_string())
}

/// Why a confirmed order could not be cancelled: what shipping said.
fn kept(order: &StoredOrder, told: Option<TimelineEntry>) -> Problem {
    let (cause, detail) = told.map(|entry| (entry.cause, entry.detail)).unwrap_or_default();
    let code = if cause.ends_with("_refused") { Code::AlreadyShipped } else { Code::DependencyUnavailable };
    Problem::new(code, detail).at(answer::location(order))
}

/// A digest of a request, to tell a repetition from another request under the same key.
fn fingerprint(request: &PlaceOrder) -> String {
    let text = serde_json::to_vec(request).unwrap_or_default();
    Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect()
}

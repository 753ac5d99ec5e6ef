//! Places orders: prices a request, stores the order, and sees to it that it is driven.

use contracts::catalog::GetProducts;
use contracts::error::chain;
use contracts::orders::{Coordination, Direction, Order, PlaceOrder, TimelineEntry};
use contracts::shipping::QuoteShipping;
use contracts::{Context, PortResult, Problem};
use tracing::Instrument as _;

use super::Service;
use super::wait::Patience;
use crate::answer;
use crate::domain::{Draft, Driver, State, StoredOrder, priced, validate};
use crate::saga::Since;
use crate::store::Inserted;

impl Service {
    pub(super) async fn place_order(&self, ctx: &Context, request: PlaceOrder) -> PortResult<Order> {
        validate(&request)?;
        let wait_ms = request.wait_ms;
        let key = super::repeat::key_of(ctx, &request);
        if let Some(key) = &key
            && let Some(known) = self.saga.store.key(key).await?
        {
            return self.repeated(ctx, key, known, wait_ms).await;
        }
        let coordination = self.coordination(&request)?;
        let draft = self.draft(ctx, &request).await.inspect_err(|error| {
            tracing::info!(%error, "an order of {} could not be priced: {error}", request.customer_id);
        })?;
        let order = self.order_of(request, draft, coordination);
        let (entry, said) = (first_step(ctx, &order), self.saga.first_words(&ctx.trace, &order));
        let (store, lease) = (&self.saga.store, self.saga.lease_of(&order));
        let inserted = store.order_insert(&order, &entry, &lease, key.as_ref(), &said).await;
        let inserted = inserted.map_err(|error| answer::unstored(&order, error))?;
        // a twin was faster, between the look-up above and here
        if let (Inserted::KeyKnown(known), Some(key)) = (inserted, &key) {
            return self.repeated(ctx, key, known, wait_ms).await;
        }
        self.saga.abort_point(order.state.name());
        self.see_to(ctx, order, Patience::of(wait_ms, coordination)).await
    }

    /// Who is to drive the order. Without a broker nobody hears what is said by messages.
    fn coordination(&self, request: &PlaceOrder) -> Result<Coordination, Problem> {
        let coordination = request.coordination.unwrap_or(self.saga.config.get().coordination);
        super::can_drive(&self.saga, coordination)?;
        Ok(coordination)
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

    fn order_of(&self, request: PlaceOrder, draft: Draft, coordination: Coordination) -> StoredOrder {
        let now = self.saga.clock.now();
        StoredOrder {
            id: self.ids.next(),
            customer_id: request.customer_id,
            state: State::Reserving,
            early: Vec::new(),
            coordination,
            lines: draft.lines,
            card: request.card,
            address: request.address,
            shipping: draft.shipping,
            total: draft.total,
            reason: None,
            placed_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Lets a new order be driven, and tells how it stands when its caller waits no longer.
    async fn see_to(&self, ctx: &Context, order: StoredOrder, patience: Patience) -> PortResult<Order> {
        match (order.driver(), patience) {
            (Driver::Calls, Patience::ToTheEnd) => answer::of(&self.see_through(ctx, order).await?),
            (Driver::Calls, Patience::AtMost(_)) => {
                // in its task it goes on, whatever this caller hears of it
                drop(self.drive(ctx, order.clone()));
                answer::as_it_stands(&self.wait(ctx, order, patience, answer::is_decided).await?)
            }
            (Driver::Messages, _) => {
                answer::as_it_stands(&self.wait(ctx, order, patience, answer::is_decided).await?)
            }
        }
    }

    /// Sees `order` through in a task of its own, and waits for it as long as the caller does.
    pub(super) async fn see_through(&self, ctx: &Context, order: StoredOrder) -> PortResult<StoredOrder> {
        let stands = order.clone();
        match tokio::time::timeout_at(ctx.deadline.instant(), self.drive(ctx, order)).await {
            Ok(Ok(Some(driven))) => Ok(driven),
            // the order is stored, and recovery takes it over: "try again" would make a second one
            Ok(Ok(None)) | Err(_) => Err(answer::open(&stands).into()),
            // the task panicked, or the process is ending: recovery takes the order over
            Ok(Err(ended)) => {
                tracing::error!(order_id = %stands.id, "driving order {} ended badly: {ended}", stands.id);
                Err(answer::open(&stands).into())
            }
        }
    }

    /// Drives `order` in a task of its own; it ends with nothing where the order is left to recovery.
    fn drive(&self, ctx: &Context, order: StoredOrder) -> tokio::task::JoinHandle<Option<StoredOrder>> {
        let (saga, id) = (self.saga.clone(), order.id);
        // how long an order takes is its own affair: it neither ends with the caller's patience nor
        // is undone because that was short
        let context = ctx.clone().with_deadline(contracts::Deadline::after(saga.budget()));
        let driving = async move {
            let driven = saga.drive(&context, order, Since::Placed).await;
            let left = driven.inspect_err(|error| {
                let cause = chain(error);
                tracing::warn!(order_id = %id, error = cause, "order {id} is left to recovery: {cause}");
            });
            left.ok()
        };
        // what it says belongs to the request, for as long as that lasts
        self.driving.spawn(driving.in_current_span())
    }
}

fn first_step(ctx: &Context, order: &StoredOrder) -> TimelineEntry {
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

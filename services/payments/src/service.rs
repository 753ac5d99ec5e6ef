//! The payments port: checks requests, lets the store decide, has the network act, answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::clock::Clock;
use chassis::config::Live;
use chassis::store::StoreError;
use contracts::error::{Faults, chain};
use contracts::messages::Origin;
use contracts::payments::{
    AuditedPayment, AuthorizePayment, CapturePayment, GetPayment, Payment, PaymentStatus, Payments, Posting,
    RefundPayment, VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, OrderId, PortError, PortResult, Problem};
use futures::{StreamExt, TryStreamExt};

use crate::config::SettleConfig;
use crate::domain::{Input, Known, Refusal};
use crate::network::CardNetwork;
use crate::problems;
use crate::reactions::Request;
use crate::settle::carry_out;
use crate::store::{Moment, PaymentStore, Stepped, Stored};

/// How often an input is put to a payment: twice for what has to wait for another intent first, and some
/// more for others that get in between.
const ROUNDS: usize = 5;
/// How many look-ups an audit makes at the same time.
const LOOK_UPS: usize = 16;
/// The largest amount of one payment, in minor units: sums over any ledger stay far from overflow.
const MOST: i64 = 1_000_000_000_000;

/// Payments.
pub struct Service {
    store: Arc<dyn PaymentStore>,
    network: Arc<dyn CardNetwork>,
    clock: Arc<dyn Clock>,
    settle: Live<SettleConfig>,
}

impl Service {
    /// Payments kept in `store`, made at `network`.
    pub fn new(
        store: Arc<dyn PaymentStore>,
        network: Arc<dyn CardNetwork>,
        clock: Arc<dyn Clock>,
        settle: Live<SettleConfig>,
    ) -> Self {
        Self { store, network, clock, settle }
    }

    /// Takes open intents whose time has come, for this replica alone.
    pub(crate) async fn claim_due(&self) -> Result<Vec<OrderId>, StoreError> {
        self.store.intents_claim(self.moment(), self.settle.get().batch).await
    }

    /// Brings an order's open intent to its end.
    pub(crate) async fn finish(&self, ctx: &Context, order: OrderId) -> PortResult<Payment> {
        self.drive(ctx, order, &Input::Finish, None).await
    }

    /// Does what is asked, for somebody who called or sent a message: what is said about the payment later
    /// is said under `origin`.
    pub(crate) async fn answer(
        &self,
        ctx: &Context,
        request: &Request,
        origin: &Origin,
    ) -> PortResult<Payment> {
        let order = request.order_id();
        match request {
            Request::Authorize { charge, passed } => {
                let AuthorizePayment { amount, card, .. } = charge.clone();
                let mut faults = Faults::default();
                let within = (1..=MOST).contains(&amount.amount);
                faults.check(within, "amount.amount", format!("must be 1 to {MOST}"));
                faults.check(card.is_valid(), "card", "must be tok_ and 1 to 60 characters of a-z 0-9 _");
                faults.into_result()?;
                let origin = origin.clone().passing(passed.as_deref().cloned());
                self.drive(ctx, order, &Input::Authorize { amount, card }, Some(&origin)).await
            }
            Request::Capture(_) => self.drive(ctx, order, &Input::Capture, Some(origin)).await,
            Request::Void(_) => self.drive(ctx, order, &Input::Void, Some(origin)).await,
            Request::Refund(_) => self.drive(ctx, order, &Input::Refund, Some(origin)).await,
        }
    }

    /// Puts an input to a payment until it can be answered: each round stores the intent that the answer
    /// waits for, has the network fulfil it, and stores what the network says.
    async fn drive(
        &self,
        ctx: &Context,
        order: OrderId,
        input: &Input,
        origin: Option<&Origin>,
    ) -> PortResult<Payment> {
        if ctx.deadline.passed() {
            return Err(Problem::new(Code::DeadlineExceeded, "the time was up before the work began").into());
        }
        // how the payment stood when the network was last asked: from then on "nothing happened" is a guess
        let mut asked = None;
        for _ in 0..ROUNDS {
            let stepped = self.store.payment_step(order, input, self.moment(), origin).await;
            let stepped = stepped.map_err(|error| unstored(order, asked, error))?;
            let Stepped { stored, intent, age } = stepped.map_err(|refusal| problems::of(order, refusal))?;
            let (Some(intent), Known::Charge(charge)) = (intent, &stored.known) else {
                return Ok(stored.into());
            };
            let status = charge.state.status();
            asked = Some(status);
            let says = carry_out(&*self.network, ctx, order, charge, intent, age).await.map_err(|error| {
                tracing::warn!(%order, ?intent, "order {order}: the outcome is not known: {error}");
                open(order, "the card network does not answer", status)
            })?;
            // whatever came of it, the next round tells
            let learnt = self.store.payment_step(order, &Input::Learn(says), self.moment(), origin).await;
            let _ = learnt.map_err(|error| unstored(order, asked, error))?;
        }
        tracing::error!(%order, ?input, "order {order}: the card network's record contradicts ours");
        Err(Problem::new(Code::OutcomeUnknown, format!("the payment of order {order} could not be settled"))
            .into())
    }

    fn moment(&self) -> Moment {
        let now = self.clock.now();
        Moment { now, settle_at: now.plus(Duration::from_millis(self.settle.get().after_ms)) }
    }

    async fn audited(&self, ctx: &Context, stored: Stored) -> PortResult<AuditedPayment> {
        let record = self.network.look_up(ctx, stored.order_id).await.map_err(|error| {
            Problem::new(Code::DependencyUnavailable, format!("the card network cannot be asked: {error}"))
        })?;
        Ok(AuditedPayment { payment: stored.into(), network: record.map(|record| record.books) })
    }
}

/// The answer to a step that the store failed: once the network was asked, the outcome is open.
fn unstored(order: OrderId, asked: Option<PaymentStatus>, error: StoreError) -> PortError {
    let Some(status) = asked else { return error.into() };
    let cause = chain(&error);
    tracing::warn!(%order, error = cause, "order {order}: the network was asked, the store failed: {cause}");
    open(order, "the database does not answer", status).into()
}

fn open(order: OrderId, why: &str, status: PaymentStatus) -> Problem {
    let detail = format!("{why}, and order {order} was last seen {status:?}; ask again");
    Problem::new(Code::OutcomeUnknown, detail).at(format!("/payments/{order}"))
}

#[async_trait]
impl Payments for Service {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        let request = Request::Authorize { charge: request, passed: None };
        self.answer(ctx, &request, &Origin::of_call(ctx)).await
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.answer(ctx, &Request::Capture(request), &Origin::of_call(ctx)).await
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.answer(ctx, &Request::Void(request), &Origin::of_call(ctx)).await
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.answer(ctx, &Request::Refund(request), &Origin::of_call(ctx)).await
    }

    async fn payment(&self, _: &Context, request: GetPayment) -> PortResult<Payment> {
        let stored = self.store.payment(request.order_id).await?;
        Ok(stored.ok_or_else(|| problems::of(request.order_id, Refusal::NoPayment))?.into())
    }

    async fn ledger(&self, _: &Context, request: PageRequest) -> PortResult<Page<Posting>> {
        let (after, limit) = request.resolve()?;
        let postings = self.store.posting_page(&after, limit + 1).await?;
        Ok(Page::from_overfull(postings, limit, |posting| posting.id.clone()))
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<AuditedPayment>> {
        let (after, limit) = request.resolve()?;
        let stored = self.store.payment_page(&after, limit + 1).await?;
        let Page { items, next } = Page::from_overfull(stored, limit, |stored| stored.order_id.to_string());
        let audited = futures::stream::iter(items).map(|stored| self.audited(ctx, stored)).buffered(LOOK_UPS);
        Ok(Page { items: audited.try_collect().await?, next })
    }
}

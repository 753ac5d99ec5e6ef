//! A crash at every point: the process dies before or after each write and each request to the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::payments::{CardToken, PaymentStatus, Posting};
use contracts::{Context, Money, OrderId, PortResult};
use payments::domain::{Input, NetworkState, Refusal};
use payments::network::{CardNetwork, HoldRecord, NetworkResult};
use payments::store::{Moment, PaymentStore, SqlStore, Stepped, Stored};
use tokio::sync::Notify;

use crate::network::{FakeNetwork, Fate};
use crate::support::{Shop, Till, new_order, service, shops};

/// Burns down by one at each point where a process could die; where it is burnt out, nothing goes on.
#[derive(Default)]
struct Fuse {
    left: AtomicUsize,
    out: Notify,
}

impl Fuse {
    fn of(points: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(points), out: Notify::new() })
    }

    async fn burn(&self) {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            self.out.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A store or a network whose every use has a point before it and one after it.
struct Fused<T> {
    inner: T,
    fuse: Arc<Fuse>,
}

impl<T> Fused<T> {
    async fn around<R>(&self, work: impl Future<Output = R>) -> R {
        self.fuse.burn().await;
        let result = work.await;
        self.fuse.burn().await;
        result
    }
}

#[async_trait]
impl PaymentStore for Fused<SqlStore> {
    async fn payment_step(
        &self,
        order: OrderId,
        input: &Input,
        moment: Moment,
        origin: Option<&Origin>,
    ) -> Result<Result<Stepped, Refusal>, StoreError> {
        self.around(self.inner.payment_step(order, input, moment, origin)).await
    }

    async fn payment(&self, order: OrderId) -> Result<Option<Stored>, StoreError> {
        self.inner.payment(order).await
    }

    async fn payment_page(&self, after: &str, limit: u32) -> Result<Vec<Stored>, StoreError> {
        self.inner.payment_page(after, limit).await
    }

    async fn posting_page(&self, after: &str, limit: u32) -> Result<Vec<Posting>, StoreError> {
        self.inner.posting_page(after, limit).await
    }

    async fn intents_claim(&self, moment: Moment, limit: u32) -> Result<Vec<OrderId>, StoreError> {
        self.around(self.inner.intents_claim(moment, limit)).await
    }
}

#[async_trait]
impl CardNetwork for Fused<FakeNetwork> {
    async fn hold(
        &self,
        ctx: &Context,
        key: OrderId,
        amount: Money,
        card: &CardToken,
    ) -> NetworkResult<HoldRecord> {
        self.around(self.inner.hold(ctx, key, amount, card)).await
    }

    async fn capture(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.around(self.inner.capture(ctx, key)).await
    }

    async fn void(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.around(self.inner.void(ctx, key)).await
    }

    async fn refund(&self, ctx: &Context, key: OrderId) -> NetworkResult<HoldRecord> {
        self.around(self.inner.refund(ctx, key)).await
    }

    async fn look_up(&self, ctx: &Context, key: OrderId) -> NetworkResult<Option<HoldRecord>> {
        self.around(self.inner.look_up(ctx, key)).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Flow {
    Sale,
    Abandoned,
    GivenBack,
}

impl Flow {
    async fn run(self, till: &Till<'_>, order: OrderId) -> PortResult<PaymentStatus> {
        till.authorize(order).await?;
        Ok(match self {
            Self::Sale => till.capture(order).await?.status,
            Self::Abandoned => till.void(order).await?.status,
            Self::GivenBack => {
                till.capture(order).await?;
                till.refund(order).await?.status
            }
        })
    }

    /// What a saga does that finds the flow half done: compensations alone, or all of it from the start.
    async fn again(self, till: &Till<'_>, order: OrderId) -> PortResult<PaymentStatus> {
        match (self, till.status(order).await) {
            (Self::Abandoned, _) => Ok(till.void(order).await?.status),
            (Self::GivenBack, Some(PaymentStatus::Refunded)) => Ok(till.refund(order).await?.status),
            _ => self.run(till, order).await,
        }
    }

    fn end(self) -> (PaymentStatus, &'static [&'static str], NetworkState) {
        match self {
            Self::Sale => (PaymentStatus::Captured, &["authorize", "capture"], NetworkState::Captured),
            Self::Abandoned => (PaymentStatus::Voided, &["authorize", "void"], NetworkState::Voided),
            Self::GivenBack => {
                (PaymentStatus::Refunded, &["authorize", "capture", "refund"], NetworkState::Refunded)
            }
        }
    }
}

/// Runs the flow until the process dies after `points`; says whether it died at all.
async fn dies(shop: &Shop, flow: Flow, order: OrderId, points: usize) -> bool {
    let fuse = Fuse::of(points);
    let store = Fused { inner: shop.store.clone(), fuse: fuse.clone() };
    let network = Fused { inner: shop.network.clone(), fuse: fuse.clone() };
    let doomed = service(Arc::new(store), Arc::new(network), &shop.clock);
    let till = Till(&*doomed);
    tokio::select! {
        ended = flow.run(&till, order) => {
            assert_eq!(ended.expect("ends well"), flow.end().0);
            false
        }
        () = fuse.out.notified() => true,
    }
}

/// The event that tells of a transfer.
fn told_as(transfer: &str) -> &'static str {
    match transfer {
        "authorize" => "payment_authorized",
        "void" => "payment_voided",
        "capture" => "payment_captured",
        "refund" => "payment_refunded",
        other => panic!("no transfer is named {other}"),
    }
}

/// What must hold after the settle pass, wherever the process died: nothing open, three books that agree,
/// and each transfer told to the world once.
async fn assert_consistent(shop: &Shop, order: OrderId, at: &str) {
    let till = shop.till();
    let transfers = till.transfers(order).await;
    let network = shop.network.books(order);
    let expected: (&[&str], Option<NetworkState>) = match till.status(order).await {
        None => (&[], None),
        Some(PaymentStatus::Authorized) => (&["authorize"], Some(NetworkState::Held)),
        Some(PaymentStatus::Captured) => (&["authorize", "capture"], Some(NetworkState::Captured)),
        Some(PaymentStatus::Voided) => (&["authorize", "void"], Some(NetworkState::Voided)),
        Some(PaymentStatus::Refunded) => (&["authorize", "capture", "refund"], Some(NetworkState::Refunded)),
        Some(other) => panic!("{at}: still {other:?}"),
    };
    assert_eq!(transfers, expected.0, "{at}");
    assert_eq!(network.as_ref().map(|record| record.state), expected.1, "{at}");
    let told: Vec<_> = shop.told(order).await;
    let expected: Vec<_> = transfers.iter().map(|transfer| told_as(transfer)).collect();
    // what was never held can be voided all the same, and that is told without a transfer
    let undone_before = transfers.is_empty() && told == ["payment_voided"];
    assert!(told == expected || undone_before, "{at}: {told:?}");
    if let Some(record) = network {
        assert!(record.books.holds <= 1 && record.books.captures <= 1, "{at}: {record:?}");
    }
}

#[tokio::test]
async fn a_crash_at_any_point_is_settled_with_one_charge() {
    for shop in shops().await {
        for flow in [Flow::Sale, Flow::Abandoned, Flow::GivenBack] {
            for fate in [Fate::Done, Fate::DoneInSilence, Fate::LostInSilence] {
                let mut points = 0;
                loop {
                    let at = format!("{}: {flow:?}, {fate:?}, dead after {points} points", shop.engine);
                    let order = new_order();
                    shop.network.script([fate]);
                    let died = dies(&shop, flow, order, points).await;
                    shop.network.script([]);
                    shop.settle().await;
                    assert_consistent(&shop, order, &at).await;

                    // the caller does not know how far it came, and asks again
                    let (status, transfers, network) = flow.end();
                    let again = flow.again(&shop.till(), order).await;
                    assert_eq!(again.expect("ends well"), status, "{at}");
                    if shop.network.books(order).is_some() {
                        assert_eq!(shop.till().transfers(order).await, transfers, "{at}");
                        assert_eq!(
                            shop.network.books(order).map(|record| record.state),
                            Some(network),
                            "{at}"
                        );
                    }
                    if !died {
                        break;
                    }
                    points += 1;
                }
                assert!(points > 10, "the flow has points to die at: {points}");
            }
        }
    }
}

//! A database that fails in the middle: before it does a step, or after it, with its answer lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chassis::store::StoreError;
use contracts::messages::Origin;
use contracts::payments::{Payment, PaymentStatus, Posting};
use contracts::{Code, OrderId, PortResult};
use payments::domain::{Input, Refusal};
use payments::store::{Moment, PaymentStore, SqlStore, Stepped, Stored};

use crate::support::{Till, code, new_order, service, shops};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stumble {
    /// No connection is to be had; nothing is done.
    NoConnection,
    /// The step is done, and the answer to its COMMIT is lost.
    LostCommit,
}

/// A store whose `at`-th step fails, counted from 1.
struct Stumbling {
    inner: SqlStore,
    steps: AtomicUsize,
    at: usize,
    how: Stumble,
}

#[async_trait]
impl PaymentStore for Stumbling {
    async fn payment_step(
        &self,
        order: OrderId,
        input: &Input,
        moment: Moment,
        origin: Option<&Origin>,
    ) -> Result<Result<Stepped, Refusal>, StoreError> {
        let stumbles = self.steps.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
        match self.how {
            Stumble::NoConnection if stumbles => Err(StoreError::Sql(sqlx::Error::PoolTimedOut)),
            Stumble::LostCommit if stumbles => {
                let _ = self.inner.payment_step(order, input, moment, origin).await?;
                Err(StoreError::Commit(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())))
            }
            _ => self.inner.payment_step(order, input, moment, origin).await,
        }
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
        self.inner.intents_claim(moment, limit).await
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Authorize,
    Capture,
    Void,
    Refund,
}

impl Act {
    /// Brings an order to where the act can follow.
    async fn prepare(self, till: &Till<'_>, order: OrderId) {
        if !matches!(self, Self::Authorize) {
            till.authorize(order).await.expect("authorized");
        }
        if matches!(self, Self::Refund) {
            till.capture(order).await.expect("captured");
        }
    }

    async fn run(self, till: &Till<'_>, order: OrderId) -> PortResult<Payment> {
        match self {
            Self::Authorize => till.authorize(order).await,
            Self::Capture => till.capture(order).await,
            Self::Void => till.void(order).await,
            Self::Refund => till.refund(order).await,
        }
    }

    /// The status that it leads to, and the transfers that the ledger has then.
    fn leads_to(self) -> (PaymentStatus, &'static [&'static str]) {
        match self {
            Self::Authorize => (PaymentStatus::Authorized, &["authorize"]),
            Self::Capture => (PaymentStatus::Captured, &["authorize", "capture"]),
            Self::Void => (PaymentStatus::Voided, &["authorize", "void"]),
            Self::Refund => (PaymentStatus::Refunded, &["authorize", "capture", "refund"]),
        }
    }
}

/// A caller that is told "unavailable" takes it that nothing happened, and orders once took back what
/// the card had been charged for.
#[tokio::test]
async fn once_the_network_was_asked_a_failing_database_leaves_the_outcome_open() {
    for shop in shops().await {
        for (act, how) in [Act::Authorize, Act::Capture, Act::Void, Act::Refund]
            .into_iter()
            .flat_map(|act| [(act, Stumble::NoConnection), (act, Stumble::LostCommit)])
        {
            // the intent is stored, the answer is stored, and the payment is read again
            for at in 1..=3 {
                let case = format!("{act:?}, {how:?} at step {at}, {}", shop.engine);
                let (till, order) = (shop.till(), new_order());
                act.prepare(&till, order).await;
                let before = shop.network.requests();
                let store = Stumbling { inner: shop.store.clone(), steps: AtomicUsize::new(0), at, how };
                let stumbling = service(Arc::new(store), Arc::new(shop.network.clone()), &shop.clock);
                let said = code(act.run(&Till(&*stumbling), order).await);

                assert_eq!(shop.network.requests() > before, at > 1, "{case}: asked after the first step");
                let nothing_happened = at == 1 && how == Stumble::NoConnection;
                let expected = if nothing_happened { Code::Unavailable } else { Code::OutcomeUnknown };
                assert_eq!(said, expected, "{case}");

                shop.settle().await;
                let (status, transfers) = act.leads_to();
                if !nothing_happened {
                    assert_eq!(till.status(order).await, Some(status), "{case}: settled");
                }
                assert_eq!(act.run(&till, order).await.expect(&case).status, status, "{case}: asked again");
                assert_eq!(till.transfers(order).await, transfers, "{case}");
                let books = shop.network.books(order).expect("a record").books;
                assert_eq!(books.holds, 1, "{case}");
                assert_eq!(books.captured, if transfers.contains(&"capture") { 1999 } else { 0 }, "{case}");
                assert_eq!(books.refunded, if transfers.contains(&"refund") { 1999 } else { 0 }, "{case}");
            }
        }
    }
}

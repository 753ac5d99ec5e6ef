//! Payments, and the card network's own book behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use contracts::payments::{
    AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, GetPayment, NetworkRecord, Payment,
    PaymentStatus, Payments, Posting, REFUND, RefundPayment, VOID, VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, Money, OrderId, PortResult, Problem, Timestamp};
use parking_lot::Mutex;

use super::Site;
use crate::sim::Bug;

/// Payments by order, and the network's records by order (over all keys that it was given).
#[derive(Default)]
pub struct Accounts {
    payments: BTreeMap<OrderId, Payment>,
    network: BTreeMap<OrderId, NetworkRecord>,
    postings: Vec<Posting>,
}

impl Accounts {
    fn authorize(
        &mut self,
        request: AuthorizePayment,
        bug: Option<Bug>,
        now: Timestamp,
    ) -> PortResult<Payment> {
        let id = request.order_id;
        if let Some(payment) = self.payments.get(&id).cloned() {
            // with a key the network knows the repetition; without one it holds the amount again
            if bug == Some(Bug::RetryWithoutKey) && payment.status == PaymentStatus::Authorized {
                self.network(id).holds += 1;
            }
            return match payment.status {
                PaymentStatus::Voided => Err(Problem::new(Code::Compensated, "voided before").into()),
                PaymentStatus::Declined => Err(declined()),
                _ => Ok(payment),
            };
        }
        if request.card.0 == "tok_decline" {
            self.record(id, PaymentStatus::Declined, Some(request.amount), now);
            return Err(declined());
        }
        self.network(id).holds += 1;
        Ok(self.record(id, PaymentStatus::Authorized, Some(request.amount), now))
    }

    fn capture(&mut self, id: OrderId, bug: Option<Bug>, now: Timestamp) -> PortResult<Payment> {
        let Some(payment) = self.payments.get(&id).cloned() else {
            return Err(Problem::not_found(format!("payment {id}")).into());
        };
        let amount = payment.amount.unwrap_or(Money::eur(0));
        match payment.status {
            PaymentStatus::Captured => {
                if bug == Some(Bug::RetryWithoutKey) {
                    let record = self.network(id);
                    record.captures += 1;
                    record.captured += amount.amount;
                }
                Ok(payment)
            }
            PaymentStatus::Authorized => {
                let record = self.network(id);
                record.captures += 1;
                record.captured += amount.amount;
                self.post(id, "capture", amount, ["cash", "sales"], now);
                Ok(self.record(id, PaymentStatus::Captured, Some(amount), now))
            }
            _ => Err(Problem::new(Code::Compensated, "voided before").into()),
        }
    }

    fn void(&mut self, id: OrderId, bug: Option<Bug>, now: Timestamp) -> PortResult<Payment> {
        let known = self.payments.get(&id).cloned();
        match known.as_ref().map(|payment| payment.status) {
            Some(PaymentStatus::Captured | PaymentStatus::Refunded) => {
                Err(Problem::new(Code::Conflict, "captured before").into())
            }
            _ if bug == Some(Bug::SkippedVoid) || (known.is_none() && bug == Some(Bug::NoTombstone)) => {
                Ok(Payment { order_id: id, status: PaymentStatus::Voided, amount: None, updated_at: now })
            }
            _ => {
                let amount = known.and_then(|payment| payment.amount);
                Ok(self.record(id, PaymentStatus::Voided, amount, now))
            }
        }
    }

    fn refund(&mut self, id: OrderId, now: Timestamp) -> PortResult<Payment> {
        let Some(payment) = self.payments.get(&id).cloned() else {
            return Err(Problem::not_found(format!("payment {id}")).into());
        };
        let amount = payment.amount.unwrap_or(Money::eur(0));
        match payment.status {
            PaymentStatus::Refunded => Ok(payment),
            PaymentStatus::Captured => {
                self.network(id).refunded += amount.amount;
                self.post(id, "refund", amount, ["sales", "cash"], now);
                Ok(self.record(id, PaymentStatus::Refunded, Some(amount), now))
            }
            _ => Err(Problem::new(Code::Conflict, "nothing was captured").into()),
        }
    }

    fn network(&mut self, id: OrderId) -> &mut NetworkRecord {
        let empty = NetworkRecord { holds: 0, captures: 0, captured: 0, refunded: 0 };
        self.network.entry(id).or_insert(empty)
    }

    fn record(
        &mut self,
        id: OrderId,
        status: PaymentStatus,
        amount: Option<Money>,
        now: Timestamp,
    ) -> Payment {
        let payment = Payment { order_id: id, status, amount, updated_at: now };
        self.payments.insert(id, payment.clone());
        payment
    }

    fn post(&mut self, id: OrderId, transfer: &str, amount: Money, accounts: [&str; 2], now: Timestamp) {
        for (account, sign) in accounts.into_iter().zip([1, -1]) {
            self.postings.push(Posting {
                id: format!("{:08}", self.postings.len()),
                transfer: format!("{transfer}:{id}"),
                order_id: id,
                account: account.into(),
                amount: Money { amount: sign * amount.amount, ..amount },
                posted_at: now,
            });
        }
    }
}

fn declined() -> contracts::PortError {
    Problem::new(Code::CardDeclined, "the bank said no").into()
}

/// Payments.
pub struct SimPayments {
    /// Where they are.
    pub site: Site,
    /// What they know.
    pub accounts: Arc<Mutex<Accounts>>,
}

#[async_trait]
impl Payments for SimPayments {
    async fn authorize(&self, _: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        let (accounts, clock, bug) = (self.accounts.clone(), self.site.clock.clone(), self.site.bug);
        self.site.carry(&AUTHORIZE, move || accounts.lock().authorize(request, bug, clock.now())).await
    }

    async fn capture(&self, _: &Context, request: CapturePayment) -> PortResult<Payment> {
        let (accounts, clock, bug) = (self.accounts.clone(), self.site.clock.clone(), self.site.bug);
        self.site.carry(&CAPTURE, move || accounts.lock().capture(request.order_id, bug, clock.now())).await
    }

    async fn void(&self, _: &Context, request: VoidPayment) -> PortResult<Payment> {
        let (accounts, clock, bug) = (self.accounts.clone(), self.site.clock.clone(), self.site.bug);
        self.site.carry(&VOID, move || accounts.lock().void(request.order_id, bug, clock.now())).await
    }

    async fn refund(&self, _: &Context, request: RefundPayment) -> PortResult<Payment> {
        let (accounts, clock) = (self.accounts.clone(), self.site.clock.clone());
        self.site.carry(&REFUND, move || accounts.lock().refund(request.order_id, clock.now())).await
    }

    async fn payment(&self, _: &Context, request: GetPayment) -> PortResult<Payment> {
        let payment = self.accounts.lock().payments.get(&request.order_id).cloned();
        Ok(payment.ok_or_else(|| Problem::not_found(format!("payment {}", request.order_id)))?)
    }

    async fn ledger(&self, _: &Context, _: PageRequest) -> PortResult<Page<Posting>> {
        Ok(Page { items: self.accounts.lock().postings.clone(), next: None })
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<AuditedPayment>> {
        let accounts = self.accounts.lock();
        let entry = |payment: &Payment| AuditedPayment {
            payment: payment.clone(),
            network: accounts.network.get(&payment.order_id).cloned(),
        };
        Ok(Page { items: accounts.payments.values().map(entry).collect(), next: None })
    }
}

//! Payments, and the card network's own book behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chassis::messaging::participant::Participant;
use contracts::messages::Origin;
use contracts::orders::Reason;
use contracts::payments::{
    AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, GetPayment, NetworkRecord, Payment,
    PaymentEvent, PaymentStatus, Payments, Posting, REFUND, RefundPayment, VOID, VoidPayment,
};
use contracts::types::{Page, PageRequest};
use contracts::{Code, Context, Money, OrderId, PortResult, Problem, Timestamp};
use payments::reactions::Request;

use super::{Disk, Facts, Occasion, Site};
use crate::sim::Bug;
use crate::sim::world::World;

/// Payments by order, and the network's records by order (over all keys that it was given).
#[derive(Default)]
pub struct Accounts {
    payments: BTreeMap<OrderId, (Payment, Origin)>,
    network: BTreeMap<OrderId, NetworkRecord>,
    postings: Vec<Posting>,
}

/// One change of the accounts.
struct Work<'a> {
    world: &'a World,
    facts: &'a mut Facts,
    occasion: Occasion<'a>,
}

impl Accounts {
    fn authorize(
        &mut self,
        charge: &AuthorizePayment,
        origin: Origin,
        work: Work<'_>,
    ) -> PortResult<Payment> {
        let id = charge.order_id;
        if let Some(payment) = self.known(id) {
            // with a key the network knows the repetition; without one it holds the amount again
            if work.world.has(Bug::RetryWithoutKey) && payment.status == PaymentStatus::Authorized {
                self.network(id).holds += 1;
            }
            return match payment.status {
                PaymentStatus::Voided | PaymentStatus::Refunded => Err(compensated().into()),
                PaymentStatus::Declined => Err(declined().into()),
                _ => Ok(payment),
            };
        }
        let amount = Some(charge.amount);
        if charge.card.0 == "tok_decline" {
            self.keep(id, PaymentStatus::Declined, amount, origin, work);
            return Err(declined().into());
        }
        self.network(id).holds += 1;
        Ok(self.keep(id, PaymentStatus::Authorized, amount, origin, work))
    }

    fn capture(&mut self, id: OrderId, work: Work<'_>) -> PortResult<Payment> {
        let Some((payment, origin)) = self.payments.get(&id).cloned() else {
            return Err(Problem::not_found(format!("payment {id}")).into());
        };
        let amount = payment.amount.unwrap_or(Money::eur(0));
        match payment.status {
            PaymentStatus::Refunding | PaymentStatus::Refunded => Ok(payment),
            PaymentStatus::Captured => {
                if work.world.has(Bug::RetryWithoutKey) {
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
                self.post(id, "capture", amount, ["cash", "sales"], work.occasion.now);
                Ok(self.keep(id, PaymentStatus::Captured, Some(amount), origin, work))
            }
            PaymentStatus::Declined => Err(Problem::new(Code::Conflict, "it was declined").into()),
            _ => Err(compensated().into()),
        }
    }

    fn void(&mut self, id: OrderId, work: Work<'_>) -> PortResult<Payment> {
        let known = self.payments.get(&id).cloned();
        match known.as_ref().map(|(payment, _)| payment.status) {
            Some(PaymentStatus::Captured | PaymentStatus::Refunded) => {
                Err(Problem::new(Code::Conflict, "captured before").into())
            }
            status
                if work.world.has(Bug::SkippedVoid)
                    || (status.is_none() && work.world.has(Bug::NoTombstone)) =>
            {
                let updated_at = work.occasion.now;
                Ok(Payment { order_id: id, status: PaymentStatus::Voided, amount: None, updated_at })
            }
            _ => {
                let (amount, origin) = match known {
                    Some((payment, _))
                        if matches!(payment.status, PaymentStatus::Voided | PaymentStatus::Declined) =>
                    {
                        return Ok(payment);
                    }
                    Some((payment, origin)) => (payment.amount, origin),
                    None => (None, work.occasion.origin()),
                };
                Ok(self.keep(id, PaymentStatus::Voided, amount, origin, work))
            }
        }
    }

    fn refund(&mut self, id: OrderId, work: Work<'_>) -> PortResult<Payment> {
        let Some((payment, origin)) = self.payments.get(&id).cloned() else {
            return Err(Problem::not_found(format!("payment {id}")).into());
        };
        let amount = payment.amount.unwrap_or(Money::eur(0));
        match payment.status {
            PaymentStatus::Refunded => Ok(payment),
            PaymentStatus::Captured => {
                self.network(id).refunded += amount.amount;
                self.post(id, "refund", amount, ["sales", "cash"], work.occasion.now);
                Ok(self.keep(id, PaymentStatus::Refunded, Some(amount), origin, work))
            }
            _ => Err(Problem::new(Code::Conflict, "nothing was captured").into()),
        }
    }

    fn known(&self, id: OrderId) -> Option<Payment> {
        self.payments.get(&id).map(|(payment, _)| payment.clone())
    }

    fn network(&mut self, id: OrderId) -> &mut NetworkRecord {
        let empty = NetworkRecord { holds: 0, captures: 0, captured: 0, refunded: 0 };
        self.network.entry(id).or_insert(empty)
    }

    /// Writes a payment that has just become what it is, and tells of it.
    fn keep(
        &mut self,
        id: OrderId,
        status: PaymentStatus,
        amount: Option<Money>,
        origin: Origin,
        work: Work<'_>,
    ) -> Payment {
        let payment = Payment { order_id: id, status, amount, updated_at: work.occasion.now };
        if let Some(fact) = fact(&payment, &origin) {
            work.facts.tell(&fact, &origin, work.occasion);
        }
        self.payments.insert(id, (payment.clone(), origin));
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

/// What is true of a payment that has just become what it is.
fn fact(payment: &Payment, origin: &Origin) -> Option<PaymentEvent> {
    let (payment, passed) = (payment.clone(), origin.passed.clone());
    Some(match payment.status {
        PaymentStatus::Authorized => PaymentEvent::PaymentAuthorized { payment, passed },
        PaymentStatus::Declined => {
            let problem = declined();
            let reason = Reason { code: problem.code.as_str().to_owned(), detail: problem.detail };
            PaymentEvent::PaymentDeclined { order_id: payment.order_id, reason }
        }
        PaymentStatus::Captured => PaymentEvent::PaymentCaptured { payment },
        PaymentStatus::Voided => PaymentEvent::PaymentVoided { payment },
        PaymentStatus::Refunded => PaymentEvent::PaymentRefunded { payment },
        PaymentStatus::Authorizing
        | PaymentStatus::Capturing
        | PaymentStatus::Voiding
        | PaymentStatus::Refunding => return None,
    })
}

fn declined() -> Problem {
    Problem::new(Code::CardDeclined, "the bank said no")
}

fn compensated() -> Problem {
    Problem::new(Code::Compensated, "voided or refunded before")
}

/// Payments.
pub struct SimPayments {
    /// Where they are.
    pub site: Site,
    /// What they know.
    pub disk: Arc<Disk<Accounts>>,
}

impl SimPayments {
    /// Does what is asked, for somebody who called or sent a message.
    async fn answer(&self, request: Request, origin: Origin) -> PortResult<Payment> {
        let (disk, world) = (self.disk.clone(), self.site.world.clone());
        let operation = match &request {
            Request::Authorize { .. } => &AUTHORIZE,
            Request::Capture(_) => &CAPTURE,
            Request::Void(_) => &VOID,
            Request::Refund(_) => &REFUND,
        };
        let work = move || {
            let occasion = Occasion { now: world.now(), call: Some(&origin) };
            disk.change(|accounts, facts| {
                let work = Work { world: &world, facts, occasion };
                match &request {
                    Request::Authorize { charge, passed } => {
                        accounts.authorize(charge, origin.clone().passing(passed.as_deref().cloned()), work)
                    }
                    Request::Capture(request) => accounts.capture(request.order_id, work),
                    Request::Void(request) => accounts.void(request.order_id, work),
                    Request::Refund(request) => accounts.refund(request.order_id, work),
                }
            })
        };
        self.site.carry(operation, work).await
    }
}

#[async_trait]
impl Participant for SimPayments {
    type Request = Request;

    async fn perform(&self, _: &Context, request: &Request, origin: &Origin) -> PortResult<Payment> {
        self.answer(request.clone(), origin.clone()).await
    }
}

#[async_trait]
impl Payments for SimPayments {
    async fn authorize(&self, ctx: &Context, request: AuthorizePayment) -> PortResult<Payment> {
        self.answer(Request::Authorize { charge: request, passed: None }, Origin::of_call(ctx)).await
    }

    async fn capture(&self, ctx: &Context, request: CapturePayment) -> PortResult<Payment> {
        self.answer(Request::Capture(request), Origin::of_call(ctx)).await
    }

    async fn void(&self, ctx: &Context, request: VoidPayment) -> PortResult<Payment> {
        self.answer(Request::Void(request), Origin::of_call(ctx)).await
    }

    async fn refund(&self, ctx: &Context, request: RefundPayment) -> PortResult<Payment> {
        self.answer(Request::Refund(request), Origin::of_call(ctx)).await
    }

    async fn payment(&self, _: &Context, request: GetPayment) -> PortResult<Payment> {
        let payment = self.disk.books.lock().known(request.order_id);
        Ok(payment.ok_or_else(|| Problem::not_found(format!("payment {}", request.order_id)))?)
    }

    async fn ledger(&self, _: &Context, _: PageRequest) -> PortResult<Page<Posting>> {
        Ok(Page { items: self.disk.books.lock().postings.clone(), next: None })
    }

    async fn audit(&self, _: &Context, _: PageRequest) -> PortResult<Page<AuditedPayment>> {
        let accounts = self.disk.books.lock();
        let entry = |(payment, _): &(Payment, Origin)| AuditedPayment {
            payment: payment.clone(),
            network: accounts.network.get(&payment.order_id).cloned(),
        };
        Ok(Page { items: accounts.payments.values().map(entry).collect(), next: None })
    }
}

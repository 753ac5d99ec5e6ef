//! The operations of payments.

use contracts::Money;
use contracts::payments::{
    AUDIT, AUTHORIZE, AuditedPayment, AuthorizePayment, CAPTURE, CapturePayment, CardToken, GetPayment,
    LEDGER, NetworkRecord, PAYMENT, Payment, PaymentStatus, Posting, REFUND, RefundPayment, VOID,
    VoidPayment,
};
use contracts::types::Page;

use super::Case;
use super::values::{
    EARLY, LAST, NOW, POOREST, RICHEST, TEXT, first_page, last_order_id, later_page, order_id,
};

/// A payment in each state.
fn payments() -> Vec<Payment> {
    use PaymentStatus::{
        Authorized, Authorizing, Captured, Capturing, Declined, Refunded, Refunding, Voided, Voiding,
    };
    let states =
        [Authorizing, Authorized, Declined, Capturing, Captured, Voiding, Voided, Refunding, Refunded];
    let amounts = [Some(Money::eur(1999)), Some(RICHEST), None, Some(POOREST), Some(Money::eur(0))];
    let moments = [NOW, LAST, EARLY];
    states
        .into_iter()
        .zip(amounts.into_iter().cycle())
        .zip(moments.into_iter().cycle())
        .map(|((status, amount), updated_at)| Payment { order_id: order_id(), status, amount, updated_at })
        .collect()
}

fn audited() -> Vec<AuditedPayment> {
    let record = NetworkRecord { holds: u32::MAX, captures: 0, captured: i64::MAX, refunded: i64::MIN };
    payments()
        .into_iter()
        .zip([None, Some(record)].into_iter().cycle())
        .map(|(payment, network)| AuditedPayment { payment, network })
        .collect()
}

fn postings() -> Vec<Posting> {
    let posting = |amount, posted_at| Posting {
        id: "0190".into(),
        transfer: TEXT.into(),
        order_id: last_order_id(),
        account: "card_receivable".into(),
        amount,
        posted_at,
    };
    vec![posting(RICHEST, LAST), posting(POOREST, EARLY), posting(Money::eur(0), NOW)]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for payment in payments() {
        let order_id = payment.order_id;
        let amount = payment.amount.unwrap_or(RICHEST);
        let request = AuthorizePayment { order_id, amount, card: CardToken(TEXT.into()) };
        cases.push(Case::new(&AUTHORIZE, request, payment.clone(), |clients, ctx, request| async move {
            clients.payments.authorize(&ctx, request).await
        }));
        let request = CapturePayment { order_id };
        cases.push(Case::new(&CAPTURE, request, payment.clone(), |clients, ctx, request| async move {
            clients.payments.capture(&ctx, request).await
        }));
        let request = VoidPayment { order_id };
        cases.push(Case::new(&VOID, request, payment.clone(), |clients, ctx, request| async move {
            clients.payments.void(&ctx, request).await
        }));
        let request = RefundPayment { order_id };
        cases.push(Case::new(&REFUND, request, payment.clone(), |clients, ctx, request| async move {
            clients.payments.refund(&ctx, request).await
        }));
        cases.push(Case::new(
            &PAYMENT,
            GetPayment { order_id },
            payment,
            |clients, ctx, request| async move { clients.payments.payment(&ctx, request).await },
        ));
    }
    for (asked, postings, audited) in
        [(later_page(), postings(), audited()), (first_page(), Vec::new(), Vec::new())]
    {
        let reply = Page { items: postings, next: asked.cursor.clone() };
        cases.push(Case::new(&LEDGER, asked.clone(), reply, |clients, ctx, request| async move {
            clients.payments.ledger(&ctx, request).await
        }));
        let reply = Page { items: audited, next: asked.cursor.clone() };
        cases.push(Case::new(&AUDIT, asked, reply, |clients, ctx, request| async move {
            clients.payments.audit(&ctx, request).await
        }));
    }
    cases
}

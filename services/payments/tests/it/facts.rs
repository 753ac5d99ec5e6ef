//! Every change of the books is told in the transaction that makes it, and nothing else is.

use contracts::Code;
use contracts::messages::{Origin, Passed};
use contracts::orders::Coordination;
use contracts::payments::{AuthorizePayment, CardToken, Payments};
use contracts::types::Address;
use contracts::{CustomerId, OrderId, TraceContext};
use payments::domain::{Input, NetworkState};
use payments::store::{Moment, PaymentStore};

use crate::network::{Fate, Line};
use crate::support::{PRICE, Shop, code, ctx, new_order, shops};
use chassis::clock::Clock;

/// An origin of an order that nobody drives.
pub fn choreographed() -> Origin {
    let address = Address {
        name: "Ada Lovelace".into(),
        street: "Invalidenstr. 117".into(),
        city: "Berlin".into(),
        postal_code: "10115".into(),
        country: "DE".into(),
    };
    let passed = Passed {
        customer_id: CustomerId("ada".into()),
        amount: PRICE,
        card: CardToken("tok_approve".into()),
        address,
        weight_grams: 500,
    };
    Origin { coordination: Coordination::Choreographed, trace: TraceContext::root(), passed: Some(passed) }
}

impl Shop {
    async fn step(&self, order: OrderId, input: &Input, origin: Option<&Origin>) {
        let now = self.clock.now();
        let step = self.store.payment_step(order, input, Moment { now, settle_at: now }, origin).await;
        step.expect("no failure").expect("no refusal");
    }
}

#[tokio::test]
async fn each_end_of_an_intent_is_told_once() {
    for shop in shops().await {
        let (till, sold, undone) = (shop.till(), new_order(), new_order());
        for _ in 0..2 {
            till.authorize(sold).await.expect("authorized");
        }
        for _ in 0..2 {
            till.capture(sold).await.expect("captured");
        }
        for _ in 0..2 {
            till.refund(sold).await.expect("refunded");
        }
        let all = ["payment_authorized", "payment_captured", "payment_refunded"];
        assert_eq!(shop.told(sold).await, all, "{}", shop.engine);
        till.authorize(undone).await.expect("authorized");
        for _ in 0..2 {
            till.void(undone).await.expect("voided");
        }
        assert_eq!(shop.told(undone).await, ["payment_authorized", "payment_voided"]);
        let said = shop.said(undone).await;
        assert!(said.iter().all(|said| said.coordination == Coordination::Sync));
        assert_eq!(said[1].data["payment"]["status"], "voided");
    }
}

#[tokio::test]
async fn a_decline_and_a_tombstone_are_told_and_a_refusal_is_not() {
    for shop in shops().await {
        let (till, poor, tombstone) = (shop.till(), new_order(), new_order());
        for _ in 0..2 {
            let declined = till.authorize_with(poor, "tok_insufficient_funds", PRICE).await;
            assert_eq!(code(declined), Code::InsufficientFunds);
        }
        assert_eq!(shop.told(poor).await, ["payment_declined"]);
        assert_eq!(shop.said(poor).await[0].data["reason"]["code"], "insufficient_funds");
        assert_eq!(code(till.capture(poor).await), Code::Conflict);
        assert_eq!(code(till.refund(poor).await), Code::Conflict);
        assert_eq!(shop.told(poor).await.len(), 1, "refusals change nothing");

        till.void(tombstone).await.expect("leaves a tombstone");
        assert_eq!(code(till.authorize(tombstone).await), Code::Compensated);
        assert_eq!(shop.told(tombstone).await, ["payment_voided"]);
        let unseen = new_order();
        assert_eq!(code(till.capture(unseen).await), Code::NotFound);
        assert_eq!(shop.told(unseen).await, [""; 0]);
    }
}

/// What was not decided yet is not told: an intent is a question to the network.
#[tokio::test]
async fn an_open_intent_is_told_by_the_pass_that_settles_it() {
    for shop in shops().await {
        let order_id = new_order();
        shop.network.line(Line::Down);
        let (call, card) = (ctx(), CardToken("tok_approve".into()));
        let request = AuthorizePayment { order_id, amount: PRICE, card };
        assert_eq!(code(shop.service.authorize(&call, request).await), Code::OutcomeUnknown);
        assert_eq!(shop.told(order_id).await, [""; 0]);
        shop.network.line(Line::Up);
        shop.settle().await;
        let said = shop.said(order_id).await;
        assert_eq!((said.len(), said[0].name.as_str()), (1, "payment_authorized"));
        assert_eq!(said[0].trace_id, call.trace.trace_id_hex(), "nobody calls the pass");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_told_once_all_the_same() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        shop.network.script([Fate::DoneInSilence, Fate::LostInSilence, Fate::NotDone]);
        let authorized = futures::future::join_all((0..4).map(|_| till.authorize(order))).await;
        assert!(authorized.iter().all(Result::is_ok), "{authorized:?}");
        assert_eq!(shop.told(order).await, ["payment_authorized"], "{}", shop.engine);
    }
}

#[tokio::test]
async fn whoever_touches_an_order_first_decides_who_drives_it_and_what_is_passed_on() {
    for shop in shops().await {
        let (order, first) = (new_order(), choreographed());
        let card = CardToken("tok_approve".into());
        shop.step(order, &Input::Authorize { amount: PRICE, card }, Some(&first)).await;
        // the process dies before the network is asked; the settle pass has no call to name
        shop.step(order, &Input::Learn(NetworkState::Held), None).await;
        let said = shop.said(order).await;
        assert_eq!(said[0].coordination, Coordination::Choreographed);
        assert_eq!(said[0].trace_id, first.trace.trace_id_hex());
        assert_eq!(said[0].data["passed"], serde_json::to_value(&first.passed).expect("JSON"));

        let call = Origin { coordination: Coordination::Sync, trace: TraceContext::root(), passed: None };
        shop.step(order, &Input::Void, Some(&call)).await;
        shop.step(order, &Input::Learn(NetworkState::Voided), Some(&call)).await;
        let said = shop.said(order).await;
        assert_eq!((said.len(), said[1].name.as_str()), (2, "payment_voided"));
        assert_eq!(said[1].coordination, Coordination::Choreographed);
        assert_eq!(said[1].trace_id, call.trace.trace_id_hex());
    }
}

//! A network that does and does not say, fails, or is away.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::config::Live;
use contracts::Code;
use contracts::payments::{CardToken, PaymentStatus};
use payments::config::SettleConfig;
use payments::network::CardNetwork;
use payments::settle::{settle_pass, settle_until};
use payments::store::{Moment, PaymentStore};
use tokio_util::sync::CancellationToken;

use crate::network::{Fate, Line};
use crate::support::{PRICE, code, ctx, new_order, service, shops};

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_the_charge_made_once() {
    for shop in shops().await {
        for fate in [Fate::DoneInSilence, Fate::LostInSilence, Fate::NotDone] {
            let (till, order) = (shop.till(), new_order());
            shop.network.script([fate]);
            assert_eq!(
                till.authorize(order).await.expect("authorized").status,
                PaymentStatus::Authorized,
                "{fate:?}"
            );
            shop.network.script([fate]);
            assert_eq!(
                till.capture(order).await.expect("captured").status,
                PaymentStatus::Captured,
                "{fate:?}"
            );
            shop.network.script([fate]);
            assert_eq!(
                till.refund(order).await.expect("refunded").status,
                PaymentStatus::Refunded,
                "{fate:?}"
            );
            assert_eq!(till.transfers(order).await, ["authorize", "capture", "refund"]);
            let books = shop.network.books(order).expect("a record").books;
            assert_eq!((books.holds, books.captures, books.captured, books.refunded), (1, 1, 1999, 1999));
        }
    }
}

#[tokio::test]
async fn a_decline_whose_answer_is_lost_is_still_a_decline() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        shop.network.script([Fate::DoneInSilence]);
        let refused = till.authorize_with(order, "tok_insufficient_funds", PRICE).await;
        assert_eq!(code(refused), Code::InsufficientFunds);
    }
}

#[tokio::test]
async fn a_network_that_is_away_leaves_the_intent_open_and_the_settle_pass_finishes_it() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        shop.network.line(Line::Down);
        assert_eq!(code(till.authorize(order).await), Code::OutcomeUnknown);
        assert_eq!(till.status(order).await, Some(PaymentStatus::Authorizing));
        shop.settle().await;
        assert_eq!(till.status(order).await, Some(PaymentStatus::Authorizing), "nothing is guessed");

        shop.network.line(Line::Up);
        settle_pass(&shop.service).await;
        assert_eq!(
            till.status(order).await,
            Some(PaymentStatus::Authorizing),
            "it was put off, and is not due yet"
        );
        shop.settle().await;
        assert_eq!(till.status(order).await, Some(PaymentStatus::Authorized));
        assert_eq!(till.transfers(order).await, ["authorize"]);
    }
}

#[tokio::test]
async fn asking_again_settles_an_open_intent_at_once() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        till.authorize(order).await.expect("authorized");
        shop.network.line(Line::Down);
        assert_eq!(code(till.capture(order).await), Code::OutcomeUnknown);
        assert_eq!(code(till.void(order).await), Code::OutcomeUnknown, "a capture may be under way");
        shop.network.line(Line::Up);
        assert_eq!(till.capture(order).await.expect("captured").status, PaymentStatus::Captured);
    }
}

#[tokio::test]
async fn a_void_of_an_open_authorization_lets_go_what_was_held() {
    for shop in shops().await {
        for fate in [Fate::DoneInSilence, Fate::LostInSilence] {
            let (till, order) = (shop.till(), new_order());
            // the hold is sent and its answer lost, and the look-up fails as well
            shop.network.line(Line::Down);
            assert_eq!(code(till.authorize(order).await), Code::OutcomeUnknown);
            assert_eq!(code(till.void(order).await), Code::OutcomeUnknown);
            assert_eq!(till.status(order).await, Some(PaymentStatus::Voiding));
            shop.network.line(Line::Up);
            shop.network.script([fate]);
            shop.settle().await;
            assert_eq!(till.status(order).await, Some(PaymentStatus::Voided));
            assert_eq!(code(till.authorize(order).await), Code::Compensated);
            // a request to hold that was on its way all along
            let card = CardToken("tok_approve".into());
            let late = shop.network.hold(&ctx(), order, PRICE, &card).await;
            assert_eq!(late.expect("a record").books.holds, 0, "the network has a tombstone as well");
        }
    }
}

#[tokio::test]
async fn replicas_never_take_the_same_intent() {
    for shop in shops().await {
        let till = shop.till();
        shop.network.line(Line::Down);
        for _ in 0..12 {
            assert_eq!(code(till.authorize(new_order()).await), Code::OutcomeUnknown);
        }
        shop.clock.advance(Duration::from_secs(6));
        let now = shop.clock.now();
        let moment = Moment { now, settle_at: now.plus(Duration::from_secs(5)) };
        let claims = futures::future::join_all((0..4).map(|_| shop.store.intents_claim(moment, 5))).await;
        let mut claimed: Vec<_> = claims.into_iter().flat_map(|claim| claim.expect("claims")).collect();
        let all = claimed.len();
        claimed.sort_unstable();
        claimed.dedup();
        assert_eq!(claimed.len(), all, "{}", shop.engine);
        assert!(all >= 5, "the first claim gets a whole batch");
    }
}

#[tokio::test]
async fn the_background_pass_settles_by_itself_and_stops_when_told() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        shop.network.line(Line::Down);
        assert_eq!(code(till.authorize(order).await), Code::OutcomeUnknown);
        shop.network.line(Line::Up);
        shop.clock.advance(Duration::from_secs(6));

        let replica = service(Arc::new(shop.store.clone()), Arc::new(shop.network.clone()), &shop.clock);
        let stop = CancellationToken::new();
        let config = Live::fixed(SettleConfig { every_ms: 10, ..Default::default() });
        let pass = tokio::spawn(settle_until(replica, config, stop.clone()));
        testkit::eventually("the intent to be settled", Duration::from_secs(10), || async {
            till.status(order).await.filter(|status| *status == PaymentStatus::Authorized)
        })
        .await;
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), pass)
            .await
            .expect("stops in time")
            .expect("without a panic");
    }
}

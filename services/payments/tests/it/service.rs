//! What the port promises, on each engine.

use std::time::Duration;

use contracts::payments::{AuthorizePayment, CardToken, PaymentStatus, Payments};
use contracts::types::PageRequest;
use contracts::{Code, Money};
use futures::future::join_all;

use crate::network::{Fate, Line};
use crate::support::{PRICE, code, ctx, new_order, shops};

#[tokio::test]
async fn a_payment_is_held_taken_and_given_back_once() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        for _ in 0..2 {
            let payment = till.authorize(order).await.expect("authorized");
            assert_eq!(
                (payment.status, payment.amount),
                (PaymentStatus::Authorized, Some(PRICE)),
                "{}",
                shop.engine
            );
        }
        for _ in 0..2 {
            assert_eq!(till.capture(order).await.expect("captured").status, PaymentStatus::Captured);
        }
        assert_eq!(code(till.void(order).await), Code::Conflict);
        for _ in 0..2 {
            assert_eq!(till.refund(order).await.expect("refunded").status, PaymentStatus::Refunded);
        }
        assert_eq!(till.transfers(order).await, ["authorize", "capture", "refund"]);
        let books = shop.network.books(order).expect("a record").books;
        assert_eq!((books.holds, books.captures, books.captured, books.refunded), (1, 1, 1999, 1999));
        assert_eq!(shop.network.requests(), 3, "repetitions are answered without the network");
    }
}

#[tokio::test]
async fn a_void_refuses_what_comes_after_it() {
    for shop in shops().await {
        let (till, held, unseen) = (shop.till(), new_order(), new_order());
        till.authorize(held).await.expect("authorized");
        for order in [held, unseen] {
            for _ in 0..2 {
                assert_eq!(till.void(order).await.expect("voided").status, PaymentStatus::Voided);
            }
            assert_eq!(code(till.authorize(order).await), Code::Compensated);
            assert_eq!(code(till.capture(order).await), Code::Compensated);
            assert_eq!(code(till.refund(order).await), Code::Conflict);
        }
        assert_eq!(till.transfers(held).await, ["authorize", "void"]);
        assert_eq!(till.transfers(unseen).await, [""; 0]);
        assert_eq!(shop.network.books(unseen), None);
    }
}

#[tokio::test]
async fn a_decline_is_repeated_without_asking_again() {
    for shop in shops().await {
        let (till, order, poor) = (shop.till(), new_order(), new_order());
        for _ in 0..2 {
            assert_eq!(code(till.authorize_with(order, "tok_decline", PRICE).await), Code::CardDeclined);
            let refused = till.authorize_with(poor, "tok_insufficient_funds", PRICE).await;
            assert_eq!(code(refused), Code::InsufficientFunds);
        }
        assert_eq!(shop.network.requests(), 2);
        assert_eq!(code(till.capture(order).await), Code::Conflict);
        assert_eq!(code(till.refund(order).await), Code::Conflict);
        assert_eq!(till.void(order).await.expect("nothing to let go").status, PaymentStatus::Declined);
    }
}

#[tokio::test]
async fn an_order_is_charged_one_amount_on_one_card() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        till.authorize(order).await.expect("authorized");
        assert_eq!(code(till.authorize_with(order, "tok_approve", Money::eur(5)).await), Code::Conflict);
        assert_eq!(code(till.authorize_with(order, "tok_slow", PRICE).await), Code::Conflict);
    }
}

#[tokio::test]
async fn what_nobody_has_heard_of_is_not_found() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        assert_eq!(code(till.capture(order).await), Code::NotFound);
        assert_eq!(code(till.refund(order).await), Code::NotFound);
        assert_eq!(till.status(order).await, None);
    }
}

#[tokio::test]
async fn every_fault_of_a_request_is_named_at_once() {
    for shop in shops().await {
        let request =
            AuthorizePayment { order_id: new_order(), amount: Money::eur(0), card: CardToken("4111".into()) };
        let problem = shop.service.authorize(&ctx(), request).await.expect_err("refused").into_problem();
        let fields: Vec<_> = problem.faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!((problem.code, fields), (Code::InvalidRequest, vec!["amount.amount", "card"]));
        let huge = shop.till().authorize_with(new_order(), "tok_approve", Money::eur(i64::MAX)).await;
        assert_eq!(code(huge), Code::InvalidRequest);
    }
}

#[tokio::test]
async fn work_whose_time_is_up_is_not_begun() {
    for shop in shops().await {
        let order_id = new_order();
        let request = AuthorizePayment { order_id, amount: PRICE, card: CardToken("tok_approve".into()) };
        let late = ctx().within(Duration::ZERO);
        let refused = shop.service.authorize(&late, request).await.expect_err("too late");
        assert_eq!(refused.code(), Some(Code::DeadlineExceeded));
        assert_eq!((shop.till().status(order_id).await, shop.network.requests()), (None, 0));
    }
}

#[tokio::test]
async fn concurrent_twins_make_one_charge_and_get_one_answer() {
    for shop in shops().await {
        let (till, order) = (shop.till(), new_order());
        shop.network.script([Fate::DoneInSilence, Fate::LostInSilence, Fate::NotDone]);
        let authorized = join_all((0..8).map(|_| till.authorize(order))).await;
        assert!(authorized.iter().all(|answer| answer == &authorized[0] && answer.is_ok()), "{authorized:?}");
        let captured = join_all((0..8).map(|_| till.capture(order))).await;
        assert!(captured.iter().all(|answer| answer == &captured[0] && answer.is_ok()), "{captured:?}");
        assert_eq!(till.transfers(order).await, ["authorize", "capture"]);
        let books = shop.network.books(order).expect("a record").books;
        assert_eq!((books.holds, books.captures), (1, 1));
    }
}

#[tokio::test]
async fn authorize_and_void_at_the_same_time_leave_nothing_held() {
    for shop in shops().await {
        for _ in 0..20 {
            let (till, order) = (shop.till(), new_order());
            let (authorized, voided) = tokio::join!(till.authorize(order), till.void(order));
            assert_eq!(voided.expect("voided").status, PaymentStatus::Voided, "{}", shop.engine);
            if let Err(refused) = authorized {
                assert_eq!(refused.code(), Some(Code::Compensated));
            }
            assert_eq!(till.status(order).await, Some(PaymentStatus::Voided));
            let transfers = till.transfers(order).await;
            assert!(transfers.is_empty() || transfers == ["authorize", "void"], "{transfers:?}");
            assert_eq!(code(till.authorize(order).await), Code::Compensated);
        }
    }
}

#[tokio::test]
async fn the_audit_shows_the_networks_own_books() {
    for shop in shops().await {
        let till = shop.till();
        let mut orders = Vec::new();
        for _ in 0..5 {
            let order = new_order();
            till.authorize(order).await.expect("authorized");
            till.capture(order).await.expect("captured");
            orders.push(order);
        }
        let tombstone = new_order();
        till.void(tombstone).await.expect("a tombstone");

        let first =
            shop.service.audit(&ctx(), PageRequest { cursor: None, limit: Some(4) }).await.expect("a page");
        let rest = PageRequest { cursor: first.next.clone(), limit: Some(4) };
        let rest = shop.service.audit(&ctx(), rest).await.expect("a page");
        assert_eq!((first.items.len(), rest.items.len(), rest.next), (4, 2, None));
        for audited in first.items.into_iter().chain(rest.items) {
            match audited.network {
                Some(books) => assert_eq!((books.captures, books.captured), (1, 1999)),
                None => assert_eq!(audited.payment.order_id, tombstone),
            }
        }

        shop.network.line(Line::Down);
        let refused = shop.service.audit(&ctx(), PageRequest::default()).await.expect_err("no network");
        assert_eq!(refused.code(), Some(Code::DependencyUnavailable));
    }
}

//! How an order can end while the customer waits, and what its event log says then.

use chassis::clock::Clock as _;
use contracts::orders::Direction::{self, Compensation, Forward};
use contracts::orders::OrderStatus;
use contracts::{Code, Money};

use crate::others::Answer::{self, *};
use crate::others::Call::{self, *};
use crate::others::Holdings;
use crate::others::ports::{PRICE, SHIPPING};
use crate::shop::{Shop, ctx, pointed_at, problem, request};

/// The causes of the straight way, after `placed`.
const STRAIGHT: [&str; 5] =
    ["stock_reserved", "payment_authorized", "shipment_scheduled", "stock_committed", "payment_captured"];

#[tokio::test]
async fn an_order_that_everybody_obliges_is_confirmed() {
    let shop = Shop::open().await;
    let ctx = ctx();
    let order = shop.place(&ctx).await.expect("is confirmed");
    assert_eq!((order.status, order.step.as_str(), order.version), (OrderStatus::Confirmed, "confirmed", 6));
    assert_eq!(order.total, Money::eur(3 * PRICE + SHIPPING));
    assert_eq!(order.shipping, Money::eur(SHIPPING));
    assert_eq!(order.reason, None);
    let lines: Vec<_> = order.lines.iter().map(|line| (line.name.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("A fine A-1", 2), ("A fine B-2", 1)]);
    assert_eq!(shop.others.calls(order.id), [Reserve, Authorize, Schedule, Commit, Capture]);
    assert_eq!(shop.others.holdings(order.id), Holdings::CONFIRMED);
    assert_eq!(shop.order(order.id).await, order);

    let timeline = shop.timeline(order.id).await;
    let steps: Vec<_> = timeline
        .iter()
        .map(|entry| (entry.version, entry.from.as_deref(), entry.to.as_str(), entry.cause.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (1, None, "reserving", "placed"),
            (2, Some("reserving"), "authorizing", "stock_reserved"),
            (3, Some("authorizing"), "scheduling", "payment_authorized"),
            (4, Some("scheduling"), "committing", "shipment_scheduled"),
            (5, Some("committing"), "capturing", "stock_committed"),
            (6, Some("capturing"), "confirmed", "payment_captured"),
        ]
    );
    for entry in timeline {
        assert_eq!(entry.direction, Forward, "{entry:?}");
        assert_eq!(entry.trace_id, ctx.trace.trace_id_hex(), "{entry:?}");
        assert_eq!(entry.at, shop.clock.now(), "{entry:?}");
    }
}

/// Places an order that is answered so at one call: what the customer is told, the order's end, and the
/// causes after the straight way up to there.
async fn ends(call: Call, answer: Answer, told: Code, step: &str, causes: &[&str]) {
    let case = format!("{call:?} {answer:?}");
    let shop = Shop::open().await;
    shop.others.script(call, [answer]);
    let problem = problem(shop.place(&ctx()).await);
    assert_eq!(problem.code, told, "{case}: {problem}");
    let order = shop.order(pointed_at(&problem)).await;
    assert_eq!(order.step, step, "{case}");
    let reason = order.reason.expect("says why");
    assert_eq!(reason.detail, problem.detail, "{case}");
    assert!(shop.others.holdings(order.id).are_empty(), "{case}: {:?}", shop.others.holdings(order.id));

    let timeline = shop.timeline(order.id).await;
    let straight = STRAIGHT.iter().take(timeline.len() - 1 - causes.len()).copied();
    let expected: Vec<&str> =
        std::iter::once("placed").chain(straight).chain(causes.iter().copied()).collect();
    assert_eq!(timeline.iter().map(|entry| entry.cause.as_str()).collect::<Vec<_>>(), expected, "{case}");
    let turned = timeline.len() - causes.len();
    for (at, entry) in timeline.iter().enumerate() {
        assert_eq!(entry.version, at as u64 + 1, "{case}");
        let expected: Direction = if at < turned { Forward } else { Compensation };
        assert_eq!(entry.direction, expected, "{case}: {entry:?}");
    }
    assert_eq!(timeline[turned].detail, problem.detail, "{case}");
    shop.recover().await;
    assert_eq!(shop.timeline(order.id).await, timeline, "{case}: it rests, and recovery leaves it alone");
}

const UNDO_STOCK: [&str; 1] = ["stock_released"];
const UNDO_MONEY: [&str; 2] = ["payment_voided", "stock_released"];
const UNDO_ALL: [&str; 3] = ["shipment_cancelled", "payment_voided", "stock_released"];

fn after<'a>(cause: &'a str, undone: &[&'a str]) -> Vec<&'a str> {
    std::iter::once(cause).chain(undone.iter().copied()).collect()
}

#[tokio::test]
async fn a_refusal_undoes_what_was_done_before_it() {
    for (call, code, step, cause, undone) in [
        (Reserve, Code::OutOfStock, "rejected", "reserve_stock_refused", &[][..]),
        (Authorize, Code::CardDeclined, "cancelled", "authorize_payment_refused", &UNDO_STOCK),
        (Authorize, Code::InsufficientFunds, "cancelled", "authorize_payment_refused", &UNDO_STOCK),
        (Schedule, Code::ShipmentRefused, "cancelled", "schedule_shipment_refused", &UNDO_MONEY),
        (Commit, Code::ReservationExpired, "cancelled", "commit_stock_refused", &UNDO_ALL),
        (Capture, Code::Compensated, "cancelled", "capture_payment_refused", &UNDO_ALL),
    ] {
        ends(call, Refused(code), code, step, &after(cause, undone)).await;
    }
}

#[tokio::test]
async fn a_module_that_is_away_undoes_what_was_done_before_it() {
    for (call, cause, undone) in [
        (Reserve, "reserve_stock_not_possible", &[][..]),
        (Authorize, "authorize_payment_not_possible", &UNDO_STOCK),
        (Schedule, "schedule_shipment_not_possible", &UNDO_MONEY),
        (Commit, "commit_stock_not_possible", &UNDO_ALL),
        (Capture, "capture_payment_not_possible", &UNDO_ALL),
    ] {
        for (answer, told) in [
            (NotBegun, Code::DependencyUnavailable),
            (Refused(Code::Unavailable), Code::Unavailable),
            (Refused(Code::DeadlineExceeded), Code::DeadlineExceeded),
        ] {
            ends(call, answer, told, "cancelled", &after(cause, undone)).await;
        }
    }
}

#[tokio::test]
async fn before_the_pivot_an_open_outcome_is_undone_as_well_whether_it_happened_or_not() {
    for (call, cause, undone) in [
        (Reserve, "reserve_stock_outcome_open", &UNDO_STOCK[..]),
        (Authorize, "authorize_payment_outcome_open", &UNDO_MONEY),
        (Schedule, "schedule_shipment_outcome_open", &UNDO_ALL),
        (Commit, "commit_stock_outcome_open", &UNDO_ALL),
    ] {
        for answer in [DoneUnheard, LostUnheard] {
            ends(call, answer, Code::DependencyUnavailable, "cancelled", &after(cause, undone)).await;
        }
    }
}

#[tokio::test]
async fn an_order_that_was_never_begun_asks_nobody_to_undo_it() {
    let shop = Shop::open().await;
    shop.others.script(Reserve, [Refused(Code::OutOfStock)]);
    let order_id = pointed_at(&problem(shop.place(&ctx()).await));
    assert_eq!(shop.others.calls(order_id), [Reserve]);
    assert_eq!(shop.order(order_id).await.lines.len(), request().lines.len());
}

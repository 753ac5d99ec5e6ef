//! Orders that are driven by commands and replies.

use chassis::messaging::Handled;
use contracts::messages::queues::{ORDERS_EVENTS, ORDERS_REPLIES};
use contracts::messages::{Command, CommandReply, Outcome};
use contracts::orders::{Coordination, OrderStatus};
use contracts::{Code, OrderId};
use uuid::Uuid;

use super::modules::{answer, obey};
use super::{Broker, Talk};
use crate::others::Answer::{self, *};
use crate::others::Call::{self, *};
use crate::others::Holdings;
use crate::shop::Shop;

const HOW: Coordination = Coordination::Orchestrated;

#[tokio::test]
async fn a_placed_order_is_accepted_at_once_and_its_first_command_given() {
    let talk = Talk::open().await;
    let order = talk.placed(HOW).await;
    assert_eq!(order.status, OrderStatus::Placed);
    assert_eq!(talk.names(), ["order_placed", "reserve_stock"]);
    assert_eq!(talk.others().calls(order.id), [], "orders call nobody but to price it");
}

#[tokio::test]
async fn replies_see_an_order_through_step_by_step() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    talk.settle(Broker::Kind).await;
    assert_eq!(talk.step_of(id).await, "confirmed");
    assert_eq!(talk.others().calls(id), [Reserve, Authorize, Schedule, Commit, Capture]);
    assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED);
    assert_eq!(
        talk.shop.causes(id).await,
        [
            "placed",
            "stock_reserved",
            "payment_authorized",
            "shipment_scheduled",
            "stock_committed",
            "payment_captured"
        ]
    );
}

/// What can go wrong, and how the order ends then.
fn troubles() -> Vec<(Call, Answer, &'static str)> {
    let mut troubles = vec![(Reserve, Refused(Code::OutOfStock), "rejected")];
    for call in [Authorize, Schedule, Commit, Capture] {
        troubles.push((call, Refused(Code::Conflict), "cancelled"));
    }
    for call in [Reserve, Authorize, Schedule, Commit] {
        // a command may have been given before: that it was not begun means little
        troubles.extend([
            (call, NotBegun, "cancelled"),
            (call, DoneUnheard, "cancelled"),
            (call, LostUnheard, "cancelled"),
        ]);
    }
    troubles
}

#[tokio::test]
async fn whatever_is_answered_in_whatever_order_and_however_often_the_order_ends_whole() {
    for seed in 0..6 {
        for (call, trouble, end) in troubles() {
            let talk = Talk::open().await;
            let case = format!("{call:?} {trouble:?}, seed {seed}");
            talk.others().script(call, [trouble]);
            let id = talk.placed(HOW).await.id;
            talk.settle(Broker::Unkind(seed)).await;
            assert_eq!(talk.step_of(id).await, end, "{case}");
            assert!(talk.others().holdings(id).are_empty(), "{case}");
            talk.assert_log_is_whole(id).await;
        }
        let talk = Talk::open().await;
        let id = talk.placed(HOW).await.id;
        talk.settle(Broker::Unkind(seed)).await;
        assert_eq!(talk.step_of(id).await, "confirmed", "seed {seed}");
        assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED);
        talk.assert_log_is_whole(id).await;
    }
}

#[tokio::test]
async fn an_open_capture_is_asked_for_again_when_its_time_is_up() {
    let talk = Talk::open().await;
    talk.others().script(Capture, [DoneUnheard, NotBegun]);
    let id = talk.placed(HOW).await.id;
    talk.settle(Broker::Kind).await;
    for _ in 0..2 {
        assert_eq!(talk.step_of(id).await, "capturing");
        talk.shop.saga.recovery_pass().await.expect("the database answers");
        assert_eq!(talk.names(), [""; 0], "not before its time");
        talk.shop.resend_is_due();
        talk.shop.saga.recovery_pass().await.expect("the database answers");
        talk.shop.saga.recovery_pass().await.expect("the database answers");
        talk.settle(Broker::Kind).await;
    }
    assert_eq!(talk.step_of(id).await, "confirmed");
    assert_eq!(talk.others().count(Capture), 3, "each giving is a message of its own, and given once");
    assert_eq!(talk.others().holdings(id), Holdings::CONFIRMED);
}

#[tokio::test]
async fn a_command_that_was_lost_is_given_again_in_every_state() {
    let talk = Talk::open().await;
    talk.others().script(Capture, [Refused(Code::CardDeclined)]);
    let id = talk.placed(HOW).await.id;
    while talk.step_of(id).await != "cancelled" {
        // as if it lay among the dead letters
        let lost = talk.shop.double.said();
        assert!(!lost.is_empty());
        talk.shop.resend_is_due();
        talk.shop.saga.recovery_pass().await.expect("the database answers");
        for again in talk.shop.double.said() {
            let command = Command::read(&again.message).expect("reads").expect("is a command");
            let reply = obey(talk.others(), command.module(), &again.message).await;
            assert_eq!(talk.deliver(&ORDERS_REPLIES, &reply.message).await, Handled::Done);
        }
    }
    assert!(talk.others().holdings(id).are_empty());
    assert_eq!(talk.shop.order(id).await.reason.expect("says why").code, "card_declined");
}

/// The first giving was refused, and the second, on its way meanwhile, obeyed when there were goods again.
#[tokio::test]
async fn goods_for_an_order_that_was_rejected_before_are_given_back() {
    let talk = Talk::open().await;
    talk.others().script(Reserve, [Refused(Code::OutOfStock)]);
    let id = talk.placed(HOW).await.id;
    talk.shop.resend_is_due();
    talk.shop.saga.recovery_pass().await.expect("the database answers");
    talk.settle(Broker::Kind).await;
    assert_eq!(talk.step_of(id).await, "rejected");
    assert_eq!(talk.others().calls(id), [Reserve, Reserve, Release]);
    assert!(talk.others().holdings(id).are_empty());
}

#[tokio::test]
async fn a_reply_moves_an_order_once_however_often_it_comes() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    let [_, command] = &talk.shop.double.said()[..] else { panic!("an event and a command") };
    let reply = obey(talk.others(), "inventory", &command.message).await.message;
    for _ in 0..3 {
        assert_eq!(talk.deliver(&ORDERS_REPLIES, &reply).await, Handled::Done);
        assert_eq!(talk.shop.order(id).await.version, 2);
    }
    assert_eq!(talk.names(), ["authorize_payment"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_put_aside_and_what_is_of_no_concern_ignored() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    let [placed, command] = &talk.shop.double.said()[..] else { panic!("an event and a command") };
    let reply =
        |command: &str| CommandReply { order_id: id, command: command.into(), outcome: Outcome::Done };
    let good = answer("inventory", &command.message, reply("reserve_stock")).message;
    let mut bad = good.clone();
    bad.data = serde_json::json!({ "order_id": 7 });
    assert!(matches!(talk.deliver(&ORDERS_REPLIES, &bad).await, Handled::Hopeless(_)));
    let mut stranger = good.clone();
    stranger.subject = OrderId(Uuid::now_v7());
    let unknown = answer("inventory", &command.message, reply("paint_stock")).message;
    for message in [&stranger, &unknown, &placed.message] {
        assert_eq!(talk.deliver(&ORDERS_REPLIES, message).await, Handled::Done);
    }
    assert_eq!(talk.deliver(&ORDERS_EVENTS, &good).await, Handled::Done, "it is no event");
    assert_eq!(talk.shop.order(id).await.version, 1);
    assert_eq!(talk.deliver(&ORDERS_REPLIES, &good).await, Handled::Done);
    assert_eq!(talk.shop.order(id).await.version, 2);
}

#[tokio::test]
async fn a_database_that_falls_silent_is_asked_again_and_the_order_moves_once() {
    let shop = Shop::with_mail().await;
    let silent = Talk::of(shop.falling_silent(crate::double::After::Change));
    let talk = Talk::of(shop);
    let id = talk.placed(HOW).await.id;
    let [_, command] = &talk.shop.double.said()[..] else { panic!("an event and a command") };
    let reply = obey(talk.others(), "inventory", &command.message).await.message;
    assert!(matches!(silent.deliver(&ORDERS_REPLIES, &reply).await, Handled::Again(_)));
    assert_eq!(talk.deliver(&ORDERS_REPLIES, &reply).await, Handled::Done);
    assert_eq!(talk.shop.order(id).await.version, 2);
}

#[tokio::test]
async fn calls_never_drive_it() {
    let talk = Talk::open().await;
    let id = talk.placed(HOW).await.id;
    talk.shop.resend_is_due();
    talk.shop.saga.recovery_pass().await.expect("the database answers");
    assert_eq!((talk.step_of(id).await.as_str(), talk.others().calls(id)), ("reserving", vec![]));
}

#[tokio::test]
async fn how_long_orders_take_is_measured_by_coordination_and_end() {
    let talk = Talk::open().await;
    talk.placed(HOW).await;
    talk.settle(Broker::Kind).await;
    let metrics = chassis::telemetry::metrics::render();
    let mut counts = metrics.lines().filter(|line| line.starts_with("tradewind_saga_duration_seconds_count"));
    let ours = |line: &str| line.contains("\"orchestrated\"") && line.contains("\"confirmed\"");
    assert!(counts.any(ours), "{metrics}");
}

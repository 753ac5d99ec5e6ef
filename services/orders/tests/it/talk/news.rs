//! How those who wait hear of a step: at once where this process makes it, and by and by where another does.

use contracts::OrderId;
use contracts::orders::{Coordination, FollowOrder, OrderStatus, Orders as _, PlaceOrder};
use futures::{FutureExt as _, StreamExt as _};
use orders::domain::State;

use super::{Broker, Talk};
use crate::others::Answer::Done;
use crate::others::Call::Reserve;
use crate::shop::{Shop, ctx, keyed, request};

/// Whether `work` moves the order so that those who listen for it hear of it, by the time that it is done.
async fn is_heard(shop: &Shop, id: OrderId, work: impl Future) -> bool {
    let mut ear = shop.saga.bell.listen(id);
    assert!(ear.rung().now_or_never().is_none(), "nothing happened yet");
    work.await;
    ear.rung().now_or_never().is_some()
}

#[tokio::test]
async fn a_step_is_heard_whoever_makes_it() {
    let talk = Talk::open().await;
    let shop = &talk.shop;
    for coordination in [Coordination::Orchestrated, Coordination::Choreographed] {
        let id = talk.placed(coordination).await.id;
        assert!(is_heard(shop, id, talk.settle(Broker::Kind)).await, "by message, {coordination:?}");
    }
    let abandoned = shop.abandoned(State::Reserving, &[]).await;
    assert!(is_heard(shop, abandoned, shop.recover()).await, "by whoever took it over");
    assert!(is_heard(shop, abandoned, shop.cancel(abandoned)).await, "by the customer");
    let other = shop.abandoned(State::Reserving, &[]).await;
    assert!(!is_heard(shop, abandoned, shop.recover()).await, "order {other} is another");
}

/// A thousand who wait asked the database ten thousand times a second.
#[tokio::test]
async fn who_waits_looks_when_it_begins_and_when_the_time_is_up() {
    for coordination in Coordination::ALL {
        let talk = Talk::open().await;
        let gate = talk.others().hold(Reserve, Done);
        let asked =
            |wait_ms| PlaceOrder { coordination: Some(coordination), wait_ms: Some(wait_ms), ..request() };
        let told = talk.shop.service.place(&ctx(), asked(400)).await.expect("is under way");
        assert_eq!(told.status, OrderStatus::Placed);
        assert!(talk.shop.double.looks() <= 2, "{coordination:?}: {} looks", talk.shop.double.looks());
        let before = talk.shop.double.looks();
        talk.shop.service.place(&ctx(), asked(0)).await.expect("is under way");
        assert_eq!(talk.shop.double.looks(), before, "who does not wait does not look");
        gate.open();
    }
}

#[tokio::test]
async fn a_step_of_another_process_is_seen_all_the_same() {
    let talk = Talk::open().await;
    let alone = talk.shop.without_mail().await;
    let id = talk.place_as(Coordination::Choreographed, &keyed("k")).await.expect("is accepted").id;
    let mut steps =
        alone.service.follow(&ctx(), FollowOrder { order_id: id, after: None }).await.expect("there is one");
    assert_eq!(steps.next().await.expect("a step").expect("no problem").cause, "placed");
    let service = alone.service.clone();
    let again = PlaceOrder { wait_ms: Some(15_000), ..request() };
    let twin = tokio::spawn(async move { service.place(&keyed("k"), again).await });
    talk.settle(Broker::Kind).await;
    let told = twin.await.expect("does not panic").expect("is confirmed");
    assert_eq!((told.id, told.status), (id, OrderStatus::Confirmed));
    let rest: Vec<u64> = steps.map(|step| step.expect("no problem").version).collect().await;
    assert_eq!(rest, [2, 3, 4, 5, 6]);
}

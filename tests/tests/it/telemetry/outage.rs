//! The observatory dies. Nobody who orders notices, and when it is back it is told of what happens from then on.

use std::time::Duration;

use contracts::orders::Coordination;
use parking_lot::Mutex;
use system_tests::load::{Answer, Load, tally};
use system_tests::shop::{PATIENCE, Shop, order_of};
use system_tests::trace::{Observatory, trace_of};
use testkit::eventually;

use super::{PROGRAM, is_whole, settled};

/// How long it is waited for one order before another is placed.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_go_on_while_the_observatory_is_killed_and_later_traces_are_found() {
    let shop = Shop::start(PROGRAM, &[]).await;
    let observatory = Observatory::of(&shop);
    let load = Load::coordinated(&shop, &["tok_approve"], &Coordination::ALL);
    for _ in 0..2 {
        load.confirms(5).await;
        let died = shop.kill("observatory").await;
        load.confirms(5).await;
        shop.back(&died).await;
    }
    load.confirms(5).await;
    let told = load.stop().await;
    let fine = |answer: &Answer| matches!(answer, Answer::Confirmed(_) | Answer::Accepted(_));
    assert!(told.answers.iter().all(fine), "{:?}", tally(&told.answers));

    let known = Mutex::new(told.orders());
    eventually("the whole trace of an order", PATIENCE, async || {
        let order = settled(&shop, &order_of("KIT-0001", 1, "tok_approve")).await;
        assert_eq!(order.step, "confirmed");
        known.lock().push(order.id);
        let id = trace_of(&shop, order.id).await;
        // what a process sent to the dead one is lost, and it may be some of the first that came after
        observatory.arrives(&id, SOON, is_whole).await.ok()
    })
    .await;
    let known = known.into_inner();
    for id in &known {
        shop.rest(*id).await;
    }
    shop.audit_clean(&known).await;
    let others = shop.status().await.processes;
    let restarted = others.iter().filter(|process| process.restarts > Some(0));
    let restarted: Vec<_> = restarted.map(|process| process.name.as_str()).collect();
    assert_eq!(restarted, ["observatory"], "nobody died with it");
    shop.stop().await;
}

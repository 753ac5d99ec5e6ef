//! The shop moves from one topology to another while customers order.
//!
//! - `road`: every step from the monolith to microservices and back, and odd moves; no request fails
//! - `deaths`: whoever moves the shop dies at every stage, and the move is finished or taken back

mod deaths;
mod road;

use std::time::Duration;

use contracts::orders::Coordination;
use futures::future::join_all;
use serde_json::Value;
use system_tests::load::{Answer, Load, Told, tally};
use system_tests::shop::{PATIENCE, Shop, order_of};
use tokio::process::Child;
use tradewind::up::moving::status::{MoveState, MoveStatus, Stage};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
/// How many orders are looked at together.
const AT_ONCE: usize = 16;
/// Whose answers depend on nobody's luck.
const CARDS: [&str; 3] = ["tok_approve", "tok_approve", "tok_decline"];

/// Customers who order in every coordination, some twenty times a second: a stream that leaves a slow machine time
/// for the move, and not one that shows how much a shop can bear.
fn customers(shop: &Shop) -> Load {
    Load::paced(shop, &CARDS, &Coordination::ALL, Duration::from_millis(200))
}

/// Moves the shop, and expects it to arrive.
async fn arrives(shop: &mut Shop, to: &str) {
    let (code, told, complaint) = shop.run(&["move", "--to", to, "--json"]).await;
    assert_eq!(code, 0, "to {to}: {told}{complaint}");
    let status: MoveStatus = serde_json::from_str(&told).expect("JSON");
    assert_eq!((status.state, &status.trouble), (MoveState::Done, &None), "to {to}: {told}");
    for step in &status.steps {
        println!(
            "{}: {} ms, {}",
            step.what,
            step.took_ms.unwrap_or_default(),
            step.outcome.as_deref().unwrap_or("-")
        );
    }
    shop.look_again();
    assert!(shop.status().await.ready, "every process is ready in {to}");
}

/// Has a command begin to move the shop, and waits until the move has come to `stage`, or beyond; the command, and
/// the stage that it is at. No stage where it was over before it could be seen, which may only happen to the last one.
async fn begins_to_move(shop: &Shop, to: &str, stage: Stage) -> (Child, Option<Stage>) {
    let before = shop.supervisor().how_it_moves().await.expect("an answer");
    let command = shop.begin(&["move", "--to", to]).await;
    // asked again at once: some stages take milliseconds
    let look = async {
        loop {
            let status = shop.supervisor().how_it_moves().await.expect("an answer");
            let has_begun = status != before;
            if has_begun && status.state != MoveState::Moving {
                assert_eq!(stage, Stage::Stopping, "the move was over: {status:?}");
                return None;
            }
            if has_begun && status.steps.iter().any(|step| step.stage == stage) {
                return status.steps.last().map(|step| step.stage);
            }
        }
    };
    let at = tokio::time::timeout(PATIENCE, look).await;
    (command, at.unwrap_or_else(|_| panic!("it never came to {}", stage.as_str())))
}

/// Every answer was one that a shop at rest gives, too.
async fn nobody_noticed(shop: &Shop, answers: &[Answer]) {
    println!("told: {:?}", tally(answers));
    let noticed: Vec<_> = answers.iter().filter(|answer| !is_usual(answer)).collect();
    for answer in &noticed {
        if let Answer::Refused(_, Some(id), _) = answer {
            eprintln!("{answer:?}: {:?}, {:#?}", shop.order(*id).await.reason, shop.timeline(*id).await);
        }
    }
    assert!(noticed.is_empty(), "{} of {} requests failed: {noticed:?}", noticed.len(), answers.len());
}

fn is_usual(answer: &Answer) -> bool {
    match answer {
        Answer::Confirmed(_) | Answer::Accepted(_) => true,
        Answer::Refused(code, ..) => code.status() < 500,
        Answer::Lost(_) | Answer::ShutOut(_) | Answer::Improper(_) => false,
    }
}

/// Every order that a customer was told of ends, as they were told, and the books agree.
async fn nothing_lost(shop: &Shop, told: &Told) {
    let (orders, confirmed) = (told.orders(), told.confirmed());
    for some in orders.chunks(AT_ONCE) {
        for order in join_all(some.iter().map(|id| shop.rest(*id))).await {
            let as_told = order.step == "confirmed" || !confirmed.contains(&order.id);
            assert!(as_told, "a customer was told that it is confirmed: {order:?}");
        }
    }
    let report = shop.audit_clean(&orders).await;
    assert!(report.orders.confirmed > 0, "{report:?}");
}

/// The read model of recommendations, built anew from the log of all events, gives the same answers.
async fn a_replay_agrees(shop: &Shop) {
    let (code, told, complaint) = shop.run(&["replay", "recommendations", "--json"]).await;
    assert_eq!(code, 0, "{told}{complaint}");
    let status: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&status["state"], &status["verdict"]["kind"]), (&"done".into(), &"same".into()), "{status}");
}

/// The shop serves: somebody who comes now gets what they want.
async fn serves(shop: &Shop) {
    shop.place_confirmed(&order_of("KIT-0002", 1, "tok_approve")).await;
}

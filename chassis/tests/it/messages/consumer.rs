//! What becomes of a message, by what its handler says of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::Mailbox;
use chassis::messaging::consumer::{PREFETCH, consume};
use chassis::messaging::dead_letters::DeadLetters;
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::messages::topology::DELIVERY_LIMIT;
use testkit::eventually;
use tokio::sync::Semaphore;

use super::bench::{Bench, COMMANDS, SOON, Script, command, commands};

#[tokio::test]
async fn a_message_comes_again_until_it_is_dealt_with() {
    let Some(bench) = Bench::ready().await else { return };
    let handler = Script::new(|delivery| match delivery.attempt {
        1 | 2 => Handled::Again("not yet".to_owned()),
        3 => panic!("a bug"),
        _ => Handled::Done,
    });
    bench.consume(COMMANDS, &handler);
    bench.broker.publish(&[command(1)]).await.expect("confirmed");
    let seen = handler.saw(4).await;
    assert_eq!(seen.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    bench.holds(COMMANDS.name, 0).await;
    bench.holds(&COMMANDS.dead_letters(), 0).await;
}

#[tokio::test]
async fn poison_is_put_aside_after_the_limit_and_blocks_nothing() {
    let Some(bench) = Bench::ready().await else { return };
    let handler = Script::new(|delivery| match delivery.message.sequence {
        0 => Handled::Again(format!("poison at attempt {}", delivery.attempt)),
        _ => Handled::Done,
    });
    bench.consume(COMMANDS, &handler);
    bench.broker.publish(&commands(0..50)).await.expect("confirmed");
    eventually("the others to pass", Duration::from_secs(5), async || {
        (handler.numbers().len() == 50).then_some(())
    })
    .await;

    bench.holds(&COMMANDS.dead_letters(), 1).await;
    bench.holds(COMMANDS.name, 0).await;
    let attempts: Vec<_> =
        handler.seen().iter().filter(|seen| seen.message.sequence == 0).map(|seen| seen.attempt).collect();
    assert_eq!(attempts, (1..=DELIVERY_LIMIT).collect::<Vec<_>>());
    let letters = DeadLetters::new(bench.broker.clone(), "inventory", Mailbox::closed())
        .list(10)
        .await
        .expect("a list")
        .letters;
    assert_eq!(letters[0].cause, format!("poison at attempt {DELIVERY_LIMIT}"));
    assert_eq!(letters[0].attempts, Some(DELIVERY_LIMIT));
}

#[tokio::test]
async fn what_is_hopeless_or_cannot_be_read_is_put_aside_at_once() {
    let Some(bench) = Bench::ready().await else { return };
    let handler = Script::new(|_| Handled::Hopeless("no such thing".to_owned()));
    bench.consume(COMMANDS, &handler);
    bench.broker.publish(&[command(1)]).await.expect("confirmed");
    bench.host.publish(COMMANDS.name, "{}").await;
    bench.holds(&COMMANDS.dead_letters(), 2).await;
    bench.holds(COMMANDS.name, 0).await;
    assert_eq!(handler.seen().len(), 1);
    let letters = DeadLetters::new(bench.broker.clone(), "inventory", Mailbox::closed())
        .list(10)
        .await
        .expect("a list")
        .letters;
    let causes: Vec<_> = letters.iter().map(|letter| letter.cause.as_str()).collect();
    assert!(causes.contains(&"no such thing"), "{causes:?}");
    assert!(causes.iter().any(|cause| cause.contains("no attribute specversion")), "{causes:?}");
}

#[tokio::test]
async fn a_queue_that_an_operator_deletes_comes_back() {
    let Some(bench) = Bench::ready().await else { return };
    let handler = Script::done();
    bench.consume(COMMANDS, &handler);
    bench.broker.publish(&[command(1)]).await.expect("confirmed");
    handler.saw(1).await;
    bench.host.delete_queue(COMMANDS.name).await;
    // returned until the queue is there again
    bench.publish_surely(&[command(2)]).await;
    handler.saw(2).await;
}

#[tokio::test]
async fn a_queue_without_consumers_comes_back_when_somebody_publishes_to_it() {
    let Some(bench) = Bench::ready().await else { return };
    bench.host.delete_queue(COMMANDS.name).await;
    bench.publish_surely(&[command(1)]).await;
    bench.holds(COMMANDS.name, 1).await;
}

/// A handler that waits until it is let go.
struct Gate {
    began: Semaphore,
    go: Semaphore,
}

#[async_trait]
impl Handler for Gate {
    async fn handle(&self, _: &Delivery) -> Handled {
        self.began.add_permits(1);
        self.go.acquire().await.expect("open").forget();
        Handled::Done
    }
}

#[tokio::test]
async fn no_more_are_in_hand_than_agreed_and_at_shutdown_those_are_finished() {
    let Some(bench) = Bench::ready().await else { return };
    let gate = Arc::new(Gate { began: Semaphore::new(0), go: Semaphore::new(0) });
    let stop = bench.stop.child_token();
    let consuming = tokio::spawn(consume(bench.broker.clone(), COMMANDS, gate.clone(), stop.clone()));
    bench.broker.publish(&commands(0..100)).await.expect("confirmed");
    eventually("all hands to be full", SOON, async || {
        (gate.began.available_permits() == usize::from(PREFETCH)).then_some(())
    })
    .await;
    stop.cancel();
    gate.go.add_permits(100);
    tokio::time::timeout(SOON, consuming).await.expect("it ends").expect("no panic");
    assert_eq!(gate.began.available_permits(), usize::from(PREFETCH));
    bench.holds(COMMANDS.name, 100 - u64::from(PREFETCH)).await;
}

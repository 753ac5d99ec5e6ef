//! What becomes of a message, by what its handler says of it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::messaging::consumer::{PREFETCH, consume};
use chassis::messaging::{Delivery, Handled, Handler};
use contracts::messages::queues::DELIVERY_LIMIT;
use futures::future::join_all;
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use testkit::{brokers, eventually};
use tokio::sync::Semaphore;

use super::bench::{Bench, COMMANDS, SOON, Script, command, commands};
use super::ground::grounds;

#[tokio::test]
async fn a_message_comes_again_until_it_is_dealt_with() {
    for ground in grounds().await {
        let handler = Script::new(|delivery| match delivery.attempt {
            1 | 2 => Handled::Again("not yet".to_owned()),
            3 => panic!("a bug"),
            _ => Handled::Done,
        });
        ground.consume(COMMANDS, &handler);
        ground.publish(&[command(1)]).await;
        let seen = handler.saw(4).await;
        assert_eq!(seen.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
        ground.holds(COMMANDS.name, 0).await;
        ground.holds(&COMMANDS.dead_letters(), 0).await;
    }
}

#[tokio::test]
async fn poison_is_put_aside_after_the_limit_and_blocks_nothing() {
    // at once, since most of it is the pauses between attempts
    join_all(grounds().await.map(async |ground| {
        let handler = Script::new(|delivery| match delivery.message.sequence {
            0 => Handled::Again(format!("poison at attempt {}", delivery.attempt)),
            _ => Handled::Done,
        });
        ground.consume(COMMANDS, &handler);
        ground.publish(&commands(0..50)).await;
        eventually("the others to pass", Duration::from_secs(5), async || {
            (handler.numbers().len() == 50).then_some(())
        })
        .await;

        ground.holds(&COMMANDS.dead_letters(), 1).await;
        ground.holds(COMMANDS.name, 0).await;
        let attempts: Vec<_> = handler
            .seen()
            .iter()
            .filter(|seen| seen.message.sequence == 0)
            .map(|seen| seen.attempt)
            .collect();
        assert_eq!(attempts, (1..=DELIVERY_LIMIT).collect::<Vec<_>>());
        let letters = ground.letters().list(10).await.expect("a list").letters;
        assert_eq!(letters[0].cause, format!("poison at attempt {DELIVERY_LIMIT}"));
        assert_eq!(letters[0].attempts, Some(DELIVERY_LIMIT));
    }))
    .await;
}

#[tokio::test]
async fn what_is_hopeless_or_cannot_be_read_is_put_aside_at_once() {
    for ground in grounds().await {
        let handler = Script::new(|_| Handled::Hopeless("no such thing".to_owned()));
        ground.consume(COMMANDS, &handler);
        ground.publish(&[command(1)]).await;
        ground.publish_nonsense(COMMANDS).await;
        ground.holds(&COMMANDS.dead_letters(), 2).await;
        ground.holds(COMMANDS.name, 0).await;
        assert_eq!(handler.seen().len(), 1);
        let letters = ground.letters().list(10).await.expect("a list").letters;
        let causes: Vec<_> = letters.iter().map(|letter| letter.cause.as_str()).collect();
        assert!(causes.contains(&"no such thing"), "{causes:?}");
        assert!(causes.iter().any(|cause| cause.contains("it cannot be read")), "{causes:?}");
    }
}

#[tokio::test]
async fn a_queue_that_an_operator_deletes_comes_back() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let handler = Script::done();
        bench.consume(COMMANDS, &handler);
        bench.broker.publish(&[command(1)]).await.expect("confirmed");
        handler.saw(1).await;
        bench.host.delete_queue(COMMANDS.name).await;
        // returned until the queue is there again
        bench.publish_surely(&[command(2)]).await;
        handler.saw(2).await;
    }
}

#[tokio::test]
async fn a_queue_without_consumers_comes_back_when_somebody_publishes_to_it() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        bench.host.delete_queue(COMMANDS.name).await;
        bench.publish_surely(&[command(1)]).await;
        bench.holds(COMMANDS.name, 1).await;
    }
}

/// A handler that waits until it is let go.
struct Gate {
    began: Semaphore,
    again: Semaphore,
    go: Semaphore,
}

impl Gate {
    fn closed() -> Arc<Self> {
        let none = || Semaphore::new(0);
        Arc::new(Self { began: none(), again: none(), go: none() })
    }

    async fn began(&self, messages: usize) {
        eventually("messages to be in hand", SOON, async || {
            (self.began.available_permits() >= messages).then_some(())
        })
        .await;
    }
}

#[async_trait]
impl Handler for Gate {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        self.began.add_permits(1);
        self.again.add_permits(usize::from(delivery.attempt > 1));
        self.go.acquire().await.expect("open").forget();
        Handled::Done
    }
}

#[tokio::test]
async fn no_more_are_in_hand_than_agreed_and_at_shutdown_those_are_finished() {
    for ground in grounds().await {
        let gate = Gate::closed();
        let stop = ground.stop.child_token();
        let consuming = tokio::spawn(consume(ground.bus.clone(), COMMANDS, gate.clone(), stop.clone()));
        ground.publish(&commands(0..100)).await;
        gate.began(usize::from(PREFETCH)).await;
        stop.cancel();
        gate.go.add_permits(100);
        tokio::time::timeout(SOON, consuming).await.expect("it ends").expect("no panic");
        assert_eq!(gate.began.available_permits(), usize::from(PREFETCH));
        ground.holds(COMMANDS.name, 100 - u64::from(PREFETCH)).await;
    }
}

/// Has three messages in hand while `befall` happens; nothing of it may bring one of them again.
async fn nothing_comes_again(bench: &Bench, befall: impl AsyncFnOnce()) {
    let gate = Gate::closed();
    tokio::spawn(consume(bench.broker.clone().into(), COMMANDS, gate.clone(), bench.stop.child_token()));
    bench.broker.publish(&commands(0..3)).await.expect("confirmed");
    gate.began(3).await;
    let link = bench.broker.link().await.expect("a connection");
    befall().await;
    bench.publish_surely(&[command(3)]).await;
    gate.began(4).await;
    assert!(!link.is_lost());
    gate.go.add_permits(10);
    bench.holds(COMMANDS.name, 0).await;
    assert_eq!((gate.began.available_permits(), gate.again.available_permits()), (4, 0));
}

#[tokio::test]
async fn a_question_that_the_broker_refuses_ends_its_channel_and_nothing_else() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let publishing = bench.broker.publishing_link().await.expect("a connection");
        nothing_comes_again(&bench, async || {
            for link in [&bench.broker.link().await.expect("a connection"), &publishing] {
                let channel = link.channel().await.expect("a channel");
                let options = QueueDeclareOptions { passive: true, ..Default::default() };
                let asked = channel.queue_declare("nobody.requests".into(), options, FieldTable::default());
                asked.await.expect_err("there is no such queue");
                link.channel().await.expect("another channel");
            }
        })
        .await;
        assert!(!publishing.is_lost());
    }
}

#[tokio::test]
async fn what_befalls_the_connection_for_publishing_leaves_what_consumers_have_in_hand() {
    for host in brokers().await {
        let bench = Bench::on(host).await;
        let publishing = bench.broker.publishing_link().await.expect("a connection");
        nothing_comes_again(&bench, async || {
            // no broker does that: they end the connection over it
            let options = BasicPublishOptions { immediate: true, ..Default::default() };
            let channel = publishing.channel().await.expect("a channel");
            let published = channel.basic_publish(
                "".into(),
                COMMANDS.name.into(),
                options,
                b"",
                BasicProperties::default(),
            );
            drop(published.await);
            tokio::time::timeout(SOON, publishing.lost()).await.expect("the loss is seen");
        })
        .await;
    }
}

//! Messages that stay in one process: what a broker would be trusted with otherwise.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chassis::clock::SystemClock;
use chassis::messaging::broker::PublishError;
use chassis::messaging::bus::{Gate, GateState};
use chassis::messaging::consumer::{consume, log_end};
use chassis::messaging::mailbox::Publish as _;
use chassis::messaging::{Bus, Delivery, Handled, Handler, Mailbox};
use chassis::store::commit;
use contracts::messages::queues::{COMMANDS as COMMANDS_EXCHANGE, DELIVERY_LIMIT, NOTIFICATIONS_EVENTS};
use contracts::messages::{Address, Outgoing};
use contracts::orders::Coordination;
use testkit::eventually;
use tokio::sync::Semaphore;

use super::bench::{COMMANDS, SOON, Script, as_sent, command, commands, event, message};
use super::ground::{Ground, LOG_KEEPER, grounds, narrow_shops, processes, shops};

/// Posts messages as a module does.
async fn post(ground: &Ground, module: &str, mailbox: &Mailbox, messages: &[Outgoing]) {
    let mut tx = ground.shop().store(module).begin().await.expect("begins");
    mailbox.post_in_tx(&mut tx, messages).await.expect("posts");
    commit(tx).await.expect("commits");
    mailbox.posted();
}

/// An event that notifications hear of, and the log.
fn told(number: u64) -> Outgoing {
    let to = Address::event("orders", "order_placed", Coordination::Sync);
    Outgoing { to, message: message(number) }
}

#[tokio::test]
async fn what_a_module_posts_reaches_those_who_hear_it_also_where_all_share_one_database() {
    let mut all = processes().await;
    for shop in narrow_shops().await {
        all.push(shop.process().await);
    }
    for ground in all {
        let (commanded, heard) = (Script::done(), Script::done());
        ground.consume(COMMANDS, &commanded);
        ground.consume(&NOTIFICATIONS_EVENTS, &heard);
        let mailbox = ground.shop().mailbox("orders").await;
        let relaying = tokio::spawn(mailbox.clone().relay(ground.bus.clone(), ground.stop.clone()));
        let batch = [command(1), told(2), command(3), event(4)];
        post(&ground, "orders", &mailbox, &batch).await;

        let seen = commanded.saw(2).await;
        let mut numbers: Vec<_> = seen.iter().map(|delivery| delivery.message.sequence).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 3], "on {}", ground.name);
        assert_eq!(as_sent(&heard.saw(1).await[0], &batch[1]), batch[1].message);
        assert_eq!(log_end(&ground.bus).await.expect("an end"), Some(1), "two of them are events");
        for queue in [COMMANDS, &NOTIFICATIONS_EVENTS] {
            ground.holds(queue.name, 0).await;
        }
        ground.stop.cancel();
        tokio::time::timeout(SOON, relaying).await.expect("ends").expect("no panic");
    }
}

#[tokio::test]
async fn the_relay_waits_for_a_module_that_is_not_there_yet() {
    for shop in shops().await {
        let bus = Bus::in_process(Gate::default());
        let batch = [event(1), command(2)];
        let error = bus.publish(&batch).await.expect_err("nobody is there");
        assert!(matches!(&error, PublishError::Away(why) if why.contains("inventory")), "{error}");
        bus.register(&shop.mailbox("inventory").await);
        let error = bus.publish(&batch).await.expect_err("nobody keeps the log");
        assert!(matches!(&error, PublishError::Away(why) if why.contains("events.log")), "{error}");
        assert_eq!(shop.holds(COMMANDS.name).await, 0, "all of a batch waits");
        shop.furnish(&bus).await;
        bus.publish(&batch).await.expect("everybody is there");
        assert_eq!(shop.holds(COMMANDS.name).await, 1);
    }
}

#[tokio::test]
async fn what_goes_nowhere_is_returned_by_name() {
    for ground in processes().await {
        let nowhere = Address { exchange: COMMANDS_EXCHANGE.to_owned(), key: "nobody.commands".to_owned() };
        let lost = Outgoing { to: nowhere, message: message(2) };
        let error = ground.bus.publish(&[command(1), lost.clone()]).await.expect_err("returned");
        assert!(
            matches!(&error, PublishError::Returned(text) if text.contains(&lost.message.id.to_string())),
            "{error}"
        );
        ground.publish(&[command(1)]).await;
        ground.holds(COMMANDS.name, 1).await;
    }
}

/// A handler that deals with messages as modules do: it notes them in the inbox.
struct Settling(Mailbox, Arc<Script>);

#[async_trait]
impl Handler for Settling {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        self.0.settle(delivery.queue, delivery.message.id, &[]).await.expect("settles");
        self.1.handle(delivery).await
    }
}

/// A relay that died before it could mark a batch says all of it again.
#[tokio::test]
async fn what_is_said_again_comes_once_and_stands_in_the_log_once() {
    for ground in processes().await {
        let batch: Vec<_> = (1..=20).map(told).collect();
        ground.publish(&batch[..15]).await;
        ground.publish(&batch).await;
        ground.holds(NOTIFICATIONS_EVENTS.name, 20).await;
        let script = Script::done();
        let mailbox = ground.shop().mailbox("notifications").await;
        let settling = Arc::new(Settling(mailbox, script.clone()));
        tokio::spawn(consume(ground.bus.clone(), &NOTIFICATIONS_EVENTS, settling, ground.stop.clone()));
        ground.holds(NOTIFICATIONS_EVENTS.name, 0).await;
        // now the inbox has them
        ground.publish(&batch).await;
        ground.publish(&[told(21)]).await;
        script.saw(21).await;
        assert_eq!(script.numbers().into_values().collect::<BTreeSet<_>>(), BTreeSet::from([1]));
        assert_eq!(log_end(&ground.bus).await.expect("an end"), Some(20), "on {}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_append_at_once_leave_a_log_without_a_gap() {
    for ground in processes().await {
        let ground = Arc::new(ground);
        let appending = (0..8).map(|relay| {
            let ground = ground.clone();
            tokio::spawn(async move {
                let events: Vec<_> = (0..50).map(|number| event(relay * 50 + number)).collect();
                for some in events.chunks(10) {
                    ground.publish(some).await;
                    ground.publish(some).await;
                }
            })
        });
        for appended in futures::future::join_all(appending).await {
            appended.expect("no panic");
        }
        assert_eq!(log_end(&ground.bus).await.expect("an end"), Some(399));
        let shop = ground.shop();
        let counted = |what: &str| format!("SELECT COUNT(DISTINCT {what}) FROM {LOG_KEEPER}_event_log");
        assert_eq!(shop.count(LOG_KEEPER, counted("id")).await, 400, "on {}", ground.name);
        assert_eq!(shop.count(LOG_KEEPER, counted("log_offset")).await, 400);
    }
}

/// A handler that never ends, and says that it began.
#[derive(Default)]
struct Stuck {
    attempts: AtomicUsize,
    began: Latch,
}

/// Lets nobody through to begin with.
struct Latch(Semaphore);

impl Default for Latch {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[async_trait]
impl Handler for Stuck {
    async fn handle(&self, delivery: &Delivery) -> Handled {
        self.attempts.store(delivery.attempt as usize, Ordering::SeqCst);
        self.began.0.add_permits(1);
        std::future::pending().await
    }
}

/// The handlers that `kill -9` leaves behind have said nothing; whoever comes next must not be killed for ever.
#[tokio::test]
async fn what_a_killed_consumer_had_in_hand_comes_again_and_not_for_ever() {
    for ground in processes().await {
        ground.publish(&commands(0..1)).await;
        for attempt in 1..=DELIVERY_LIMIT as usize {
            let stuck = Arc::new(Stuck::default());
            let consuming =
                tokio::spawn(consume(ground.bus.clone(), COMMANDS, stuck.clone(), ground.stop.clone()));
            stuck.began.0.acquire().await.expect("open").forget();
            assert_eq!(stuck.attempts.load(Ordering::SeqCst), attempt, "on {}", ground.name);
            consuming.abort();
            assert!(consuming.await.expect_err("was killed").is_cancelled());
        }
        let handler = Script::done();
        ground.consume(COMMANDS, &handler);
        ground.holds(&COMMANDS.dead_letters(), 1).await;
        assert!(handler.seen().is_empty());
        let letter = ground.letters().list(10).await.expect("a list").letters.remove(0);
        assert!(letter.cause.contains("no process lived"), "{letter:?}");
        assert_eq!(letter.attempts, Some(DELIVERY_LIMIT));
        // and what comes after it is an attempt like any other
        ground.publish(&[command(2)]).await;
        assert_eq!(handler.saw(1).await[0].attempt, 1);
    }
}

#[tokio::test]
async fn what_another_process_wrote_is_found_without_a_word() {
    for shop in shops().await {
        let (one, other) = (Bus::in_process(Gate::default()), Bus::in_process(Gate::default()));
        shop.furnish(&one).await;
        shop.furnish(&other).await;
        let ground = Ground::of(one, shop);
        let handler = Script::done();
        ground.consume(COMMANDS, &handler);
        other.publish(&commands(0..3)).await.expect("is written");
        handler.saw(3).await;
        ground.holds(COMMANDS.name, 0).await;
    }
}

#[tokio::test]
async fn a_mailbox_says_how_much_has_arrived() {
    use axum::body::Body;
    use axum::http::Request;
    use chassis::messaging::mailbox::MessagesStatus;
    use tower::ServiceExt as _;

    for ground in processes().await {
        ground.publish(&commands(0..3)).await;
        let store = ground.shop().store("inventory");
        let mailbox = Mailbox::open(store, "inventory", Arc::new(SystemClock)).await.expect("opens");
        let request = Request::builder().uri("/messages").body(Body::empty()).expect("a request");
        let answer = mailbox.control_routes().oneshot(request).await.expect("an answer");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        let status: MessagesStatus = serde_json::from_slice(&body).expect("the agreed shape");
        assert_eq!((status.arrivals, status.waiting), (3, 0), "on {}", ground.name);
    }
}

#[tokio::test]
async fn a_held_bus_takes_nothing_and_finishes_what_was_begun() {
    for ground in grounds().await {
        let gate = Arc::new(Holding::default());
        tokio::spawn(consume(ground.bus.clone(), COMMANDS, gate.clone(), ground.stop.clone()));
        ground.publish(&commands(0..2)).await;
        eventually("both to be in hand", SOON, async || {
            (gate.began.load(Ordering::SeqCst) == 2).then_some(())
        })
        .await;
        let holding = tokio::spawn({
            let bus = ground.bus.clone();
            async move { bus.hold().await }
        });
        eventually("the gate to be shut", SOON, async || {
            (ground.bus.gate().state() == GateState::Held).then_some(())
        })
        .await;
        gate.go.0.add_permits(2);
        assert!(holding.await.expect("no panic").is_empty(), "on {}", ground.name);
        ground.holds(COMMANDS.name, 0).await;

        ground.publish(&commands(2..4)).await;
        ground.holds(COMMANDS.name, 2).await;
        assert_eq!(gate.began.load(Ordering::SeqCst), 2);
        gate.go.0.add_permits(2);
        ground.bus.open().await;
        ground.holds(COMMANDS.name, 0).await;
        assert_eq!(gate.began.load(Ordering::SeqCst), 4);
    }
}

/// A handler that waits until it is let go.
#[derive(Default)]
struct Holding {
    began: AtomicUsize,
    go: Latch,
}

#[async_trait]
impl Handler for Holding {
    async fn handle(&self, _: &Delivery) -> Handled {
        self.began.fetch_add(1, Ordering::SeqCst);
        self.go.0.acquire().await.expect("open").forget();
        Handled::Done
    }
}

#[tokio::test]
async fn while_a_bus_is_held_what_modules_say_waits_in_the_outbox() {
    for ground in processes().await {
        let mailbox = ground.shop().mailbox("orders").await;
        tokio::spawn(mailbox.clone().relay(ground.bus.clone(), ground.stop.clone()));
        post(&ground, "orders", &mailbox, &[command(1)]).await;
        ground.holds(COMMANDS.name, 1).await;
        assert!(ground.bus.hold().await.is_empty());
        post(&ground, "orders", &mailbox, &[command(2)]).await;
        let unpublished = async || {
            let sql = "SELECT COUNT(*) FROM orders_outbox WHERE published_at IS NULL";
            ground.shop().count("orders", sql.to_owned()).await
        };
        let lease = "SELECT COUNT(*) FROM orders_relay WHERE lapses_at > 0";
        assert_eq!(ground.shop().count("orders", lease.to_owned()).await, 0, "the lease is given up");
        assert_eq!(unpublished().await, 1, "on {}", ground.name);
        ground.bus.open().await;
        ground.holds(COMMANDS.name, 2).await;
        eventually("an empty outbox", SOON, async || (unpublished().await == 0).then_some(())).await;
    }
}

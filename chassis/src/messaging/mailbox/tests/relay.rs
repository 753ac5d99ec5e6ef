//! What a relay publishes, whatever happens to it and to the broker.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Executor;

use super::scripted::Then;
use super::*;

#[tokio::test]
async fn publishes_in_order_in_batches_and_marks_what_was_confirmed() {
    for shop in shops().await {
        let messages = events(25);
        shop.post(&messages).await;
        let broker = Arc::new(Scripted::working());
        let mailbox = shop.mailbox.clone().publishing(Batch { rows: 10, ..Batch::default() });
        let relay = mailbox.relaying(&broker);
        shop.all_published().await;
        assert_eq!(broker.taken(), messages, "on {}", shop.database.name);
        assert_eq!(broker.batches(), [10, 10, 5]);
        assert!(shop.outbox().await.iter().all(|entry| entry.published_at.is_some()));
        relay.stop().await;
        assert_eq!(mailbox.report().published_total, 25);
    }
}

#[tokio::test]
async fn a_batch_has_so_many_bytes_and_a_large_message_goes_alone() {
    for shop in shops().await {
        let messages = events(5);
        shop.post(&messages).await;
        let broker = Arc::new(Scripted::working());
        let mailbox = shop.mailbox.clone().publishing(Batch { bytes: 1, ..Batch::default() });
        let _relay = mailbox.relaying(&broker);
        shop.all_published().await;
        assert_eq!(broker.batches(), [1; 5], "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn a_call_wakes_the_relay_and_what_nobody_called_for_is_found() {
    for shop in shops().await {
        let broker = Arc::new(Scripted::working());
        let patient = shop.mailbox.clone().at(Pace { poll: Duration::from_secs(3600), ..FAST });
        let relay = patient.relaying(&broker);
        patient.is(RelayState::Leading).await;
        shop.post(&events(1)).await;
        shop.all_published().await;
        relay.stop().await;
        // as another process does: nobody calls
        let _relay = shop.mailbox.relaying(&broker);
        shop.post_silently(&events(1)).await;
        shop.all_published().await;
    }
}

#[tokio::test]
async fn while_the_broker_is_away_everything_waits_and_nothing_is_lost() {
    for shop in shops().await {
        let messages = events(30);
        shop.post(&messages).await;
        let broker = Arc::new(Scripted::new(|batch, _| match batch {
            1 | 2 => Then::Away,
            3 => Then::TakeAndFail,
            _ => Then::Confirm,
        }));
        let mailbox = shop.mailbox.clone().publishing(Batch { rows: 10, ..Batch::default() });
        let _relay = mailbox.relaying(&broker);
        shop.all_published().await;
        assert_eq!(broker.heard(), ids(&messages), "on {}", shop.database.name);
        assert_eq!(broker.taken().len(), 40, "what was cut short came twice");
        testkit::eventually("the end of the trouble", PATIENCE, async || {
            mailbox.report().trouble.is_none().then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_relay_that_is_killed_after_the_broker_took_a_batch_loses_nothing() {
    for shop in shops().await {
        let messages = events(30);
        shop.post(&messages).await;
        let mailbox = shop.mailbox.clone().publishing(Batch { rows: 10, ..Batch::default() });
        // the second batch, then the first of the next relay: taken, not confirmed
        let broker = Arc::new(Scripted::new(|batch, _| match batch {
            2 | 3 => Then::TakeAndHang,
            _ => Then::Confirm,
        }));
        for hanging in [2, 3] {
            let relay = mailbox.relaying(&broker);
            testkit::eventually("a batch that hangs", PATIENCE, async || {
                (broker.batches().len() >= hanging).then_some(())
            })
            .await;
            relay.kill().await;
            shop.lapse().await;
            assert_eq!(shop.waiting().await, 20, "nothing is marked that was not confirmed");
        }
        let _relay = mailbox.relaying(&broker);
        shop.all_published().await;
        assert_eq!(broker.heard(), ids(&messages), "on {}", shop.database.name);
        assert_eq!(broker.taken().len(), 50);
    }
}

#[tokio::test]
async fn a_relay_that_is_killed_before_it_marks_a_confirmed_batch_publishes_it_again() {
    for shop in shops().await {
        let broker = Arc::new(Scripted::new(|batch, _| match batch {
            1 => Then::ConfirmWhenTold,
            _ => Then::Confirm,
        }));
        let messages = events(5);
        shop.post(&messages).await;
        let relay = shop.mailbox.relaying(&broker);
        testkit::eventually("a batch", PATIENCE, async || (!broker.batches().is_empty()).then_some(())).await;
        // as long as somebody else writes to the rows, the relay cannot mark them
        let mut writing = shop.store.begin().await.expect("begins");
        writing.execute("UPDATE test_outbox SET created_at = created_at").await.expect("locks");
        broker.confirm().await;
        relay.kill().await;
        writing.rollback().await.expect("rolls back");
        shop.lapse().await;
        assert_eq!(shop.waiting().await, 5);
        let _relay = shop.mailbox.relaying(&broker);
        shop.all_published().await;
        assert_eq!(broker.taken(), [messages.clone(), messages].concat(), "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn killed_again_and_again_at_any_moment_a_relay_loses_nothing_and_keeps_the_order() {
    for shop in shops().await {
        let messages = events(200);
        for some in messages.chunks(50) {
            shop.post(some).await;
        }
        let pace = Pace { lease: Duration::from_millis(30), standby: Duration::from_millis(5), ..FAST };
        let mailbox = shop.mailbox.clone().publishing(Batch { rows: 7, ..Batch::default() }).at(pace);
        let broker = Arc::new(Scripted::working());
        let mut moment = 0;
        while shop.waiting().await > 0 {
            let relay = mailbox.relaying(&broker);
            // a moment, not a wait: wherever the relay is by then, it dies
            moment = (moment + 17) % 60;
            let _ =
                tokio::time::timeout(Duration::from_millis(30 + moment), std::future::pending::<()>()).await;
            relay.kill().await;
        }
        assert_eq!(broker.heard(), ids(&messages), "on {}", shop.database.name);
    }
}

/// Posts about one order, as a module does: after it wrote the order's row.
async fn post_next(store: &Store, mailbox: &Mailbox, subject: OrderId) {
    let mut tx = store.begin().await.expect("begins");
    let version: i64 =
        sqlx::query_scalar("UPDATE things SET version = version + 1 WHERE id = $1 RETURNING version")
            .bind(subject.to_string())
            .fetch_one(&mut *tx)
            .await
            .expect("the order's row");
    let message = event(subject, u64::try_from(version).expect("a version"));
    mailbox.post_in_tx(&mut tx, &[message]).await.expect("posts");
    commit(tx).await.expect("commits");
    mailbox.posted();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_hundred_who_post_at_once_everything_is_published_in_the_order_of_each_order() {
    for shop in shops().await {
        let mut tx = shop.store.begin().await.expect("begins");
        tx.execute("CREATE TABLE things (id TEXT PRIMARY KEY, version BIGINT NOT NULL)")
            .await
            .expect("makes");
        let orders: Vec<OrderId> = (0..20).map(|_| order()).collect();
        for subject in &orders {
            sqlx::query("INSERT INTO things (id, version) VALUES ($1, 0)")
                .bind(subject.to_string())
                .execute(&mut *tx)
                .await
                .expect("an order");
        }
        commit(tx).await.expect("commits");
        let broker = Arc::new(Scripted::new(|batch, _| match batch % 5 {
            2 => Then::TakeAndFail,
            _ => Then::Confirm,
        }));
        let _relay = shop.mailbox.relaying(&broker);
        let posting = (0..400).map(|number| {
            let (store, mailbox, subject) = (shop.store.clone(), shop.mailbox.clone(), orders[number % 20]);
            tokio::spawn(async move { post_next(&store, &mailbox, subject).await })
        });
        for posted in futures::future::join_all(posting).await {
            posted.expect("posts");
        }
        shop.all_published().await;
        let (mut known, mut versions) = (BTreeSet::new(), BTreeMap::<OrderId, Vec<u64>>::new());
        for Outgoing { message, .. } in broker.taken() {
            if known.insert(message.id) {
                versions.entry(message.subject).or_default().push(message.sequence);
            }
        }
        let expected = orders.iter().map(|subject| (*subject, (1..=20).collect())).collect();
        assert_eq!(versions, expected, "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn what_is_old_is_deleted_and_what_waits_is_not() {
    for shop in shops().await {
        const HOUR: Duration = Duration::from_secs(3600);
        let broker = Arc::new(Scripted::working());
        let published = events(1200);
        shop.post(&published).await;
        shop.mailbox.settle("events", MessageId::random(), &[]).await.expect("settles");
        let retention = Retention { outbox: HOUR, inbox: 3 * HOUR };
        let mailbox = shop.mailbox.clone().keeping(retention);
        let relay = mailbox.relaying(&broker);
        shop.all_published().await;
        relay.stop().await;
        let held = event(order(), 1);
        let broker = Arc::new(Scripted::returning(&ids(std::slice::from_ref(&held))));
        shop.post(std::slice::from_ref(&held)).await;

        shop.clock.advance(2 * HOUR);
        let _relay = mailbox.relaying(&broker);
        testkit::eventually("an outbox without old rows", PATIENCE, async || {
            (shop.outbox().await.len() == 1).then_some(())
        })
        .await;
        assert_eq!(shop.outbox().await[0].id, held.message.id, "on {}", shop.database.name);
        assert_eq!(shop.inbox().await.len(), 1, "the inbox is kept for longer");
        shop.clock.advance(2 * HOUR);
        testkit::eventually("an inbox without old rows", PATIENCE, async || {
            shop.inbox().await.is_empty().then_some(())
        })
        .await;
        assert_eq!(shop.waiting().await, 1, "what waits is never deleted");
    }
}

//! Outbox and inbox, without a relay.

use super::*;

#[tokio::test]
async fn what_is_posted_is_what_is_published() {
    for shop in shops().await {
        // more than one statement takes
        let messages = events(20);
        shop.post(&messages).await;
        let rows = shop.books().waiting(Batch::default(), &[]).await.expect("reads");
        let read: Vec<Outgoing> = rows.into_iter().map(|row| row.message.expect("can be read")).collect();
        assert_eq!(read, messages, "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_posts_nothing() {
    for shop in shops().await {
        let mut tx = shop.store.begin().await.expect("begins");
        shop.mailbox.post_in_tx(&mut tx, &events(3)).await.expect("posts");
        let id = MessageId::random();
        shop.mailbox.receive_in_tx(&mut tx, "test.events", id).await.expect("receives");
        tx.rollback().await.expect("rolls back");
        assert_eq!(shop.outbox().await, []);
        assert!(!shop.mailbox.has_received("test.events", id).await.expect("reads"));
    }
}

#[tokio::test]
async fn saying_something_twice_is_saying_it_once() {
    for shop in shops().await {
        let (one, other) = (event(order(), 1), event(order(), 1));
        shop.post(&[one.clone(), other.clone(), one.clone()]).await;
        shop.post(&[one.clone(), other.clone()]).await;
        let posted: Vec<MessageId> = shop.outbox().await.iter().map(|entry| entry.id).collect();
        assert_eq!(posted, ids(&[one, other]), "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn a_message_is_received_once_for_each_queue() {
    for shop in shops().await {
        let id = MessageId::random();
        for (queue, expected) in
            [("a", Received::First), ("a", Received::Again), ("b", Received::First), ("b", Received::Again)]
        {
            let mut tx = shop.store.begin().await.expect("begins");
            let received = shop.mailbox.receive_in_tx(&mut tx, queue, id).await.expect("receives");
            commit(tx).await.expect("commits");
            assert_eq!(received, expected, "{queue} on {}", shop.database.name);
            assert!(shop.mailbox.has_received(queue, id).await.expect("reads"));
        }
    }
}

#[tokio::test]
async fn of_many_who_settle_one_message_at_once_one_is_the_first() {
    for shop in shops().await {
        let id = MessageId::random();
        let settling = (0..32).map(|number| {
            let mailbox = shop.mailbox.clone();
            tokio::spawn(async move {
                let answer = event(order(), number);
                (answer.message.id, mailbox.settle("test.events", id, &[answer]).await.expect("settles"))
            })
        });
        let mut first = Vec::new();
        for settled in futures::future::join_all(settling).await {
            let (answer, received) = settled.expect("does not panic");
            first.extend((received == Received::First).then_some(answer));
        }
        let posted: Vec<MessageId> = shop.outbox().await.iter().map(|entry| entry.id).collect();
        assert_eq!(first.len(), 1, "on {}", shop.database.name);
        assert_eq!(posted, first, "only the first one's answer is posted");
        assert_eq!(shop.inbox().await.len(), 1);
    }
}

#[tokio::test]
async fn a_message_whose_answer_cannot_be_posted_is_not_settled() {
    for shop in shops().await {
        let id = MessageId::random();
        let answers = [event(order(), 1), event(order(), u64::MAX)];
        shop.mailbox.settle("test.events", id, &answers).await.expect_err("no such version can be stored");
        assert_eq!((shop.outbox().await, shop.inbox().await), (Vec::new(), Vec::new()));
        let settled = shop.mailbox.settle("test.events", id, &answers[..1]).await.expect("settles");
        assert_eq!(settled, Received::First, "on {}", shop.database.name);
    }
}

#[tokio::test]
async fn many_processes_may_open_one_mailbox_at_once_and_modules_may_share_a_database() {
    for database in testkit::databases().await {
        // one file for all modules
        let url = database.url.replace("{module}", "shop");
        let store = store_at(&url, "test").await;
        let opening = (0..8).map(|number| {
            let url = &url;
            async move {
                let store = store_at(url, "test").await;
                let module = ["one", "an-other"][number % 2];
                open(&store, module, &ManualClock::at(Timestamp::now())).await;
            }
        });
        futures::future::join_all(opening).await;
        let clock = ManualClock::at(Timestamp::now());
        let (one, other) = (open(&store, "one", &clock).await, open(&store, "an-other", &clock).await);
        let id = MessageId::random();
        assert_eq!(one.settle("events", id, &events(1)).await.expect("settles"), Received::First);
        assert!(!other.has_received("events", id).await.expect("reads"), "on {}", database.name);
        let books = |mailbox: &Mailbox| mailbox.0.as_ref().expect("is open").books.clone();
        assert_eq!(books(&one).lag().await.expect("reads").waiting, 1);
        assert_eq!(books(&other).lag().await.expect("reads").waiting, 0);
    }
}

#[tokio::test]
async fn a_closed_mailbox_forgets_everything() {
    let shop = shops().await.remove(0);
    let closed = Mailbox::closed();
    let mut tx = shop.store.begin().await.expect("begins");
    closed.post_in_tx(&mut tx, &events(1)).await.expect("does nothing");
    let id = MessageId::random();
    for _ in 0..2 {
        let received = closed.receive_in_tx(&mut tx, "events", id).await.expect("does nothing");
        assert_eq!(received, Received::First);
    }
    commit(tx).await.expect("commits");
    closed.posted();
    assert_eq!(closed.settle("events", id, &events(1)).await.expect("does nothing"), Received::First);
    assert!(!closed.has_received("events", id).await.expect("does nothing"));
    assert!(!closed.is_open() && shop.mailbox.is_open());
    assert_eq!(shop.outbox().await, []);
    let broker = Arc::new(Scripted::working());
    let gate = Gate::default();
    let relaying = closed.relay_to(broker, &gate, CancellationToken::new());
    tokio::time::timeout(PATIENCE, relaying).await.expect("returns");
}

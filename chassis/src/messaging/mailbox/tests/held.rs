//! A message that the broker does not take, or that nobody can read, holds up its own order only.

use sqlx::Executor;

use super::*;

/// Which messages about `subject` came in, in this order, each where it came first.
fn sequences(broker: &Scripted, subject: OrderId) -> Vec<u64> {
    let mut sequences = Vec::new();
    for Outgoing { message, .. } in broker.taken() {
        if message.subject == subject && !sequences.contains(&message.sequence) {
            sequences.push(message.sequence);
        }
    }
    sequences
}

#[tokio::test]
async fn a_returned_message_holds_its_order_and_all_others_go_past() {
    for shop in shops().await {
        let (poisoned, well) = (order(), order());
        let returned = event(poisoned, 1);
        let mut messages = events(5);
        messages.extend([returned.clone(), event(well, 1), event(well, 2)]);
        messages.extend(events(5));
        shop.post(&messages).await;
        let broker = Arc::new(Scripted::returning(&[returned.message.id]));
        let relay = shop.mailbox.relaying(&broker);
        testkit::eventually("all but one", PATIENCE, async || (shop.waiting().await == 1).then_some(()))
            .await;
        assert_eq!(shop.mailbox.report().held, 1);
        // posted later about the same order: does not overtake
        shop.post(&[event(poisoned, 2), event(well, 3)]).await;
        testkit::eventually("all but two", PATIENCE, async || (shop.waiting().await == 2).then_some(()))
            .await;
        assert_eq!(sequences(&broker, well), [1, 2, 3], "on {}", shop.database.name);
        assert!(sequences(&broker, poisoned).is_empty());
        // mended: it goes out by itself, in order
        broker.take_all();
        shop.all_published().await;
        assert_eq!(sequences(&broker, poisoned), [1, 2]);
        relay.stop().await;
        assert_eq!(shop.mailbox.report().held, 0);
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_holds_its_order_and_all_others_go_past() {
    for shop in shops().await {
        let (poisoned, well) = (order(), order());
        shop.post(&[event(poisoned, 1), event(poisoned, 2), event(well, 1)]).await;
        let mut tx = shop.store.begin().await.expect("begins");
        tx.execute("UPDATE test_outbox SET data = '{' || data WHERE sequence = 2").await.expect("spoils");
        commit(tx).await.expect("commits");
        let broker = Arc::new(Scripted::working());
        let _relay = shop.mailbox.relaying(&broker);
        testkit::eventually("all but one", PATIENCE, async || (shop.waiting().await == 1).then_some(()))
            .await;
        assert_eq!(sequences(&broker, poisoned), [1], "on {}", shop.database.name);
        assert_eq!(sequences(&broker, well), [1]);
        let mut tx = shop.store.begin().await.expect("begins");
        tx.execute("UPDATE test_outbox SET data = substr(data, 2) WHERE sequence = 2").await.expect("mends");
        commit(tx).await.expect("commits");
        shop.all_published().await;
        assert_eq!(sequences(&broker, poisoned), [1, 2]);
    }
}

//! Queues that are emptied or deleted.

use lapin::options::{QueueDeleteOptions, QueuePurgeOptions};

use crate::client::{ALLOWED, Client, GIVE_BACK, consume, drain, get, look, over, put, queue, text, waiting};
use crate::servers::servers;

const PURGE: QueuePurgeOptions = QueuePurgeOptions { nowait: false };

fn delete() -> QueueDeleteOptions {
    QueueDeleteOptions::default()
}

#[tokio::test]
async fn a_purge_tells_how_many_messages_it_threw_away() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in ["classic", "quorum"] {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            assert_eq!(channel.queue_purge(kind.into(), PURGE).await.expect("purged"), 0, "{server}, {kind}");
            put(&channel, kind, ["a", "b", "c"]).await;
            let held = get(&channel, kind).await.expect("a message");
            assert_eq!(channel.queue_purge(kind.into(), PURGE).await.expect("purged"), 2, "{server}, {kind}");
            assert_eq!(waiting(&channel, kind).await, 0, "{server}, {kind}");
            // what was delivered is the client's to give back
            held.nack(GIVE_BACK).await.expect("back");
            assert_eq!(drain(&channel, kind).await, ["a"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_deletion_tells_how_many_messages_went_along() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in ["classic", "quorum"] {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a", "b"]).await;
            assert_eq!(
                channel.queue_delete(kind.into(), delete()).await.expect("gone"),
                2,
                "{server}, {kind}"
            );
            assert_eq!(
                channel.queue_delete(kind.into(), delete()).await.expect("gone"),
                0,
                "{server}, {kind}"
            );
            // one of the same name begins empty
            let again = queue(&channel, kind, []).await;
            assert_eq!(again.message_count(), 0, "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn deleting_what_is_not_there_is_no_failure() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for queue in ["missing", "amq.missing"] {
            let said =
                client.outcome(async |channel| channel.queue_delete(queue.into(), delete()).await).await;
            assert_eq!(said, ALLOWED, "{server}, {queue}");
        }
    }
}

#[tokio::test]
async fn a_queue_in_use_is_deleted_only_without_if_unused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "busy", []).await;
        let mut consumer = consume(&channel, "busy").await;
        let options = QueueDeleteOptions { if_unused: true, ..delete() };
        let said = client.outcome(async |channel| channel.queue_delete("busy".into(), options).await).await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - queue 'busy' in vhost '/' in use", "{server}");

        channel.queue_delete("busy".into(), delete()).await.expect("deleted");
        over(&mut consumer).await;

        queue(&channel, "idle", []).await;
        channel.queue_delete("idle".into(), options).await.expect("deleted");
        look(&channel, "idle").await.expect_err("it is gone");
    }
}

#[tokio::test]
async fn a_queue_with_messages_is_deleted_only_without_if_empty() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "full", []).await;
        put(&channel, "full", ["a"]).await;
        let options = QueueDeleteOptions { if_empty: true, ..delete() };
        let said = client.outcome(async |channel| channel.queue_delete("full".into(), options).await).await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - queue 'full' in vhost '/' not empty", "{server}");
        assert_eq!(drain(&channel, "full").await, ["a"], "{server}");
        channel.queue_delete("full".into(), options).await.expect("deleted");
        look(&channel, "full").await.expect_err("it is gone");
    }
}

#[tokio::test]
async fn quorum_queues_are_deleted_without_conditions() {
    for server in servers().await {
        for (condition, options) in [
            ("if-unused", QueueDeleteOptions { if_unused: true, ..delete() }),
            ("if-empty", QueueDeleteOptions { if_empty: true, ..delete() }),
        ] {
            let client = Client::of(&server).await;
            queue(&client.channel().await, "solid", [("x-queue-type", text("quorum"))]).await;
            let said =
                client.outcome(async |channel| channel.queue_delete("solid".into(), options).await).await;
            let text = format!(
                "connection 540 NOT_IMPLEMENTED - cannot delete queue 'solid' in vhost '/'. queue.delete operations \
                 with {condition} flag set are not supported by quorum queues"
            );
            assert_eq!(said, text, "{server}");
        }
    }
}

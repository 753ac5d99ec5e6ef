//! Messages that are fetched one by one.

use lapin::options::BasicGetOptions;

use crate::client::{Client, DEADLINE, GIVE_BACK, body, get, put, queue, text, waiting};
use crate::servers::servers;

#[tokio::test]
async fn an_empty_queue_has_nothing_to_get() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn messages_are_got_in_order_each_with_the_number_of_those_behind_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a", "b", "c"]).await;
            for (expected, behind) in [("a", 2), ("b", 1), ("c", 0)] {
                let message = get(&channel, kind).await.expect("a message");
                assert_eq!(
                    (body(&message).as_str(), message.message_count),
                    (expected, behind),
                    "{server}, {kind}"
                );
                assert!(!message.redelivered, "{server}, {kind}");
            }
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_that_was_got_comes_again_until_it_is_acknowledged() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for kind in ["classic", "quorum"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a"]).await;
            let first = get(&channel, kind).await.expect("a message");
            assert_eq!((first.redelivered, waiting(&channel, kind).await), (false, 0), "{server}, {kind}");
            first.nack(GIVE_BACK).await.expect("given back");
            let again =
                testkit::eventually("the message again", DEADLINE, async || get(&channel, kind).await).await;
            assert!(again.redelivered, "{server}, {kind}");
            again.ack(Default::default()).await.expect("acknowledged");
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_message_that_is_got_for_good_needs_no_acknowledgement() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        put(&channel, "in-tray", ["a"]).await;
        let options = BasicGetOptions { no_ack: true };
        let message = channel.basic_get("in-tray".into(), options).await.expect("got").expect("a message");
        assert_eq!(body(&message), "a", "{server}");
        let said = client
            .outcome(async |other| {
                put(&channel, "in-tray", ["b"]).await;
                let got = other.basic_get("in-tray".into(), options).await?.expect("a message");
                other.basic_ack(got.delivery_tag, Default::default()).await
            })
            .await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - unknown delivery tag 1", "{server}");
        channel.close(200, "done".into()).await.expect("closed");
        assert_eq!(waiting(&client.channel().await, "in-tray").await, 0, "{server}");
    }
}

//! Acknowledgements of all kinds, and messages that are given back.

use lapin::Channel;
use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicAckOptions, BasicNackOptions, BasicRecoverAsyncOptions, BasicRecoverOptions, BasicRejectOptions,
};

use crate::client::{
    ALLOWED, Client, GIVE_BACK, body, consume, drain, get, holds, next, pending, put, queue, round_trip,
    text, waiting,
};
use crate::servers::servers;

const MULTIPLE: BasicAckOptions = BasicAckOptions { multiple: true };
const KINDS: [&str; 2] = ["classic", "quorum"];

/// Declares a queue with four messages.
async fn four(channel: &Channel, kind: &str) {
    queue(channel, kind, [("x-queue-type", text(kind))]).await;
    put(channel, kind, ["a", "b", "c", "d"]).await;
}

async fn get_all(channel: &Channel, queue: &str) -> Vec<BasicGetMessage> {
    let mut messages = Vec::new();
    while let Some(message) = get(channel, queue).await {
        messages.push(message);
    }
    messages
}

/// What is in a queue when the channel that holds messages of it is closed.
async fn left(client: &Client, channel: Channel, queue: &str, messages: u32) -> Vec<String> {
    let other = client.channel().await;
    channel.close(200, "done".into()).await.expect("closed");
    holds(&other, queue, messages).await;
    drain(&other, queue).await
}

#[tokio::test]
async fn an_acknowledgement_settles_one_message_or_all_up_to_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            four(&channel, kind).await;
            let messages = get_all(&channel, kind).await;
            messages[1].ack(BasicAckOptions::default()).await.expect("b");
            messages[2].ack(MULTIPLE).await.expect("a and c");
            assert_eq!(left(&client, channel, kind, 1).await, ["d"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn tag_zero_with_multiple_means_all() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            four(&channel, kind).await;
            assert_eq!(get_all(&channel, kind).await.len(), 4, "{server}, {kind}");
            channel.basic_ack(0, MULTIPLE).await.expect("all");
            // and where there are none, none
            channel.basic_ack(0, MULTIPLE).await.expect("none");
            assert!(left(&client, channel, kind, 0).await.is_empty(), "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn what_was_never_delivered_or_is_settled_cannot_be_settled() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let unknown = |tag: u64| format!("channel 406 PRECONDITION_FAILED - unknown delivery tag {tag}");
        for (multiple, tag) in [(false, 7), (true, 7), (false, 0)] {
            let ack = BasicAckOptions { multiple };
            let said = client.outcome(async |channel| channel.basic_ack(tag, ack).await).await;
            assert_eq!(said, unknown(tag), "{server}, an ack");
            let nack = BasicNackOptions { multiple, requeue: true };
            let said = client.outcome(async |channel| channel.basic_nack(tag, nack).await).await;
            assert_eq!(said, unknown(tag), "{server}, a nack");
        }
        let reject = BasicRejectOptions { requeue: true };
        let said = client.outcome(async |channel| channel.basic_reject(7, reject).await).await;
        assert_eq!(said, unknown(7), "{server}, a rejection");

        queue(&client.channel().await, "in-tray", []).await;
        put(&client.confirming().await, "in-tray", ["a", "b", "c"]).await;
        let said = client
            .outcome(async |channel| {
                get(channel, "in-tray").await.expect("a message");
                channel.basic_ack(1, BasicAckOptions::default()).await?;
                channel.basic_ack(1, BasicAckOptions::default()).await
            })
            .await;
        assert_eq!(said, unknown(1), "{server}, twice");
        let said = client
            .outcome(async |channel| {
                get(channel, "in-tray").await.expect("a message");
                get(channel, "in-tray").await.expect("another");
                channel.basic_ack(2, BasicAckOptions::default()).await?;
                channel.basic_ack(2, MULTIPLE).await
            })
            .await;
        assert_eq!(said, unknown(2), "{server}, twice, and though a lower one is open");
    }
}

#[tokio::test]
async fn a_tag_belongs_to_its_channel() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        put(&channel, "in-tray", ["a"]).await;
        let message = get(&channel, "in-tray").await.expect("a message");
        let tag = message.delivery_tag;
        let said = client.outcome(async |other| other.basic_ack(tag, BasicAckOptions::default()).await).await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - unknown delivery tag 1", "{server}");
        assert!(message.ack(BasicAckOptions::default()).await.expect("acknowledged"), "{server}");
        round_trip(&channel).await.expect("an open channel");
    }
}

#[tokio::test]
async fn a_message_that_is_given_back_takes_its_old_place_and_says_that_it_was_out() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for way in ["nack", "reject"] {
            let channel = client.confirming().await;
            let name = format!("{way}ed");
            queue(&channel, &name, []).await;
            put(&channel, &name, ["a", "b", "c", "d"]).await;
            let [_a, b, _c] =
                [get(&channel, &name).await, get(&channel, &name).await, get(&channel, &name).await];
            let b = b.expect("a message");
            match way {
                "nack" => b.nack(GIVE_BACK).await.expect("given back"),
                _ => b.reject(BasicRejectOptions { requeue: true }).await.expect("given back"),
            };
            round_trip(&channel).await.expect("an open channel");
            holds(&channel, &name, 2).await;
            let again = get(&channel, &name).await.expect("a message");
            assert_eq!((body(&again).as_str(), again.redelivered), ("b", true), "{server}, {way}");
            let fresh = get(&channel, &name).await.expect("a message");
            assert_eq!((body(&fresh).as_str(), fresh.redelivered), ("d", false), "{server}, {way}");
        }
    }
}

#[tokio::test]
async fn several_messages_are_given_back_in_their_old_order() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        four(&channel, "classic").await;
        let messages = get_all(&channel, "classic").await;
        messages[3].nack(GIVE_BACK).await.expect("d");
        messages[2].nack(BasicNackOptions { multiple: true, requeue: true }).await.expect("a, b and c");
        holds(&channel, "classic", 4).await;
        assert_eq!(drain(&channel, "classic").await, ["a", "b", "c", "d"], "{server}");
    }
}

#[tokio::test]
async fn a_message_that_is_thrown_away_is_gone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            four(&channel, kind).await;
            let messages = get_all(&channel, kind).await;
            messages[0].reject(BasicRejectOptions { requeue: false }).await.expect("a");
            messages[2].nack(BasicNackOptions { multiple: true, requeue: false }).await.expect("b and c");
            assert_eq!(left(&client, channel, kind, 1).await, ["d"], "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_consumer_that_gives_back_gets_it_again() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a"]).await;
            let mut consumer = consume(&channel, kind).await;
            for round in 0..4 {
                let delivery = next(&mut consumer).await;
                assert_eq!(
                    (body(&delivery).as_str(), delivery.redelivered),
                    ("a", round > 0),
                    "{server}, {kind}"
                );
                assert_eq!(delivery.delivery_tag, round + 1, "{server}, {kind}: under a new tag");
                delivery.nack(GIVE_BACK).await.expect("given back");
            }
        }
    }
}

#[tokio::test]
async fn recovering_gives_back_all_that_the_channel_holds() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            four(&channel, kind).await;
            let held = get_all(&channel, kind).await;
            held[1].ack(BasicAckOptions::default()).await.expect("b");
            channel.basic_recover(BasicRecoverOptions { requeue: true }).await.expect("recovered");
            holds(&channel, kind, 3).await;
            let again = get_all(&channel, kind).await;
            let bodies: Vec<String> = again.iter().map(|message| body(message)).collect();
            assert_eq!(bodies, ["a", "c", "d"], "{server}, {kind}");
            assert!(again.iter().all(|message| message.redelivered), "{server}, {kind}");
            // the old tags are void
            let (ack, tag) = (BasicAckOptions::default(), held[0].delivery_tag);
            let said = client
                .outcome(async |other| {
                    put(&channel, kind, ["e"]).await;
                    get(other, kind).await.expect("a message");
                    other.basic_recover(BasicRecoverOptions { requeue: true }).await?;
                    other.basic_ack(tag, ack).await
                })
                .await;
            assert_eq!(said, "channel 406 PRECONDITION_FAILED - unknown delivery tag 1", "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn recovering_without_an_answer_does_the_same() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        four(&channel, "classic").await;
        let held = get_all(&channel, "classic").await;
        channel.basic_recover_async(BasicRecoverAsyncOptions { requeue: true }).await.expect("recovered");
        holds(&channel, "classic", 4).await;
        assert_eq!(drain(&channel, "classic").await, ["a", "b", "c", "d"], "{server}");
        drop(held);
    }
}

#[tokio::test]
async fn recovering_without_giving_back_is_not_implemented() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let options = BasicRecoverOptions { requeue: false };
        let said = client.outcome(async |channel| channel.basic_recover(options).await).await;
        assert_eq!(said, "connection 540 NOT_IMPLEMENTED - requeue=false", "{server}");
        let client = Client::of(&server).await;
        let options = BasicRecoverOptions { requeue: true };
        let said = client.outcome(async |channel| channel.basic_recover(options).await).await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn what_is_unacknowledged_is_neither_waiting_nor_gone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in KINDS {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            put(&channel, kind, ["a"]).await;
            let mut consumer = consume(&channel, kind).await;
            let delivery = next(&mut consumer).await;
            assert_eq!(waiting(&channel, kind).await, 0, "{server}, {kind}");
            assert!(get(&channel, kind).await.is_none(), "{server}, {kind}");
            assert!(pending(&channel, &mut consumer).await.is_empty(), "{server}, {kind}");
            delivery.nack(GIVE_BACK).await.expect("given back");
            assert_eq!(body(&next(&mut consumer).await), "a", "{server}, {kind}");
        }
    }
}

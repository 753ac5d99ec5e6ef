//! Direct replies: a question names `amq.rabbitmq.reply-to`, and the answer comes without a queue.

use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, BasicPublishOptions};
use lapin::{BasicProperties, Channel, Confirmation, Consumer};

use crate::client::{
    Client, DEADLINE, body, consume_with, look, next, pending, publish, queue, round_trip, table, take,
};
use crate::servers::servers;

const REPLY_TO: &str = "amq.rabbitmq.reply-to";
const NO_ACK: BasicConsumeOptions =
    BasicConsumeOptions { no_local: false, no_ack: true, exclusive: false, nowait: false };

async fn hear(channel: &Channel) -> Consumer {
    consume_with(channel, REPLY_TO, "ear", NO_ACK, table([])).await
}

/// Asks a question through a queue, and returns it as who answers sees it.
async fn ask(channel: &Channel, question: &str) -> Delivery {
    let properties =
        BasicProperties::default().with_reply_to(REPLY_TO.into()).with_correlation_id(question.into());
    publish(channel, "", "questions", question, properties).await;
    take(channel, "questions").await
}

fn reply_to(question: &Delivery) -> &str {
    question.properties.reply_to().as_ref().expect("where to answer").as_str()
}

#[tokio::test]
async fn an_answer_comes_back_to_who_asked() {
    for server in servers().await {
        let [client, service] = [Client::of(&server).await, Client::of(&server).await];
        let [asker, answerer] = [client.confirming().await, service.confirming().await];
        queue(&asker, "questions", []).await;
        let mut ear = hear(&asker).await;
        for question in ["one", "two"] {
            let question = ask(&asker, question).await;
            let address = reply_to(&question);
            assert!(
                address.starts_with("amq.rabbitmq.reply-to.") && address.len() > 30,
                "{server}: {address}"
            );
            let properties = BasicProperties::default()
                .with_correlation_id(question.properties.correlation_id().clone().expect("kept"));
            let confirmed = publish(&answerer, "", address, "answer", properties.clone()).await;
            assert_eq!(confirmed, Confirmation::Ack(None), "{server}");
            let answer = next(&mut ear).await;
            assert_eq!(body(&answer), "answer", "{server}");
            assert_eq!(answer.properties, properties, "{server}");
            assert_eq!((answer.exchange.as_str(), answer.routing_key.as_str()), ("", address), "{server}");
            assert!(!answer.redelivered, "{server}");
        }
    }
}

#[tokio::test]
async fn the_address_of_an_asker_stays_the_same_and_can_be_looked_at() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let [asker, other] = [client.confirming().await, client.confirming().await];
        queue(&asker, "questions", []).await;
        let _ears = [hear(&asker).await, hear(&other).await];
        let [first, second, third] =
            [ask(&asker, "one").await, ask(&asker, "two").await, ask(&other, "three").await];
        assert_eq!(reply_to(&first), reply_to(&second), "{server}");
        assert_ne!(reply_to(&first), reply_to(&third), "{server}");
        // who answers may ask whether anybody still listens
        let seen = look(&client.channel().await, reply_to(&first)).await.expect("it is there");
        assert_eq!((seen.message_count(), seen.consumer_count()), (0, 1), "{server}");
        let seen = look(&client.channel().await, REPLY_TO).await.expect("it always is");
        assert_eq!((seen.message_count(), seen.consumer_count()), (0, 1), "{server}");
        let said = client.outcome(async |channel| look(channel, "amq.rabbitmq.reply-to.nobody").await).await;
        let text = "channel 404 NOT_FOUND - no queue 'amq.rabbitmq.reply-to.nobody' in vhost '/'";
        assert_eq!(said, text, "{server}");
    }
}

#[tokio::test]
async fn who_asks_must_listen_first_on_the_same_channel_and_once() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let asking = async |channel: &Channel| {
            let properties = BasicProperties::default().with_reply_to(REPLY_TO.into());
            let options = BasicPublishOptions::default();
            channel.basic_publish("".into(), "questions".into(), options, b"?", properties).await
        };
        let elsewhere = client.channel().await;
        let _ear = hear(&elsewhere).await;
        let text = "channel 406 PRECONDITION_FAILED - fast reply consumer does not exist";
        assert_eq!(client.outcome(asking).await, text, "{server}");
        let said = client
            .outcome(async |channel| {
                hear(channel).await;
                channel.basic_cancel("ear".into(), Default::default()).await?;
                asking(channel).await
            })
            .await;
        assert_eq!(said, text, "{server}: it listens no more");

        let said = client
            .outcome(async |channel| {
                let first = channel.basic_consume(REPLY_TO.into(), "one".into(), NO_ACK, table([])).await?;
                let second = channel.basic_consume(REPLY_TO.into(), "two".into(), NO_ACK, table([])).await;
                Ok((first, second))
            })
            .await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - reply consumer already set", "{server}");
        let said = client
            .outcome(async |channel| {
                let options = BasicConsumeOptions::default();
                channel.basic_consume(REPLY_TO.into(), "".into(), options, table([])).await
            })
            .await;
        assert_eq!(said, "channel 406 PRECONDITION_FAILED - reply consumer cannot acknowledge", "{server}");
    }
}

#[tokio::test]
async fn who_stopped_listening_may_start_again() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let [asker, answerer] = [client.confirming().await, client.confirming().await];
        queue(&asker, "questions", []).await;
        let first = hear(&asker).await;
        asker.basic_cancel(first.tag(), Default::default()).await.expect("cancelled");
        let mut ear = hear(&asker).await;
        let question = ask(&asker, "one").await;
        publish(&answerer, "", reply_to(&question), "answer", BasicProperties::default()).await;
        assert_eq!(body(&next(&mut ear).await), "answer", "{server}");
    }
}

#[tokio::test]
async fn an_answer_to_who_is_gone_is_dropped() {
    for server in servers().await {
        let [client, service] = [Client::of(&server).await, Client::of(&server).await];
        let [asker, answerer] = [client.confirming().await, service.confirming().await];
        queue(&asker, "questions", []).await;
        let _ear = hear(&asker).await;
        let question = ask(&asker, "one").await;
        let address = reply_to(&question);
        client.close().await;
        testkit::eventually("the asker to be gone", DEADLINE, async || {
            let said = service.outcome(async |channel| look(channel, address).await).await;
            (said == format!("channel 404 NOT_FOUND - no queue '{address}' in vhost '/'")).then_some(())
        })
        .await;
        let confirmed = publish(&answerer, "", address, "answer", BasicProperties::default()).await;
        assert_eq!(confirmed, Confirmation::Ack(None), "{server}");
        round_trip(&answerer).await.expect("an open channel");
    }
}

#[tokio::test]
async fn a_mandatory_answer_counts_as_one_that_no_queue_takes() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let [asker, answerer] = [client.confirming().await, client.confirming().await];
        queue(&asker, "questions", []).await;
        let mut ear = hear(&asker).await;
        let question = ask(&asker, "one").await;
        for address in [reply_to(&question), REPLY_TO, "amq.rabbitmq.reply-to.nobody"] {
            let options = BasicPublishOptions { mandatory: true, ..Default::default() };
            let properties = BasicProperties::default();
            let published = answerer.basic_publish("".into(), address.into(), options, b"answer", properties);
            let confirmed = published.await.expect("published").await.expect("confirmed");
            let returned = confirmed.take_message().unwrap_or_else(|| panic!("{server} returned nothing"));
            assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"), "{server}");
        }
        // and it comes all the same
        assert_eq!(body(&next(&mut ear).await), "answer", "{server}");
        look(&asker, "questions").await.expect("an open channel");
        assert!(pending(&asker, &mut ear).await.is_empty(), "{server}");
    }
}

#[tokio::test]
async fn the_name_for_direct_replies_is_no_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let missing = format!("channel 404 NOT_FOUND - no queue '{REPLY_TO}' in vhost '/'");
        let said = client
            .outcome(async |channel| channel.basic_get(REPLY_TO.into(), Default::default()).await)
            .await;
        assert_eq!(said, missing, "{server}");
        let said = client
            .outcome(async |channel| channel.queue_purge(REPLY_TO.into(), Default::default()).await)
            .await;
        assert_eq!(said, missing, "{server}");
        let said = client
            .outcome(async |channel| {
                let options = Default::default();
                channel
                    .queue_bind(REPLY_TO.into(), "amq.direct".into(), "key".into(), options, table([]))
                    .await
            })
            .await;
        assert_eq!(said, missing, "{server}");
        // some clients declare whatever they consume from
        let declared = queue(&client.channel().await, REPLY_TO, []).await;
        assert_eq!((declared.message_count(), declared.consumer_count()), (0, 1), "{server}");
    }
}

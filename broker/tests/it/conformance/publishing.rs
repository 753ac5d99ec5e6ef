//! What becomes of a published message: routed, returned, confirmed, refused; and that it comes out as it
//! went in.

use std::collections::BTreeSet;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::{AMQPClass, basic, confirm};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, ExchangeKind};

use crate::client::{
    ALLOWED, Client, assert_one_of, consume, drain, list, next, number, prefetch, publish, queue, round_trip,
    table, take, text, waiting,
};
use crate::servers::servers;
use crate::wire::Wire;

const MANDATORY: BasicPublishOptions = BasicPublishOptions { mandatory: true, immediate: false };

async fn publish_with(
    channel: &Channel,
    exchange: &str,
    key: &str,
    options: BasicPublishOptions,
    properties: BasicProperties,
) -> lapin::Result<Confirmation> {
    channel.basic_publish(exchange.into(), key.into(), options, b"hello", properties).await?.await
}

/// Properties, all of which are set, with headers of every type that there is.
fn all_properties() -> BasicProperties {
    BasicProperties::default()
        .with_content_type("text/plain".into())
        .with_content_encoding("utf-8".into())
        .with_headers(headers_of_every_type())
        .with_delivery_mode(2)
        .with_priority(7)
        .with_correlation_id("correlation".into())
        .with_reply_to("somewhere".into())
        .with_expiration("60000".into())
        .with_message_id("message".into())
        .with_timestamp(1_700_000_000)
        .with_type("greeting".into())
        .with_user_id("guest".into())
        .with_app_id("tests".into())
        .with_cluster_id("nobody's".into())
}

/// Quorum queues of RabbitMQ 3 tell who gets a message how often it came before, even if it never did.
fn without_delivery_count(properties: &BasicProperties) -> BasicProperties {
    let headers = properties.headers().as_ref().map(|headers| headers.inner().clone());
    let mut headers = headers.unwrap_or_default();
    match headers.remove("x-delivery-count") {
        Some(_) => properties.clone().with_headers(FieldTable::from(headers)),
        None => properties.clone(),
    }
}

fn headers_of_every_type() -> FieldTable {
    table([
        ("bool", AMQPValue::Boolean(true)),
        ("i8", AMQPValue::ShortShortInt(-8)),
        ("u8", AMQPValue::ShortShortUInt(200)),
        ("i16", AMQPValue::ShortInt(-16_000)),
        ("u16", AMQPValue::ShortUInt(60_000)),
        ("i32", AMQPValue::LongInt(-32)),
        ("u32", AMQPValue::LongUInt(4_000_000_000)),
        ("i64", number(i64::MIN)),
        ("f32", AMQPValue::Float(1.5)),
        ("f64", AMQPValue::Double(-0.1)),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 314 })),
        ("text", text("grüße")),
        ("empty", text("")),
        ("list", list([number(1), text("two"), list([AMQPValue::Void])])),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("table", table([("inner", table([("innermost", true.into())]).into())]).into()),
        ("bytes", AMQPValue::ByteArray(ByteArray::from(vec![0, 255, 10]))),
        ("void", AMQPValue::Void),
    ])
}

#[tokio::test]
async fn a_mandatory_message_that_no_queue_takes_comes_back_as_it_was() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let confirmed = publish_with(&channel, "amq.direct", "nowhere", MANDATORY, all_properties()).await;
        let Confirmation::Ack(Some(returned)) = confirmed.expect("confirmed") else {
            panic!("{server} returned nothing");
        };
        assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"), "{server}");
        assert_eq!(returned.delivery.exchange.as_str(), "amq.direct", "{server}");
        assert_eq!(returned.delivery.routing_key.as_str(), "nowhere", "{server}");
        assert_eq!(returned.delivery.data, b"hello", "{server}");
        assert_eq!(returned.delivery.properties, all_properties(), "{server}");
    }
}

#[tokio::test]
async fn a_mandatory_message_that_a_queue_takes_does_not_come_back() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        let confirmed = publish_with(&channel, "", "in-tray", MANDATORY, BasicProperties::default()).await;
        assert_eq!(confirmed.expect("confirmed"), Confirmation::Ack(None), "{server}");
        assert_eq!(drain(&channel, "in-tray").await, ["hello"], "{server}");
    }
}

#[tokio::test]
async fn a_message_that_nobody_wants_is_confirmed_and_gone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        for (exchange, key) in [("", "nowhere"), ("amq.topic", "a.b"), ("amq.fanout", "")] {
            let confirmed = publish(&channel, exchange, key, "hello", BasicProperties::default()).await;
            assert_eq!(confirmed, Confirmation::Ack(None), "{server}, {exchange}");
        }
    }
}

#[tokio::test]
async fn a_return_comes_without_confirms_as_well_and_before_them_with() {
    for server in servers().await {
        for confirms in [false, true] {
            let mut wire = Wire::open_channel(&server).await;
            if confirms {
                let select = confirm::Select { nowait: false };
                wire.send(1, AMQPClass::Confirm(confirm::AMQPMethod::Select(select))).await;
                wire.next_method().await.expect("confirms");
            }
            let (mandatory, immediate) = (true, false);
            let (exchange, routing_key) = ("".into(), "nowhere".into());
            wire.publish(1, basic::Publish { exchange, routing_key, mandatory, immediate }, b"hello").await;
            let returned = wire.next_method().await;
            let Some((1, AMQPClass::Basic(basic::AMQPMethod::Return(returned)))) = returned else {
                panic!("{server}: {returned:?}");
            };
            assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"), "{server}");
            let header = wire.next_frame().await;
            let Some(AMQPFrame::Header(1, header)) = header else { panic!("{server}: {header:?}") };
            assert_eq!((header.class_id, header.body_size), (60, 5), "{server}");
            assert_eq!(wire.next_frame().await, Some(AMQPFrame::Body(1, b"hello".to_vec())), "{server}");
            if confirms {
                let ack = basic::Ack { delivery_tag: 1, multiple: false };
                let ack = AMQPClass::Basic(basic::AMQPMethod::Ack(ack));
                assert_eq!(wire.next_method().await, Some((1, ack)), "{server}");
            }
        }
    }
}

#[tokio::test]
async fn each_message_is_confirmed_once_alone_or_with_those_before_it() {
    const MESSAGES: u64 = 500;
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "in-tray", []).await;
        let mut wire = Wire::open_channel(&server).await;
        let select = confirm::Select { nowait: true };
        wire.send(1, AMQPClass::Confirm(confirm::AMQPMethod::Select(select))).await;
        for message in 0..MESSAGES {
            // some have nowhere to go, and are confirmed sooner
            let routing_key = if message % 7 == 0 { "nowhere" } else { "in-tray" }.into();
            let (mandatory, immediate) = (false, false);
            wire.publish(1, basic::Publish { exchange: "".into(), routing_key, mandatory, immediate }, b"x")
                .await;
        }
        let mut open: BTreeSet<u64> = (1..=MESSAGES).collect();
        while !open.is_empty() {
            let method = wire.next_method().await;
            let Some((1, AMQPClass::Basic(basic::AMQPMethod::Ack(ack)))) = method else {
                panic!("{server}: {method:?}");
            };
            let tag = ack.delivery_tag;
            assert!(open.remove(&tag), "{server} confirms {tag} twice, or what was never published");
            if ack.multiple {
                open.retain(|open| *open > tag);
            }
        }
    }
}

#[tokio::test]
async fn confirms_may_be_asked_for_twice() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let said = client
            .outcome(async |channel| {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                publish_with(channel, "", "nowhere", BasicPublishOptions::default(), Default::default())
                    .await?;
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                publish_with(channel, "", "nowhere", BasicPublishOptions::default(), Default::default()).await
            })
            .await;
        assert_eq!(said, ALLOWED, "{server}");
    }
}

#[tokio::test]
async fn an_exchange_that_is_not_there_takes_no_messages() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for options in [BasicPublishOptions::default(), MANDATORY] {
            let properties = BasicProperties::default();
            let said = client
                .outcome(async |channel| publish_with(channel, "missing", "key", options, properties).await)
                .await;
            assert_eq!(said, "channel 404 NOT_FOUND - no exchange 'missing' in vhost '/'", "{server}");
        }
    }
}

#[tokio::test]
async fn immediate_delivery_is_not_implemented() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let options = BasicPublishOptions { immediate: true, ..Default::default() };
        let properties = BasicProperties::default();
        let said = client
            .outcome(async |channel| publish_with(channel, "", "nowhere", options, properties).await)
            .await;
        assert_eq!(said, "connection 540 NOT_IMPLEMENTED - immediate=true", "{server}");
    }
}

#[tokio::test]
async fn nobody_publishes_in_anothers_name() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let outcome = async |user: &str| {
            let (options, properties) =
                (BasicPublishOptions::default(), BasicProperties::default().with_user_id(user.into()));
            client
                .outcome(async |channel| publish_with(channel, "", "nowhere", options, properties).await)
                .await
        };
        assert_eq!(outcome("guest").await, ALLOWED, "{server}");
        let text = "channel 406 PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was \
                    'guest'";
        assert_eq!(outcome("bob").await, text, "{server}");
    }
}

#[tokio::test]
async fn an_expiration_is_a_number_of_milliseconds() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let outcome = async |expiration: &str| {
            let properties = BasicProperties::default().with_expiration(expiration.into());
            let options = BasicPublishOptions::default();
            client
                .outcome(async |channel| publish_with(channel, "", "nowhere", options, properties).await)
                .await
        };
        for (expiration, text) in [
            ("soon", "no_integer"),
            ("", "no_integer"),
            (" 1", "no_integer"),
            ("-1", "{value_negative,-1}"),
            ("1.5", "{leftover_string,\".5\"}"),
            ("1 ", "{leftover_string,\" \"}"),
            ("1099511627776", "{value_too_large,1099511627776}"),
        ] {
            let text = format!("channel 406 PRECONDITION_FAILED - invalid expiration '{expiration}': {text}");
            assert_eq!(outcome(expiration).await, text, "{server}");
        }
        for expiration in ["0", "60000", "4294967295"] {
            assert_eq!(outcome(expiration).await, ALLOWED, "{server}, {expiration}");
        }
    }
}

#[tokio::test]
async fn bodies_of_any_length_come_out_as_they_went_in() {
    for server in servers().await {
        let client = Client::of(&server).await;
        for kind in ["classic", "quorum", "stream"] {
            let channel = client.confirming().await;
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            prefetch(&channel, 10).await;
            let mut consumer = consume(&channel, kind).await;
            // none, one frame that is nearly full, is full, and is overfull by one byte; many frames
            for length in [0, 1, 131_063, 131_064, 131_065, 1_000_000] {
                let body: Vec<u8> = (0_u32..length).map(|at| (at % 251).to_be_bytes()[3]).collect();
                let options = BasicPublishOptions::default();
                let published =
                    channel.basic_publish("".into(), kind.into(), options, &body, BasicProperties::default());
                published.await.expect("published").await.expect("confirmed");
                let delivery = next(&mut consumer).await;
                assert!(delivery.data == body, "{server}, {kind}, {length} bytes");
                delivery.ack(Default::default()).await.expect("acknowledged");
            }
        }
    }
}

#[tokio::test]
async fn a_message_above_the_limit_is_refused() {
    for server in servers().await {
        let client = Client::of(&server).await;
        queue(&client.channel().await, "in-tray", []).await;
        let body = vec![0; 17 << 20];
        let said = client
            .outcome(async |channel| {
                let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
                channel.basic_publish("".into(), "in-tray".into(), options, &body, properties).await
            })
            .await;
        // RabbitMQ 3 takes 128 MiB, and 4 takes 16
        let text = "channel 406 PRECONDITION_FAILED - message size 17825792 is larger than configured max size \
                    16777216";
        assert_one_of(&said, &[ALLOWED, text], &server);
    }
}

#[tokio::test]
async fn properties_come_out_as_they_went_in() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let none = BasicProperties::default;
        for (kind, properties) in
            [("classic", all_properties()), ("quorum", all_properties()), ("classic", none())]
        {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            publish(&channel, "", kind, "hello", properties.clone()).await;
            let message = take(&channel, kind).await;
            assert_eq!(without_delivery_count(&message.properties), properties, "{server}, {kind}");
            assert_eq!((message.exchange.as_str(), message.routing_key.as_str()), ("", kind), "{server}");
        }
    }
}

#[tokio::test]
async fn a_message_to_several_queues_is_confirmed_when_all_have_it() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let options = ExchangeDeclareOptions::default();
        channel
            .exchange_declare("all".into(), ExchangeKind::Fanout, options, table([]))
            .await
            .expect("declared");
        for kind in ["classic", "quorum", "stream"] {
            queue(&channel, kind, [("x-queue-type", text(kind))]).await;
            let bound =
                channel.queue_bind(kind.into(), "all".into(), "".into(), Default::default(), table([]));
            bound.await.expect("bound");
        }
        let properties = BasicProperties::default().with_delivery_mode(2);
        let confirmed = publish(&channel, "all", "", "hello", properties).await;
        assert_eq!(confirmed, Confirmation::Ack(None), "{server}");
        for kind in ["classic", "quorum"] {
            assert_eq!(waiting(&channel, kind).await, 1, "{server}, {kind}");
        }
    }
}

#[tokio::test]
async fn messages_of_one_channel_stay_in_order_through_one_queue() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        queue(&channel, "in-tray", []).await;
        let mut expected = Vec::new();
        let mut confirms = Vec::new();
        for number in 0..200 {
            // persistent or not makes no difference to it
            let properties = BasicProperties::default().with_delivery_mode(1 + number % 2);
            let (body, options) = (number.to_string(), BasicPublishOptions::default());
            let published =
                channel.basic_publish("".into(), "in-tray".into(), options, body.as_bytes(), properties);
            confirms.push(published.await.expect("published"));
            expected.push(body);
        }
        for confirm in confirms {
            assert_eq!(confirm.await.expect("confirmed"), Confirmation::Ack(None), "{server}");
        }
        assert_eq!(drain(&channel, "in-tray").await, expected, "{server}");
    }
}

#[tokio::test]
async fn a_channel_without_confirms_confirms_nothing() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "in-tray", []).await;
        let confirmed = publish(&channel, "", "in-tray", "hello", BasicProperties::default()).await;
        assert_eq!(confirmed, Confirmation::NotRequested, "{server}");
        round_trip(&channel).await.expect("an open channel");
        assert_eq!(take(&channel, "in-tray").await.data, b"hello", "{server}");
    }
}

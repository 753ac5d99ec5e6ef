//! Frames, channels and heartbeats: what ends a connection, and what ends a channel alone.

use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::{AMQPClass, basic, channel, connection, queue};
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicRecoverOptions, ChannelFlowOptions, QueueDeclareOptions};
use tokio::time::Instant;

use crate::client::{Client, body, drain, get, look, prefetch, publish, put, queue, round_trip, table};
use crate::servers::servers;
use crate::wire::{Introduction, Wire};

/// The bytes of a frame, whatever its parts are.
fn frame(kind: u8, channel: u16, payload: &[u8], end: u8) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend(u32::try_from(payload.len()).expect("a small frame").to_be_bytes());
    bytes.extend(payload);
    bytes.push(end);
    bytes
}

/// The bytes of a method's frame.
fn method(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let payload = [&class.to_be_bytes()[..], &method.to_be_bytes(), arguments].concat();
    frame(1, channel, &payload, 0xCE)
}

fn open() -> AMQPClass {
    AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}))
}

fn close() -> AMQPClass {
    let close = channel::Close { reply_code: 200, reply_text: "done".into(), class_id: 0, method_id: 0 };
    AMQPClass::Channel(channel::AMQPMethod::Close(close))
}

fn publish_method() -> AMQPClass {
    let (mandatory, immediate) = (false, false);
    let publish = basic::Publish { exchange: "".into(), routing_key: "nowhere".into(), mandatory, immediate };
    AMQPClass::Basic(basic::AMQPMethod::Publish(publish))
}

/// Something that the server answers, and that changes nothing.
fn passive_declaration(queue: &str) -> AMQPClass {
    AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare {
        queue: queue.into(),
        passive: true,
        durable: false,
        exclusive: false,
        auto_delete: false,
        nowait: false,
        arguments: table([]),
    }))
}

#[tokio::test]
async fn methods_where_they_have_no_business_end_the_connection() {
    for server in servers().await {
        let elsewhere = "connection 504 CHANNEL_ERROR - unexpected method in connection state running";
        let connection_open = || {
            AMQPClass::Connection(connection::AMQPMethod::Open(connection::Open { virtual_host: "/".into() }))
        };
        for (what, channel, method, text) in [
            (
                "a channel that is not open",
                5,
                passive_declaration("any"),
                "connection 504 CHANNEL_ERROR - expected 'channel.open'",
            ),
            (
                "closing what is not open",
                5,
                close(),
                "connection 504 CHANNEL_ERROR - expected 'channel.open'",
            ),
            ("opening twice", 1, open(), "connection 504 CHANNEL_ERROR - second 'channel.open' seen"),
            ("opening channel 0", 0, open(), elsewhere),
            ("work on channel 0", 0, passive_declaration("any"), elsewhere),
            ("opening the connection again", 0, connection_open(), elsewhere),
            (
                "opening the connection on a channel",
                1,
                connection_open(),
                "connection 503 COMMAND_INVALID - unimplemented method",
            ),
        ] {
            let mut wire = Wire::open_channel(&server).await;
            wire.send(channel, method).await;
            assert_eq!(wire.refusal().await, text, "{server}, {what}");
        }
    }
}

#[tokio::test]
async fn frames_that_are_none_end_the_connection() {
    for server in servers().await {
        for (what, bytes, text) in [
            (
                "a wrong end",
                frame(1, 1, &[0, 10, 0, 10], 0x41),
                "type 1, all octets = <<0,10,0,10>>: {invalid_frame_end_marker,65}",
            ),
            ("an unknown type", frame(4, 0, b"", 0xCE), "type 4, all octets = <<>>: unknown_frame"),
            (
                "a heartbeat with a payload",
                frame(8, 0, b"x", 0xCE),
                "type 8, all octets = <<\"x\">>: unknown_frame",
            ),
            ("a method without an id", frame(1, 1, b"", 0xCE), "type 1, all octets = <<>>: unknown_frame"),
            ("half a method", method(1, 50, 10, &[0]), "cannot decode <<0>>"),
            ("more than a method", method(1, 90, 10, &[1, 2, 3]), "cannot decode <<1,2,3>>"),
        ] {
            let mut wire = Wire::open_channel(&server).await;
            wire.send_bytes(&bytes).await;
            let said = wire.refusal().await;
            // the octets are for people who debug a client
            let (code, _) = said.split_at("connection 501 FRAME_ERROR".len().min(said.len()));
            assert_eq!(code, "connection 501 FRAME_ERROR", "{server}, {what}: {said}");
            if server.name == "RabbitMQ" {
                assert_eq!(said, format!("connection 501 FRAME_ERROR - {text}"), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_frame_above_the_negotiated_size_is_refused_before_its_payload_comes() {
    // RabbitMQ lets a payload have the whole of it, and not eight bytes less for what is around
    for server in servers().await {
        let introduction = Introduction { frame_max: 4096, ..Introduction::default() };
        let mut wire = Wire::open_as(&server, introduction).await;
        wire.open_channel_number(1).await;
        wire.send_bytes(&[3, 0, 1, 0, 0, 0x10, 0x01]).await;
        let text = "connection 501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}";
        assert_eq!(wire.refusal().await, text, "{server}");
    }
}

#[tokio::test]
async fn methods_that_do_not_exist_end_the_connection() {
    for server in servers().await {
        for (what, bytes) in [
            ("a class", method(1, 77, 10, &[])),
            ("a method", method(1, 60, 199, &[])),
            ("a method on channel 0", method(0, 10, 199, &[])),
        ] {
            let mut wire = Wire::open_channel(&server).await;
            wire.send_bytes(&bytes).await;
            let said = wire.refusal().await;
            // RabbitMQ ends without a word, which is no example
            assert!(
                said == "the socket closes"
                    || said.starts_with("connection 503 ")
                    || said.starts_with("connection 540 "),
                "{server}, {what}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn content_that_does_not_follow_its_method_ends_the_connection() {
    let unexpected = |text: &str| format!("connection 505 UNEXPECTED_FRAME - {text}");
    let body = |bytes: &[u8]| AMQPFrame::Body(1, bytes.to_vec());
    for server in servers().await {
        let fresh = async || Wire::open_channel(&server).await;

        for (what, frame) in [("a header", None), ("a body", Some(body(b"x")))] {
            let mut wire = fresh().await;
            match frame {
                Some(frame) => wire.send_frame(frame).await,
                None => wire.send_header(1, 60, 0).await,
            }
            let text = unexpected("expected method frame, got non method frame instead");
            assert_eq!(wire.refusal().await, text, "{server}, {what} alone");
        }

        for (what, frame) in [("a method", AMQPFrame::Method(1, publish_method())), ("a body", body(b"x"))] {
            let mut wire = fresh().await;
            wire.send(1, publish_method()).await;
            wire.send_frame(frame).await;
            let text =
                unexpected("expected content header for class 60, got non content header frame instead");
            assert_eq!(wire.refusal().await, text, "{server}, {what} for a header");
        }

        let mut wire = fresh().await;
        wire.send(1, publish_method()).await;
        wire.send_header(1, 10, 1).await;
        let text = unexpected("expected content header for class 60, got one for class 10 instead");
        assert_eq!(wire.refusal().await, text, "{server}, a header of another class");

        let mut wire = fresh().await;
        wire.send(1, publish_method()).await;
        wire.send_header(1, 60, 1).await;
        wire.send(1, publish_method()).await;
        let text = unexpected("expected content body, got non content body frame instead");
        assert_eq!(wire.refusal().await, text, "{server}, a method for a body");

        // RabbitMQ goes on to wait for a body that is over, and refuses what comes next
        let mut wire = fresh().await;
        wire.send(1, publish_method()).await;
        wire.send_header(1, 60, 1).await;
        wire.send_frame(body(b"xy")).await;
        wire.send(1, publish_method()).await;
        let said = wire.refusal().await;
        assert!(said.starts_with("connection 50"), "{server}, more than was announced: {said}");
    }
}

#[tokio::test]
async fn a_body_may_come_in_pieces_of_any_size_and_between_other_channels_work() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.channel().await;
        queue(&channel, "pieces", []).await;

        let mut wire = Wire::open_channel(&server).await;
        wire.open_channel_number(2).await;
        let (mandatory, immediate) = (false, false);
        let publish =
            basic::Publish { exchange: "".into(), routing_key: "pieces".into(), mandatory, immediate };
        wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))).await;
        wire.send_header(1, 60, 5).await;
        for piece in [&b"he"[..], b"", b"l"] {
            wire.send_frame(AMQPFrame::Body(1, piece.to_vec())).await;
        }
        wire.send(2, passive_declaration("pieces")).await;
        let answer = wire.next_method().await;
        assert!(matches!(answer, Some((2, AMQPClass::Queue(_)))), "{server}: {answer:?}");
        wire.send_frame(AMQPFrame::Body(1, b"lo".to_vec())).await;
        wire.send(1, passive_declaration("pieces")).await;
        let answer = wire.next_method().await;
        assert!(matches!(answer, Some((1, AMQPClass::Queue(_)))), "{server}: {answer:?}");
        assert_eq!(drain(&channel, "pieces").await, ["hello"], "{server}");
    }
}

#[tokio::test]
async fn no_more_channels_are_open_at_once_than_agreed() {
    for server in servers().await {
        let introduction = Introduction { channel_max: 2, ..Introduction::default() };
        let mut wire = Wire::open_as(&server, introduction).await;
        wire.open_channel_number(1).await;
        wire.open_channel_number(2).await;
        wire.send(2, close()).await;
        let answer = wire.next_method().await;
        assert!(
            matches!(answer, Some((2, AMQPClass::Channel(channel::AMQPMethod::CloseOk(_))))),
            "{server}: {answer:?}"
        );
        // one that is closed counts no more
        wire.open_channel_number(2).await;
        wire.send(3, open()).await;
        let text = "connection 530 NOT_ALLOWED - number of channels opened (2) has reached the negotiated \
                    channel_max (2)";
        assert_eq!(wire.refusal().await, text, "{server}");
    }
}

#[tokio::test]
async fn what_follows_a_channels_failure_is_ignored_until_the_client_agrees() {
    for server in servers().await {
        let mut wire = Wire::open_channel(&server).await;
        for _ in 0..2 {
            wire.send(1, passive_declaration("missing")).await;
        }
        let answer = wire.next_method().await;
        let Some((1, AMQPClass::Channel(channel::AMQPMethod::Close(close)))) = answer else {
            panic!("{server}: {answer:?}");
        };
        // what failed is named, too: queue.declare
        assert_eq!((close.reply_code, close.class_id, close.method_id), (404, 50, 10), "{server}");
        wire.send(1, passive_declaration("missing")).await;
        wire.send(1, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {}))).await;
        // nothing came of the others, and the number can be used again
        wire.open_channel_number(1).await;
    }
}

#[tokio::test]
async fn a_channels_failure_leaves_the_others_alone() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let [failing, fine] = [client.confirming().await, client.confirming().await];
        queue(&fine, "kept", []).await;
        put(&failing, "kept", ["unacknowledged"]).await;
        let unacknowledged = get(&fine, "kept").await.expect("the message");
        look(&failing, "missing").await.expect_err("it is not there");
        assert!(client.connection.status().connected(), "{server}");
        put(&fine, "kept", ["another"]).await;
        assert_eq!(drain(&fine, "kept").await, ["another"], "{server}");
        unacknowledged.ack(BasicAckOptions::default()).await.expect("acknowledged");
        round_trip(&fine).await.expect("an open channel");
    }
}

#[tokio::test]
async fn a_connections_failure_takes_all_channels_along() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let bystander = client.channel().await;
        let said = client
            .outcome(async |channel| {
                let options = BasicRecoverOptions { requeue: false };
                channel.basic_recover(options).await
            })
            .await;
        assert_eq!(said, "connection 540 NOT_IMPLEMENTED - requeue=false", "{server}");
        assert!(!bystander.status().connected(), "{server}");
    }
}

#[tokio::test]
async fn one_connection_has_room_for_many_channels() {
    for server in servers().await {
        let client = Client::of(&server).await;
        let mut channels = Vec::new();
        for number in 0..300 {
            let channel = client.confirming().await;
            let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
            let queue = channel.queue_declare("".into(), options, table([])).await.expect("a queue");
            put(&channel, queue.name().as_str(), [format!("{number}").as_str()]).await;
            channels.push((channel, queue.name().clone()));
        }
        for (number, (channel, queue)) in channels.iter().enumerate() {
            let message = get(channel, queue.as_str()).await.expect("the message");
            assert_eq!((body(&message), message.delivery_tag), (number.to_string(), 1), "{server}");
        }
    }
}

#[tokio::test]
async fn a_quiet_connection_shows_that_it_lives_and_a_silent_client_is_cut() {
    for server in servers().await {
        let introduction = Introduction { heartbeat: 1, ..Introduction::default() };
        let mut wire = Wire::open_as(&server, introduction).await;
        let opened = Instant::now();
        let mut heartbeats = 0;
        while let Some(frame) = wire.next_frame_at_all().await {
            assert_eq!(frame, AMQPFrame::Heartbeat, "{server}");
            heartbeats += 1;
        }
        assert!(heartbeats >= 2, "{server} sent {heartbeats}");
        // two intervals without a sign of life
        assert!(opened.elapsed() >= Duration::from_millis(1900), "{server} waited {:?}", opened.elapsed());
    }
}

#[tokio::test]
async fn a_client_that_shows_that_it_lives_is_not_cut() {
    for server in servers().await {
        let introduction = Introduction { heartbeat: 2, ..Introduction::default() };
        let mut wire = Wire::open_as(&server, introduction).await;
        for _ in 0..5 {
            // the server's own heartbeats are the clock, one a second
            assert_eq!(wire.next_frame_at_all().await, Some(AMQPFrame::Heartbeat), "{server}");
            wire.send_frame(AMQPFrame::Heartbeat).await;
        }
    }
}

#[tokio::test]
async fn methods_that_want_no_answer_get_none_and_are_obeyed_all_the_same() {
    let nowait = true;
    for server in servers().await {
        let client = Client::of(&server).await;
        let channel = client.confirming().await;
        let mut wire = Wire::open_channel(&server).await;
        let declare = queue::Declare {
            queue: "quiet".into(),
            passive: false,
            durable: true,
            exclusive: false,
            auto_delete: false,
            nowait,
            arguments: table([]),
        };
        wire.send(1, AMQPClass::Queue(queue::AMQPMethod::Declare(declare))).await;
        let (exchange, routing_key) = ("amq.fanout".into(), "".into());
        let bind = queue::Bind { queue: "quiet".into(), exchange, routing_key, nowait, arguments: table([]) };
        wire.send(1, AMQPClass::Queue(queue::AMQPMethod::Bind(bind))).await;
        let consume = basic::Consume {
            queue: "quiet".into(),
            consumer_tag: "mine".into(),
            no_local: false,
            no_ack: true,
            exclusive: false,
            nowait,
            arguments: table([]),
        };
        wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume))).await;
        // the first thing that is said is an answer to this
        wire.send(1, passive_declaration("quiet")).await;
        let answer = wire.next_method().await;
        assert!(matches!(answer, Some((1, AMQPClass::Queue(_)))), "{server}: {answer:?}");
        publish(&channel, "amq.fanout", "", "hello", BasicProperties::default()).await;
        let delivery = wire.next_method().await;
        let Some((1, AMQPClass::Basic(basic::AMQPMethod::Deliver(delivery)))) = delivery else {
            panic!("{server}: {delivery:?}");
        };
        assert_eq!(delivery.consumer_tag.as_str(), "mine", "{server}");
        for _ in ["header", "body"] {
            wire.next_frame().await.expect("the rest of the message");
        }

        let cancel = basic::Cancel { consumer_tag: "mine".into(), nowait };
        wire.send(1, AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel))).await;
        wire.send(1, passive_declaration("quiet")).await;
        wire.next_method().await.expect("an answer");
        publish(&channel, "amq.fanout", "", "hello", BasicProperties::default()).await;
        wire.send(
            1,
            AMQPClass::Queue(queue::AMQPMethod::Purge(queue::Purge { queue: "quiet".into(), nowait })),
        )
        .await;
        let (if_unused, if_empty) = (true, true);
        let delete = queue::Delete { queue: "quiet".into(), if_unused, if_empty, nowait };
        wire.send(1, AMQPClass::Queue(queue::AMQPMethod::Delete(delete))).await;
        // a failure is told in any case
        wire.send(
            1,
            AMQPClass::Queue(queue::AMQPMethod::Purge(queue::Purge { queue: "quiet".into(), nowait })),
        )
        .await;
        let text = "channel 404 NOT_FOUND - no queue 'quiet' in vhost '/'";
        assert_eq!(wire.refusal().await, text, "{server}");
    }
}

#[tokio::test]
async fn a_prefetch_in_bytes_and_a_channel_that_pauses_are_not_implemented() {
    for server in servers().await {
        let mut wire = Wire::open_channel(&server).await;
        // basic.qos with a prefetch size of 10
        wire.send_bytes(&method(1, 60, 10, &[0, 0, 0, 10, 0, 1, 0])).await;
        let text = "connection 540 NOT_IMPLEMENTED - prefetch_size!=0 (10)";
        assert_eq!(wire.refusal().await, text, "{server}");

        let client = Client::of(&server).await;
        let flow = async |active| {
            client.outcome(async |channel| channel.channel_flow(ChannelFlowOptions { active }).await).await
        };
        assert_eq!(flow(true).await, "allowed", "{server}");
        assert_eq!(flow(false).await, "connection 540 NOT_IMPLEMENTED - active=false", "{server}");
        prefetch(&Client::of(&server).await.channel().await, 0).await;
    }
}

//! Methods at the wrong place, and with the wrong arguments.

use super::bytes::{
    self, ACK, BODY, Bytes, CHANNEL_CLOSE_OK, CLOSE, CLOSE_OK, CONSUME, DELIVER, FLOW, FLOW_OK, HEADER,
    Method, QOS, QOS_OK, QUEUE_DECLARE, RECOVER, TX_SELECT, frame, method,
};
use super::raw::No::{Channel, Connection};
use super::{Bystander, Raw, ends_the_connection, is_accepted, is_embedded, is_refused, is_survived};
use crate::servers::servers;

#[tokio::test]
async fn a_channel_that_is_not_open_takes_no_method() {
    let words = "CHANNEL_ERROR - expected 'channel.open'";
    for bytes in [
        bytes::prefetch(7, 0),
        bytes::ack(7, 1, 0),
        bytes::publish(7, "queue").raw(bytes::header(7, 0)),
        bytes::channel_close(7),
        method(7, CHANNEL_CLOSE_OK, []),
    ] {
        is_refused(Connection(504), words, bytes).await;
    }
}

#[tokio::test]
async fn a_channel_that_is_not_open_takes_no_content() {
    for bytes in [bytes::header(7, 0), bytes::body(7, "x")] {
        is_refused(Connection(505), "UNEXPECTED_FRAME", bytes).await;
    }
}

#[tokio::test]
async fn a_channel_is_opened_once() {
    is_refused(Connection(504), "CHANNEL_ERROR - second 'channel.open' seen", bytes::channel_open(1)).await;
}

#[tokio::test]
async fn more_channels_than_agreed_are_refused() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::tuned(&server.url, 1, 131_072, 0).await;
        raw.open_channel(1).await;
        raw.send(bytes::channel_open(2)).await;
        assert_eq!(raw.refusal().await.no, Connection(530), "{}", server.name);
        bystander.lives().await;
    }
}

#[tokio::test]
async fn a_channel_with_a_number_above_the_limit_harms_nobody() {
    // RabbitMQ counts channels, and does not mind their numbers
    for channel in [2048, u16::MAX] {
        is_survived(bytes::channel_open(channel).raw(bytes::prefetch(channel, 1))).await;
    }
}

#[tokio::test]
async fn channel_zero_is_for_the_connection_alone() {
    for bytes in [bytes::prefetch(0, 0), bytes::channel_open(0), bytes::publish(0, "queue")] {
        is_refused(Connection(504), "CHANNEL_ERROR", bytes).await;
    }
    for kind in [HEADER, BODY] {
        is_refused(Connection(505), "UNEXPECTED_FRAME", frame(kind, 0, [0; 14])).await;
    }
}

#[tokio::test]
async fn methods_of_the_connection_are_for_channel_zero_alone() {
    let close = method(1, CLOSE, Bytes::new().u16(200).short("bye").u16(0).u16(0));
    for bytes in [close, method(1, CLOSE_OK, [])] {
        is_refused(Connection(503), "COMMAND_INVALID", bytes).await;
    }
}

#[tokio::test]
async fn the_handshake_does_not_happen_twice() {
    for bytes in [
        bytes::start_ok("PLAIN", "\0guest\0guest"),
        bytes::tune_ok(2047, 131_072, 0),
        bytes::open("/"),
        method(0, CLOSE_OK, []),
    ] {
        is_refused(Connection(504), "CHANNEL_ERROR", bytes).await;
    }
}

#[tokio::test]
async fn what_only_servers_send_is_refused() {
    for bytes in [method(1, QOS_OK, []), method(1, FLOW_OK, [1])] {
        is_refused(Connection(503), "COMMAND_INVALID", bytes).await;
    }
    let deliver = Bytes::new().short("").u64(1).u8(0).short("").short("");
    // RabbitMQ waits for the content
    ends_the_connection(method(1, DELIVER, deliver).raw(bytes::prefetch(1, 0))).await;
}

#[tokio::test]
async fn an_unknown_method_ends_the_connection() {
    for (channel, unknown) in [(1, (99, 1)), (1, (60, 999)), (0, (99, 1)), (0, (10, 999)), (1, (0, 0))] {
        ends_the_connection(method(channel, unknown, [])).await;
    }
}

#[tokio::test]
async fn arguments_that_are_cut_short_are_refused() {
    let cases: [(Method, Bytes); 4] = [
        (QOS, Bytes::new().u16(0)),
        (ACK, Bytes::new().u32(0)),
        // the name is longer than all that there is
        (QUEUE_DECLARE, Bytes::new().u16(0).u8(200).raw("abc")),
        (QUEUE_DECLARE, Bytes::new().u16(0).short("queue")),
    ];
    for (which, arguments) in cases {
        is_refused(Connection(501), "FRAME_ERROR", method(1, which, arguments)).await;
    }
}

#[tokio::test]
async fn more_than_the_arguments_is_refused() {
    let cases: [(Method, Bytes); 2] = [
        (QOS, Bytes::new().u32(0).u16(0).u8(0).raw("more")),
        (QUEUE_DECLARE, Bytes::new().u16(0).short("queue").u8(0).long([]).raw("more")),
    ];
    for (which, arguments) in cases {
        is_refused(Connection(501), "FRAME_ERROR", method(1, which, arguments)).await;
    }
}

#[tokio::test]
async fn names_that_are_not_utf8_are_refused() {
    let consume = Bytes::new().u16(0).short("queue").short([0xFF]).u8(0).long([]);
    for bytes in [bytes::queue_declare(1, [0xFF, 0xFE, 0x80], []), method(1, CONSUME, consume)] {
        is_refused(Connection(501), "FRAME_ERROR", bytes).await;
    }
    // RabbitMQ does not look at a routing key
    is_survived(bytes::publish(1, [0xFF, 0xFE]).raw(bytes::header(1, 0))).await;
}

#[tokio::test]
async fn names_may_be_as_long_as_they_can_be_and_hold_anything() {
    is_accepted(bytes::queue_declare(1, [b'q'; 255], [])).await;
    is_accepted(bytes::queue_declare(1, "a\0b\n\u{7f}\u{2028}\u{1F980}", [])).await;
    is_accepted(bytes::publish(1, [b'k'; 255]).raw(bytes::header(1, 0))).await;
}

#[tokio::test]
async fn what_is_not_implemented_is_refused() {
    let qos = Bytes::new().u32(100).u16(1).u8(0);
    for (words, bytes) in [
        ("NOT_IMPLEMENTED - active=false", method(1, FLOW, [0])),
        ("NOT_IMPLEMENTED - prefetch_size!=0", method(1, QOS, qos)),
        ("NOT_IMPLEMENTED - requeue=false", method(1, RECOVER, [0])),
        ("NOT_IMPLEMENTED - immediate=true", bytes::publish_with(1, "queue", 2).raw(bytes::header(1, 0))),
    ] {
        is_refused(Connection(540), words, bytes).await;
    }
}

#[tokio::test]
async fn the_embedded_broker_has_no_transactions() {
    for server in servers().await.iter().filter(|server| is_embedded(server)) {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(method(1, TX_SELECT, [])).await;
        assert_eq!(raw.refusal().await.no, Connection(540));
        bystander.lives().await;
    }
}

#[tokio::test]
async fn an_acknowledgement_of_nothing_is_refused() {
    for tag in [0, 1, u64::MAX] {
        let words = format!("PRECONDITION_FAILED - unknown delivery tag {tag}");
        is_refused(Channel(406), &words, bytes::ack(1, tag, 0)).await;
    }
    // of all there are, which may be none
    is_accepted(bytes::ack(1, 0, 1)).await;
}

#[tokio::test]
async fn what_is_asked_for_twice_is_no_harm() {
    is_accepted(bytes::confirm_select(1).raw(bytes::confirm_select(1))).await;
    is_accepted(method(1, FLOW, [1])).await;
    is_accepted(bytes::queue_declare(1, "twice", []).raw(bytes::queue_declare(1, "twice", []))).await;
}

#[tokio::test]
async fn a_closing_channel_is_deaf_until_its_end_is_acknowledged() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::channel(&server.url).await;
        let missing = bytes::queue_declare_passive(1, "not-there");
        let ignored = bytes::queue_declare(1, "ignored", []).raw(bytes::prefetch(1, 1));
        raw.send(missing.raw(ignored)).await;
        let refusal = raw.refusal().await;
        assert_eq!((refusal.no, refusal.before), (Channel(404), vec![]), "{}", server.name);
        raw.open_channel(1).await;
        raw.send(bytes::queue_declare_passive(1, "ignored")).await;
        assert_eq!(raw.refusal().await.no, Channel(404), "{}", server.name);
        bystander.lives().await;
    }
}

#[tokio::test]
async fn after_its_goodbye_a_client_is_not_heard() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut watcher = Raw::publisher(&server.url, "watched").await;
        let mut raw = Raw::channel(&server.url).await;
        raw.send(bytes::close().raw(bytes::message(1, "watched", "too late"))).await;
        raw.expect(CLOSE_OK).await;
        raw.hang_up().await;
        assert_eq!(watcher.ready("watched").await, 0, "{}", server.name);
        bystander.lives().await;
    }
}

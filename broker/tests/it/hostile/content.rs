//! Messages that are not what they were announced to be.

use super::bytes::{self, Bytes, HEADER, frame};
use super::raw::No::{Channel, Connection};
use super::{Bystander, Raw, ends_the_connection, is_accepted, is_embedded, is_refused, is_survived};
use crate::servers::{embedded_with, servers};

const UNEXPECTED: &str = "UNEXPECTED_FRAME";

/// A message begun: its header is to come.
fn begun() -> Bytes {
    bytes::publish(1, "queue")
}

/// A message of five bytes: its body is to come.
fn announced() -> Bytes {
    begun().raw(bytes::header(1, 5))
}

#[tokio::test]
async fn content_without_a_publish_is_refused() {
    is_refused(Connection(505), UNEXPECTED, bytes::header(1, 5)).await;
    is_refused(Connection(505), UNEXPECTED, bytes::body(1, "x")).await;
}

#[tokio::test]
async fn what_is_not_a_header_is_refused_where_one_must_come() {
    for other in [bytes::body(1, "x"), bytes::prefetch(1, 0), begun()] {
        is_refused(Connection(505), UNEXPECTED, begun().raw(other)).await;
    }
}

#[tokio::test]
async fn what_is_not_a_body_is_refused_where_one_must_come() {
    for other in [bytes::header(1, 5), bytes::prefetch(1, 0), begun()] {
        is_refused(Connection(505), UNEXPECTED, announced().raw(other)).await;
    }
}

#[tokio::test]
async fn a_header_of_another_class_is_refused() {
    let header = frame(HEADER, 1, Bytes::new().u16(50).u16(0).u64(1).u16(0));
    is_refused(Connection(505), UNEXPECTED, begun().raw(header)).await;
}

#[tokio::test]
async fn a_header_with_a_weight_is_refused() {
    let header = frame(HEADER, 1, Bytes::new().u16(60).u16(7).u64(0).u16(0));
    is_refused(Connection(505), UNEXPECTED, begun().raw(header)).await;
}

#[tokio::test]
async fn more_body_than_announced_is_refused() {
    // RabbitMQ notices it with the next frame alone
    let too_long = announced().raw(bytes::body(1, "123456789")).raw(bytes::prefetch(1, 0));
    is_refused(Connection(505), UNEXPECTED, too_long).await;
    let once_more = announced().raw(bytes::body(1, "12345")).raw(bytes::body(1, "x"));
    is_refused(Connection(505), UNEXPECTED, once_more).await;
    let of_nothing = begun().raw(bytes::header(1, 0)).raw(bytes::body(1, ""));
    is_refused(Connection(505), UNEXPECTED, of_nothing).await;
}

#[tokio::test]
async fn a_header_that_is_cut_short_is_refused() {
    for header in [Bytes::new(), Bytes::new().u16(60), Bytes::new().u16(60).u16(0).u32(0)] {
        is_refused(Connection(501), "FRAME_ERROR", begun().raw(frame(HEADER, 1, header))).await;
    }
    // all is there but the flags
    ends_the_connection(begun().raw(frame(HEADER, 1, Bytes::new().u16(60).u16(0).u64(0)))).await;
}

#[tokio::test]
async fn properties_that_cannot_be_read_end_the_connection() {
    let content_type = 0x8000;
    for properties in [
        // longer than all that there is
        Bytes::new().u16(content_type).u8(200).raw("x"),
        Bytes::new().u16(content_type),
        // more than there should be
        Bytes::new().u16(0).raw("more"),
        // more flags, of properties that do not exist
        Bytes::new().u16(3).u16(0),
    ] {
        ends_the_connection(begun().raw(bytes::header_with(1, 0, properties))).await;
    }
}

#[tokio::test]
async fn properties_that_are_not_utf8_harm_nobody() {
    let properties = Bytes::new().u16(0x8000).short([0xFF, 0xFE]);
    is_survived(
        bytes::queue_declare(1, "odd", [])
            .raw(bytes::publish(1, "odd"))
            .raw(bytes::header_with(1, 0, properties)),
    )
    .await;
}

#[tokio::test]
async fn an_empty_part_of_a_body_is_no_harm() {
    is_accepted(announced().raw(bytes::body(1, "")).raw(bytes::body(1, "12345"))).await;
}

#[tokio::test]
async fn a_body_may_come_in_as_many_parts_as_it_has_bytes() {
    for server in servers().await {
        let mut raw = Raw::publisher(&server.url, "crumbs").await;
        let parts = (0..5000).fold(Bytes::new(), |all, _| all.raw(bytes::body(1, "x")));
        raw.send(bytes::publish(1, "crumbs").raw(bytes::header(1, 5000)).raw(parts)).await;
        raw.input.confirmed(1).await;
        raw.send(bytes::get(1, "crumbs")).await;
        raw.expect(bytes::GET_OK).await;
        let header = raw.frame().await.expect("a header");
        assert_eq!(header.payload[4..12], 5000u64.to_be_bytes(), "{}", server.name);
    }
}

#[tokio::test]
async fn a_body_of_any_announced_size_harms_nobody() {
    for length in [1 << 30, u64::from(u32::MAX), 1 << 63, u64::MAX] {
        is_survived(begun().raw(bytes::header(1, length)).raw(bytes::body(1, [b'x'; 1000]))).await;
    }
}

#[tokio::test]
async fn the_embedded_broker_refuses_what_is_too_large_when_it_is_announced() {
    for server in servers().await.iter().filter(|server| is_embedded(server)) {
        for length in [1 << 30, 1 << 63, u64::MAX] {
            let mut bystander = Bystander::at(&server.url).await;
            let mut raw = Raw::channel(&server.url).await;
            raw.send(begun().raw(bytes::header(1, length))).await;
            assert_eq!(raw.refusal().await.no, Channel(406));
            raw.open_channel(1).await;
            bystander.lives().await;
        }
    }
}

#[tokio::test]
async fn what_is_too_large_costs_a_channel_and_not_the_connection() {
    let server = embedded_with(|config| config.limits.message_bytes = 1000).await;
    let mut raw = Raw::publisher(&server.url, "modest").await;
    let large = begun().raw(bytes::header(1, 1001)).raw(bytes::body(1, [b'x'; 1001]));
    raw.send(large.raw(bytes::message(1, "modest", "ignored"))).await;
    let refusal = raw.refusal().await;
    assert_eq!(refusal.no, Channel(406));
    let words = "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000";
    assert_eq!(refusal.text, words);
    raw.open_channel(1).await;
    assert_eq!(raw.ready("modest").await, 0);
    raw.send(bytes::message(1, "modest", [b'x'; 1000])).await;
    raw.is_served(1).await;
    raw.send(bytes::get(1, "modest")).await;
    raw.expect(bytes::GET_OK).await;
}

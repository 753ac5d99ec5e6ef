//! Tables that lie about their length, and tables in tables in tables.

use super::bytes::{
    self, Bytes, GET_OK, HEADER, QUEUE_DECLARE, header_with, headers, method, nested_lists, nested_tables,
    publish, queue_declare,
};
use super::raw::No::Connection;
use super::{Bystander, Raw, ends_the_connection, is_accepted, is_refused, is_survived};
use crate::servers::servers;

/// As deep as a frame allows.
const DEEP: u32 = 20_000;

#[tokio::test]
async fn a_table_longer_than_its_method_is_refused() {
    let arguments = Bytes::new().u16(0).short("queue").u8(0).u32(500).short("x-a").raw(b"t\x01");
    is_refused(Connection(501), "FRAME_ERROR", method(1, QUEUE_DECLARE, arguments)).await;
}

#[tokio::test]
async fn a_table_that_cannot_be_read_ends_the_connection() {
    for fields in unreadable() {
        ends_the_connection(queue_declare(1, "queue", fields)).await;
    }
}

#[tokio::test]
async fn headers_that_cannot_be_read_end_the_connection() {
    for fields in unreadable() {
        ends_the_connection(publish(1, "queue").raw(header_with(1, 0, headers(fields)))).await;
    }
}

/// Fields of tables that are none.
fn unreadable() -> [Bytes; 6] {
    let key = || Bytes::new().short("a");
    [
        // an inner table, list and text that are longer than the table around them
        key().raw(b"F").u32(500).raw("x"),
        key().raw(b"A").u32(500).raw("x"),
        key().raw(b"S").u32(u32::MAX).raw("x"),
        // a type that there is not
        key().raw(b"?").u32(0),
        // a name that is longer than the table, and a name alone
        Bytes::new().u8(200).raw("x"),
        key(),
    ]
}

#[tokio::test]
async fn what_a_table_may_hold_is_no_harm() {
    is_accepted(queue_declare(1, "queue", Bytes::new().short("x-unknown").raw(b"t\x01"))).await;
    is_accepted(queue_declare(1, "queue", nested_tables(20))).await;
    is_survived(queue_declare(1, "queue", Bytes::new().short([0xFF]).raw(b"t\x01"))).await;
    let twice = Bytes::new().short("x-a").raw(b"t\x01").short("x-a").raw(b"t\x00");
    is_survived(queue_declare(1, "queue", twice)).await;
}

#[tokio::test]
async fn deep_headers_come_back_as_they_were_sent() {
    let properties = headers(nested_tables(20));
    for server in servers().await {
        let mut raw = Raw::publisher(&server.url, "deep").await;
        raw.send(publish(1, "deep").raw(header_with(1, 0, &properties))).await;
        raw.input.confirmed(1).await;
        raw.send(bytes::get(1, "deep")).await;
        raw.expect(GET_OK).await;
        let header = raw.frame().await.expect("a header");
        assert_eq!((header.kind, &header.payload[12..]), (HEADER, properties.as_ref()), "{}", server.name);
    }
}

#[tokio::test]
async fn arguments_as_deep_as_a_frame_allows_harm_nobody() {
    is_survived(queue_declare(1, "queue", nested_tables(DEEP))).await;
    is_survived(queue_declare(1, "queue", nested_lists(DEEP))).await;
}

#[tokio::test]
async fn headers_as_deep_as_a_frame_allows_harm_nobody() {
    // they are read and written anew when the message dies, and compared where headers decide the way
    let dying = Bytes::new()
        .short("x-message-ttl")
        .raw(b"I")
        .u32(0)
        .short("x-dead-letter-exchange")
        .raw(b"S")
        .long("")
        .short("x-dead-letter-routing-key")
        .raw(b"S")
        .long("graveyard");
    let queues = queue_declare(1, "graveyard", []).raw(queue_declare(1, "dying", dying));
    for fields in [nested_tables(DEEP), nested_lists(DEEP)] {
        is_survived(publish(1, "nowhere").raw(header_with(1, 0, headers(&fields)))).await;
        let message = publish(1, "dying").raw(header_with(1, 0, headers(&fields)));
        is_survived(Bytes::new().raw(&queues).raw(message).raw(bytes::get(1, "graveyard"))).await;
    }
}

#[tokio::test]
async fn a_deep_introduction_harms_nobody() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        for properties in [nested_tables(DEEP), nested_lists(DEEP), nested_tables(600)] {
            let mut raw = Raw::greeted(&server.url).await;
            raw.send(bytes::start_ok_with(properties, "PLAIN", "\0guest\0guest")).await;
            raw.hang_up().await;
        }
        bystander.lives().await;
    }
}

//! Frames that are none.

use super::bytes::{self, BODY, Bytes, HEADER, HEARTBEAT, METHOD, announced, frame};
use super::raw::No::Connection;
use super::{Bystander, Raw, is_refused, is_survived};
use crate::servers::servers;

#[tokio::test]
async fn a_frame_longer_than_agreed_is_refused_from_its_first_bytes() {
    for kind in [METHOD, HEADER, BODY, HEARTBEAT] {
        is_refused(Connection(501), "FRAME_ERROR", announced(kind, 1, 131_073)).await;
    }
}

#[tokio::test]
async fn a_frame_of_four_gigabytes_is_refused_from_its_first_bytes() {
    is_refused(Connection(501), "FRAME_ERROR", announced(METHOD, 1, u32::MAX)).await;
    is_refused(Connection(501), "FRAME_ERROR", announced(METHOD, 0, u32::MAX)).await;
}

#[tokio::test]
async fn a_frame_with_a_wrong_end_is_refused() {
    let mut wrong = bytes::prefetch(1, 0);
    *wrong.0.last_mut().expect("an end") = 0;
    is_refused(Connection(501), "FRAME_ERROR", wrong).await;
}

#[tokio::test]
async fn a_frame_of_an_unknown_type_is_refused() {
    for (kind, channel) in [(0, 1), (9, 1), (255, 1), (9, 0)] {
        is_refused(Connection(501), "FRAME_ERROR", frame(kind, channel, b"abc")).await;
    }
}

#[tokio::test]
async fn a_frame_too_short_for_a_method_is_refused() {
    for channel in [0, 1] {
        is_refused(Connection(501), "FRAME_ERROR", frame(METHOD, channel, [])).await;
        is_refused(Connection(501), "FRAME_ERROR", frame(METHOD, channel, [0, 60, 0])).await;
    }
}

#[tokio::test]
async fn a_heartbeat_with_content_is_refused() {
    is_refused(Connection(501), "FRAME_ERROR", frame(HEARTBEAT, 0, b"x")).await;
}

#[tokio::test]
async fn a_heartbeat_of_a_channel_is_refused() {
    is_refused(Connection(505), "UNEXPECTED_FRAME", frame(HEARTBEAT, 1, [])).await;
}

#[tokio::test]
async fn a_second_protocol_header_is_no_frame() {
    is_refused(Connection(501), "FRAME_ERROR", bytes::PROTOCOL).await;
}

#[tokio::test]
async fn a_stream_may_end_after_any_byte() {
    let conversation =
        bytes::queue_declare(1, "cut-short", []).raw(bytes::message(1, "cut-short", "content"));
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        for length in (0..=conversation.0.len()).step_by(5) {
            let mut raw = Raw::channel(&server.url).await;
            raw.send(&conversation.0[..length]).await;
            raw.hang_up().await;
        }
        bystander.lives().await;
    }
}

#[tokio::test]
async fn a_stream_may_come_one_byte_at_a_time() {
    let conversation = bytes::queue_declare(1, "dribble", []).raw(bytes::message(1, "dribble", "content"));
    for server in servers().await {
        let mut raw = Raw::channel(&server.url).await;
        for byte in &conversation.0 {
            raw.send([*byte]).await;
        }
        raw.expect(bytes::QUEUE_DECLARE_OK).await;
        raw.send(bytes::get(1, "dribble")).await;
        raw.expect(bytes::GET_OK).await;
    }
}

#[tokio::test]
async fn no_frame_either_way_is_longer_than_agreed() {
    for server in servers().await {
        let mut bystander = Bystander::at(&server.url).await;
        let mut raw = Raw::tuned(&server.url, 2047, 4096, 0).await;
        raw.open_channel(1).await;
        raw.send(bytes::queue_declare(1, "small-frames", [])).await;
        raw.expect(bytes::QUEUE_DECLARE_OK).await;
        let content = [b'x'; 10_000];
        let parts = content.chunks(4088).fold(Bytes::new(), |all, part| all.raw(bytes::body(1, part)));
        raw.send(bytes::publish(1, "small-frames").raw(bytes::header(1, 10_000)).raw(parts)).await;
        raw.send(bytes::get(1, "small-frames")).await;
        raw.expect(bytes::GET_OK).await;
        assert_eq!(raw.frame().await.expect("a header").kind, HEADER);
        let mut received = Vec::new();
        while received.len() < content.len() {
            let frame = raw.frame().await.expect("a part of the body");
            assert!(frame.kind == BODY && frame.payload.len() <= 4088, "{} bytes", frame.payload.len());
            received.extend(frame.payload);
        }
        assert_eq!(received, content);

        raw.send(announced(METHOD, 1, 4097)).await;
        assert_eq!(raw.refusal().await.no, Connection(501), "{}", server.name);
        bystander.lives().await;
    }
}

#[tokio::test]
async fn half_a_frame_harms_nobody() {
    is_survived(announced(BODY, 1, 1000).raw([b'x'; 500])).await;
    is_survived([METHOD, 0]).await;
}

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{
    error::Code,
    frame::samples::{self, FRAME_MAX, received, written},
};

/// The octets of a frame, whatever its type.
fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    let mut octets = vec![kind];
    octets.extend(channel.to_be_bytes());
    octets.extend(length.to_be_bytes());
    octets.extend(payload);
    octets.push(FRAME_END);
    octets
}

/// The payload of a header frame of class basic.
fn header_of(properties: &[u8]) -> Vec<u8> {
    [&[0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], properties].concat()
}

fn refusal(octets: &[u8]) -> Refusal {
    received(octets).next(FRAME_MAX).expect_err("a refusal")
}

/// Reads until nothing is left that is a frame.
fn all(reader: &mut FrameReader) -> Vec<Frame> {
    std::iter::from_fn(|| reader.next(FRAME_MAX).expect("frames")).collect()
}

#[test]
fn only_the_header_of_amqp_0_9_1_is_accepted() {
    assert_eq!(protocol_header(b"AMQP\0\0\x09\x01"), Ok(()));
    for other in [b"AMQP\0\x01\0\0", b"AMQP\x01\x01\0\x09", b"AMQP\0\0\x09\0", b"GET / HT"] {
        assert_eq!(protocol_header(other), Err(*b"AMQP\0\0\x09\x01"));
    }
}

#[test]
fn the_head_alone_says_that_a_frame_is_too_large() {
    let mut head = frame(1, 1, &[])[..7].to_vec();
    head[3..].copy_from_slice(&4097_u32.to_be_bytes());
    let refusal = received(&head).next(4096).expect_err("too large");
    assert_eq!(refusal.code, Code::FrameError);
    assert_eq!(refusal.text, "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,4097,4088}");
    assert_eq!(received(&head[..6]).next(4096), Ok(None));

    let payload = [0; 4096];
    let next = received(&frame(3, 1, &payload)).next(4096);
    assert_eq!(next, Ok(Some(Frame::Body { channel: 1, payload: Bytes::copy_from_slice(&payload) })));
}

#[test]
fn a_frame_of_no_known_type_is_refused_before_it_is_there() {
    let refusal = refusal(&frame(9, 1, b"hello")[..7]);
    assert_eq!(refusal.text, "FRAME_ERROR - type 9, all octets = <<>>: unknown_frame");
}

#[test]
fn a_frame_without_its_end_is_refused() {
    let mut octets = frame(1, 1, &[0, 60, 0, 80]);
    *octets.last_mut().expect("an octet") = 0;
    let text = "FRAME_ERROR - type 1, all octets = <<0,60,0,80>>: {invalid_frame_end_marker,0}";
    assert_eq!(refusal(&octets).text, text);
}

#[test]
fn a_heartbeat_is_empty_and_on_channel_0() {
    assert_eq!(received(&frame(8, 0, &[])).next(FRAME_MAX), Ok(Some(Frame::Heartbeat)));
    assert_eq!(refusal(&frame(8, 1, &[])).text, "UNEXPECTED_FRAME - type 8, all octets = <<>>");
    let text = "FRAME_ERROR - type 8, all octets = <<1>>: unknown_frame";
    assert_eq!(refusal(&frame(8, 0, &[1])).text, text);
}

#[test]
fn a_header_that_is_too_short_is_no_header() {
    assert_eq!(refusal(&frame(2, 1, &header_of(&[])[..11])).code, Code::FrameError);
}

#[test]
fn properties_that_do_not_add_up_are_refused() {
    let bad: [&[u8]; 8] = [
        &[],                             // no flags
        &[0, 0, 0],                      // more than they say
        &[0, 1],                         // flags to come
        &[0, 2],                         // a property that nobody knows
        &[0x80, 0, 5, b'a'],             // a string that is longer than all that is there
        &[0x80, 0, 1, 0xff],             // not UTF-8
        &[0x20, 0, 0, 0, 0, 2, 1, b'a'], // a key without a value
        &[0x00, 0x40, 0, 0, 0, 0],       // half a timestamp
    ];
    for properties in bad {
        let refusal = refusal(&frame(2, 1, &header_of(properties)));
        assert_eq!(refusal.code, Code::FrameError, "{properties:?}");
    }
    let good = Bytes::from_static(&[0x90, 0, 1, b'a', 2]);
    let next = received(&frame(2, 1, &header_of(&good))).next(FRAME_MAX);
    let expected = Frame::Header { channel: 1, class: BASIC, body_size: 5, properties: good };
    assert_eq!(next, Ok(Some(expected)));
}

#[test]
fn properties_of_another_class_are_not_handed_on() {
    let mut payload = header_of(&[0, 1, 2, 3]);
    payload[1] = 50;
    let next = received(&frame(2, 1, &payload)).next(FRAME_MAX);
    let expected = Frame::Header { channel: 1, class: 50, body_size: 5, properties: Bytes::new() };
    assert_eq!(next, Ok(Some(expected)));
}

#[test]
fn headers_of_twenty_thousand_levels_are_refused() {
    for nested in [samples::nested_tables, samples::nested_arrays] {
        let properties = [&[0x20, 0][..], &nested(20_000)].concat();
        assert_eq!(refusal(&frame(2, 1, &header_of(&properties))).code, Code::SyntaxError);
    }
}

#[test]
fn octets_of_a_frame_are_not_copied() {
    let mut reader = received(&frame(3, 1, b"hello"));
    let there = reader.buffer_mut()[7..].as_ptr();
    match reader.next(FRAME_MAX) {
        Ok(Some(Frame::Body { payload, .. })) => assert_eq!(payload.as_ptr(), there),
        other => panic!("{other:?}"),
    }
}

/// A frame as a client sends it, and what is read of it.
fn any_frame() -> impl Strategy<Value = (Vec<u8>, Frame)> {
    let channel = 1..u16::MAX;
    let methods = samples::methods(&Default::default());
    let method = (channel.clone(), proptest::sample::select(methods)).prop_map(|(channel, class)| {
        let payload = samples::payload(&class).into();
        (written(&AMQPFrame::Method(channel, class)), Frame::Method { channel, payload })
    });
    let header = (channel.clone(), samples::properties(), any::<u64>());
    let header = header.prop_map(|(channel, properties, body_size)| {
        let raw = properties::encode(&properties);
        let header = AMQPContentHeader { class_id: BASIC, body_size, properties };
        let expected = Frame::Header { channel, class: BASIC, body_size, properties: raw };
        (written(&AMQPFrame::Header(channel, header)), expected)
    });
    let body = (channel, vec(any::<u8>(), 0..300)).prop_map(|(channel, body)| {
        let payload = Bytes::from(body.clone());
        (written(&AMQPFrame::Body(channel, body)), Frame::Body { channel, payload })
    });
    let heartbeat = Just((written(&AMQPFrame::Heartbeat), Frame::Heartbeat));
    prop_oneof![method, header, body, heartbeat]
}

proptest! {
    #[test]
    fn frames_are_the_same_however_they_arrive(
        sent in vec(any_frame(), 1..12),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let (octets, expected): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let octets = octets.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(octets.len())).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();

        let mut reader = FrameReader::default();
        let mut seen = Vec::new();
        for part in cuts.windows(2) {
            reader.buffer_mut().extend_from_slice(&octets[part[0]..part[1]]);
            seen.extend(all(&mut reader));
        }
        prop_assert_eq!(seen, expected);
        prop_assert!(reader.buffer_mut().is_empty());
    }

    #[test]
    fn no_octets_panic(octets in vec(any::<u8>(), 0..200), kind in 0_u8..10, channel in 0_u16..3) {
        for octets in [octets.clone(), frame(kind, channel, &octets), frame(2, channel, &header_of(&octets))] {
            let mut reader = received(&octets);
            while let Ok(Some(_)) = reader.next(FRAME_MAX) {}
        }
    }
}

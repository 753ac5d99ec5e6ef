use amq_protocol::{
    frame::{AMQPContentHeader, AMQPFrame, parse_frame},
    protocol::basic,
};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::frame::{
    properties,
    samples::{self, FRAME_MAX, written},
};

/// What a function here writes.
fn wrote(write: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    write(&mut buffer);
    buffer.to_vec()
}

/// What amq-protocol writes for a method of class basic.
fn expected(channel: u16, method: basic::AMQPMethod) -> Vec<u8> {
    written(&AMQPFrame::Method(channel, AMQPClass::Basic(method)))
}

#[test]
fn every_method_is_written_as_amq_protocol_does() {
    for class in samples::methods(&Default::default()) {
        let ours = wrote(|buffer| method(buffer, 3, &class));
        assert_eq!(ours, written(&AMQPFrame::Method(3, class)));
    }
}

#[test]
fn a_heartbeat_is_written_as_amq_protocol_does() {
    assert_eq!(wrote(heartbeat), written(&AMQPFrame::Heartbeat));
}

#[test]
fn frames_are_appended() {
    let both = wrote(|buffer| {
        heartbeat(buffer);
        ack(buffer, 1, 1, Multiple::Single);
    });
    assert_eq!(both, [wrote(heartbeat), wrote(|buffer| ack(buffer, 1, 1, Multiple::Single))].concat());
}

#[test]
fn texts_are_cut_to_what_a_short_string_takes() {
    assert_eq!(short("NO_ROUTE"), "NO_ROUTE");
    assert_eq!(short(&"a".repeat(256)), "a".repeat(255));
    assert_eq!(short(&"ä".repeat(200)), "ä".repeat(127));
    let long = wrote(|buffer| returned(buffer, 1, 312, &"a".repeat(300), "", ""));
    let (_, frame) = parse_frame(&long[..]).expect("a frame");
    assert!(matches!(frame, AMQPFrame::Method(1, AMQPClass::Basic(basic::AMQPMethod::Return(_)))));
}

#[test]
fn a_body_is_split_into_frames_of_the_largest_size() {
    for (length, parts) in [(0, 0), (1, 1), (4087, 1), (4088, 1), (4089, 2), (8176, 2), (8177, 3)] {
        let body = vec![7; length];
        let octets = wrote(|buffer| content(buffer, 1, &[0, 0], &body, 4096));
        let (mut rest, header) = parse_frame(&octets[..]).expect("a header");
        assert!(header.is_header());
        let mut seen = Vec::new();
        while !rest.is_empty() {
            let (after, frame) = parse_frame(rest).expect("a frame");
            assert!(rest.len() - after.len() <= 4096);
            rest = after;
            match frame {
                AMQPFrame::Body(1, part) => seen.push(part),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(seen.len(), parts, "{length}");
        assert_eq!(seen.concat(), body);
    }
}

proptest! {
    #[test]
    fn what_comes_with_every_message_is_written_as_amq_protocol_does(
        channel in any::<u16>(),
        tag in any::<u64>(),
        flag in any::<bool>(),
        [name, exchange, key] in proptest::array::uniform3("\\PC{0,40}"),
        count in any::<u32>(),
        code in any::<u16>(),
    ) {
        use basic::AMQPMethod::{Ack, Deliver, GetOk, Nack, Return};
        let redelivered = if flag { Redelivered::Yes } else { Redelivered::No };
        let multiple = if flag { Multiple::UpTo } else { Multiple::Single };

        let ours = wrote(|buffer| deliver(buffer, channel, &name, tag, redelivered, &exchange, &key));
        prop_assert_eq!(ours, expected(channel, Deliver(basic::Deliver {
            consumer_tag: name.as_str().into(),
            delivery_tag: tag,
            redelivered: flag,
            exchange: exchange.as_str().into(),
            routing_key: key.as_str().into(),
        })));

        let ours = wrote(|buffer| get_ok(buffer, channel, tag, redelivered, &exchange, &key, count));
        prop_assert_eq!(ours, expected(channel, GetOk(basic::GetOk {
            delivery_tag: tag,
            redelivered: flag,
            exchange: exchange.as_str().into(),
            routing_key: key.as_str().into(),
            message_count: count,
        })));

        let ours = wrote(|buffer| returned(buffer, channel, code, &name, &exchange, &key));
        prop_assert_eq!(ours, expected(channel, Return(basic::Return {
            reply_code: code,
            reply_text: name.as_str().into(),
            exchange: exchange.as_str().into(),
            routing_key: key.as_str().into(),
        })));

        let ours = wrote(|buffer| ack(buffer, channel, tag, multiple));
        prop_assert_eq!(ours, expected(channel, Ack(basic::Ack { delivery_tag: tag, multiple: flag })));

        let ours = wrote(|buffer| nack(buffer, channel, tag, multiple));
        let theirs = basic::Nack { delivery_tag: tag, multiple: flag, requeue: false };
        prop_assert_eq!(ours, expected(channel, Nack(theirs)));
    }

    #[test]
    fn a_content_is_written_as_amq_protocol_does(
        channel in any::<u16>(),
        props in samples::properties(),
        body in vec(any::<u8>(), 1..100),
    ) {
        let raw = properties::encode(&props);
        let ours = wrote(|buffer| content(buffer, channel, &raw, &body, FRAME_MAX));
        let body_size = body.len() as u64;
        let header = AMQPContentHeader { class_id: BASIC, body_size, properties: props };
        let theirs = [AMQPFrame::Header(channel, header), AMQPFrame::Body(channel, body)];
        prop_assert_eq!(ours, theirs.map(|frame| written(&frame)).concat());
    }
}

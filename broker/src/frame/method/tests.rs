use amq_protocol::{
    protocol::basic,
    types::{AMQPValue, FieldTable},
};
use proptest::{collection::vec, prelude::*};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::*;
use crate::{
    error::Code,
    frame::samples::{self, damaged},
};

fn arguments() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(5));
    arguments
}

/// The same method as amq-protocol knows it.
fn as_class(method: Method<'_>) -> AMQPClass {
    use basic::AMQPMethod;
    AMQPClass::Basic(match method {
        Method::Publish(Publish { exchange, routing_key, mandatory, immediate }) => {
            AMQPMethod::Publish(basic::Publish {
                exchange: exchange.into(),
                routing_key: routing_key.into(),
                mandatory,
                immediate,
            })
        }
        Method::Ack { tag, multiple } => AMQPMethod::Ack(basic::Ack { delivery_tag: tag, multiple }),
        Method::Nack { tag, multiple, requeue } => {
            AMQPMethod::Nack(basic::Nack { delivery_tag: tag, multiple, requeue })
        }
        Method::Reject { tag, requeue } => AMQPMethod::Reject(basic::Reject { delivery_tag: tag, requeue }),
        Method::Other(class) => return class,
    })
}

/// What is made of a payload, beside what amq-protocol makes of it. Only for payloads that it survives.
fn compare(payload: &[u8]) -> (Option<AMQPClass>, Option<AMQPClass>) {
    let theirs = match parse_class(payload) {
        Ok(([], class)) => Some(class),
        _ => None,
    };
    (decode(payload).ok().map(as_class), theirs)
}

#[test]
fn every_method_is_decoded() {
    for class in samples::methods(&arguments()) {
        let payload = samples::payload(&class);
        let method = decode(&payload).expect("a method");
        let by_hand = !matches!(method, Method::Other(_));
        let id = (class.get_amqp_class_id(), class.get_amqp_method_id());
        assert_eq!(by_hand, matches!(id, (60, 40 | 80 | 90 | 120)), "{id:?}");
        assert_eq!(as_class(method), class);
    }
}

#[test]
fn a_method_is_refused_that_ends_early_or_late() {
    for class in samples::methods(&arguments()) {
        let mut payload = samples::payload(&class);
        for end in 4..payload.len() {
            let refusal = decode(&payload[..end]).expect_err("it ends early");
            assert_eq!(refusal.code, Code::FrameError, "{class:?} to {end}");
        }
        payload.push(0);
        assert_eq!(decode(&payload).expect_err("it ends late").code, Code::FrameError, "{class:?}");
    }
    assert_eq!(decode(&[0, 60, 0]).expect_err("no method").code, Code::FrameError);
}

#[test]
fn unknown_methods_are_not_implemented() {
    for (payload, text) in [
        (&[0, 60, 0, 99][..], "NOT_IMPLEMENTED - unknown method 60.99"),
        (&[0, 61, 0, 10, 1, 2, 3][..], "NOT_IMPLEMENTED - unknown method 61.10"),
    ] {
        assert_eq!(decode(payload).expect_err("no such method").text, text);
    }
}

#[test]
fn names_must_be_utf8() {
    let payload = [0, 60, 0, 40, 0, 0, 1, 0xff, 1, b'a', 0];
    let refusal = decode(&payload).expect_err("not UTF-8");
    assert_eq!(refusal.text, "FRAME_ERROR - cannot decode <<0,0,1,255,1,97,0>>");
}

#[test]
fn flags_are_told_apart() {
    let flags = |flags| {
        let payload = [0, 60, 0, 40, 0, 0, 0, 0, flags];
        match decode(&payload).expect("a method") {
            Method::Publish(publish) => (publish.mandatory, publish.immediate),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(flags(0), (false, false));
    assert_eq!(flags(1), (true, false));
    assert_eq!(flags(2), (false, true));
    // the rest is nobody's
    assert_eq!(flags(0xfc), (false, false));
}

#[test]
fn no_method_has_a_table_deep_enough_to_overflow_a_stack() {
    let plain = samples::methods(&FieldTable::default()).into_iter().map(|class| samples::payload(&class));
    let filled = samples::methods(&arguments());
    let mut with_table = 0;
    for (plain, class) in plain.zip(filled) {
        let payload = samples::payload(&class);
        if plain == payload {
            continue;
        }
        with_table += 1;
        // where the two first differ is the length of the table
        let at = plain.iter().zip(&payload).position(|(one, other)| one != other).expect("a table");
        let at = at - 3;
        assert_eq!(plain[at..at + 4], [0; 4], "{class:?}");
        for nested in [samples::nested_tables, samples::nested_arrays] {
            let deep = [&plain[..at], &nested(20_000), &plain[at + 4..]].concat();
            let refusal = decode(&deep).expect_err("too deep");
            assert_eq!(refusal.text, "SYNTAX_ERROR - tables are nested deeper than 64 levels");
            let shallow = [&plain[..at], &nested(10), &plain[at + 4..]].concat();
            decode(&shallow).expect("not too deep");
        }
    }
    assert_eq!(with_table, 9);
}

#[test]
fn a_hundred_thousand_damaged_methods_are_decoded_as_amq_protocol_does() {
    let mut random = SmallRng::seed_from_u64(0x09_01);
    let whole: Vec<Vec<u8>> = samples::methods(&arguments()).iter().map(samples::payload).collect();
    for round in 0..100_000 {
        let mut payload = whole[round % whole.len()].clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..payload.len());
            match random.random_range(0..4) {
                0 => payload[at] ^= 1 << random.random_range(0..8),
                1 => payload[at] = random.random(),
                2 => payload.insert(at, random.random()),
                _ if payload.len() > 1 => payload.truncate(at.max(1)),
                _ => (),
            }
        }
        let (ours, theirs) = compare(&payload);
        assert_eq!(ours, theirs, "round {round}: {payload:?}");
    }
}

proptest! {
    #[test]
    fn a_method_is_what_amq_protocol_decodes(
        payload in damaged(samples::table().prop_flat_map(|arguments| {
            proptest::sample::select(samples::methods(&arguments)).prop_map(|class| samples::payload(&class))
        })),
    ) {
        let (ours, theirs) = compare(&payload);
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn no_octets_panic(mut payload in vec(any::<u8>(), 0..100), class in 0_u8..100, method in 0_u8..130) {
        let _ = decode(&payload);
        if let Some(ids) = payload.first_chunk_mut() {
            *ids = [0, class, 0, method];
            let _ = decode(&payload);
        }
    }
}

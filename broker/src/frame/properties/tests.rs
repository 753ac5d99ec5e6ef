use amq_protocol::types::ShortString;
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::frame::samples::{self, damaged};

fn as_str(short: &Option<ShortString>) -> Option<&str> {
    short.as_ref().map(ShortString::as_str)
}

#[test]
fn what_a_broker_acts_on_is_seen_without_decoding() {
    let mut table = FieldTable::default();
    table.insert("kind".into(), AMQPValue::Boolean(true));
    let properties = AMQPProperties::default()
        .with_content_type("text/plain".into())
        .with_headers(table.clone())
        .with_delivery_mode(2)
        .with_priority(7)
        .with_reply_to("amq.rabbitmq.reply-to".into())
        .with_expiration("1000".into())
        .with_user_id("guest".into());
    let raw = encode(&properties);
    let seen = peek(&raw);
    assert_eq!(seen.headers, Some(13..24));
    assert_eq!(
        Peek { headers: None, ..seen },
        Peek {
            delivery_mode: Some(2),
            priority: Some(7),
            expiration: Some("1000"),
            reply_to: Some("amq.rabbitmq.reply-to"),
            user_id: Some("guest"),
            headers: None,
        }
    );
    assert_eq!(headers(&raw), table);
}

#[test]
fn a_message_without_properties_has_none_to_see() {
    for raw in [&[][..], &[0], &[0, 0]] {
        assert_eq!(peek(raw), Peek::default());
        assert_eq!(headers(raw), FieldTable::default());
    }
    assert_eq!(decode(&[0, 0]), Some(AMQPProperties::default()));
    assert_eq!(decode(&[]), None);
    assert_eq!(encode(&AMQPProperties::default()), &[0, 0][..]);
    assert_eq!(without_expiration(&[]), &[0, 0][..]);
}

#[test]
fn headers_keep_their_order_and_their_types_when_one_is_set() {
    // amq-protocol would write `U` as `s`, and sort by key
    let raw = [&[0x20, 0, 0, 0, 0, 12][..], b"\x01bU\0\x01\x01at\x01\x01cV"].concat();
    let mut with_length = raw.clone();
    with_length[5] = u8::try_from(raw.len() - 6).expect("a short table");
    let edited = with_header(&with_length, "a", &AMQPValue::Void);
    let keys: Vec<&str> = entries(&edited[2..]).map(|(key, _)| key).collect();
    assert_eq!(keys, ["b", "c", "a"]);
    assert!(edited.windows(5).any(|octets| octets == b"\x01bU\0\x01"));
}

proptest! {
    #[test]
    fn encoded_properties_decode_to_the_same(properties in samples::properties()) {
        let raw = encode(&properties);
        prop_assert!(check(&raw).is_ok());
        prop_assert_eq!(decode(&raw), Some(properties));
    }

    #[test]
    fn a_look_sees_what_is_decoded(properties in samples::properties()) {
        let raw = encode(&properties);
        let seen = peek(&raw);
        prop_assert_eq!(seen.delivery_mode, *properties.delivery_mode());
        prop_assert_eq!(seen.priority, *properties.priority());
        prop_assert_eq!(seen.expiration, as_str(properties.expiration()));
        prop_assert_eq!(seen.reply_to, as_str(properties.reply_to()));
        prop_assert_eq!(seen.user_id, as_str(properties.user_id()));
        prop_assert_eq!(seen.headers.is_some(), properties.headers().is_some());
        prop_assert_eq!(headers(&raw), properties.headers().clone().unwrap_or_default());
    }

    #[test]
    fn an_edit_changes_one_property_and_no_other(
        properties in samples::properties(),
        text in "\\PC{0,40}",
        key in "[a-c]",
        value in samples::value(),
    ) {
        let raw = encode(&properties);

        let edited = decode(&with_reply_to(&raw, &text));
        prop_assert_eq!(edited, Some(properties.clone().with_reply_to(text.as_str().into())));

        let mut table = properties.headers().clone().unwrap_or_default();
        table.insert(key.as_str().into(), value.clone());
        let edited = with_header(&raw, &key, &value);
        prop_assert_eq!(decode(&edited), Some(properties.clone().with_headers(table)));
        prop_assert_eq!(with_header(&edited, &key, &value).len(), edited.len());

        let edited = decode(&without_expiration(&raw)).expect("properties");
        prop_assert_eq!(edited.expiration(), &None);
        let restored = properties.expiration().clone().into_iter().fold(edited, AMQPProperties::with_expiration);
        prop_assert_eq!(restored, properties);
    }

    #[test]
    fn properties_are_what_amq_protocol_decodes(
        raw in damaged(samples::properties().prop_map(|properties| encode(&properties).to_vec())),
    ) {
        let theirs = match parse_properties(&raw[..]) {
            Ok(([], properties)) if raw[1] & 3 == 0 => Some(properties),
            _ => None,
        };
        prop_assert_eq!(check(&raw).is_ok(), theirs.is_some());
        prop_assert_eq!(decode(&raw), theirs);
    }

    #[test]
    fn no_octets_panic(raw in prop_oneof![
        vec(any::<u8>(), 0..100),
        damaged(samples::properties().prop_map(|properties| encode(&properties).to_vec())),
    ]) {
        let _ = (check(&raw), peek(&raw), decode(&raw), headers(&raw));
        let _ = (with_reply_to(&raw, "there"), without_expiration(&raw));
        let _ = with_header(&raw, "key", &AMQPValue::Void);
    }
}

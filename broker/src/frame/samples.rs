//! What the tests of this folder are run over.

use amq_protocol::{
    frame::{AMQPFrame, gen_frame},
    protocol::{AMQPClass, basic},
    types::{AMQPValue, DecimalValue, FieldArray, FieldTable, ShortString, generation::gen_field_table},
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{generate::generated, read::FrameReader};

mod methods;
pub(crate) use methods::methods;

/// What a client may at most send in one frame, where a test does not say otherwise.
pub(crate) const FRAME_MAX: u32 = 131_072;

/// A frame as amq-protocol writes it.
pub(crate) fn written(frame: &AMQPFrame) -> Vec<u8> {
    generated(gen_frame(frame))
}

/// The payload of a method frame as amq-protocol writes it.
pub(crate) fn payload(class: &AMQPClass) -> Vec<u8> {
    generated(amq_protocol::protocol::gen_class(class))
}

/// A reader that has received `octets`.
pub(crate) fn received(octets: &[u8]) -> FrameReader {
    let mut reader = FrameReader::default();
    reader.buffer_mut().extend_from_slice(octets);
    reader
}

/// A table within a table, and so on: `depth` of them.
pub(crate) fn nested_tables(depth: usize) -> Vec<u8> {
    let mut octets = length(6 * (depth - 1)).to_vec();
    for inside in (0..depth - 1).rev() {
        octets.extend(b"\0F");
        octets.extend(length(6 * inside));
    }
    octets
}

/// An array within an array, and so on, within a table: `depth` of them.
pub(crate) fn nested_arrays(depth: usize) -> Vec<u8> {
    let mut octets = length(1 + 5 * (depth - 1)).to_vec();
    octets.push(0);
    for inside in (0..depth - 1).rev() {
        octets.push(b'A');
        octets.extend(length(5 * inside));
    }
    octets
}

fn length(octets: usize) -> [u8; 4] {
    u32::try_from(octets).expect("a short table").to_be_bytes()
}

pub(crate) fn short() -> impl Strategy<Value = ShortString> {
    "\\PC{0,12}".prop_map(ShortString::from)
}

pub(crate) fn value() -> impl Strategy<Value = AMQPValue> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(AMQPValue::Boolean),
        any::<i8>().prop_map(AMQPValue::ShortShortInt),
        any::<u8>().prop_map(AMQPValue::ShortShortUInt),
        any::<i16>().prop_map(AMQPValue::ShortInt),
        any::<u16>().prop_map(AMQPValue::ShortUInt),
        any::<i32>().prop_map(AMQPValue::LongInt),
        any::<u32>().prop_map(AMQPValue::LongUInt),
        any::<i64>().prop_map(AMQPValue::LongLongInt),
        any::<f32>().prop_map(AMQPValue::Float),
        any::<f64>().prop_map(AMQPValue::Double),
        any::<(u8, u32)>().prop_map(|(scale, value)| AMQPValue::DecimalValue(DecimalValue { scale, value })),
        vec(any::<u8>(), 0..20).prop_map(|octets| AMQPValue::LongString(octets.into())),
        vec(any::<u8>(), 0..20).prop_map(|octets| AMQPValue::ByteArray(octets.into())),
        any::<u64>().prop_map(AMQPValue::Timestamp),
        Just(AMQPValue::Void),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| AMQPValue::FieldArray(FieldArray::from(values))),
            proptest::collection::btree_map(short(), inner, 0..4)
                .prop_map(|entries| AMQPValue::FieldTable(entries.into())),
        ]
    })
}

pub(crate) fn table() -> impl Strategy<Value = FieldTable> {
    proptest::collection::btree_map(short(), value(), 0..4).prop_map(FieldTable::from)
}

/// Tables, tables with a few octets changed, and octets that are none.
pub(crate) fn table_like() -> impl Strategy<Value = Vec<u8>> {
    let whole = table().prop_map(|table| generated(gen_field_table(&table)));
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(any::<u8>(), 0..40).prop_map(|rest| [&length(rest.len())[..], &rest].concat()),
        damaged(whole),
    ]
}

/// The same with a few octets changed, or cut off.
pub(crate) fn damaged(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    // tags, lengths that nearly fit, and whatever else
    let octet = prop_oneof![
        proptest::sample::select(b"tbBsUuIilLfdDSATFxV\0\x01\x02\x03\xff".as_slice()),
        any::<u8>()
    ];
    (whole, vec((any::<Index>(), octet), 0..4), option::of(any::<Index>())).prop_map(
        |(mut octets, changes, cut)| {
            for (place, octet) in changes {
                if !octets.is_empty() {
                    let place = place.index(octets.len());
                    octets[place] = octet;
                }
            }
            octets.truncate(cut.map_or(octets.len(), |cut| cut.index(octets.len() + 1)));
            octets
        },
    )
}

/// The properties of messages. Whether each is there is a choice of its own.
pub(crate) fn properties() -> impl Strategy<Value = basic::AMQPProperties> {
    let shorts = proptest::array::uniform10(option::of(short()));
    let others =
        (option::of(table()), option::of(any::<u8>()), option::of(any::<u8>()), option::of(any::<u64>()));
    (shorts, others).prop_map(|(shorts, (headers, delivery_mode, priority, timestamp))| {
        use basic::AMQPProperties as P;
        let set = [
            P::with_content_type,
            P::with_content_encoding,
            P::with_correlation_id,
            P::with_reply_to,
            P::with_expiration,
            P::with_message_id,
            P::with_type,
            P::with_user_id,
            P::with_app_id,
            P::with_cluster_id,
        ];
        let mut all = P::default();
        for (with, value) in set.into_iter().zip(shorts) {
            all = value.into_iter().fold(all, with);
        }
        all = headers.into_iter().fold(all, P::with_headers);
        all = delivery_mode.into_iter().fold(all, P::with_delivery_mode);
        all = priority.into_iter().fold(all, P::with_priority);
        timestamp.into_iter().fold(all, P::with_timestamp)
    })
}

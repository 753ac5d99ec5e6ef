//! Field tables in records: as they stand on the wire, in hexadecimal digits. JSON has no word for some of
//! their numbers, and reads no tables that are nested as deep as AMQP's may be.

use amq_protocol::types::FieldTable;
use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};

use crate::frame::table;

/// Writes a table.
pub(super) fn serialize<S: Serializer>(table: &FieldTable, serializer: S) -> Result<S::Ok, S::Error> {
    let digits: String = table::encode(table).iter().map(|octet| format!("{octet:02x}")).collect();
    serializer.serialize_str(&digits)
}

/// Reads what [`serialize`] wrote.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldTable, D::Error> {
    let digits = String::deserialize(deserializer)?;
    let octets = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let octets: Option<Vec<u8>> = octets.collect();
    octets.and_then(|octets| table::decode(&octets)).ok_or_else(|| D::Error::custom("it is no table"))
}

#[cfg(test)]
mod tests {
    use amq_protocol::types::AMQPValue;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Holder(#[serde(with = "super")] FieldTable);

    #[test]
    fn numbers_that_json_has_not_and_tables_that_are_nested_deep_read_back() {
        let mut table = FieldTable::default();
        table.insert("nothing".into(), AMQPValue::Double(f64::NAN));
        table.insert("much".into(), AMQPValue::Float(f32::INFINITY));
        for _ in 0..60 {
            let mut outer = FieldTable::default();
            outer.insert("inner".into(), AMQPValue::FieldTable(table));
            table = outer;
        }
        let written = serde_json::to_vec(&Holder(table.clone())).expect("it is written");
        let Holder(read) = serde_json::from_slice(&written).expect("it is read");
        assert_eq!(table::encode(&read), table::encode(&table));
        for damaged in ["\"0\"", "\"00\"", "\"zz\"", "\"00000001ff\""] {
            assert!(serde_json::from_str::<Holder>(damaged).is_err(), "{damaged}");
        }
    }
}

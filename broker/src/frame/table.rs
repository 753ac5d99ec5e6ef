//! Judges field tables. amq-protocol decodes nested tables by recursion, and a hostile one of a hundred
//! kilobytes is deep enough to overflow a stack: so every table is walked here first, in a loop.

use amq_protocol::types::{FieldTable, generation::gen_field_table, parsing::parse_field_table};

use crate::{
    error::{Code, Refusal},
    frame::{cursor::Cursor, generate::generated, refuse},
};

/// How deep tables and arrays may stand in one another.
pub(crate) const NESTING_LIMIT: usize = 64;

/// How the octets after a type's tag are laid out.
enum Layout {
    /// So many octets.
    Octets(usize),
    /// A length, and as many octets.
    Long,
    /// A length, and as many octets of values or entries.
    Nested(Kind),
}

/// What has values in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    Array,
}

/// The types of values, as RabbitMQ and amq-protocol know them: `s` is a short integer and not a short string.
fn layout(tag: u8) -> Option<Layout> {
    Some(match tag {
        b'V' => Layout::Octets(0),
        b't' | b'b' | b'B' => Layout::Octets(1),
        b's' | b'U' | b'u' => Layout::Octets(2),
        b'I' | b'i' | b'f' => Layout::Octets(4),
        b'D' => Layout::Octets(5),
        b'l' | b'L' | b'd' | b'T' => Layout::Octets(8),
        b'S' | b'x' => Layout::Long,
        b'F' => Layout::Nested(Kind::Table),
        b'A' => Layout::Nested(Kind::Array),
        _ => return None,
    })
}

/// A table or an array that is being walked.
#[derive(Clone, Copy)]
struct Open {
    kind: Kind,
    /// Where it ends.
    end: usize,
}

/// Whether octets begin with a table that amq-protocol decodes, and how many octets it takes, its length
/// included. What comes after it is not looked at.
pub(crate) fn check_table(octets: &[u8]) -> Result<usize, Refusal> {
    let malformed = || refuse::malformed(octets);
    let table = Cursor::new(octets).long().ok_or_else(malformed)?;

    let mut open = [Open { kind: Kind::Table, end: table.len() }; NESTING_LIMIT];
    let (mut depth, mut at) = (1_usize, 0);
    while let Some(Open { kind, end }) = depth.checked_sub(1).and_then(|inmost| open.get(inmost).copied()) {
        if at == end {
            depth -= 1;
            continue;
        }
        let mut cursor = Cursor::new(table.get(at..end).ok_or_else(malformed)?);
        let inside = step(&mut cursor, kind).ok_or_else(malformed)?;
        at = end - cursor.rest().len();
        if let Some((kind, length)) = inside {
            let end = at.checked_add(length).filter(|inner| *inner <= end).ok_or_else(malformed)?;
            *open.get_mut(depth).ok_or_else(too_deep)? = Open { kind, end };
            depth += 1;
        }
    }
    Ok(4 + table.len())
}

/// Reads one value, and its key where it has one. Of a table or an array only its kind and length are read.
fn step(cursor: &mut Cursor<'_>, kind: Kind) -> Option<Option<(Kind, usize)>> {
    if kind == Kind::Table {
        cursor.short()?;
    }
    Some(match layout(cursor.u8()?)? {
        Layout::Octets(count) => cursor.take(count).map(|_| None)?,
        Layout::Long => cursor.long().map(|_| None)?,
        Layout::Nested(kind) => Some((kind, usize::try_from(cursor.u32()?).ok()?)),
    })
}

fn too_deep() -> Refusal {
    Refusal::new(Code::SyntaxError, format_args!("tables are nested deeper than {NESTING_LIMIT} levels"))
}

/// A table as it stands on the wire.
pub(crate) fn encode(table: &FieldTable) -> Vec<u8> {
    generated(gen_field_table(table))
}

/// The table that these octets are, if they are one.
pub(crate) fn decode(octets: &[u8]) -> Option<FieldTable> {
    check_table(octets).ok().filter(|length| *length == octets.len())?;
    parse_field_table(octets).ok().map(|(_, table)| table)
}

/// The entries of a table that [`check_table`] found to be one: the key of each, and all of its octets.
pub(crate) fn entries(table: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut cursor = Cursor::new(Cursor::new(table).long().unwrap_or_default());
    std::iter::from_fn(move || {
        let entry = cursor.rest();
        let key = cursor.short()?;
        match layout(cursor.u8()?)? {
            Layout::Octets(count) => cursor.take(count)?,
            Layout::Long | Layout::Nested(_) => cursor.long()?,
        };
        Some((key, entry.get(..entry.len() - cursor.rest().len())?))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{generate::generated, samples};

    /// amq-protocol's view: the octets that it takes for a table.
    fn decoded(octets: &[u8]) -> Option<(usize, FieldTable)> {
        parse_field_table(octets).ok().map(|(rest, table)| (octets.len() - rest.len(), table))
    }

    #[test]
    fn a_table_of_every_type_is_one() {
        let mut octets =
            Vec::from(*b"\x01aV\x01bt\x01\x01cb\x01\x01dB\x01\x01es\0\x01\x01fU\0\x01\x01gu\0\x01");
        octets.extend(b"\x01hI\0\0\0\x01\x01ii\0\0\0\x01\x01jf\0\0\0\0\x01kD\x02\0\0\0\x01");
        octets.extend(
            b"\x01ll\0\0\0\0\0\0\0\x01\x01mL\0\0\0\0\0\0\0\x01\x01nd\0\0\0\0\0\0\0\0\x01oT\0\0\0\0\0\0\0\x01",
        );
        octets.extend(b"\x01pS\0\0\0\x01a\x01qx\0\0\0\x01a\x01rF\0\0\0\x03\x01aV\x01sA\0\0\0\x02VV");
        let length = u32::try_from(octets.len()).expect("a short table");
        octets.splice(0..0, length.to_be_bytes());
        octets.extend(b"what follows");

        assert_eq!(check_table(&octets), Ok(octets.len() - 12));
        let (taken, table) = decoded(&octets).expect("a table");
        assert_eq!((taken, table.inner().len()), (octets.len() - 12, 19));
        let keys: String = entries(&octets).map(|(key, _)| key).collect();
        assert_eq!(keys, "abcdefghijklmnopqrs");
        let whole: usize = entries(&octets).map(|(_, entry)| entry.len()).sum();
        assert_eq!(4 + whole, octets.len() - 12);
    }

    #[test]
    fn tables_are_nested_as_deep_as_the_limit_and_no_deeper() {
        for nested in [samples::nested_tables, samples::nested_arrays] {
            let octets = nested(NESTING_LIMIT);
            assert_eq!(check_table(&octets), Ok(octets.len()));
            let refusal = check_table(&nested(NESTING_LIMIT + 1)).expect_err("too deep");
            assert_eq!(refusal.text, "SYNTAX_ERROR - tables are nested deeper than 64 levels");
            check_table(&nested(20_000)).expect_err("far too deep");
        }
    }

    #[test]
    fn what_is_as_deep_as_the_limit_is_decoded_on_half_the_stack_of_a_worker() {
        for nested in [samples::nested_tables, samples::nested_arrays] {
            let thread = std::thread::Builder::new().stack_size(1 << 20);
            let decode = move || decoded(&nested(NESTING_LIMIT)).map(|(taken, _)| taken);
            let taken = thread.spawn(decode).expect("a thread").join().expect("no overflow");
            assert!(taken.is_some());
        }
    }

    proptest! {
        #[test]
        fn a_table_is_what_amq_protocol_decodes(octets in samples::table_like()) {
            prop_assert_eq!(check_table(&octets).ok(), decoded(&octets).map(|(taken, _)| taken));
        }

        #[test]
        fn entries_are_those_of_the_table(table in samples::table()) {
            let octets = generated(gen_field_table(&table));
            prop_assert_eq!(check_table(&octets), Ok(octets.len()));
            let keys: Vec<&str> = entries(&octets).map(|(key, _)| key).collect();
            let expected: Vec<&str> = table.inner().keys().map(|key| key.as_str()).collect();
            prop_assert_eq!(keys, expected);
        }
    }
}

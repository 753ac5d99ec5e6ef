//! What JSON of protobuf may hold and is not understood by the reader of OTLP's messages.

use std::borrow::Cow;

/// An attribute's field for numbers that are no whole numbers.
const NUMBER: &[u8] = b"\"doubleValue\"";
/// The field for texts, of the same length.
const TEXT: &[u8] = b"\"stringValue\"";

/// A request in which numbers that are written as texts, as protobuf writes `"NaN"` and `"Infinity"`, are texts. They
/// would be shown as such anyway: JSON has no word for them.
pub(super) fn readable(body: &[u8]) -> Cow<'_, [u8]> {
    let mut body = Cow::Borrowed(body);
    let mut from = 0;
    while let Some(at) = find(&body[from..]) {
        let (start, end) = (from + at, from + at + NUMBER.len());
        // Within a text its quotes would be escaped, so that this is a key, and what follows its value.
        let mut rest = body[end..].iter().filter(|byte| !byte.is_ascii_whitespace());
        if (rest.next(), rest.next()) == (Some(&b':'), Some(&b'"')) {
            body.to_mut()[start..end].copy_from_slice(TEXT);
        }
        from = end;
    }
    body
}

fn find(body: &[u8]) -> Option<usize> {
    body.windows(NUMBER.len()).position(|window| window == NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_texts_become_texts_and_all_else_stays() {
        let given = br#"[{"doubleValue":"NaN"},{"doubleValue" : "-Infinity"},{"doubleValue":1.5}]"#;
        let made = br#"[{"stringValue":"NaN"},{"stringValue" : "-Infinity"},{"doubleValue":1.5}]"#;
        assert_eq!(&*readable(given), made);
        for same in [r#"{"a":"\"doubleValue\":\"x\""}"#, r#"{"doubleValue":null}"#, r#""doubleValue""#, ""] {
            assert!(matches!(readable(same.as_bytes()), Cow::Borrowed(_)), "{same}");
        }
    }
}

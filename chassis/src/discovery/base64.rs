//! Reads standard base64 (RFC 4648, section 4): how the registry sends values.

/// The bytes, or nothing when the text is not padded base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let padding = bytes.iter().rev().take(2).take_while(|b| **b == b'=').count();
    let mut decoded = Vec::with_capacity(bytes.len() / 4 * 3);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in &bytes[..bytes.len() - padding] {
        buffer = (buffer << 6) | sextet(*byte)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            decoded.push((buffer >> bits) as u8);
            buffer &= (1 << bits) - 1;
        }
    }
    Some(decoded)
}

/// The six bits that a letter of the alphabet stands for.
fn sextet(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn reads_the_vectors_of_the_rfc() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("+/8=").unwrap(), [0xfb, 0xff]);
    }

    #[test]
    fn refuses_what_is_not_base64() {
        for text in ["Z", "Zg=", "Z===", "Zg==Zg==", "Zm9_", "====", "é==="] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}

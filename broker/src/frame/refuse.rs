//! What is said about octets that make no sense, in RabbitMQ's words.

use std::fmt;

use crate::error::{Code, Refusal};

/// How many octets of a frame a refusal shows.
const SHOWN: usize = 16;

/// A frame that cannot be read: `type 1, first 16 octets = <<0,60,…>>: {invalid_frame_end_marker,0}`.
pub(crate) fn frame_error(kind: u8, payload: &[u8], what: impl fmt::Display) -> Refusal {
    Refusal::new(Code::FrameError, format_args!("{}: {what}", Described(kind, payload)))
}

/// A frame that may not stand where it stands.
pub(crate) fn unexpected_frame(kind: u8, payload: &[u8]) -> Refusal {
    Refusal::new(Code::UnexpectedFrame, Described(kind, payload))
}

/// Fields that are not what they should be.
pub(crate) fn malformed(fields: &[u8]) -> Refusal {
    Refusal::new(Code::FrameError, format_args!("cannot decode {}", Octets(fields)))
}

/// A frame's type, and as much of it as is shown.
struct Described<'a>(u8, &'a [u8]);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(kind, payload) = *self;
        let part = if payload.len() > SHOWN { "first 16" } else { "all" };
        let shown = payload.get(..SHOWN).unwrap_or(payload);
        write!(f, "type {kind}, {part} octets = {}", Octets(shown))
    }
}

/// Octets as Erlang writes them, and no more than fit into the text of a refusal.
struct Octets<'a>(&'a [u8]);

impl fmt::Display for Octets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<<")?;
        for (place, octet) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{octet}", if place == 0 { "" } else { "," })?;
        }
        f.write_str(if self.0.len() > SHOWN { ",...>>" } else { ">>" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_sixteen_octets_at_most() {
        let octets: Vec<u8> = (1..=20).collect();
        assert_eq!(
            frame_error(1, &octets, "unknown_frame").text,
            "FRAME_ERROR - type 1, first 16 octets = <<1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16>>: unknown_frame",
        );
        assert_eq!(unexpected_frame(8, &octets[..2]).text, "UNEXPECTED_FRAME - type 8, all octets = <<1,2>>");
        assert_eq!(malformed(&[]).text, "FRAME_ERROR - cannot decode <<>>");
        assert!(malformed(&[255; 1000]).text.len() <= 255);
    }
}

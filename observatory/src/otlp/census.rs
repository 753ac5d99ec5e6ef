//! How large a request is once it is taken apart, found before it is.
//!
//! An empty span takes two bytes on the wire and some hundreds in memory: a request of four megabytes could take more
//! than half a gigabyte. So its messages are counted first, which takes next to no memory, and too large a request is refused.

mod shapes;

pub(super) use shapes::{LOGS, METRICS, TRACES};

/// Messages within messages; prost reads no deeper.
const DEEPEST: usize = 100;

/// A kind of message: how much of it takes how much.
pub(super) struct Shape {
    /// Bytes that one takes in memory, without what is in it.
    bytes: usize,
    /// Its fields that hold messages, or many of something.
    fields: &'static [(usize, &'static Shape)],
}

/// It is not protobuf, or not such as OTLP has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of OTLP in protobuf")]
pub(super) struct Unreadable;

/// About how many bytes a message in protobuf takes in memory once it is taken apart, besides its texts.
pub(super) fn of_protobuf(message: &[u8], shape: &'static Shape) -> Result<usize, Unreadable> {
    let (mut rest, mut shape, mut bytes) = (message, shape, shape.bytes);
    // what is left of the messages that this one is in
    let mut around = Vec::new();
    loop {
        if rest.is_empty() {
            let Some(outer) = around.pop() else { return Ok(bytes) };
            (rest, shape) = outer;
            continue;
        }
        let key = number(&mut rest)?;
        match key & 7 {
            0 => _ = number(&mut rest)?,
            1 => _ = take(&mut rest, 8)?,
            2 => {
                let length = number(&mut rest)?;
                let content = take(&mut rest, length)?;
                if let Some((_, inner)) = shape.fields.iter().find(|(field, _)| *field == key >> 3) {
                    if around.len() >= DEEPEST {
                        return Err(Unreadable);
                    }
                    around.push((rest, shape));
                    (rest, shape) = (content, *inner);
                    bytes += inner.bytes;
                }
            }
            5 => _ = take(&mut rest, 4)?,
            // groups, which OTLP never had
            _ => return Err(Unreadable),
        }
    }
}

fn number(from: &mut &[u8]) -> Result<usize, Unreadable> {
    prost::decode_length_delimiter(from).map_err(|_| Unreadable)
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], Unreadable> {
    let (taken, rest) = from.split_at_checked(length).ok_or(Unreadable)?;
    *from = rest;
    Ok(taken)
}

/// At most how many objects there are in JSON: braces in texts are counted, too.
pub(super) fn of_json(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'{').count()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
    use prost::Message as _;

    use super::*;

    #[test]
    fn empty_spans_are_counted_for_what_they_take() {
        let scope = ScopeSpans { spans: vec![Span::default(); 1000], ..ScopeSpans::default() };
        let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
        assert!(request.len() < 2100, "{}", request.len());
        let bytes = of_protobuf(&request, &TRACES).unwrap();
        assert!((1000 * size_of::<Span>()..1001 * size_of::<Span>()).contains(&bytes), "{bytes}");
    }

    #[test]
    fn groups_and_what_is_cut_off_are_unreadable() {
        assert_eq!(of_protobuf(&[0x0b, 0x0c], &TRACES), Err(Unreadable));
        assert_eq!(of_protobuf(&[0x0a, 5, 1], &TRACES), Err(Unreadable));
        assert_eq!(of_protobuf(&[0x0a], &TRACES), Err(Unreadable));
    }
}

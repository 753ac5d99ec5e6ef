//! The body of a request, read and decompressed as far as the bound.

use std::error::Error;
use std::io::Read as _;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use flate2::read::MultiGzDecoder;

use crate::otlp::receive::Refusal;

/// The bytes of a request, of which there may be so many, compressed and not.
pub(super) async fn read(request: Request, most: usize) -> Result<Bytes, Refusal> {
    let compressed = match request.headers().get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"") => false,
        Some(encoding) if encoding.eq_ignore_ascii_case(b"identity") => false,
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => true,
        Some(_) => return Err(Refusal::Unsupported("a request is compressed by gzip, or not".to_owned())),
    };
    let body = axum::body::to_bytes(request.into_body(), most).await.map_err(|error| {
        if is_of_length(&error) { Refusal::TooLarge(most) } else { Refusal::malformed(error) }
    })?;
    if compressed { decompress(&body, most).map(Bytes::from) } else { Ok(body) }
}

/// Whether there were too many bytes; else the sender did not get to their end.
fn is_of_length(error: &axum::Error) -> bool {
    let first: &(dyn Error + 'static) = error;
    let mut causes = std::iter::successors(Some(first), |error| (*error).source());
    causes.any(|cause| cause.is::<http_body_util::LengthLimitError>())
}

fn decompress(body: &[u8], most: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    // one byte more tells that there are too many
    let mut reader = MultiGzDecoder::new(body).take(most as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(Refusal::malformed)?;
    if bytes.len() > most { Err(Refusal::TooLarge(most)) } else { Ok(bytes) }
}

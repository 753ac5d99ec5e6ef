//! How a stream that nobody knows the end of is ended when the gateway drains, so that it does not hold
//! up the drain and the client learns that it is to come again.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Waits for the gateway to drain.
pub(crate) struct Closing {
    fires: Pin<Box<WaitForCancellationFutureOwned>>,
    farewell: Farewell,
}

/// What a stream ends with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    /// Its end: events and lines are whole by themselves.
    None,
    /// The trailers of gRPC, without which its end would be an error of transport.
    Unavailable,
}

impl Closing {
    /// For a body with these headers; nothing for one that has an end of its own.
    pub(crate) fn of(headers: &HeaderMap, draining: &CancellationToken) -> Option<Self> {
        let kind = headers.get(CONTENT_TYPE)?.as_bytes();
        let farewell = if kind.starts_with(b"application/grpc") {
            Farewell::Unavailable
        } else if kind.starts_with(b"text/event-stream") || kind.starts_with(b"application/x-ndjson") {
            Farewell::None
        } else {
            return None;
        };
        Some(Self { fires: Box::pin(draining.clone().cancelled_owned()), farewell })
    }

    /// The last frame, if any, once the gateway drains.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if self.fires.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready((self.farewell == Farewell::Unavailable).then(|| {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("14"));
            trailers.insert("grpc-message", HeaderValue::from_static("the gateway is closing; come again"));
            Frame::trailers(trailers)
        }))
    }
}

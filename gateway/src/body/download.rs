//! A service's body on its way to the client.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

use super::Closing;

/// A body that may not stand still for ever, and that counts as load until its end.
///
/// An error in it reaches the server, which then aborts the client's connection or stream: a client
/// never takes half an answer for a whole one.
pub(crate) struct Download<L> {
    body: Body,
    service: String,
    idle: Duration,
    /// Runs while the service is waited for; a slow client does not wear it down.
    standstill: Option<Pin<Box<Sleep>>>,
    /// What is held until the body ends.
    load: Option<L>,
    closing: Option<Closing>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Flowing,
    /// The gateway drains, and has said its last.
    Closed,
}

/// Why a download ended before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error("{0} broke off in the middle of its answer")]
    Broken(String, #[source] axum::Error),
    #[error("{0} sent nothing for {1:?} in the middle of its answer")]
    StoodStill(String, Duration),
}

impl<L> Download<L> {
    /// The body of `service`, which holds on to `load` until its end.
    pub fn new(body: Body, service: &str, idle: Duration, load: L) -> Self {
        let service = service.to_owned();
        let (load, state) = (Some(load), State::Flowing);
        Self { body, service, idle, standstill: None, load, closing: None, state }
    }

    /// The same, ended when the gateway drains.
    pub fn until(mut self, closing: Option<Closing>) -> Self {
        self.closing = closing;
        self
    }

    fn interrupt(&mut self, why: Interrupted) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        self.load = None;
        tracing::warn!(service = self.service, "{why}; the client's connection is aborted");
        Poll::Ready(Some(Err(why)))
    }
}

impl<L: Unpin> HttpBody for Download<L> {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let this = &mut *self;
        if this.state == State::Closed {
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.standstill = None;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let why = Interrupted::Broken(this.service.clone(), error);
                this.interrupt(why)
            }
            Poll::Ready(None) => {
                this.load = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if let Some(Poll::Ready(farewell)) = this.closing.as_mut().map(|closing| closing.poll(cx)) {
                    this.state = State::Closed;
                    this.load = None;
                    return Poll::Ready(farewell.map(Ok));
                }
                let idle = this.idle;
                let standstill = this.standstill.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                if standstill.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let why = Interrupted::StoodStill(this.service.clone(), this.idle);
                this.interrupt(why)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Closed || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};
    use http_body_util::BodyExt;
    use tokio_util::sync::CancellationToken;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_is_cut_off_and_lets_go_of_its_load() {
        let load = std::sync::Arc::new(());
        let stuck = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let mut download = Download::new(stuck, "shipping", Duration::from_secs(300), load.clone());
        let frame = download.frame().await.expect("an end, not silence");
        assert!(matches!(frame, Err(Interrupted::StoodStill(..))));
        assert_eq!(std::sync::Arc::strong_count(&load), 1);
    }

    fn endless(kind: &'static str, draining: &CancellationToken) -> Download<()> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let closing = Closing::of(&headers, draining);
        Download::new(body, "shipping", Duration::from_secs(300), ()).until(closing)
    }

    #[tokio::test(start_paused = true)]
    async fn endless_streams_end_when_the_gateway_drains_and_others_do_not() {
        let draining = CancellationToken::new();
        draining.cancel();
        assert!(endless("text/event-stream", &draining).frame().await.is_none());
        let mut calls = endless("application/grpc", &draining);
        let farewell = calls.frame().await.expect("trailers").expect("no error");
        assert_eq!(farewell.into_trailers().expect("trailers")["grpc-status"], "14");
        assert!(calls.frame().await.is_none());
        let file = endless("application/json", &draining).frame().await.expect("an end, not silence");
        assert!(matches!(file, Err(Interrupted::StoodStill(..))));
    }
}

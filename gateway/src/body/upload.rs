//! The client's body on its way to a service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;

/// Why an upload ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    /// It was larger than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// The client broke off.
    #[error("the client broke off")]
    ByClient,
}

/// A body with a limit, which gives itself back when it is dropped before anybody read from it.
pub(crate) struct Upload {
    body: Body,
    left: u64,
    progress: Progress,
    shared: Arc<Mutex<Shared>>,
}

#[derive(PartialEq, Eq)]
enum Progress {
    Untouched,
    Begun,
    Stopped,
}

#[derive(Default)]
struct Shared {
    untouched: Option<Body>,
    stopped: Option<Stopped>,
}

/// What is known about an upload after it was given away.
pub(crate) struct UploadHandle(Arc<Mutex<Shared>>);

impl Upload {
    /// The body, of which at most `limit` bytes are let through.
    pub fn new(body: Body, limit: u64) -> (Self, UploadHandle) {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let upload = Self { body, left: limit, progress: Progress::Untouched, shared: Arc::clone(&shared) };
        (upload, UploadHandle(shared))
    }

    fn stop(&mut self, why: Stopped) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        self.progress = Progress::Stopped;
        self.shared.lock().stopped = Some(why);
        Poll::Ready(Some(Err(why)))
    }
}

impl UploadHandle {
    /// The body, if it was dropped and nobody had read from it: it can be sent once more.
    pub fn reclaim(self) -> Option<Body> {
        self.0.lock().untouched.take()
    }

    /// Why it ended before its end, if it did.
    pub fn stopped(&self) -> Option<Stopped> {
        self.0.lock().stopped
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        if self.progress == Progress::Stopped {
            return Poll::Ready(None);
        }
        self.progress = Progress::Begun;
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => return self.stop(Stopped::ByClient),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(size) {
            Some(left) => self.left = left,
            None => return self.stop(Stopped::TooLarge),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.progress == Progress::Stopped || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.progress == Progress::Untouched {
            self.shared.lock().untouched = Some(std::mem::take(&mut self.body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_body_may_be_as_large_as_its_limit_and_no_larger() {
        let (upload, handle) = Upload::new(Body::from("12345"), 5);
        assert_eq!(upload.collect().await.expect("within the limit").to_bytes(), "12345");
        assert_eq!(handle.stopped(), None);
        let (upload, handle) = Upload::new(Body::from("123456"), 5);
        assert_eq!(upload.collect().await.expect_err("beyond it"), Stopped::TooLarge);
        assert_eq!(handle.stopped(), Some(Stopped::TooLarge));
    }

    #[tokio::test]
    async fn only_a_body_that_nobody_read_from_comes_back() {
        let (upload, handle) = Upload::new(Body::from("12345"), 5);
        drop(upload);
        let body = handle.reclaim().expect("untouched");
        let (mut upload, handle) = Upload::new(body, 5);
        assert!(upload.frame().await.is_some());
        drop(upload);
        assert!(handle.reclaim().is_none());
    }
}

//! Why there is no response from an upstream, and whether anything was sent.

use std::error::Error;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It could not be connected to; nothing was sent.
    #[error("it could not be connected to")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The head of the response was not there in time.
    #[error("it did not answer in time")]
    TimedOut(Sent),
    /// The connection broke before the head of the response.
    #[error("the connection broke before it answered")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    /// What came is not HTTP.
    #[error("its answer is not HTTP")]
    Garbled(#[source] Box<dyn Error + Send + Sync>),
}

impl UpstreamError {
    /// What kind of failure it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::Garbled(_) => "garbled",
        }
    }
}

/// Whether a request has left this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has not: there was no connection.
    Nothing,
    /// It may have.
    Perhaps,
}

impl From<hyper_util::client::legacy::Error> for UpstreamError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() {
            return Self::Unreachable(error.into());
        }
        let spoken: Option<&hyper::Error> = error.source().and_then(|source| source.downcast_ref());
        if spoken.is_some_and(hyper::Error::is_parse) {
            return Self::Garbled(error.into());
        }
        Self::Broken(error.into())
    }
}

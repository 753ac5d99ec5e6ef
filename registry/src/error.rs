//! Two kinds of errors: why the registry does not open, and why a call is refused.

use std::path::PathBuf;

/// Why a registry could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or folder of the data folder cannot be read or written.
    #[error("cannot use {path}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another registry works on the same folder.
    #[error("another registry uses the data folder {path}")]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// The journal is damaged somewhere other than at its end, where a crash may cut it.
    #[error("{path}, line {line}: damaged")]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The first line that cannot be read, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The client that runs HTTP checks could not be built.
    #[error("cannot build the client for HTTP checks")]
    Client(#[source] reqwest::Error),
}

/// Why a call is refused; the text is what the caller reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request makes no sense.
    #[error("{0}")]
    Bad(String),
    /// The request names something that is not there.
    #[error("{0}")]
    Missing(String),
    /// No token was given.
    #[error("Permission denied")]
    NoToken,
    /// The token is not the one.
    #[error("ACL not found")]
    WrongToken,
    /// A bound on stored entries is reached.
    #[error("{0}")]
    Full(String),
    /// Too many blocking queries wait already.
    #[error("too many blocking queries")]
    Busy,
    /// What Consul answers with 500: the request is sound but cannot be carried out.
    #[error("{0}")]
    Failed(String),
}

impl Refusal {
    /// A request that makes no sense, in words.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::Bad(text.into())
    }
}

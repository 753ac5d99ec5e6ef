//! What the broker says no to. Codes and words are RabbitMQ's, since clients act on the codes and people
//! search for the words.
//!
//! A [`Refusal`] ends the channel on which it was asked, or the whole connection: AMQP knows nothing milder.

use std::fmt;

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The channel ends.
    Channel,
    /// The connection ends.
    Connection,
}

/// AMQP's reply codes, as far as this broker uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    NoRoute,
    ConnectionForced,
    AccessRefused,
    NotFound,
    ResourceLocked,
    PreconditionFailed,
    FrameError,
    SyntaxError,
    CommandInvalid,
    ChannelError,
    UnexpectedFrame,
    ResourceError,
    NotAllowed,
    NotImplemented,
    InternalError,
}

impl Code {
    /// Its number, its name, and what it ends (AMQP 0-9-1, section 1.2).
    const fn known(self) -> (u16, &'static str, Reach) {
        use Reach::{Channel, Connection};
        match self {
            Self::NoRoute => (312, "NO_ROUTE", Channel),
            Self::ConnectionForced => (320, "CONNECTION_FORCED", Connection),
            Self::AccessRefused => (403, "ACCESS_REFUSED", Channel),
            Self::NotFound => (404, "NOT_FOUND", Channel),
            Self::ResourceLocked => (405, "RESOURCE_LOCKED", Channel),
            Self::PreconditionFailed => (406, "PRECONDITION_FAILED", Channel),
            Self::FrameError => (501, "FRAME_ERROR", Connection),
            Self::SyntaxError => (502, "SYNTAX_ERROR", Connection),
            Self::CommandInvalid => (503, "COMMAND_INVALID", Connection),
            Self::ChannelError => (504, "CHANNEL_ERROR", Connection),
            Self::UnexpectedFrame => (505, "UNEXPECTED_FRAME", Connection),
            Self::ResourceError => (506, "RESOURCE_ERROR", Connection),
            Self::NotAllowed => (530, "NOT_ALLOWED", Connection),
            Self::NotImplemented => (540, "NOT_IMPLEMENTED", Connection),
            Self::InternalError => (541, "INTERNAL_ERROR", Connection),
        }
    }

    /// Its number on the wire.
    pub const fn number(self) -> u16 {
        self.known().0
    }

    /// How it is spelled in texts.
    pub const fn name(self) -> &'static str {
        self.known().1
    }

    /// What it ends.
    pub const fn reach(self) -> Reach {
        self.known().2
    }
}

/// What is refused, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: Code,
    pub text: String,
}

impl Refusal {
    /// Refuses, with words for whoever reads the client's log.
    pub fn new(code: Code, text: impl fmt::Display) -> Self {
        Self { code, text: format!("{} - {text}", code.name()) }
    }

    /// Whatever is not there: `no queue 'x' in vhost '/'`.
    pub fn missing(what: &str, name: &str) -> Self {
        Self::new(Code::NotFound, format_args!("no {what} '{name}' in vhost '/'"))
    }

    /// Something that this broker does not do.
    pub fn not_implemented(text: impl fmt::Display) -> Self {
        Self::new(Code::NotImplemented, text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a broker could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder, or a file in it, cannot be used.
    #[error("the broker's folder {0}: {1}")]
    Folder(std::path::PathBuf, #[source] std::io::Error),
    /// Another broker uses the folder.
    #[error("the broker's folder {0} is in use by another broker")]
    InUse(std::path::PathBuf),
    /// A file holds what no broker wrote there.
    #[error(
        "{file} is damaged at byte {at}: {why}; restore it from a copy, or delete the folder and all that is in it"
    )]
    Damaged {
        /// Which file.
        file: std::path::PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        why: String,
    },
}

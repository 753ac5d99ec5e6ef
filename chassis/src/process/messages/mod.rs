//! The messages of a process: what carries them, and the endpoints that hold them and change their carrier.

mod routes;

use std::fmt;

pub(super) use routes::routes;
pub use routes::{CarrierKind, FlowState, MessagesReport, MovingRequest};

/// What carries messages, as a process is told at its start.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Messages {
    /// Nothing: nothing is said or heard by messages.
    #[default]
    None,
    /// This process itself, in which all modules of the shop are.
    InProcess,
    /// The broker at this address, which may have a password in it.
    Broker(String),
}

/// What is typed instead of an address where messages stay in the process.
const IN_PROCESS: &str = "in-process";

impl Messages {
    /// What was typed after `--broker`.
    pub(super) fn parse(typed: Option<&str>) -> Self {
        match typed {
            None => Self::None,
            Some(IN_PROCESS) => Self::InProcess,
            Some(url) => Self::Broker(url.to_owned()),
        }
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::InProcess => "InProcess",
            Self::Broker(_) => "Broker",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_an_address_or_nothing() {
        assert_eq!(Messages::parse(None), Messages::None);
        assert_eq!(Messages::parse(Some("in-process")), Messages::InProcess);
        let broker = Messages::parse(Some("amqp://shop:whisper@host"));
        assert_eq!(broker, Messages::Broker("amqp://shop:whisper@host".to_owned()));
        assert!(!format!("{broker:?}").contains("whisper"));
    }
}

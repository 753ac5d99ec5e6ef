//! Why messages are not moved, in words that say what to do about it.

use contracts::messages::queues::EVENT_LOG;

use crate::messaging::broker::PublishError;
use crate::store::StoreError;

/// Why messages were not moved, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is nothing in this process that could be moved.
    #[error("the messages of this process are at a broker: only one that has none hands over or takes over")]
    HasBroker,
    /// Messages flow.
    #[error("messages flow in this process: hold them first")]
    Open,
    /// Somebody has not finished.
    #[error("still under way: {0}; wait until it is done")]
    AtWork(String),
    /// A module is missing that messages at the broker are for.
    #[error("not all modules are in this process, so their messages stay where they are")]
    Missing(#[source] PublishError),
    /// The broker's address cannot be read.
    #[error("{0}")]
    Address(String),
    /// Somebody else moves messages to or from this broker.
    #[error("somebody else moves messages to or from this broker, or was killed a moment ago; try again")]
    Locked,
    /// Somebody takes messages out of a queue that is to be emptied.
    #[error("somebody still consumes {0} at the broker: hold or stop every process that has this broker")]
    Consumed(&'static str),
    /// The stream has more than the log here.
    #[error(
        "{EVENT_LOG} at the broker has entries that the log here lacks: take over from that broker first; where \
         everything was handed over before, and the shop has used the broker since, there is nothing to do"
    )]
    StreamIsLonger,
    /// The two logs tell of different things.
    #[error(
        "entry {offset} of {EVENT_LOG} is another at the broker than here: it is the log of another shop; delete \
         that queue at the broker, or use another broker"
    )]
    Different {
        /// Where they were compared.
        offset: u64,
    },
    /// The two logs cannot be compared.
    #[error(
        "entry {offset} of {EVENT_LOG} is not there any more on both sides, so that nobody can tell whether it is the \
         same log; to go on without what is here, empty the table of the event log and build the read model anew \
         (`tradewind replay recommendations`)"
    )]
    NothingInCommon {
        /// Where they should meet.
        offset: u64,
    },
    /// A log has a gap, or begins later than the other could.
    #[error(
        "the log that is to be moved has entry {found} where {expected} comes next, so that readers would lose their \
         place: use the broker that it came from; to begin a new log, empty the table of the event log and build the \
         read model anew (`tradewind replay recommendations`)"
    )]
    Gap {
        /// The offset that comes next.
        expected: u64,
        /// The one that was found.
        found: u64,
    },
    /// The stream has more than was put into it.
    #[error(
        "{EVENT_LOG} at the broker ends elsewhere than it should: somebody else publishes events; stop them"
    )]
    Disturbed,
    /// The broker did not do what it was asked.
    #[error(transparent)]
    Broker(#[from] PublishError),
    /// A database did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

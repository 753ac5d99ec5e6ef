//! The connection to the broker, which rebuilds itself.
//!
//! - [`Broker`]: the handle: publishes, and hands out channels
//! - [`Link`]: one connection as long as it lasts. Whoever consumes takes a channel on it, sees that it is
//!   lost, and takes the next
//! - [`Parcel`]: a message as the broker sees it; [`decode`] reads one as a CloudEvent
//!
//! A connection is lost when it is cut, when the broker ends it, and when the broker falls silent: no
//! heartbeat for 10 s, or no confirm or answer in time. lapin's own recovery is off: it does not reliably
//! outlive a broker that restarts, and knows nothing of silence.

mod address;
mod backoff;
mod cloud_event;
mod fault;
mod link;
mod metrics;
mod parcel;
mod publisher;
mod supervisor;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use contracts::messages::Outgoing;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use address::BrokerAddress;
pub(in crate::messaging) use backoff::Backoff;
pub use cloud_event::decode;
pub(in crate::messaging) use cloud_event::{attribute, integer, text, traceparent};
pub use link::Link;
pub(in crate::messaging) use metrics::{consumed, dead_lettered, redelivered};
pub use parcel::Parcel;
pub(in crate::messaging) use parcel::{PERSISTENT, short};
use publisher::Publisher;
use supervisor::{State, Supervisor};

/// How long a caller waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_secs(3);

/// A connection to the broker: a handle, cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    state: watch::Receiver<State>,
    users: TaskTracker,
    publisher: Publisher,
}

/// Why messages were not published. Those that the broker has confirmed all the same may come twice.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The broker cannot be reached, or did not confirm in time.
    #[error("the broker is away: {0}")]
    Away(String),
    /// The broker has no queue for a message, or refused it.
    #[error("the broker returned a message: {0}")]
    Returned(String),
}

impl Broker {
    /// Connects in the background, again and again until `shutdown`. `name` is shown to whoever looks at
    /// the broker's connections.
    pub fn connect(url: &str, name: &str, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let address = BrokerAddress::parse(url)?;
        let (state, observed) = watch::channel(State::Away("it is being connected to".to_owned()));
        let users = TaskTracker::new();
        let name = name.to_owned();
        tokio::spawn(Supervisor { address, name, state, users: users.clone(), shutdown }.run());
        Ok(Self(Arc::new(Inner { state: observed, users, publisher: Publisher::new() })))
    }

    /// Publishes messages in their order, all of them on one channel, and returns when the broker has
    /// confirmed every one of them.
    pub async fn publish(&self, messages: &[Outgoing]) -> Result<(), PublishError> {
        self.publish_parcels(&messages.iter().map(Parcel::of).collect::<Vec<_>>()).await
    }

    /// The same for messages that are packed already.
    pub async fn publish_parcels(&self, parcels: &[Parcel]) -> Result<(), PublishError> {
        let _until_done = self.user();
        self.0.publisher.publish(self, parcels).await
    }

    /// Whether there is a connection at present; says why not.
    pub fn check(&self) -> Result<(), String> {
        match &*self.0.state.borrow() {
            State::Here(link) if !link.is_lost() => Ok(()),
            State::Here(link) => Err(link.why_lost()),
            State::Away(why) => Err(why.clone()),
            State::Stopped => Err(STOPPED.to_owned()),
        }
    }

    /// The present connection; waits a moment for one that is being made.
    pub async fn link(&self) -> Result<Link, PublishError> {
        match tokio::time::timeout(PATIENCE, self.next_link()).await {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(PublishError::Away(STOPPED.to_owned())),
            Err(_) => Err(PublishError::Away(self.check().err().unwrap_or_default())),
        }
    }

    /// A channel of its own on the present connection; waits a moment for one that is being made.
    pub async fn channel(&self) -> Result<lapin::Channel, PublishError> {
        self.link().await?.channel().await
    }

    /// The present connection, or the next one however long it takes; nothing when there will be none.
    pub async fn next_link(&self) -> Option<Link> {
        let mut state = self.0.state.clone();
        let ready = |state: &State| match state {
            State::Here(link) => !link.is_lost(),
            State::Away(_) => false,
            State::Stopped => true,
        };
        match &*state.wait_for(ready).await.ok()? {
            State::Here(link) => Some(link.clone()),
            State::Away(_) | State::Stopped => None,
        }
    }

    /// As long as this is held, a connection is kept at shutdown (for a few seconds), so that what was
    /// begun can be finished.
    pub(in crate::messaging) fn user(&self) -> TaskTrackerToken {
        self.0.users.token()
    }
}

const STOPPED: &str = "this process has let go of the broker";

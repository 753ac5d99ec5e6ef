//! The connections to the broker, which rebuild themselves.
//!
//! - [`Broker`]: the handle: publishes, and hands out channels
//! - [`Link`]: one connection as long as it lasts. Whoever consumes takes a channel on it, sees that it is
//!   lost, and takes the next
//! - [`Parcel`]: a message as the broker sees it; [`decode`] reads one as a CloudEvent
//!
//! A process has two connections: one to consume, one to publish. A broker that runs short of memory or disk
//! blocks every connection that publishes, and takes nothing from it any more, acknowledgements neither.
//! Over a connection that only consumes they go on, and so queues drain, which is what ends the shortage.
//!
//! A connection is lost when it is cut, when the broker ends it, and when the broker falls silent: no
//! heartbeat for 10 s, or no confirm or answer in time. What the broker refuses ends the channel on which it
//! was asked, and nothing else. lapin's own recovery is off: it does not reliably outlive a broker that
//! restarts, and knows nothing of silence.

mod address;
mod cloud_event;
mod fault;
mod kept;
mod link;
mod metrics;
mod parcel;
mod publisher;
mod supervisor;
mod topology;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::messages::Outgoing;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use address::BrokerAddress;
pub use cloud_event::decode;
pub(in crate::messaging) use cloud_event::{
    attribute, attribute_header, given_trace, integer, text, traceparent,
};
pub(in crate::messaging) use fault::{is_declared_otherwise, is_locked};
use kept::{Kept, Purpose};
pub use link::Link;
pub(in crate::messaging) use metrics::{consumed, consumes, dead_lettered, redelivered};
pub use parcel::Parcel;
pub(in crate::messaging) use parcel::{sent_on, short};
use publisher::Publisher;
use supervisor::Supervisor;

/// What a broker is in OpenTelemetry's semantic conventions, the embedded one too: what is spoken is what counts.
pub(in crate::messaging) const RABBITMQ: &str = "rabbitmq";

/// The connections to the broker: a handle, cheap to clone.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

struct Inner {
    consuming: Kept,
    publishing: Kept,
    users: TaskTracker,
    publisher: Publisher,
    /// Services that shall answer requests by message, and do not yet.
    silent: Arc<AtomicUsize>,
}

/// That a service will answer requests by message. Dropped when it does, or never will.
pub(in crate::messaging) struct Promise(Arc<AtomicUsize>);

impl Drop for Promise {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why messages were not published. Those that the broker has confirmed all the same may come twice.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The broker cannot be reached, or did not confirm in time; or, without a broker, a database.
    #[error("no message gets through: {0}")]
    Away(String),
    /// There is no queue for a message, or the broker refused it.
    #[error("a message was returned: {0}")]
    Returned(String),
}

impl Broker {
    /// Connects in the background, again and again until `shutdown`. `name` is shown to whoever looks at
    /// the broker's connections.
    pub fn connect(url: &str, name: &str, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let address = BrokerAddress::parse(url)?;
        let users = TaskTracker::new();
        let keep = |purpose| {
            let (address, shutdown) = (address.clone(), shutdown.clone());
            Supervisor::start(address, name, purpose, users.clone(), shutdown)
        };
        let (consuming, publishing) = (keep(Purpose::Consuming), keep(Purpose::Publishing));
        Ok(Self(Arc::new(Inner {
            consuming,
            publishing,
            users,
            publisher: Publisher::new(),
            silent: Arc::default(),
        })))
    }

    /// Whether [`Broker::connect`] could do with this address; why not, without a password.
    pub(crate) fn check_address(url: &str) -> Result<(), impl Display> {
        BrokerAddress::parse(url).map(drop)
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

    /// Whether every service of this process that shall answer requests by message has begun to.
    pub fn is_answered(&self) -> bool {
        self.0.silent.load(Ordering::Relaxed) == 0
    }

    /// One more shall.
    pub(in crate::messaging) fn promise(&self) -> Promise {
        self.0.silent.fetch_add(1, Ordering::Relaxed);
        Promise(self.0.silent.clone())
    }

    /// Whether both connections are there at present; says why not.
    pub fn check(&self) -> Result<(), String> {
        self.0.consuming.check().and_then(|()| self.0.publishing.check())
    }

    /// The present connection for consuming; waits a moment for one that is being made. Who publishes on it
    /// has it blocked when the broker runs short.
    pub async fn link(&self) -> Result<Link, PublishError> {
        self.0.consuming.link().await
    }

    /// The present connection for publishing; waits a moment for one that is being made.
    pub async fn publishing_link(&self) -> Result<Link, PublishError> {
        self.0.publishing.link().await
    }

    /// A channel of its own on the present connection for consuming; waits a moment for one that is being
    /// made.
    pub async fn channel(&self) -> Result<lapin::Channel, PublishError> {
        self.link().await?.channel().await
    }

    /// The present connection for consuming, or the next one however long it takes; nothing when there will
    /// be none.
    pub async fn next_link(&self) -> Option<Link> {
        self.0.consuming.next_link().await
    }

    /// The same for publishing.
    pub async fn next_publishing_link(&self) -> Option<Link> {
        self.0.publishing.next_link().await
    }

    /// As long as this is held, the connections are kept at shutdown (for a few seconds), so that what was
    /// begun can be finished.
    pub(in crate::messaging) fn user(&self) -> TaskTrackerToken {
        self.0.users.token()
    }
}

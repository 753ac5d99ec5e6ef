//! A connection that a supervisor keeps, as those see it who use it.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

use super::PublishError;
use super::link::Link;

/// How long a caller waits for a connection that is being made.
const PATIENCE: Duration = Duration::from_secs(3);

const STOPPED: &str = "this process has let go of the broker";

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Consuming,
    Publishing,
}

impl Purpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Consuming => "consuming",
            Self::Publishing => "publishing",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How things stand with a connection.
#[derive(Clone)]
pub(super) enum State {
    /// It is there.
    Here(Link),
    /// It is not, for this reason.
    Away(String),
    /// There will be none any more.
    Stopped,
}

/// A connection that a supervisor keeps.
pub(super) struct Kept(pub(super) watch::Receiver<State>);

impl Kept {
    /// Whether it is there at present; says why not.
    pub(super) fn check(&self) -> Result<(), String> {
        match &*self.0.borrow() {
            State::Here(link) if !link.is_lost() => Ok(()),
            State::Here(link) => Err(link.why_lost()),
            State::Away(why) => Err(why.clone()),
            State::Stopped => Err(STOPPED.to_owned()),
        }
    }

    /// The present one; waits a moment for one that is being made.
    pub(super) async fn link(&self) -> Result<Link, PublishError> {
        match tokio::time::timeout(PATIENCE, self.next_link()).await {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(PublishError::Away(STOPPED.to_owned())),
            Err(_) => Err(PublishError::Away(self.check().err().unwrap_or_default())),
        }
    }

    /// The present one, or the next however long it takes; nothing when there will be none.
    pub(super) async fn next_link(&self) -> Option<Link> {
        let mut state = self.0.clone();
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
}

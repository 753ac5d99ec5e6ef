//! Takes over what the config server pushes, for as long as the service lives.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use super::client::{ClientError, Fetched, ServerClient};
use super::state::{Outcome, State};

/// The wait before the first attempt to reconnect; it doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Short, because a server that has just started knows of nobody until its followers are back.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Watches the server, reconnecting for ever.
pub(super) async fn follow(state: Arc<State>, client: ServerClient, etag: Option<String>) {
    let mut follower = Follower { state, client, etag, wait: FIRST_WAIT, outage: Outage::None };
    loop {
        let Err(error) = follower.session().await;
        follower.lost(&error);
        // a share of chance, so that not every service of a shop comes back in the same moment
        let share = rand::rng().random_range(0.5..1.0);
        tokio::time::sleep(follower.wait.mul_f64(share)).await;
        follower.wait = (follower.wait * 2).min(LONGEST_WAIT);
    }
}

#[derive(PartialEq)]
enum Outage {
    None,
    Known,
}

struct Follower {
    state: Arc<State>,
    client: ServerClient,
    etag: Option<String>,
    wait: Duration,
    outage: Outage,
}

impl Follower {
    async fn session(&mut self) -> Result<Infallible, ClientError> {
        let mut watch = self.client.watch().await?;
        self.announce().await?;
        loop {
            // the first event comes at once, and says what may have been missed
            watch.next().await?;
            self.synchronise().await?;
            self.back();
        }
    }

    async fn synchronise(&mut self) -> Result<(), ClientError> {
        let Fetched::New { effective, etag } = self.client.fetch(self.etag.as_deref()).await? else {
            return Ok(());
        };
        self.etag = etag;
        let (application, version) = (self.state.application.name.clone(), effective.version);
        match self.state.take_over(&effective).await {
            Outcome::TakenOver { pending_restart } if pending_restart.is_empty() => {
                tracing::info!(
                    application,
                    version,
                    "{application} runs with configuration version {version}"
                );
            }
            Outcome::TakenOver { pending_restart } => {
                let keys = pending_restart.join(", ");
                tracing::warn!(
                    application,
                    version,
                    keys,
                    "{application} runs with configuration version {version}; a restart is needed for {keys}"
                );
            }
            Outcome::Refused(faults) => {
                let faults: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
                tracing::error!(
                    application,
                    version,
                    "{application} REFUSED configuration version {version} and keeps the one before:{faults}"
                );
            }
        }
        self.announce().await
    }

    async fn announce(&self) -> Result<(), ClientError> {
        self.client.announce(&self.state.instance_report()).await
    }

    /// Says so once when the server goes away, and once when it is back.
    fn lost(&mut self, error: &ClientError) {
        let application = &self.state.application.name;
        if self.outage == Outage::None {
            tracing::warn!(application, %error, "{application} lost the config server and goes on with what it has: {error}");
            self.outage = Outage::Known;
        }
    }

    fn back(&mut self) {
        let application = &self.state.application.name;
        if self.outage == Outage::Known {
            tracing::info!(application, "{application} follows the config server again");
            self.outage = Outage::None;
        }
        self.wait = FIRST_WAIT;
    }
}

//! Sends mails: each into the outbox folder, and to a mail server where one is configured.
//!
//! A worker claims a batch, sends it, and stores what became of each mail. Replicas do not send the same
//! mail, since a claim is a compare-and-set. A worker that dies in between leaves a claim that runs out:
//! the mail is then sent again, into the same file and under the same `Message-ID`, by which whoever
//! receives it can tell. So a mail is sent at least once, and never half.
//!
//! - [`eml`]: a mail as RFC 5322 has it
//! - [`outbox`]: the folder
//! - [`smtp`]: the mail server

pub mod eml;
pub mod outbox;
pub mod smtp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::clock::Clock;
use chassis::config::Live;
use chassis::store::StoreError;
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{DeliveryConfig, OutboxConfig, SmtpConfig};
use crate::domain::{Attempt, Next, retry};
use crate::store::{Claimed, NotificationsStore, Settled};

pub use outbox::Outbox;

/// How many mails are sent at the same time.
const ABREAST: usize = 4;
/// For how long after its claim mails of a batch are begun; the rest is put back.
const BEGIN_WITHIN: Duration = Duration::from_secs(30);
/// What a claim lasts beyond the latest end of the last mail: the time for files and the database.
const MARGIN: Duration = Duration::from_secs(30);

/// The worker.
pub struct Courier {
    /// Where mails are kept.
    pub store: Arc<dyn NotificationsStore>,
    /// When they are due.
    pub clock: Arc<dyn Clock>,
    /// The mail server.
    pub smtp: Live<SmtpConfig>,
    /// How many files the folder holds.
    pub files: Live<OutboxConfig>,
    /// How hard it works.
    pub config: Live<DeliveryConfig>,
    /// The folder.
    pub outbox: Outbox,
    /// What wakes it; a call that comes while it works is heard when it is done.
    pub mail: Arc<Notify>,
}

/// One batch on its way.
struct Round<'a> {
    smtp: Arc<SmtpConfig>,
    patience: Duration,
    begin_until: Instant,
    /// Set by the first mail that does not reach the server: the others need not find out one by one.
    server_is_away: AtomicBool,
    shutdown: &'a CancellationToken,
}

impl Courier {
    /// Sends what is to be sent, again and again until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.pass(&shutdown).await {
                Ok(Pass::Full) => continue,
                Ok(Pass::Done) => {}
                // the claims run out, and the mails are found again
                Err(error) => tracing::warn!(%error, "mails could not be sent: {error}"),
            }
            let poll = self.config.get().poll();
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.mail.notified() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    /// Sends one batch of what is due.
    pub async fn pass(&self, shutdown: &CancellationToken) -> Result<Pass, StoreError> {
        let (config, smtp) = (self.config.get(), self.smtp.get());
        let begin_until = Instant::now() + BEGIN_WITHIN;
        let lease = BEGIN_WITHIN + smtp.timeout() + MARGIN;
        let claims = self.store.mails_claim(self.clock.now(), lease, config.batch).await?;
        if claims.is_empty() {
            return Ok(Pass::Done);
        }
        let is_full = claims.len() >= config.batch as usize;
        let round = Round {
            smtp,
            patience: config.patience(),
            begin_until,
            server_is_away: AtomicBool::new(false),
            shutdown,
        };
        let settled: Vec<_> = futures::stream::iter(claims)
            .map(|claimed| self.settle(claimed, &round))
            .buffer_unordered(ABREAST)
            .collect()
            .await;
        self.store.mails_settle(&settled).await?;
        report(&settled);
        if let Err(error) = self.outbox.prune(self.files.get().keep).await {
            tracing::warn!(%error, "old mails could not be removed from {}: {error}", self.outbox);
        }
        Ok(if is_full { Pass::Full } else { Pass::Done })
    }

    async fn settle(&self, claimed: Claimed, round: &Round<'_>) -> Settled {
        let Claimed { mail, attempt } = &claimed;
        let outcome = self.send(&claimed, round).await;
        let next = retry::next(outcome, *attempt, mail.written_at, self.clock.now(), round.patience);
        Settled { id: mail.id, attempt: *attempt, next }
    }

    /// Brings one mail where it should be. The file comes first: it is there before anybody is told.
    async fn send(&self, claimed: &Claimed, round: &Round<'_>) -> Attempt {
        if round.shutdown.is_cancelled() || Instant::now() >= round.begin_until {
            return Attempt::PutBack;
        }
        let mail = &claimed.mail;
        let message = match eml::message(mail, &round.smtp.from) {
            Ok(message) => message,
            Err(error) => return Attempt::Refused(error.to_string()),
        };
        if let Err(error) = self.outbox.put(eml::file_name(mail), message.formatted()).await {
            return Attempt::Failed(format!("it could not be written into {}: {error}", self.outbox));
        }
        if round.smtp.host.is_empty() {
            return Attempt::Accepted;
        }
        if round.server_is_away.load(Ordering::Relaxed) {
            return Attempt::Failed("the mail server is away".to_owned());
        }
        match smtp::send(&round.smtp, &message).await {
            Ok(()) => Attempt::Accepted,
            Err(smtp::Failure::Refused(cause)) => Attempt::Refused(cause),
            Err(smtp::Failure::NotNow(cause)) => Attempt::Failed(cause),
            Err(smtp::Failure::Away(cause)) => {
                round.server_is_away.store(true, Ordering::Relaxed);
                Attempt::Failed(cause)
            }
        }
    }
}

/// Tells the log what became of a batch: each mail that is lost, and the others that are in trouble in one
/// line, since a server that is away is away for all of them.
fn report(settled: &[Settled]) {
    let mut waiting = Vec::new();
    for Settled { id, next, .. } in settled {
        match next {
            Next::Refused { cause } => tracing::warn!(mail = %id, cause, "mail {id} is given up: {cause}"),
            Next::Again { cause, .. } if !cause.is_empty() => waiting.push(cause),
            Next::Sent | Next::Again { .. } => {}
        }
    }
    if let Some(cause) = waiting.first() {
        let mails = waiting.len();
        tracing::warn!(mails, cause, "{mails} mails were not sent and will be tried again: {cause}");
    }
}

/// What a pass leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// There may be more.
    Full,
    /// There was no more when it began.
    Done,
}

//! The work of a relay while it holds the lease.

use std::time::Duration;

use contracts::error::chain;
use contracts::messages::Outgoing;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::held::{Held, TooMany};
use super::spans::{not_confirmed, publishing};
use super::{Publish, Relay};
use crate::messaging::broker::PublishError;
use crate::messaging::mailbox::rows::Waiting;
use crate::store::StoreError;
use crate::telemetry::spans::Span;

/// How long a batch may take. The broker has a shorter deadline of its own.
const DEADLINE: Duration = Duration::from_secs(60);

/// Why a term ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Broker(PublishError),
    #[error("the broker did not confirm within {}", DEADLINE.as_secs())]
    Deadline,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the broker takes no message of {0} orders")]
    TooManyHeld(usize),
    #[error("the lease was lost")]
    LeaseLost,
}

pub(super) struct Term<'a, P> {
    relay: &'a Relay<P>,
    held: Held,
    /// In a row, up to now; 0 as soon as something went out.
    failures: &'a mut u32,
}

impl<'a, P: Publish> Term<'a, P> {
    pub fn new(relay: &'a Relay<P>, failures: &'a mut u32) -> Self {
        Self { relay, held: Held::default(), failures }
    }

    /// Publishes batch after batch, until `stop`, which is heeded between two batches.
    pub async fn serve(mut self, stop: &CancellationToken) -> Result<(), Trouble> {
        let Relay { books, status, batch, .. } = self.relay;
        while !stop.is_cancelled() {
            self.try_held_again().await?;
            let rows = books.waiting(*batch, &self.held.subjects()).await?;
            let idle = rows.is_empty();
            self.publish_rows(rows).await?;
            status.no_trouble();
            if idle {
                self.wait(stop).await;
            }
        }
        Ok(())
    }

    async fn wait(&self, stop: &CancellationToken) {
        tokio::select! {
            () = self.relay.posted.notified() => {}
            () = sleep(self.relay.pace.poll) => {}
            () = stop.cancelled() => {}
        }
    }

    async fn publish_rows(&mut self, rows: Vec<Waiting>) -> Result<(), Trouble> {
        let (mut positions, mut messages) = (Vec::new(), Vec::new());
        for row in rows {
            match row.message {
                _ if self.held.holds(&row.subject) => {}
                Ok(message) => {
                    positions.push(row.position);
                    messages.push(message);
                }
                Err(error) => self.hold(&row.subject, &chain(&error))?,
            }
        }
        let mut confirmed = Vec::with_capacity(positions.len());
        let spans = self.begin(&mut messages);
        let published = self.publish_past_held(&positions, &messages, &mut confirmed).await;
        if confirmed.len() < positions.len() {
            let why = published
                .as_ref()
                .err()
                .map_or_else(|| "it was returned".to_owned(), |trouble| chain(trouble));
            let unconfirmed = positions.iter().zip(&spans).filter(|(at, _)| !confirmed.contains(at));
            not_confirmed(unconfirmed.map(|(_, span)| span), &why);
        }
        drop(spans);
        // also where something failed in the end: what is marked does not come twice
        self.mark(&confirmed).await?;
        published
    }

    /// Publishes messages, and puts the positions of those that were confirmed into `confirmed`. Where the
    /// broker returns one, halves are tried, and their halves, until it is clear which: each message that
    /// was returned holds its order.
    async fn publish_past_held(
        &mut self,
        positions: &[i64],
        messages: &[Outgoing],
        confirmed: &mut Vec<i64>,
    ) -> Result<(), Trouble> {
        let all = 0..messages.len();
        // the last is the next
        let mut ranges = vec![all];
        while let Some(range) = ranges.pop() {
            if range.is_empty() {
                continue;
            }
            let part = &messages[range.clone()];
            if let Some(at) = self.held.first_in(part) {
                let at = range.start + at;
                ranges.extend([at + 1..range.end, range.start..at]);
                continue;
            }
            match self.publish(part).await? {
                Ok(()) => {
                    confirmed.extend(&positions[range]);
                    *self.failures = 0;
                }
                Err(Returned(cause)) => match part {
                    [one] => self.hold(&one.message.subject.to_string(), &cause)?,
                    _ => {
                        let middle = range.start + part.len() / 2;
                        ranges.extend([middle..range.end, range.start..middle]);
                    }
                },
            }
        }
        Ok(())
    }

    /// Tries the first message of each held order that is due; where it goes out, the rest follows.
    async fn try_held_again(&mut self) -> Result<(), Trouble> {
        for subject in self.held.due(Instant::now()) {
            let Some(row) = self.relay.books.first_waiting(&subject).await? else {
                self.release(&subject);
                continue;
            };
            match row.message {
                Ok(message) => match self.publish_one(message).await? {
                    Ok(()) => {
                        self.mark(&[row.position]).await?;
                        self.release(&subject);
                    }
                    Err(Returned(cause)) => self.hold(&subject, &cause)?,
                },
                Err(error) => self.hold(&subject, &chain(&error))?,
            }
        }
        Ok(())
    }

    async fn publish_one(&self, message: Outgoing) -> Result<Result<(), Returned>, Trouble> {
        let mut messages = [message];
        let spans = self.begin(&mut messages);
        let published = self.publish(&messages).await;
        match &published {
            Ok(Ok(())) => {}
            Ok(Err(Returned(cause))) => not_confirmed(&spans, cause),
            Err(trouble) => not_confirmed(&spans, &chain(trouble)),
        }
        published
    }

    fn begin(&self, messages: &mut [Outgoing]) -> Vec<Option<Span>> {
        publishing(self.relay.books.module(), self.relay.publisher.carrier(), messages)
    }

    async fn publish(&self, messages: &[Outgoing]) -> Result<Result<(), Returned>, Trouble> {
        match timeout(DEADLINE, self.relay.publisher.publish(messages)).await {
            Ok(Ok(())) => Ok(Ok(())),
            Ok(Err(error @ PublishError::Returned(_))) => Ok(Err(Returned(chain(&error)))),
            Ok(Err(error)) => Err(Trouble::Broker(error)),
            Err(_) => Err(Trouble::Deadline),
        }
    }

    async fn mark(&self, positions: &[i64]) -> Result<(), Trouble> {
        let marked = self.relay.books.mark(positions).await?;
        self.relay.status.published(marked);
        Ok(())
    }

    fn hold(&mut self, subject: &str, cause: &str) -> Result<(), Trouble> {
        let pause = self.held.hold(subject, Instant::now());
        let pause = pause.map_err(|TooMany| Trouble::TooManyHeld(self.held.len()))?;
        self.relay.status.held(self.held.len());
        let module = self.relay.books.module();
        tracing::error!(
            module,
            order_id = subject,
            error = cause,
            "{module} cannot publish about order {subject}, tries again in {pause:?}: {cause}"
        );
        Ok(())
    }

    fn release(&mut self, subject: &str) {
        self.held.release(subject);
        self.relay.status.held(self.held.len());
    }
}

/// Why the broker returned a message.
struct Returned(String);

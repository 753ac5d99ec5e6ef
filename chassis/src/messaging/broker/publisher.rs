//! Publishing with confirms: nothing counts as published until the broker says that it has it.

use std::collections::VecDeque;
use std::task::Poll;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, PublisherConfirm};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::link::{BLOCKED, Link};
use super::parcel::{Parcel, named};
use super::{Broker, PublishError, fault, metrics};

/// How many calls publish at the same time, each on a channel of its own.
const CHANNELS: usize = 4;
/// How many messages of one call are on their way at the same time.
const IN_FLIGHT: usize = 512;
/// How long the broker may take from one confirm to the next.
const CONFIRM: Duration = Duration::from_secs(10);
/// How long a call may wait for its turn.
const TURN: Duration = Duration::from_secs(20);

/// The channels on which this process publishes.
pub(super) struct Publisher {
    turns: Semaphore,
    idle: Mutex<VecDeque<(Link, Channel)>>,
}

impl Publisher {
    pub(super) fn new() -> Self {
        Self { turns: Semaphore::new(CHANNELS), idle: Mutex::default() }
    }

    /// Publishes in order, and returns when all is confirmed.
    ///
    /// The channel belongs to this call alone meanwhile. That is how it is known which messages were
    /// returned: a return says nothing but the message itself, and lapin hands it out with whichever
    /// confirm comes next.
    pub(super) async fn publish(&self, broker: &Broker, parcels: &[Parcel]) -> Result<(), PublishError> {
        let turn = tokio::time::timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(PublishError::Away(format!("no turn to publish within {TURN:?}")));
        };
        let link = broker.publishing_link().await?;
        let channel = self.channel(&link).await?;
        for parcels in parcels.chunks(IN_FLIGHT) {
            if let Err(error) = publish_on(&link, &channel, parcels).await {
                if matches!(error, PublishError::Returned(_)) {
                    // somebody may have deleted a queue: whoever tries again finds it
                    drop(link.declare_again().await);
                    self.put_back(link, channel);
                }
                return Err(error);
            }
        }
        self.put_back(link, channel);
        Ok(())
    }

    /// A channel on `link` with confirms on it.
    async fn channel(&self, link: &Link) -> Result<Channel, PublishError> {
        while let Some((owner, channel)) = self.take() {
            if !owner.is_lost() && channel.status().connected() {
                return Ok(channel);
            }
        }
        let channel = link.channel().await?;
        link.answered("confirm", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    fn take(&self) -> Option<(Link, Channel)> {
        self.idle.lock().pop_front()
    }

    fn put_back(&self, link: Link, channel: Channel) {
        self.idle.lock().push_back((link, channel));
    }
}

async fn publish_on(link: &Link, channel: &Channel, parcels: &[Parcel]) -> Result<(), PublishError> {
    let published = tokio::select! {
        published = write_and_wait(channel, parcels) => published,
        () = link.lost() => return Err(PublishError::Away(link.why_lost())),
    };
    let returned = match published {
        Ok(returned) => returned,
        Err(Failure::Silence) if link.is_blocked() => return Err(PublishError::Away(BLOCKED.to_owned())),
        Err(Failure::Silence) => return Err(link.condemn(&format!("it confirmed nothing for {CONFIRM:?}"))),
        Err(Failure::Address(error)) => return Err(error),
        Err(Failure::Nack(name)) => return Err(PublishError::Away(format!("it did not take {name}"))),
        Err(Failure::Channel(error)) => {
            if fault::is_missing(&error) {
                drop(link.declare_again().await);
            }
            return Err(PublishError::Away(error.to_string()));
        }
    };
    match returned.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
            Err(PublishError::Returned(format!("no queue takes {first}{more}")))
        }
    }
}

/// Why a batch was not confirmed.
enum Failure {
    /// Nothing came for too long.
    Silence,
    /// The broker did not take a message.
    Nack(String),
    /// The channel or the connection ended.
    Channel(lapin::Error),
    /// A message has no address that AMQP knows.
    Address(PublishError),
}

/// Writes all messages, waits for all confirms, and returns the names of those that no queue took.
async fn write_and_wait(channel: &Channel, parcels: &[Parcel]) -> Result<Vec<String>, Failure> {
    let mut returned = Vec::new();
    let mut refused = None;
    for (parcel, confirm) in parcels.iter().zip(write(channel, parcels).await?) {
        let confirmation = match tokio::time::timeout(CONFIRM, confirm).await {
            Ok(confirmation) => confirmation.map_err(Failure::Channel)?,
            Err(_) => return Err(Failure::Silence),
        };
        match &confirmation {
            Confirmation::Ack(_) => metrics::confirmed(&parcel.exchange),
            // the rest is waited for first, so that the channel is in order again
            Confirmation::Nack(_) | Confirmation::NotRequested => refused = Some(parcel.name()),
        }
        if let Some(message) = confirmation.take_message() {
            metrics::returned(message.exchange.as_str());
            let id = message.properties.message_id().as_ref();
            returned.push(named(id, message.exchange.as_str(), message.routing_key.as_str()));
        }
    }
    refused.map_or(Ok(returned), |name| Err(Failure::Nack(name)))
}

/// Writes all messages without waiting between them.
async fn write(channel: &Channel, parcels: &[Parcel]) -> Result<Vec<PublisherConfirm>, Failure> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let mut writing = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        let (exchange, key) = parcel.address().map_err(Failure::Address)?;
        let mut written =
            Box::pin(channel.basic_publish(exchange, key, options, &parcel.body, parcel.properties.clone()));
        // lapin puts a message into its buffer when the future is first polled, and completes it when
        // the buffer was written: polled once each in their order, they are written in their order
        let progress = futures::poll!(&mut written);
        metrics::published(&parcel.exchange);
        writing.push((written, progress));
    }
    let mut confirms = Vec::with_capacity(parcels.len());
    for (written, progress) in writing {
        let confirm = match progress {
            Poll::Ready(confirm) => confirm,
            Poll::Pending => tokio::time::timeout(CONFIRM, written).await.map_err(|_| Failure::Silence)?,
        };
        confirms.push(confirm.map_err(Failure::Channel)?);
    }
    Ok(confirms)
}

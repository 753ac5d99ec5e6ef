//! Putting a message aside: into the dead letters of its queue, with its cause.

use contracts::messages::Queue;
use contracts::messages::queues::DEAD_LETTERS;
use contracts::{Timestamp, TraceContext};
use lapin::BasicProperties;
use lapin::types::AMQPValue;

use crate::messaging::broker::{Broker, Parcel, PublishError, dead_lettered, sent_on, short};

/// What our headers on a dead letter begin with.
pub(in crate::messaging) const OURS: &str = "tradewind-";
/// Why it was put aside.
pub(in crate::messaging) const CAUSE: &str = "tradewind-cause";
/// After how many attempts.
pub(in crate::messaging) const ATTEMPTS: &str = "tradewind-attempts";
/// Out of which queue.
const QUEUE: &str = "tradewind-queue";
/// When.
pub(in crate::messaging) const DIED_AT: &str = "tradewind-died-at";
/// Where its last attempt is in its trace (`traceparent`).
pub(in crate::messaging) const LAST_ATTEMPT: &str = "tradewind-last-attempt";
/// The same, on a message that was put aside and sent again.
pub(in crate::messaging) const REVIVED_FROM: &str = "tradewind-revived-from";
/// How often a quorum queue has delivered a message before: its own header.
pub(in crate::messaging) const DELIVERY_COUNT: &str = "x-delivery-count";

/// A cause is cut there: headers must fit into one frame.
const LONGEST_CAUSE: usize = 2_000;

/// What is noted on a message that is put aside.
#[derive(Debug, Clone, Copy)]
pub(in crate::messaging) struct Marks<'a> {
    /// Why it is.
    pub cause: &'a str,
    /// After how many attempts.
    pub attempts: u32,
    /// Where the last of them is in its trace, where that is known.
    pub last: Option<&'a TraceContext>,
}

/// Puts a message that came out of `queue` into its dead letters. When this returns, the broker has it.
pub(super) async fn put_aside(
    broker: &Broker,
    queue: &'static Queue,
    message: &lapin::message::Delivery,
    marks: Marks<'_>,
) -> Result<(), PublishError> {
    let parcel = Parcel {
        exchange: DEAD_LETTERS.to_owned(),
        key: queue.name.to_owned(),
        properties: marked(&message.properties, queue.name, marks, Timestamp::now()),
        body: message.data.clone(),
    };
    broker.publish_parcels(&[parcel]).await?;
    dead_lettered(queue.name);
    Ok(())
}

/// The properties of a message that came out of `queue`, as a dead letter has them.
pub(in crate::messaging) fn marked(
    properties: &BasicProperties,
    queue: &str,
    Marks { cause, attempts, last }: Marks<'_>,
    died_at: Timestamp,
) -> BasicProperties {
    let mut headers =
        properties.headers().as_ref().map(|headers| headers.inner().clone()).unwrap_or_default();
    headers.remove(DELIVERY_COUNT);
    let cause = &cause[..cause.floor_char_boundary(LONGEST_CAUSE)];
    for (name, value) in [(CAUSE, cause), (QUEUE, queue), (DIED_AT, &died_at.to_string())] {
        headers.insert(short(name), AMQPValue::LongString(value.into()));
    }
    headers.remove(LAST_ATTEMPT);
    if let Some(last) = last {
        headers.insert(short(LAST_ATTEMPT), AMQPValue::LongString(last.traceparent().into()));
    }
    headers.insert(short(ATTEMPTS), AMQPValue::LongLongInt(i64::from(attempts)));
    sent_on(properties, headers)
}

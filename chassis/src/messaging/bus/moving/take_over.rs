//! From a broker into the databases of the modules.

use contracts::Timestamp;
use contracts::messages::Queue;
use contracts::messages::queues::QUEUES;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicGetOptions};

use super::seam::{Seam, follow};
use super::{AT_ONCE, MoveError, Moved, Session};
use crate::messaging::consumer::{
    attempts_before,
    log::stream::{Delivered, Range},
};
use crate::messaging::dead_letters::DeadLetter;
use crate::messaging::in_process::{
    Arrivals, Content, Death, Entry, EventLog, InProcess, NewArrival, storable,
};
use crate::store::StoreError;

/// Takes over everything that waits, and what the log here lacks.
pub(super) async fn all(in_process: &InProcess, session: &Session) -> Result<Moved, MoveError> {
    // before anything is taken: all of it has a place to go
    let log = in_process.log().map_err(MoveError::Missing)?;
    let mut queues = Vec::with_capacity(QUEUES.len());
    for queue in QUEUES {
        queues.push((*queue, in_process.arrivals(queue.module).map_err(MoveError::Missing)?));
    }
    session.unconsumed(QUEUES).await?;
    let mut moved = Moved { log_entries: append(&log, session).await?, ..Moved::default() };
    for (queue, arrivals) in queues {
        moved.messages += empty(queue.name, session, &arrivals, |message| waiting(queue, message)).await?;
        let aside = queue.dead_letters();
        moved.dead_letters += empty(&aside, session, &arrivals, |message| dead(queue, message)).await?;
    }
    Ok(moved)
}

/// Takes all messages out of the queue `name`; they leave it when the database has them. Returns how many.
async fn empty(
    name: &str,
    session: &Session,
    arrivals: &Arrivals,
    arrival: impl Fn(&Delivery) -> Result<NewArrival, StoreError>,
) -> Result<u64, MoveError> {
    let link = &session.consuming;
    let channel = link.channel().await?;
    let mut taken = 0;
    loop {
        let mut batch = Vec::new();
        while batch.len() < usize::from(AT_ONCE) {
            let get = channel.basic_get(name.into(), BasicGetOptions::default());
            let Some(message) = link.answered("hand out a message", get).await? else { break };
            batch.push(message.delivery);
        }
        let Some(last) = batch.last() else { break };
        arrivals.insert(&batch.iter().map(&arrival).collect::<Result<Vec<_>, _>>()?).await?;
        let ack = last.acker.ack(BasicAckOptions { multiple: true });
        link.answered("take an acknowledgement", ack).await?;
        taken += batch.len() as u64;
    }
    link.answered("close a channel", channel.close(200, "done".into())).await?;
    Ok(taken)
}

fn waiting(queue: &'static Queue, message: &Delivery) -> Result<NewArrival, StoreError> {
    Ok(NewArrival {
        queue: queue.name,
        columns: Content::received(message).columns()?,
        attempts: attempts_before(message),
        death: None,
    })
}

fn dead(queue: &'static Queue, message: &Delivery) -> Result<NewArrival, StoreError> {
    let letter = DeadLetter::read(queue, &message.properties, &message.data);
    let at = letter.died_at.unwrap_or_else(Timestamp::now);
    Ok(NewArrival {
        queue: queue.name,
        columns: Content::received(message).columns()?,
        attempts: letter.attempts.unwrap_or_default(),
        death: Some(Death { cause: storable(&letter.cause), at }),
    })
}

/// Appends to the log what it lacks of the stream, under the offsets of the stream; returns how many.
async fn append(log: &EventLog, session: &Session) -> Result<u64, MoveError> {
    let Seam { here, there: Some(there) } = Seam::find(log, session).await? else { return Ok(0) };
    let first = here.map_or(0, |last| last + 1);
    if first > there {
        return Ok(0);
    }
    let mut range = Range::begin(&session.consuming, first, there).await?;
    // a log that is empty takes the stream as it is: its head may have been cut off
    let mut expected = here.map(|_| first);
    let mut appended = 0;
    loop {
        let batch = range.next().await?;
        let Some(begins) = batch.first().map(|found| found.offset) else { return Ok(appended) };
        expected = Some(follow(expected.unwrap_or(begins), batch.iter().map(|found| found.offset))?);
        let entry =
            |found: &Delivered| Entry { offset: found.offset, content: Content::received(&found.entry) };
        log.adopt(&batch.iter().map(entry).collect::<Vec<_>>()).await?;
        appended += batch.len() as u64;
    }
}

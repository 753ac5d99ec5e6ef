//! From the databases of the modules to a broker.

use contracts::messages::queues::EVENT_LOG;

use super::seam::{Seam, follow};
use super::{AT_ONCE, MoveError, Moved, Session};
use crate::messaging::broker::Parcel;
use crate::messaging::consumer::log::stream;
use crate::messaging::in_process::{Arrival, Arrivals, Entry, EventLog, InProcess};

/// Hands over everything that waits, and what the stream lacks.
pub(super) async fn all(in_process: &InProcess, session: &Session) -> Result<Moved, MoveError> {
    let mut moved = Moved::default();
    // the log first: where it cannot be handed over, everything stays as it is
    if let Ok(log) = in_process.log() {
        moved.log_entries = append(&log, session).await?;
    }
    for arrivals in in_process.modules().values() {
        send(arrivals, session, &mut moved).await?;
    }
    Ok(moved)
}

/// Sends what waits for a module to its queues; it leaves the database when the broker has it.
async fn send(arrivals: &Arrivals, session: &Session, moved: &mut Moved) -> Result<(), MoveError> {
    loop {
        let batch = arrivals.first(AT_ONCE).await?;
        if batch.is_empty() {
            return Ok(());
        }
        session.publish(&batch.iter().map(packed).collect::<Vec<_>>()).await?;
        arrivals.delete(&batch.iter().map(|arrival| arrival.position).collect::<Vec<_>>()).await?;
        let dead = batch.iter().filter(|arrival| arrival.death.is_some()).count() as u64;
        moved.dead_letters += dead;
        moved.messages += batch.len() as u64 - dead;
    }
}

fn packed(arrival: &Arrival) -> Parcel {
    if arrival.death.is_some() { arrival.dead_letter() } else { arrival.parcel() }
}

/// Appends to the stream what it lacks, so that each entry has its offset there too; returns how many.
async fn append(log: &EventLog, session: &Session) -> Result<u64, MoveError> {
    let Seam { here, there } = Seam::find(log, session).await?;
    if there > here {
        return Err(MoveError::StreamIsLonger);
    }
    let first = there.map_or(0, |last| last + 1);
    let mut next = first;
    loop {
        let batch = log.read(next, AT_ONCE).await?;
        if batch.is_empty() {
            break;
        }
        let after = follow(next, batch.iter().map(|entry| entry.offset))?;
        session.publish(&batch.iter().map(as_entry).collect::<Vec<_>>()).await?;
        next = after;
    }
    let end = stream::last(&session.consuming).await?.map(|last| last.offset);
    if end == here { Ok(next - first) } else { Err(MoveError::Disturbed) }
}

fn as_entry(entry: &Entry) -> Parcel {
    Parcel { exchange: String::new(), key: EVENT_LOG.to_owned(), ..entry.content.parcel() }
}

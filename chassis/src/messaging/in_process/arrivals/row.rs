//! Between arrivals and their rows.

use contracts::Timestamp;
use contracts::messages::queues::DEAD_LETTERS;
use contracts::messages::{Outgoing, Queue};
use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::messaging::broker::Parcel;
use crate::messaging::consumer::{Marks, marked};
use crate::messaging::in_process::content::Content;
use crate::messaging::sql::json;
use crate::messaging::stored::Columns;
use crate::store::StoreError;

/// A message that came for a module and is not dealt with.
#[derive(Debug)]
pub(in crate::messaging) struct Arrival {
    pub position: i64,
    pub queue: String,
    pub id: String,
    pub content: Content,
    /// So many attempts were made at it.
    pub attempts: u32,
    /// How it became a dead letter, where it is one.
    pub death: Option<Death>,
}

impl Arrival {
    /// The message packed for a broker, as its queue takes it.
    pub(in crate::messaging) fn parcel(&self) -> Parcel {
        Parcel { exchange: String::new(), key: self.queue.clone(), ..self.content.parcel() }
    }

    /// The same as a dead letter.
    pub(in crate::messaging) fn dead_letter(&self) -> Parcel {
        let Parcel { properties, body, .. } = self.content.parcel();
        let properties = match &self.death {
            Some(death) => {
                let marks = Marks { cause: &death.cause, attempts: self.attempts, last: None };
                marked(&properties, &self.queue, marks, death.at)
            }
            None => properties,
        };
        Parcel { exchange: DEAD_LETTERS.to_owned(), key: self.queue.clone(), properties, body }
    }
}

/// How a message became a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::messaging) struct Death {
    pub cause: String,
    pub at: Timestamp,
}

/// A message on its way into the arrivals.
#[derive(Debug)]
pub(in crate::messaging) struct NewArrival {
    pub queue: &'static str,
    pub columns: Columns,
    pub attempts: u32,
    pub death: Option<Death>,
}

impl NewArrival {
    /// A message that somebody has just sent.
    pub(in crate::messaging) fn of(queue: &'static Queue, outgoing: &Outgoing) -> Result<Self, StoreError> {
        Ok(Self { queue: queue.name, columns: Columns::of(outgoing)?, attempts: 0, death: None })
    }
}

/// An arrival, as the statement that writes it takes it.
#[derive(Serialize)]
struct Object<'a> {
    queue: &'a str,
    #[serde(flatten)]
    columns: &'a Columns,
    state: &'static str,
    attempts: u32,
    due_at: i64,
    cause: Option<&'a str>,
    died_at: Option<i64>,
}

impl<'a> Object<'a> {
    fn of(arrival: &'a NewArrival, now: Timestamp) -> Self {
        let death = arrival.death.as_ref();
        Self {
            queue: arrival.queue,
            columns: &arrival.columns,
            state: if death.is_some() { "dead" } else { "waiting" },
            attempts: arrival.attempts,
            due_at: now.0,
            cause: death.map(|death| death.cause.as_str()),
            died_at: death.map(|death| death.at.0),
        }
    }
}

/// Arrivals as a list of objects.
pub(super) fn objects(arrivals: &[NewArrival], now: Timestamp) -> Result<String, StoreError> {
    let object = |arrival| Object::of(arrival, now);
    json(&arrivals.iter().map(object).collect::<Vec<_>>())
}

pub(super) fn arrival(row: &AnyRow) -> Result<Arrival, StoreError> {
    let (attempts, died_at): (i64, Option<i64>) = (row.try_get("attempts")?, row.try_get("died_at")?);
    let cause: Option<String> = row.try_get("cause")?;
    let death = |at| Death { cause: cause.unwrap_or_default(), at: Timestamp(at) };
    Ok(Arrival {
        position: row.try_get("position")?,
        queue: row.try_get("queue")?,
        id: row.try_get("id")?,
        content: Content::of_row(row)?,
        attempts: u32::try_from(attempts).map_err(|_| StoreError::corrupt("attempts", attempts))?,
        death: died_at.map(death),
    })
}

pub(super) fn waiting(row: &AnyRow) -> Result<u64, StoreError> {
    let waiting: i64 = row.try_get("waiting")?;
    u64::try_from(waiting).map_err(|_| StoreError::corrupt("waiting", waiting))
}

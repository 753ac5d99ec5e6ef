//! [`ShippingStore`] in SQL, the same statements on both engines.
//!
//! Writers do not lock: they read, decide, and write on condition that the shipment's sequence is still
//! the one they read. Whoever loses reads and decides again. Rows are written in one order: shipments by
//! their orders' ids, each with its event, then the outbox.

use async_trait::async_trait;
use chassis::messaging::Mailbox;
use chassis::messaging::participant::books;
use chassis::store::{Store, StoreError};
use contracts::messages::{Event, Origin, Outgoing};
use contracts::shipping::{CancelShipment, ScheduleShipment, Shipment, TrackingEvent};
use contracts::{OrderId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::{Decided, ShippingStore, rows};
use crate::domain::parcel::{self, MOST_MOVES};
use crate::domain::{Decision, Move, Pace, Parcel, Refusal};

/// [`ShippingStore`] on SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct SqlStore {
    store: Store,
    mailbox: Mailbox,
}

impl SqlStore {
    /// Shipping's tables in `store`. What becomes true is told through `mailbox`.
    pub fn new(store: Store, mailbox: Mailbox) -> Self {
        Self { store, mailbox }
    }

    /// Brings about what `decide` makes of the shipment as it stands.
    async fn settle(
        &self,
        order_id: OrderId,
        origin: &Origin,
        decide: impl Fn(Option<&Parcel>) -> Result<Decision, Refusal> + Send + Sync,
    ) -> Decided {
        // an attempt only fails when another writer has moved the shipment, which cannot go on for ever
        for _ in 0..=MOST_MOVES {
            let mut tx = self.store.begin().await?;
            let known = sqlx::query(BY_ORDER).bind(order_id.to_string()).fetch_optional(&mut *tx).await?;
            let known = known.as_ref().map(Kept::of).transpose()?;
            let step = match decide(known.as_ref().map(|kept| &kept.parcel)) {
                Ok(Decision::Change(step)) => step,
                Ok(Decision::Stand(shipment)) => return Ok(Ok(shipment)),
                Err(refusal) => return Ok(Err(refusal)),
            };
            let keep = self.mailbox.is_open().then_some(origin);
            if write_in_tx(&mut tx, &step, keep).await? == Write::Done {
                let kept = known.and_then(|kept| kept.origin);
                let fact = fact(&step, kept.as_ref(), Some(origin));
                books::commit_with(tx, &self.mailbox, &[fact]).await?;
                return Ok(Ok(step.parcel.shipment()));
            }
        }
        Err(StoreError::Corrupt(format!(
            "the shipment of order {order_id} has moved more than {MOST_MOVES} times"
        )))
    }
}

#[async_trait]
impl ShippingStore for SqlStore {
    async fn shipment_schedule(
        &self,
        request: &ScheduleShipment,
        now: Timestamp,
        origin: &Origin,
    ) -> Decided {
        self.settle(request.order_id, origin, |known| parcel::schedule(known, request, now)).await
    }

    async fn shipment_cancel(&self, request: &CancelShipment, now: Timestamp, origin: &Origin) -> Decided {
        self.settle(request.order_id, origin, |known| parcel::cancel(known, request, now)).await
    }

    async fn shipment(&self, order_id: OrderId) -> Result<Option<Shipment>, StoreError> {
        let row = sqlx::query(BY_ORDER).bind(order_id.to_string()).fetch_optional(self.store.read()).await?;
        row.map(|row| Ok(rows::parcel(&row)?.shipment())).transpose()
    }

    async fn shipment_history(&self, order_id: OrderId) -> Result<Vec<TrackingEvent>, StoreError> {
        let rows = sqlx::query(HISTORY).bind(order_id.to_string()).fetch_all(self.store.read()).await?;
        rows.iter().map(rows::event).collect()
    }

    async fn shipments_page(&self, after: &str, most: u32) -> Result<Vec<Shipment>, StoreError> {
        let rows = sqlx::query(PAGE).bind(after).bind(i64::from(most)).fetch_all(self.store.read()).await?;
        rows.iter().map(|row| Ok(rows::parcel(row)?.shipment())).collect()
    }

    async fn shipments_advance(
        &self,
        pace: Pace,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<OrderId>, StoreError> {
        // read outside the transaction: on most sweeps nothing is due, and the only writer of SQLite is
        // left alone
        let due = sqlx::query(DUE)
            .bind(now.minus(pace.dispatch_after).0)
            .bind(now.minus(pace.deliver_after).0)
            .bind(i64::from(most))
            .fetch_all(self.store.read())
            .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let mut due = due.iter().map(Kept::of).collect::<Result<Vec<_>, _>>()?;
        // replicas take rows in the same order, so that none waits for another that waits for it
        due.sort_by_key(|kept| kept.parcel.order_id);
        let (mut moved, mut facts) = (Vec::with_capacity(due.len()), Vec::with_capacity(due.len()));
        let mut tx = self.store.begin().await?;
        for kept in &due {
            let Some(step) = parcel::advance(&kept.parcel, pace, now) else { continue };
            if write_in_tx(&mut tx, &step, None).await? == Write::Done {
                moved.push(step.parcel.order_id);
                // one that was scheduled while there was no broker nobody has been told of, and so
                // nobody knows whose it is
                facts.extend(kept.origin.as_ref().map(|origin| fact(&step, Some(origin), None)));
            }
        }
        books::commit_with(tx, &self.mailbox, &facts).await?;
        Ok(moved)
    }
}

/// A row of `shipping_shipments`.
struct Kept {
    parcel: Parcel,
    /// Under what circumstances the order was first touched.
    origin: Option<Origin>,
}

impl Kept {
    fn of(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self { parcel: rows::parcel(row)?, origin: rows::origin(row)? })
    }
}

/// What a move tells the world.
fn fact(step: &Move, kept: Option<&Origin>, call: Option<&Origin>) -> Outgoing {
    step.fact.fact(&books::origin_of_fact(kept, call), step.parcel.updated_at)
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Done,
    /// Another writer came first.
    Lost,
}

/// Writes a shipment and the event of its move, unless it is no longer as it was when that was decided. A
/// new shipment is kept with `origin`.
async fn write_in_tx(
    tx: &mut Transaction<'static, Any>,
    step: &Move,
    origin: Option<&Origin>,
) -> Result<Write, StoreError> {
    let Move { parcel, event, .. } = step;
    let order_id = parcel.order_id.to_string();
    let written = if parcel.sequence == 1 {
        let origin = origin.map(books::origin_column).transpose()?;
        insert(parcel, &order_id).bind(origin).execute(&mut **tx).await?
    } else {
        sqlx::query(MOVE)
            .bind(rows::status_text(parcel.status))
            .bind(parcel.updated_at.0)
            .bind(i64::from(parcel.sequence))
            .bind(&order_id)
            .execute(&mut **tx)
            .await?
    };
    if written.rows_affected() == 0 {
        return Ok(Write::Lost);
    }
    sqlx::query(EVENT)
        .bind(&order_id)
        .bind(i64::from(event.sequence))
        .bind(rows::status_text(event.status))
        .bind(&event.note)
        .bind(event.at.0)
        .execute(&mut **tx)
        .await?;
    Ok(Write::Done)
}

fn insert<'q>(parcel: &'q Parcel, order_id: &'q str) -> sqlx::query::Query<'q, Any, sqlx::any::AnyArguments> {
    let head = sqlx::query(INSERT)
        .bind(order_id)
        .bind(rows::status_text(parcel.status))
        .bind(parcel.updated_at.0)
        .bind(i64::from(parcel.sequence));
    match &parcel.booking {
        Some(booking) => head
            .bind(&booking.carrier)
            .bind(&booking.tracking_number)
            .bind(&booking.address.name)
            .bind(&booking.address.street)
            .bind(&booking.address.city)
            .bind(&booking.address.postal_code)
            .bind(&booking.address.country)
            .bind(i64::from(booking.weight_grams))
            .bind(booking.scheduled_at.0),
        // a tombstone
        None => (0..7).fold(head, |head, _| head.bind("")).bind(0i64).bind(0i64),
    }
}

const BY_ORDER: &str = "
    SELECT order_id, status, updated_at, sequence, carrier, tracking_number, recipient, street, city,
           postal_code, country, weight_grams, scheduled_at, origin
    FROM shipping_shipments
    WHERE order_id = $1";

const PAGE: &str = "
    SELECT order_id, status, updated_at, sequence, carrier, tracking_number, recipient, street, city,
           postal_code, country, weight_grams, scheduled_at
    FROM shipping_shipments
    WHERE order_id > $1
    ORDER BY order_id
    LIMIT $2";

const DUE: &str = "
    SELECT order_id, status, updated_at, sequence, carrier, tracking_number, recipient, street, city,
           postal_code, country, weight_grams, scheduled_at, origin
    FROM shipping_shipments
    WHERE (status = 'scheduled' AND updated_at <= $1) OR (status = 'shipped' AND updated_at <= $2)
    ORDER BY updated_at, order_id
    LIMIT $3";

const INSERT: &str = "
    INSERT INTO shipping_shipments (order_id, status, updated_at, sequence, carrier, tracking_number,
                                    recipient, street, city, postal_code, country, weight_grams, scheduled_at,
                                    origin)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (order_id) DO NOTHING";

const MOVE: &str = "
    UPDATE shipping_shipments
    SET status = $1, updated_at = $2, sequence = $3
    WHERE order_id = $4 AND sequence = $3 - 1";

const EVENT: &str = "
    INSERT INTO shipping_events (order_id, sequence, status, note, happened_at)
    VALUES ($1, $2, $3, $4, $5)";

const HISTORY: &str = "
    SELECT order_id, sequence, status, note, happened_at
    FROM shipping_events
    WHERE order_id = $1
    ORDER BY sequence";

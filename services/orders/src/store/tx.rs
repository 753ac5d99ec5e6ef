//! The statements of one change, in its transaction.

use chassis::store::StoreError;
use contracts::OrderId;
use contracts::orders::TimelineEntry;
use sqlx::{Any, Transaction as Tx};

use super::rows::{to_json, to_word};
use super::{KeyRecord, Lease, Outcome, StoredOrder, Transition};

/// Whether the key was new.
pub(super) async fn key_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    record: &KeyRecord,
    order: &StoredOrder,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO orders_keys (customer_id, operation, key, fingerprint, order_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(record.customer_id.0.clone())
    .bind(record.operation.clone())
    .bind(record.key.clone())
    .bind(record.fingerprint.clone())
    .bind(order.id.to_string())
    .bind(order.placed_at.0)
    .execute(&mut **tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn order_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    order: &StoredOrder,
    lease: &Lease,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO orders_orders (id, customer_id, state, status, resting, coordination, lines, card, address,
             currency, shipping, total, reason, placed_at, updated_at, version, lease_owner, lease_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, $13, $14, $15, $16, $17)",
    )
    .bind(order.id.to_string())
    .bind(order.customer_id.0.clone())
    .bind(to_json(&order.state)?)
    .bind(to_word(&order.state.status())?)
    .bind(i32::from(order.state.rests()))
    .bind(to_word(&order.coordination)?)
    .bind(to_json(&order.lines)?)
    .bind(order.card.0.clone())
    .bind(to_json(&order.address)?)
    .bind(order.total.currency.as_str())
    .bind(order.shipping.amount)
    .bind(order.total.amount)
    .bind(order.placed_at.0)
    .bind(order.updated_at.0)
    .bind(order.version as i64)
    .bind(lease.owner.clone())
    .bind(lease.until.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Writes an order as it is after its steps, if it is still as it was before them, and rested there or is
/// held by `holder`.
pub(super) async fn order_update_in_tx(
    tx: &mut Tx<'_, Any>,
    transition: &Transition,
    holder: &str,
) -> Result<Outcome, StoreError> {
    let Transition { order, lease, .. } = transition;
    // the lease fences the steps: a driver who was so slow that another took the order over knows too
    // little to decide anything, though the version may still be the one it began with
    let changed = sqlx::query(
        "UPDATE orders_orders
         SET state = $1, status = $2, resting = $3, early = $4, reason = $5, updated_at = $6, version = $7,
             lease_owner = $8, lease_until = $9
         WHERE id = $10 AND version = $11 AND (resting = 1 OR lease_owner = $12)",
    )
    .bind(to_json(&order.state)?)
    .bind(to_word(&order.state.status())?)
    .bind(i32::from(order.state.rests()))
    .bind(to_json(&order.early)?)
    .bind(order.reason.as_ref().map(to_json).transpose()?)
    .bind(order.updated_at.0)
    .bind(order.version as i64)
    .bind(lease.owner.clone())
    .bind(lease.until.0)
    .bind(order.id.to_string())
    .bind(transition.version_before() as i64)
    .bind(holder.to_owned())
    .execute(&mut **tx)
    .await?;
    Ok(if changed.rows_affected() == 0 { Outcome::Lost } else { Outcome::Done })
}

/// Writes the steps into the event log, and what they decide beside the key.
pub(super) async fn log_in_tx(tx: &mut Tx<'_, Any>, transition: &Transition) -> Result<(), StoreError> {
    for entry in &transition.entries {
        entry_insert_in_tx(tx, transition.order.id, entry).await?;
    }
    if let Some(answer) = &transition.answer {
        // the first answer stands, whatever becomes of the order later
        sqlx::query("UPDATE orders_keys SET answer = $1 WHERE order_id = $2 AND answer IS NULL")
            .bind(answer.clone())
            .bind(transition.order.id.to_string())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn entry_insert_in_tx(
    tx: &mut Tx<'_, Any>,
    order_id: OrderId,
    entry: &TimelineEntry,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO orders_timeline (order_id, version, at, from_state, to_state, cause, detail, direction, trace_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(order_id.to_string())
    .bind(entry.version as i64)
    .bind(entry.at.0)
    .bind(entry.from.clone())
    .bind(entry.to.clone())
    .bind(entry.cause.clone())
    .bind(entry.detail.clone())
    .bind(to_word(&entry.direction)?)
    .bind(entry.trace_id.clone())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

//! The rows of the generations: who is what, and how far each has read.

use chassis::store::StoreError;
use contracts::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AnyPool, Executor, Row as _};

use super::{Differences, Positions, Replay, ReplayEnd, Role, Stretch};

/// A generation whose row lock this transaction has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locked {
    pub generation: i64,
    pub next_offset: i64,
}

pub(super) async fn positions(pool: &AnyPool) -> Result<Positions, StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT role, next_offset FROM recommendations_generations WHERE role <> 'retired'")
            .fetch_all(pool)
            .await?;
    let of = |role: Role| rows.iter().find(|(name, _)| name == role.as_str()).map(|(_, offset)| *offset);
    let serving = of(Role::Serving).ok_or_else(|| StoreError::corrupt("role", "no generation serves"))?;
    let building = of(Role::Building).map(|offset| count("next_offset", offset)).transpose()?;
    Ok(Positions { serving: count("next_offset", serving)?, building })
}

/// Moves the generation in that role over a stretch, if it stands at its beginning.
pub(super) async fn advance_in_tx(
    tx: &mut AnyConnection,
    role: Role,
    stretch: &Stretch,
) -> Result<Option<i64>, StoreError> {
    let generation = sqlx::query_scalar(
        "UPDATE recommendations_generations
         SET next_offset = $1, first_offset = COALESCE(first_offset, $2)
         WHERE role = $3 AND next_offset = $4
         RETURNING generation",
    )
    .bind(number("to", stretch.to)?)
    .bind(number("first", stretch.first)?)
    .bind(role.as_str())
    .bind(number("from", stretch.from)?)
    .fetch_optional(tx)
    .await?;
    Ok(generation)
}

/// Locks the row of the generation in that role.
pub(super) async fn lock_in_tx(tx: &mut AnyConnection, role: Role) -> Result<Option<Locked>, StoreError> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "UPDATE recommendations_generations SET role = role WHERE role = $1
         RETURNING generation, next_offset",
    )
    .bind(role.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|(generation, next_offset)| Locked { generation, next_offset }))
}

/// Has the generation that answers read on from `first`, if it stands at `at`, and gives up a replay.
pub(super) async fn begin_anew_in_tx(tx: &mut AnyConnection, at: u64, first: u64) -> Result<(), StoreError> {
    let moved = sqlx::query(
        "UPDATE recommendations_generations SET next_offset = $1 WHERE role = 'serving' AND next_offset = $2",
    )
    .bind(number("first", first)?)
    .bind(number("at", at)?)
    .execute(&mut *tx)
    .await?;
    if moved.rows_affected() == 1 {
        sqlx::query("UPDATE recommendations_generations SET role = 'retired' WHERE role = 'building'")
            .execute(tx)
            .await?;
    }
    Ok(())
}

pub(super) async fn orders_add_in_tx(
    tx: &mut AnyConnection,
    generation: i64,
    more: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE recommendations_generations SET orders = orders + $1 WHERE generation = $2")
        .bind(number("orders", more)?)
        .bind(generation)
        .execute(tx)
        .await?;
    Ok(())
}

/// A unique violation where there is one already.
pub(super) async fn building_insert_in_tx(tx: &mut AnyConnection, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO recommendations_generations (generation, role, next_offset, orders, started_at)
         SELECT MAX(generation) + 1, 'building', 0, 0, $1 FROM recommendations_generations",
    )
    .bind(at.0)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn switch_in_tx(
    tx: &mut AnyConnection,
    old: Locked,
    new: Locked,
    differences: Differences,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE recommendations_generations SET role = 'retired' WHERE generation = $1")
        .bind(old.generation)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE recommendations_generations
         SET role = 'serving', finished_at = $1, compared_at = $2, differing_orders = $3,
             differing_pairs = $4, differing_purchases = $5
         WHERE generation = $6",
    )
    .bind(at.0)
    .bind(new.next_offset)
    .bind(number("differing_orders", differences.orders)?)
    .bind(number("differing_pairs", differences.pairs)?)
    .bind(number("differing_purchases", differences.purchases)?)
    .bind(new.generation)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

pub(super) async fn replay(reads: impl Executor<'_, Database = Any>) -> Result<Option<Replay>, StoreError> {
    let row = sqlx::query(
        "SELECT replay.started_at, replay.first_offset, replay.orders, replay.next_offset,
                replay.finished_at, replay.compared_at, replay.differing_orders, replay.differing_pairs,
                replay.differing_purchases, serving.next_offset AS serving
         FROM recommendations_generations AS replay, recommendations_generations AS serving
         WHERE replay.role <> 'retired' AND replay.started_at IS NOT NULL AND serving.role = 'serving'
         ORDER BY replay.generation DESC
         LIMIT 1",
    )
    .fetch_optional(reads)
    .await?;
    row.as_ref().map(read_replay).transpose()
}

fn read_replay(row: &AnyRow) -> Result<Replay, StoreError> {
    let at = |column| -> Result<u64, StoreError> { count(column, row.try_get(column)?) };
    let finished_at: Option<i64> = row.try_get("finished_at")?;
    let first_offset: Option<i64> = row.try_get("first_offset")?;
    let end = match finished_at {
        None => None,
        Some(finished_at) => Some(ReplayEnd {
            finished_at: Timestamp(finished_at),
            compared_at: at("compared_at")?,
            differences: Differences {
                orders: at("differing_orders")?,
                pairs: at("differing_pairs")?,
                purchases: at("differing_purchases")?,
            },
        }),
    };
    Ok(Replay {
        started_at: Timestamp(row.try_get("started_at")?),
        first_offset: first_offset.map(|offset| count("first_offset", offset)).transpose()?,
        orders: at("orders")?,
        next_offset: at("next_offset")?,
        serving: at("serving")?,
        end,
    })
}

/// A generation that has been replaced.
pub(super) async fn retired(pool: &AnyPool) -> Result<Option<i64>, StoreError> {
    let statement = "SELECT MIN(generation) FROM recommendations_generations WHERE role = 'retired'";
    Ok(sqlx::query_scalar(statement).fetch_one(pool).await?)
}

/// Locks its row, if it is still there.
pub(super) async fn retired_lock_in_tx(tx: &mut AnyConnection, generation: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE recommendations_generations SET role = role WHERE generation = $1")
        .bind(generation)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn delete_in_tx(tx: &mut AnyConnection, generation: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM recommendations_generations WHERE generation = $1 AND role = 'retired'")
        .bind(generation)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) fn count(column: &str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::corrupt(column, value))
}

pub(super) fn number(column: &str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::corrupt(column, value))
}

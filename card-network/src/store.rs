//! The network's books: every change is committed before it is answered.

use chassis::store::{Store, StoreError, commit};
use sqlx::AnyConnection;

use crate::domain::{Charge, Decline, Hold, Kind, Request, Ruling, State, rule};

/// The books, in SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct Books {
    store: Store,
}

/// A row, and how often it was written: what a change compares before it sets.
struct Entry {
    hold: Hold,
    version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    card: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    state: String,
    decline_code: Option<String>,
    holds: i64,
    captures: i64,
    captured: i64,
    voided: i64,
    refunded: i64,
    version: i64,
}

impl Books {
    /// Books in `store`, whose tables are there.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// What the books say about a key.
    pub async fn hold(&self, key: &str) -> Result<Option<Hold>, StoreError> {
        Ok(self.entry(key).await?.map(|entry| entry.hold))
    }

    /// Rules on a request and writes what it changes, as one change.
    pub async fn hold_change(&self, key: &str, request: &Request) -> Result<Ruling, StoreError> {
        // each round that finds its entry changed was lost to another request that won, so this ends
        loop {
            let before = self.entry(key).await?;
            let ruling = rule(before.as_ref().map(|entry| &entry.hold), request);
            let Some(after) = &ruling.hold else { return Ok(ruling) };
            if before.as_ref().is_some_and(|entry| entry.hold == *after) {
                return Ok(ruling);
            }
            let mut tx = self.store.begin().await?;
            let written = match &before {
                None => insert_in_tx(&mut tx, key, after).await?,
                Some(entry) => update_in_tx(&mut tx, key, after, entry.version).await?,
            };
            if written {
                commit(tx).await?;
                return Ok(ruling);
            }
            tx.rollback().await?;
        }
    }

    /// Counts an attempt, and says the how-manieth of its kind it is under this key.
    pub async fn attempt_count(&self, key: &str, kind: Kind) -> Result<i64, StoreError> {
        let mut tx = self.store.begin().await?;
        let count = sqlx::query_scalar(
            "INSERT INTO card_network_attempts (key, kind, attempts) VALUES ($1, $2, 1)
             ON CONFLICT (key, kind) DO UPDATE SET attempts = card_network_attempts.attempts + 1
             RETURNING attempts",
        )
        .bind(key)
        .bind(kind.as_str())
        .fetch_one(&mut *tx)
        .await?;
        commit(tx).await?;
        Ok(count)
    }

    async fn entry(&self, key: &str) -> Result<Option<Entry>, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT card, amount, currency, state, decline_code, holds, captures, captured, voided, refunded, version
             FROM card_network_holds WHERE key = $1",
        )
        .bind(key)
        .fetch_optional(self.store.read())
        .await?;
        row.map(Entry::try_from).transpose()
    }
}

async fn insert_in_tx(tx: &mut AnyConnection, key: &str, hold: &Hold) -> Result<bool, StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO card_network_holds
             (key, card, amount, currency, state, decline_code, holds, captures, captured, voided, refunded, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)
         ON CONFLICT (key) DO NOTHING",
    )
    .bind(key)
    .bind(hold.charge.as_ref().map(|charge| charge.card.clone()))
    .bind(hold.charge.as_ref().map(|charge| charge.amount))
    .bind(hold.charge.as_ref().map(|charge| charge.currency.clone()))
    .bind(hold.state.as_str())
    .bind(decline_code(hold.state))
    .bind(hold.holds)
    .bind(hold.captures)
    .bind(hold.captured)
    .bind(hold.voided)
    .bind(hold.refunded)
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Card and amount of a key never change; state and counters do.
async fn update_in_tx(
    tx: &mut AnyConnection,
    key: &str,
    hold: &Hold,
    version: i64,
) -> Result<bool, StoreError> {
    let updated = sqlx::query(
        "UPDATE card_network_holds
         SET state = $1, holds = $2, captures = $3, captured = $4, voided = $5, refunded = $6, version = version + 1
         WHERE key = $7 AND version = $8",
    )
    .bind(hold.state.as_str())
    .bind(hold.holds)
    .bind(hold.captures)
    .bind(hold.captured)
    .bind(hold.voided)
    .bind(hold.refunded)
    .bind(key)
    .bind(version)
    .execute(tx)
    .await?;
    Ok(updated.rows_affected() == 1)
}

fn decline_code(state: State) -> Option<&'static str> {
    match state {
        State::Declined(decline) => Some(decline.as_str()),
        _ => None,
    }
}

impl TryFrom<Row> for Entry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = match (row.state.as_str(), row.decline_code.as_deref()) {
            ("held", None) => State::Held,
            ("captured", None) => State::Captured,
            ("voided", None) => State::Voided,
            ("refunded", None) => State::Refunded,
            ("declined", Some(code)) => State::Declined(
                Decline::from_code(code).ok_or_else(|| StoreError::corrupt("decline_code", code))?,
            ),
            other => return Err(StoreError::corrupt("state", other)),
        };
        let charge = match (row.card, row.amount, row.currency) {
            (Some(card), Some(amount), Some(currency)) => Some(Charge { card, amount, currency }),
            (None, None, None) => None,
            other => return Err(StoreError::corrupt("card, amount, currency", other)),
        };
        let Row { holds, captures, captured, voided, refunded, version, .. } = row;
        Ok(Self { hold: Hold { charge, state, holds, captures, captured, voided, refunded }, version })
    }
}

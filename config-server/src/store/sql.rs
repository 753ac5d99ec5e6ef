//! The store on SQLite and PostgreSQL.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chassis::config::protocol::{ChangeKind, DEFAULT_PROFILE, HistoryEntry, SHARED};
use chassis::store::{Dialect, Store, StoreError, StoreUrl};
use contracts::Timestamp;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};

use super::{Appended, ChangeSet, ChangeStore, FILES, Place, Revision, Snapshot, Stored};

/// Runtime changes in a database.
#[derive(Debug, Clone)]
pub struct SqlChanges {
    store: Store,
}

impl SqlChanges {
    /// Opens the database and brings its tables up to date; waits for its server for as long as `patience`.
    pub async fn open(url: &StoreUrl, patience: Duration) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open_within(patience, url, "config-server", sqlx::migrate!()).await? })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.store.close().await;
    }

    async fn version_in_tx(&self, tx: &mut Transaction<'static, Any>) -> Result<u64, StoreError> {
        if self.store.dialect() == Dialect::Postgres {
            // replicas take turns; SQLite has taken its one write lock already
            sqlx::query("LOCK TABLE config_changes IN EXCLUSIVE MODE").execute(&mut **tx).await?;
        }
        let row = sqlx::query(LAST_VERSION).fetch_one(&mut **tx).await?;
        unsigned(&row, "version")
    }
}

const LAST_VERSION: &str = "SELECT COALESCE(MAX(version), 0) AS version FROM config_changes";

#[async_trait]
impl ChangeStore for SqlChanges {
    async fn load(&self) -> Result<Snapshot, StoreError> {
        // in one transaction: a change that comes in between must not show in half of it
        let mut tx = self.store.begin().await?;
        let version = self.version_in_tx(&mut tx).await?;
        let mut snapshot = Snapshot { version, ..Snapshot::default() };
        let rows = sqlx::query(
            "SELECT application, MAX(version) AS version FROM config_changes GROUP BY application",
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in rows {
            snapshot.versions.insert(row.try_get("application")?, unsigned(&row, "version")?);
        }
        let rows = sqlx::query("SELECT application, profile, name, value, version FROM config_values")
            .fetch_all(&mut *tx)
            .await?;
        for row in rows {
            let stored = Stored { value: json(&row, "value")?, version: unsigned(&row, "version")? };
            snapshot.values.insert(place(&row)?, stored);
        }
        let rows =
            sqlx::query("SELECT application, body, at FROM config_schemas").fetch_all(&mut *tx).await?;
        for row in rows {
            snapshot.published = snapshot.published.wrapping_add(row.try_get("at")?);
            snapshot.schemas.insert(row.try_get("application")?, json(&row, "body")?);
        }
        chassis::store::commit(tx).await?;
        Ok(snapshot)
    }

    async fn revision(&self) -> Result<Revision, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COALESCE(MAX(version), 0) FROM config_changes) AS version,
                    (SELECT CAST(COALESCE(SUM(at), 0) AS BIGINT) FROM config_schemas) AS published",
        )
        .fetch_one(self.store.read())
        .await?;
        Ok(Revision { version: unsigned(&row, "version")?, published: row.try_get("published")? })
    }

    async fn append(&self, set: &ChangeSet) -> Result<Appended, StoreError> {
        let mut tx = self.store.begin().await?;
        let last = self.version_in_tx(&mut tx).await?;
        if last != set.expected {
            return Ok(Appended::Stale);
        }
        let version = signed(last + 1)?;
        for (place, new) in &set.changes {
            change_insert_in_tx(&mut tx, version, set, place, new.as_ref()).await?;
        }
        chassis::store::commit(tx).await?;
        Ok(Appended::As(last + 1))
    }

    async fn history(
        &self,
        application: &str,
        profile: &str,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = sqlx::query(
            "SELECT version, application, profile, name, kind, who, at, old_value, new_value FROM config_changes
             WHERE application = $1 OR (application IN ($2, $3) AND profile IN ($4, $5))
             ORDER BY version DESC, application, name LIMIT $6",
        )
        .bind(FILES)
        .bind(application)
        .bind(SHARED)
        .bind(profile)
        .bind(DEFAULT_PROFILE)
        .bind(i64::from(limit))
        .fetch_all(self.store.read())
        .await?;
        rows.iter().map(entry).collect()
    }

    async fn values_at(
        &self,
        application: &str,
        profile: &str,
        version: u64,
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, new_value FROM config_changes
             WHERE application = $1 AND profile = $2 AND version <= $3 ORDER BY version",
        )
        .bind(application)
        .bind(profile)
        .bind(signed(version)?)
        .fetch_all(self.store.read())
        .await?;
        let mut values = BTreeMap::new();
        for row in rows {
            let name: String = row.try_get("name")?;
            match optional_json(&row, "new_value")? {
                Some(value) => values.insert(name, value),
                None => values.remove(&name),
            };
        }
        Ok(values)
    }

    async fn schema_put(&self, application: &str, schema: &Value, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.store.begin().await?;
        sqlx::query(
            "INSERT INTO config_schemas (application, body, at) VALUES ($1, $2, $3)
             ON CONFLICT (application) DO UPDATE SET body = excluded.body, at = excluded.at",
        )
        .bind(application)
        .bind(schema.to_string())
        .bind(at.0)
        .execute(&mut *tx)
        .await?;
        chassis::store::commit(tx).await?;
        Ok(())
    }
}

async fn change_insert_in_tx(
    tx: &mut Transaction<'static, Any>,
    version: i64,
    set: &ChangeSet,
    place: &Place,
    new: Option<&Value>,
) -> Result<(), StoreError> {
    let new = new.map(Value::to_string);
    sqlx::query(
        "INSERT INTO config_changes (version, application, profile, name, kind, who, at, old_value, new_value)
         VALUES ($1, $2, $3, $4, $5, $6, $7,
                 (SELECT value FROM config_values WHERE application = $2 AND profile = $3 AND name = $4), $8)",
    )
    .bind(version)
    .bind(&place.application)
    .bind(&place.profile)
    .bind(&place.key)
    .bind(kind_text(set.kind))
    .bind(&set.who)
    .bind(set.at.0)
    .bind(new.as_deref())
    .execute(&mut **tx)
    .await?;
    let statement = match new {
        Some(_) => {
            "INSERT INTO config_values (application, profile, name, value, version) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (application, profile, name) DO UPDATE SET value = excluded.value, version = excluded.version"
        }
        None => "DELETE FROM config_values WHERE application = $1 AND profile = $2 AND name = $3",
    };
    let mut query = sqlx::query(statement).bind(&place.application).bind(&place.profile).bind(&place.key);
    if let Some(value) = &new {
        query = query.bind(value.as_str()).bind(version);
    }
    query.execute(&mut **tx).await?;
    Ok(())
}

fn place(row: &AnyRow) -> Result<Place, StoreError> {
    Ok(Place {
        application: row.try_get("application")?,
        profile: row.try_get("profile")?,
        key: row.try_get("name")?,
    })
}

fn entry(row: &AnyRow) -> Result<HistoryEntry, StoreError> {
    let kind: String = row.try_get("kind")?;
    let Place { application, profile, key } = place(row)?;
    Ok(HistoryEntry {
        version: unsigned(row, "version")?,
        at: Timestamp(row.try_get("at")?),
        who: row.try_get("who")?,
        kind: kind_from(&kind).ok_or_else(|| StoreError::corrupt("kind", &kind))?,
        application,
        profile,
        key,
        old: optional_json(row, "old_value")?,
        new: optional_json(row, "new_value")?,
    })
}

const KINDS: [(ChangeKind, &str); 4] = [
    (ChangeKind::Set, "set"),
    (ChangeKind::Unset, "unset"),
    (ChangeKind::Rollback, "rollback"),
    (ChangeKind::File, "file"),
];

fn kind_text(kind: ChangeKind) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("set", |(_, text)| text)
}

fn kind_from(text: &str) -> Option<ChangeKind> {
    KINDS.iter().find(|(_, known)| *known == text).map(|(kind, _)| *kind)
}

fn json(row: &AnyRow, column: &str) -> Result<Value, StoreError> {
    optional_json(row, column)?.ok_or_else(|| StoreError::corrupt(column, "NULL"))
}

fn optional_json(row: &AnyRow, column: &str) -> Result<Option<Value>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::corrupt(column, &text))).transpose()
}

fn unsigned(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::corrupt(column, number))
}

fn signed(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::corrupt("version", version))
}

//! Holding a module: all who read and write its tables wait, for a moment, and nobody is refused.

use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use sqlx::Any;
use sqlx::any::AnyConnectOptions;
use sqlx::pool::PoolConnection;

use super::gate::Closed;
use super::url::Resolved;
use super::writer::Writer;
use super::{Store, StoreError};

/// A module of which nothing is under way. Dropped, it works on where it was.
pub(super) struct Hold<'a> {
    store: &'a Store,
    /// No transaction begins.
    gate: Closed<'a>,
    /// Every connection that the module's pool gives out, so that nobody has one.
    connections: Vec<PoolConnection<Any>>,
}

/// Where a module that is held goes on.
pub(super) struct Place {
    options: AnyConnectOptions,
    writer: Arc<Writer>,
}

impl Place {
    /// Where a store can go on. Its database is there already.
    pub fn of(store: &Store, target: &Resolved) -> Result<Self, StoreError> {
        Ok(Self { options: target.connect.parse()?, writer: Writer::of(target, &store.0.pool)? })
    }

    /// Those who write there.
    pub fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }
}

impl Store {
    /// Holds the module: returns when nothing of it is under way any more. Given up, it works on. To be
    /// bounded by whoever calls, since a transaction may take its time, and others wait meanwhile.
    pub(super) async fn hold(&self) -> Result<Hold<'_>, StoreError> {
        let gate = self.0.gate.hold().ok_or(sqlx::Error::PoolClosed)?;
        // On SQLite this waits for the transaction under way. The turn is given up at once: the gate is
        // closed, and other modules may write to the same file.
        drop(gate.writer().turn().await?);
        let all = self.0.pool.options().get_max_connections();
        let connections = try_join_all((0..all).map(|_| self.0.pool.acquire())).await?;
        Ok(Hold { store: self, gate, connections })
    }
}

impl Hold<'_> {
    /// Has the module go on at another place; returns those who wrote at the one before.
    pub async fn switch(mut self, to: Place) -> Arc<Writer> {
        self.store.0.pool.set_connect_options(to.options);
        let before = self.gate.turn_to(to.writer);
        // Each one closed lets one of those who wait connect to the new place. One that cannot be closed
        // in good order is gone all the same.
        join_all(self.connections.drain(..).map(PoolConnection::close)).await;
        before
    }
}

//! The first connection to a database. Neither it nor its server need be there yet: a missing database is created,
//! a server that is away or starting is waited for. One that refuses us is not: that no time mends.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::MigrateDatabase;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Any, AnyConnection};
use tokio::time::timeout;

use super::error::{passes, says};
use super::pool::{self, PATIENCE};
use super::url::Resolved;
use super::{Dialect, StoreError};
use crate::address;
use crate::waiting::Waiting;

/// How long one attempt may take. A server that has to make the database first copies another.
const ATTEMPT: Duration = Duration::from_secs(20);
/// What says that a database does not exist. PostgreSQL: invalid catalog name; SQLite: cannot open.
const MISSING: [&str; 2] = ["3D000", "14"];
/// What PostgreSQL says to those it does not let in: wrong password, no such user or no rule for it, no
/// privilege.
const REFUSED: [&str; 3] = ["28P01", "28000", "42501"];

/// A database of a PostgreSQL server, as it may be named to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `host:port`, or the path of its socket.
    pub place: String,
    /// Who we are there.
    pub user: String,
    /// The database.
    pub database: String,
}

impl Server {
    pub(super) fn of(target: &Resolved) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(&target.connect).map_err(|error| StoreError::Address {
            address: address::shown(&target.connect),
            reason: error.to_string(),
        })?;
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let user = options.get_username().to_owned();
        // as PostgreSQL has it
        let database = options.get_database().unwrap_or(&user).to_owned();
        Ok(Self { place, user, database })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL at {} (database {})", self.place, self.database)
    }
}

/// Connects, with a connection that belongs to no pool and has no deadlines. Waits for a server for as long as
/// `patience`.
pub(super) async fn reach(target: &Resolved, patience: Duration) -> Result<AnyConnection, StoreError> {
    match target.dialect {
        Dialect::Sqlite => file(target).await,
        Dialect::Postgres => server(target, patience).await,
    }
}

async fn file(target: &Resolved) -> Result<AnyConnection, StoreError> {
    match pool::apart(target).await {
        Err(StoreError::Sql(error)) if says(&error, &MISSING) => create(target).await,
        connected => connected,
    }
}

async fn server(target: &Resolved, patience: Duration) -> Result<AnyConnection, StoreError> {
    let server = Server::of(target)?;
    let mut waiting = Waiting::begin(server.to_string(), patience);
    loop {
        let source = match within(ATTEMPT, let_in(target, &server)).await {
            Err(StoreError::Sql(error)) if passes(&error) => error,
            decided => return decided,
        };
        if let Some(waited_s) = waiting.is_over() {
            return Err(StoreError::Away { server: Box::new(server), waited_s, source });
        }
        waiting.rest(&reason(&source)).await;
    }
}

/// Connects once. A refusal tells who refuses whom.
async fn let_in(target: &Resolved, server: &Server) -> Result<AnyConnection, StoreError> {
    let server = || Box::new(server.clone());
    // at some addresses nobody answers, not even with a refusal
    match within(PATIENCE, pool::apart(target)).await {
        Err(StoreError::Sql(source)) if says(&source, &REFUSED) => {
            Err(StoreError::Refused { server: server(), source })
        }
        Err(StoreError::Sql(error)) if says(&error, &MISSING) => match create(target).await {
            Err(StoreError::Sql(source)) if says(&source, &REFUSED) => {
                Err(StoreError::NoDatabase { server: server(), source })
            }
            created => created,
        },
        connected => connected,
    }
}

/// Creates the database, and connects. Two replicas may both find it missing: one of the two creations fails, and
/// the connection decides.
async fn create(target: &Resolved) -> Result<AnyConnection, StoreError> {
    let created = Any::create_database(&target.connect).await;
    match (pool::apart(target).await, created) {
        (Err(StoreError::Sql(error)), Err(why)) if says(&error, &MISSING) => Err(why.into()),
        (connected, _) => connected,
    }
}

/// What comes of it, if it comes in time.
async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let timed_out = || StoreError::Sql(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
    timeout(patience, work).await.unwrap_or_else(|_| Err(timed_out()))
}

/// What went wrong, in the words of whoever met it first.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(source) => source.to_string(),
        sqlx::Error::Database(source) => source.message().to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;

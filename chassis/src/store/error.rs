//! What can go wrong with a database.

use std::path::PathBuf;

use contracts::error::chain;
use contracts::{Code, PortError, Problem};
use sqlx::error::ErrorKind;

use super::reach::Server;

/// What the database itself refuses for the moment. PostgreSQL: serialization failure, deadlock, shutting
/// down, another server process crashed, starting, too many connections, disk full, out of memory, and the
/// three deadlines of `DEADLINES` (lock, statement, idle transaction); SQLite: busy, disk full, no room for the
/// file that connections share. (An error while writing, 778, is never for want of room, says its manual.)
const PASSING: [&str; 15] = [
    "40001", "40P01", "57P01", "57P02", "57P03", "53300", "53100", "53200", "55P03", "57014", "25P03", "5",
    "517", "13", "4874",
];

/// What a COMMIT can be refused with, where nothing was committed then. PostgreSQL: serialization failure,
/// deadlock; SQLite: busy.
const ROLLED_BACK: [&str; 4] = ["40001", "40P01", "5", "517"];

/// A database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address makes no sense.
    #[error("the store's address {address} cannot be used: {reason}")]
    Address {
        /// Without its password.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder for the database file cannot be made.
    #[error("the folder {} for the database cannot be made", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A database file cannot be found, or cannot be removed.
    #[error("the database file {} cannot be found or removed", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Where a module's data is could not be read or written down.
    #[error("the placement file {} cannot be read or written", file.display())]
    Placement {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A placement file says what no program of ours writes.
    #[error(
        "the placement file {} says {text:?}: it must say own or shared, whichever database has the module's data",
        file.display()
    )]
    PlacementDamaged {
        /// Which.
        file: PathBuf,
        /// What it says.
        text: String,
    },
    /// PostgreSQL is not there, or not yet.
    #[error("{server} cannot be reached, and was waited for {waited_s} s")]
    Away {
        /// Which.
        server: Box<Server>,
        /// How long.
        waited_s: u64,
        /// What the last attempt met.
        source: sqlx::Error,
    },
    /// PostgreSQL does not let us in, which no waiting mends.
    #[error(
        "{server} refuses these credentials: check the user {}, its password and the database in the store's \
         address (--store or TRADEWIND_STORE)",
        server.user
    )]
    Refused {
        /// Which, and whom.
        server: Box<Server>,
        /// In its words.
        source: sqlx::Error,
    },
    /// There is no such database, and we may not create it.
    #[error(
        "PostgreSQL at {} has no database {}, and the user {} may not create it: create it for that user, or name \
         another in the store's address (--store or TRADEWIND_STORE)",
        server.place, server.database, server.user
    )]
    NoDatabase {
        /// Where, and for whom.
        server: Box<Server>,
        /// In its words.
        source: sqlx::Error,
    },
    /// The tables could not be brought up to date.
    #[error("the tables of {module} could not be brought up to date")]
    Migrate {
        /// Whose.
        module: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The file lock round the migrations could not be had.
    #[error("the migration lock {} could not be had", file.display())]
    Lock {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else brings tables up to date there.
    #[error(
        "another process holds the migration lock of {place}, and was waited for {waited_s} s: it still brings tables \
         up to date, or it hangs"
    )]
    Migrating {
        /// Which database, or which file is the lock.
        place: String,
        /// How long.
        waited_s: u64,
    },
    /// A statement failed, or there was no connection for it.
    #[error("the database did not do what it was asked")]
    Sql(#[from] sqlx::Error),
    /// The answer to a COMMIT stayed out: what the transaction changed may be there, or not.
    #[error("whether the database committed is not known")]
    Commit(#[source] sqlx::Error),
    /// A row holds what this program never writes.
    #[error("a row makes no sense: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// A row whose `column` cannot be read as what it should be.
    pub fn corrupt(column: &str, value: impl std::fmt::Debug) -> Self {
        Self::Corrupt(format!("{column} is {value:?}"))
    }

    /// Whether a statement failed because a row with this key is there already.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    /// What became of a COMMIT that failed. Where the database itself refused it, nothing was committed;
    /// anything else, a lost connection before all, says nothing about what the database did.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        let refused = error.as_database_error().is_some_and(|error| {
            let passing = error.code().is_some_and(|code| ROLLED_BACK.contains(&&*code));
            // a constraint that is checked at the end
            passing || error.kind() != ErrorKind::Other
        });
        if refused { Self::Sql(error) } else { Self::Commit(error) }
    }

    /// Whether it may go better a moment later: no connection, a deadlock, a busy file, a full disk.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Sql(error) => passes(error),
            _ => false,
        }
    }
}

/// Whether what was asked may go better a moment later.
pub(super) fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => true,
        other => says(other, &PASSING),
    }
}

/// Whether the database itself refused, with one of these codes.
pub(super) fn says(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&&*code))
}

/// The client learns that it may come again, or that it is our fault; the log learns the rest.
impl From<StoreError> for PortError {
    fn from(error: StoreError) -> Self {
        let cause = chain(&error);
        if let StoreError::Commit(_) = error {
            tracing::warn!(error = cause, "the database did not confirm a commit: {cause}");
            return Problem::new(Code::OutcomeUnknown, "the database did not confirm; ask again").into();
        }
        if error.is_passing() {
            tracing::warn!(error = cause, "the database is not available: {cause}");
            return Problem::new(Code::Unavailable, "the database is not available at present; try again")
                .into();
        }
        tracing::error!(error = cause, "the database failed: {cause}");
        Problem::internal().into()
    }
}

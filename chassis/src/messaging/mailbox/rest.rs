//! The control endpoints of a mailbox.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use contracts::messages::MessageId;
use contracts::orders::Coordination;
use contracts::{PortError, Problem, Timestamp};
use serde::{Deserialize, Serialize};

use super::status::MessagesStatus;
use super::{Mailbox, Open};
use crate::http::{Answer, Input, Refusal};
use crate::store::StoreError;

/// A page of the outbox or the inbox, in the order of positions. It is a look at books that go on being
/// written: on PostgreSQL an entry may appear before others that were shown already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookPage<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The position to ask for the page `after`; nothing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A message in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Its place in line; rises, with gaps.
    pub position: i64,
    /// Its id.
    pub id: MessageId,
    /// What it says and in which version.
    pub kind: String,
    /// The order that it is about.
    pub subject: String,
    /// Where it goes.
    pub exchange: String,
    /// By which routing key.
    pub key: String,
    /// Who drives that order.
    pub coordination: Coordination,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When the broker had confirmed it; nothing while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
}

/// A message that was dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Its place in the book; rises, with gaps.
    pub position: i64,
    /// Out of which queue it came.
    pub queue: String,
    /// Its id.
    pub id: MessageId,
    /// When it was dealt with.
    pub received_at: Timestamp,
}

pub(super) fn routes(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/messages", get(status))
        .route("/messages/outbox", get(outbox))
        .route("/messages/inbox", get(inbox))
        .with_state(mailbox)
}

async fn status(State(mailbox): State<Mailbox>) -> Answer<MessagesStatus> {
    let Some(Open { books, arrivals, status, .. }) = &mailbox.0 else {
        return Ok(Json(MessagesStatus::closed()));
    };
    let lag = books.lag().await.map_err(PortError::from)?;
    let arrivals = arrivals.waiting().await.map_err(PortError::from)?;
    Ok(Json(status.report(lag, arrivals, books.now())))
}

async fn outbox(
    State(mailbox): State<Mailbox>,
    Input(request): Input<PageOf>,
) -> Answer<BookPage<OutboxEntry>> {
    let (after, limit) = request.resolve()?;
    let Some(Open { books, .. }) = &mailbox.0 else { return Ok(empty()) };
    page(books.outbox_page(after, limit + 1).await, limit, |entry| entry.position)
}

async fn inbox(
    State(mailbox): State<Mailbox>,
    Input(request): Input<PageOf>,
) -> Answer<BookPage<InboxEntry>> {
    let (after, limit) = request.resolve()?;
    let Some(Open { books, .. }) = &mailbox.0 else { return Ok(empty()) };
    page(books.inbox_page(after, limit + 1).await, limit, |entry| entry.position)
}

/// Which entries are wanted.
#[derive(Deserialize)]
struct PageOf {
    /// Those after this position.
    #[serde(default)]
    after: i64,
    /// How many at the most.
    #[serde(default = "usual")]
    limit: u32,
}

/// Entries on a page when the request does not say.
fn usual() -> u32 {
    100
}

/// Most entries that a page may have.
const MOST: u32 = 1000;

impl PageOf {
    fn resolve(&self) -> Result<(i64, u32), Problem> {
        if self.after < 0 {
            return Err(Problem::invalid_field("after", format!("must be 0 or more, not {}", self.after)));
        }
        if !(1..=MOST).contains(&self.limit) {
            let message = format!("must be 1 to {MOST}, not {}", self.limit);
            return Err(Problem::invalid_field("limit", message));
        }
        Ok((self.after, self.limit))
    }
}

/// A page out of one entry more than wanted, which only shows that there are more.
fn page<T>(
    entries: Result<Vec<T>, StoreError>,
    limit: u32,
    position: impl Fn(&T) -> i64,
) -> Answer<BookPage<T>> {
    let mut items = entries.map_err(|error| Refusal::from(PortError::from(error)))?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().map(position).filter(|_| more);
    Ok(Json(BookPage { items, next }))
}

fn empty<T>() -> Json<BookPage<T>> {
    Json(BookPage { items: Vec::new(), next: None })
}

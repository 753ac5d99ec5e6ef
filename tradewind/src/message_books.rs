//! The books of messages of a running shop, read at the control endpoints of its modules.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chassis::clock::{Clock, SystemClock};
use chassis::discovery::Discovery;
use chassis::messaging::dead_letters::DeadLetterList;
use chassis::messaging::mailbox::BookPage;
use contracts::messages::MessageId;
use contracts::notifications::Notifications;
use contracts::recommendations::Recommendations;
use contracts::{Code, Context, PortError, PortResult, Problem};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::audit::books::all;
use crate::audit::{MessageBooks, MessageSource};
use crate::client::RequestError;
use crate::client::asking::ControlReader;

/// Those who have an outbox.
const SPEAKERS: [&str; 4] = ["orders", "inventory", "payments", "shipping"];
/// Those who have an inbox.
const LISTENERS: [&str; 5] = ["orders", "inventory", "payments", "shipping", "notifications"];
/// How many entries are asked for at once.
const PAGE: u32 = 1000;
/// How long a module may take to be found.
const PATIENCE: Duration = Duration::from_secs(10);

/// The books of messages of a running shop.
pub(crate) struct ControlEndpoints {
    pub reader: ControlReader,
    pub discovery: Arc<dyn Discovery>,
    pub notifications: Arc<dyn Notifications>,
    pub recommendations: Arc<dyn Recommendations>,
}

#[async_trait]
impl MessageSource for ControlEndpoints {
    async fn read(&self) -> PortResult<MessageBooks> {
        let mut books = MessageBooks::empty(SystemClock.now());
        for module in SPEAKERS {
            books.outbox.extend(self.book(module, "outbox").await?);
        }
        for module in LISTENERS {
            books.inbox.extend(self.book(module, "inbox").await?);
            let list: DeadLetterList = self.get(module, "dead-letters?limit=1000").await?;
            if list.more {
                let detail = format!("{module} has more than 1000 dead letters; redrive or drop some first");
                return Err(Problem::new(Code::Conflict, detail).into());
            }
            let ours = list.letters.into_iter().filter_map(|letter| {
                // what has no id of ours, nobody of us said
                let id = Uuid::try_parse(letter.message_id.as_deref()?).ok()?;
                Some((letter.queue, MessageId(id)))
            });
            books.dead_letters.extend(ours);
        }
        let ctx = Context::background("audit", Duration::from_secs(60));
        books.notifications = all(|page| self.notifications.audit(&ctx, page)).await?;
        books.projected = all(|page| self.recommendations.audit(&ctx, page)).await?;
        books.modules = SPEAKERS
            .into_iter()
            .chain(["notifications", "recommendations"])
            .map(str::to_owned)
            .collect::<BTreeSet<_>>();
        Ok(books)
    }
}

impl ControlEndpoints {
    /// Every entry of one book of a module.
    async fn book<T: DeserializeOwned>(&self, module: &'static str, book: &str) -> PortResult<Vec<T>> {
        let (mut entries, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("messages/{book}?after={after}&limit={PAGE}");
            let BookPage { items, next } = self.get(module, &path).await?;
            entries.extend(items);
            match next {
                Some(next) => after = next,
                None => return Ok(entries),
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, module: &'static str, path: &str) -> PortResult<T> {
        // whichever instance: they share their books
        let mut known = self.discovery.changed(module);
        let found = async {
            let known = known.wait_for(|instances| !instances.is_empty()).await;
            known.ok().and_then(|instances| Some(instances.first()?.address.clone()))
        };
        let Ok(Some(address)) = tokio::time::timeout(PATIENCE, found).await else {
            return Err(silent(module, "no instance is known"));
        };
        let request = self.reader.request(&address, &format!("/control/{module}/{path}"));
        self.reader.read(request).await.map_err(|error| unread(module, error))
    }
}

/// Whoever lets us in later is asked again, and whoever never does is not.
fn unread(module: &str, error: RequestError) -> PortError {
    match error {
        closed if closed.is_closed_door() => {
            Problem::new(Code::Forbidden, words(module, &closed.to_string())).into()
        }
        other => silent(module, &other.to_string()),
    }
}

fn silent(module: &str, why: &str) -> PortError {
    Problem::new(Code::DependencyUnavailable, words(module, why)).into()
}

fn words(module: &str, why: &str) -> String {
    format!("the books of messages of {module} cannot be read: {why}")
}

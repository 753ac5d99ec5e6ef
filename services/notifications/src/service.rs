//! The notifications' port: checks what is asked, and lets store and feed answer.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::messages::MessageId;
use contracts::notifications::{ListNotifications, Notification, Notifications, StreamNotifications};
use contracts::types::{Cursor, CustomerId, Page, PageRequest};
use contracts::{Code, Context, PortResult, Problem, Streaming};
use uuid::Uuid;

use crate::feed::Feed;
use crate::store::NotificationsStore;

/// [`Notifications`] on a store.
pub struct Service {
    store: Arc<dyn NotificationsStore>,
    feed: Feed,
}

impl Service {
    /// The port on `store`; `feed` is on the same.
    pub fn new(store: Arc<dyn NotificationsStore>, feed: Feed) -> Self {
        Self { store, feed }
    }
}

#[async_trait]
impl Notifications for Service {
    async fn list(&self, _: &Context, request: ListNotifications) -> PortResult<Page<Notification>> {
        check_customer(&request.customer_id)?;
        let (key, limit) = request.page.resolve()?;
        let before = parse_key(&key)?;
        if let Some(id) = before
            && self.store.notification(&request.customer_id, id).await?.is_none()
        {
            return Err(foreign_cursor(&key).into());
        }
        let newest = self.store.notifications_newest(&request.customer_id, before, limit + 1).await?;
        Ok(Page::from_overfull(newest, limit, |notification| notification.id.to_string()))
    }

    async fn stream(
        &self,
        _: &Context,
        request: StreamNotifications,
    ) -> PortResult<Streaming<PortResult<Notification>>> {
        check_customer(&request.customer_id)?;
        if let Some(id) = request.after
            && self.store.notification(&request.customer_id, id).await?.is_none()
        {
            let message = format!("names no notification of customer {}: {id}", request.customer_id);
            return Err(Problem::invalid_field("after", message).into());
        }
        self.feed.follow(request.customer_id, request.after).await
    }

    async fn audit(&self, _: &Context, request: PageRequest) -> PortResult<Page<Notification>> {
        let (after, limit) = request.resolve()?;
        parse_key(&after)?;
        let all = self.store.notifications_page(&after, limit + 1).await?;
        Ok(Page::from_overfull(all, limit, |notification| notification.id.to_string()))
    }
}

fn check_customer(customer_id: &CustomerId) -> Result<(), Problem> {
    if customer_id.is_valid() {
        return Ok(());
    }
    Err(Problem::invalid_field("customer_id", "must be 1 to 64 letters, digits or any of . _ -"))
}

/// The notification that a listing goes on after; none where it begins.
fn parse_key(key: &str) -> Result<Option<MessageId>, Problem> {
    if key.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(key).map(|id| Some(MessageId(id))).map_err(|_| foreign_cursor(key))
}

fn foreign_cursor(key: &str) -> Problem {
    let text = Cursor(key.to_owned()).encode();
    Problem::new(Code::InvalidCursor, format!("cursor {text:?} belongs to another listing"))
}

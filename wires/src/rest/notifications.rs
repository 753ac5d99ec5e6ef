//! The notifications port over REST.

use async_trait::async_trait;
use contracts::notifications::{
    AUDIT, LIST, ListNotifications, Notification, Notifications, STREAM, StreamNotifications,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::RestClient;

#[async_trait]
impl Notifications for RestClient {
    async fn list(&self, ctx: &Context, request: ListNotifications) -> PortResult<Page<Notification>> {
        self.call(&LIST, ctx, &request).await
    }

    async fn stream(
        &self,
        ctx: &Context,
        request: StreamNotifications,
    ) -> PortResult<Streaming<PortResult<Notification>>> {
        self.call_for_many(&STREAM, ctx, &request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Notification>> {
        self.call(&AUDIT, ctx, &request).await
    }
}

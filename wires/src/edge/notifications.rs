//! The notifications port over the wire of the moment.

use async_trait::async_trait;
use contracts::notifications::{ListNotifications, Notification, Notifications, StreamNotifications};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Edge;

#[async_trait]
impl Notifications for Edge<dyn Notifications> {
    async fn list(&self, ctx: &Context, request: ListNotifications) -> PortResult<Page<Notification>> {
        self.port().list(ctx, request).await
    }

    async fn stream(
        &self,
        ctx: &Context,
        request: StreamNotifications,
    ) -> PortResult<Streaming<PortResult<Notification>>> {
        self.port().stream(ctx, request).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Notification>> {
        self.port().audit(ctx, request).await
    }
}

//! The notifications port in the same process.

use async_trait::async_trait;
use contracts::notifications::{
    AUDIT, LIST, ListNotifications, Notification, Notifications, STREAM, StreamNotifications,
};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};

use super::Local;

#[async_trait]
impl Notifications for Local<dyn Notifications> {
    async fn list(&self, ctx: &Context, request: ListNotifications) -> PortResult<Page<Notification>> {
        self.call(&LIST, ctx, |port, ctx| async move { port.list(&ctx, request).await }).await
    }

    async fn stream(
        &self,
        ctx: &Context,
        request: StreamNotifications,
    ) -> PortResult<Streaming<PortResult<Notification>>> {
        self.stream(&STREAM, ctx, |port, ctx| async move { port.stream(&ctx, request).await }).await
    }

    async fn audit(&self, ctx: &Context, request: PageRequest) -> PortResult<Page<Notification>> {
        self.call(&AUDIT, ctx, |port, ctx| async move { port.audit(&ctx, request).await }).await
    }
}

//! The five ports of the scripted callee.

use std::sync::Arc;

use async_trait::async_trait;
use contracts::catalog::{self, *};
use contracts::inventory::{self, *};
use contracts::orders::{self, *};
use contracts::payments::{self, *};
use contracts::shipping::{self, *};
use contracts::types::{Page, PageRequest};
use contracts::{Context, PortResult, Streaming};
use futures::StreamExt;

use super::{Script, Scripted};

/// One method an operation, each of them the same but for its types.
macro_rules! unary {
    ($($name:ident: $operation:path, $request:ty => $reply:ty;)*) => {$(
        async fn $name(&self, ctx: &Context, request: $request) -> PortResult<$reply> {
            self.answer(&$operation, ctx, request).await
        }
    )*};
}

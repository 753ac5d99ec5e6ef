//! `tradewind stop` and `tradewind start`: one service of the running shop, or its broker.

use crate::cli::ProcessArgs;
use crate::client::Shop;
use crate::text;

/// Stops a service; returns when it has ended.
pub async fn stop(args: &ProcessArgs) -> anyhow::Result<()> {
    Shop::find(&args.shop)?.supervised()?.want(&args.process, "halt").await?;
    Ok(text::say(format!("{0} is stopped; `tradewind start {0}` brings it back", args.process))?)
}

/// Starts a service that was stopped; returns when it is ready.
pub async fn start(args: &ProcessArgs) -> anyhow::Result<()> {
    Shop::find(&args.shop)?.supervised()?.want(&args.process, "resume").await?;
    Ok(text::say(format!("{} is ready", args.process))?)
}

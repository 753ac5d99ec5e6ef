//! `tradewind down`

use std::time::Duration;

use tokio::time::Instant;

use crate::cli::ShopArgs;
use crate::client::Shop;
use crate::exit::Ending;
use crate::folder::Folder;
use crate::text;

/// Longer than five stages of draining may take, each of which is given 22 s before its processes are
/// killed (`up::supervise`).
const PATIENCE: Duration = Duration::from_secs(117);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Stops the shop and waits until it is gone. That none runs is no failure.
pub async fn down(args: &ShopArgs) -> anyhow::Result<()> {
    let folder = Folder::at(&args.folder.data)?;
    if !args.elsewhere.is_meant() && !folder.in_use() {
        return Ok(text::say(format_args!("no shop is running on {}", folder.path().display()))?);
    }
    let shop = Shop::find(args)?;
    let shop = shop.supervised()?;
    shop.take_down().await?;
    let patience = Instant::now() + PATIENCE;
    // the lock is the last thing that the supervisor lets go of
    while folder.in_use() {
        if Instant::now() >= patience {
            let pid = shop.up.pid;
            let message =
                format!("the shop was told to stop and still runs after {PATIENCE:?}: see process {pid}");
            return Err(Ending::NotRunning(message).into());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(text::say("stopped")?)
}

//! `tradewind stock`

use contracts::Sku;
use contracts::inventory::StockLevel;
use reqwest::Method;

use crate::cli::StockArgs;
use crate::client::Shop;
use crate::exit::Ending;
use crate::text;

/// Shows how much of a product there is.
pub async fn stock(args: &StockArgs) -> anyhow::Result<()> {
    if !Sku(args.sku.clone()).is_valid() {
        let message = format!("{:?} is no SKU: these have 1 to 32 characters of A-Z a-z 0-9 . _ -", args.sku);
        return Err(Ending::Usage(message).into());
    }
    let shop = Shop::find(&args.shop)?;
    let level: StockLevel = shop.read(shop.public(Method::GET, &format!("/api/stock/{}", args.sku))).await?;
    if args.json {
        return super::print_json(&level);
    }
    let StockLevel { sku, available, reserved, .. } = level;
    Ok(text::say(format_args!("{sku}: {available} available, {reserved} reserved"))?)
}

//! `tradewind trace`: the traces of an order, drawn in the terminal.
//!
//! - `viewer`: whoever has them is asked, until what is still on its way has come
//! - `jaeger`: a trace as Jaeger's JSON has it, read
//! - [`model`]: a trace, and its spans as a tree
//! - `waterfall`: the drawing; a pure function of a trace and of how it is looked at
//! - `rows`, `bar`, `scale`: its lines, its bars, and durations in words
//! - `screen`: how wide the terminal is, and whether it shows colours
//! - `absent`: why there may be no trace, and what to do

mod absent;
mod bar;
mod jaeger;
mod model;
mod rows;
mod scale;
mod screen;
mod viewer;
mod waterfall;

use std::time::Duration;

use chassis::process::given;
use contracts::OrderId;
use serde_json::json;
use tokio::time::Instant;

use self::screen::Look;
use self::viewer::{Seen, Viewer};
use super::timeline;
use crate::cli::{TraceArgs, Traced};
use crate::client::Shop;
use crate::exit::Ending;
use crate::text;

/// Shows the traces of an order, or one trace; succeeds when all of them were found.
pub async fn trace(args: &TraceArgs) -> anyhow::Result<()> {
    let (viewer, ids) = whom_and_what(args).await?;
    let until = Instant::now() + Duration::from_secs(args.wait);
    let (mut found, mut missing): (Vec<Seen>, Vec<u128>) = Default::default();
    for id in ids {
        match viewer.trace(id, until).await? {
            Some(seen) => found.push(seen),
            None => missing.push(id),
        }
    }
    if args.json {
        let raw: Vec<_> = found.into_iter().map(|seen| seen.raw).collect();
        super::print_json(&json!({ "data": raw }))?;
    } else if !found.is_empty() {
        let look = Look::of(args);
        let drawn = found.iter().map(|seen| waterfall::draw(&seen.trace, viewer.shown(), &look));
        text::say(drawn.collect::<Vec<_>>().join("\n"))?;
    }
    if missing.is_empty() {
        return Ok(());
    }
    text::tell(absent::words(&missing, viewer.shown()));
    Err(Ending::Said.into())
}

/// Whom to ask, and for which traces. The shop is needed only for what the arguments do not say.
async fn whom_and_what(args: &TraceArgs) -> anyhow::Result<(Viewer, Vec<u128>)> {
    let jaeger = given(&args.jaeger);
    if let (Traced::Trace(id), Some(jaeger)) = (args.of, jaeger) {
        return Ok((Viewer::at(jaeger)?, vec![id]));
    }
    let shop = Shop::find(&args.shop)?;
    let viewer = match jaeger {
        Some(jaeger) => Viewer::at(jaeger)?,
        None => Viewer::at(observatory(&shop)?)?,
    };
    let ids = match args.of {
        Traced::Trace(id) => vec![id],
        Traced::Order(order) => of_order(&shop, order).await?,
    };
    Ok((viewer, ids))
}

/// The shop's own observatory.
fn observatory(shop: &Shop) -> Result<&str, Ending> {
    let addresses = shop.addresses();
    addresses.observatory.as_deref().ok_or_else(|| match shop.supervised() {
        Ok(_) => absent::observatory(addresses.otlp.as_deref()),
        Err(_) => absent::address_of_observatory(),
    })
}

/// The traces of an order, oldest first. One that was taken over, or that went on with a later message, has several.
async fn of_order(shop: &Shop, order: OrderId) -> anyhow::Result<Vec<u128>> {
    let timeline = timeline::fetch(shop, order).await?;
    let mut ids = Vec::new();
    for entry in timeline.entries {
        if let Ok(id) = u128::from_str_radix(&entry.trace_id, 16)
            && id != 0
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    anyhow::ensure!(!ids.is_empty(), "the timeline of order {order} names no trace");
    Ok(ids)
}

//! `tradewind replay`

use std::io::IsTerminal;
use std::time::Duration;

use contracts::Code;
use indicatif::{ProgressBar, ProgressStyle};
use recommendations::replay::{ReplayState, ReplayStatus, VerdictKind};
use reqwest::Method;
use tokio::time::Instant;

use crate::cli::{ReadModel, ReplayArgs};
use crate::client::{RequestError, Shop};
use crate::exit::Ending;
use crate::text;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Builds a read model anew, and waits until the new one answers.
pub async fn replay(args: &ReplayArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let ReadModel::Recommendations = args.model;
    let status = shop.status().await?;
    let host = status.hosts_of("recommendations").next();
    let address = host.and_then(|process| process.http_address()).map(str::to_owned);
    let Some(address) = address else {
        let message = "recommendations is not running, or not ready; see `tradewind status`";
        return Err(Ending::Usage(message.into()).into());
    };
    const PATH: &str = "/control/recommendations/replay";
    let begun = shop.read(shop.change_at(Method::POST, &address, PATH)?).await;
    let mut status: ReplayStatus = match begun {
        // one is under way already: then it is that one
        Err(RequestError::Refused(problem)) if problem.code == Code::InProgress => {
            shop.read(shop.at(&address, PATH)).await?
        }
        answered => answered?,
    };
    let asked = status.started_at;
    let bar = bar(args);
    let until = Instant::now() + Duration::from_secs(args.patience);
    while status.state == ReplayState::Replaying && Instant::now() < until {
        bar.set_length(status.end);
        bar.set_position(status.at);
        tokio::time::sleep(LOOK_AGAIN).await;
        status = shop.read(shop.at(&address, PATH)).await?;
    }
    bar.finish_and_clear();
    anyhow::ensure!(status.started_at == asked, "the replay was given up: the log of events was begun anew");
    if args.json {
        super::print_json(&status)?;
    } else {
        text::say(told(&status))?;
    }
    let same = status.verdict.as_ref().is_some_and(|verdict| verdict.kind == VerdictKind::Same);
    if status.state == ReplayState::Done && same { Ok(()) } else { Err(Ending::Said.into()) }
}

fn bar(args: &ReplayArgs) -> ProgressBar {
    if args.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    // the template is a constant of ours; were it at fault, the usual style would do
    if let Ok(style) = ProgressStyle::with_template("{bar:30} event {pos} of {len}, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

fn told(status: &ReplayStatus) -> String {
    let ReplayStatus { from, at, end, orders, .. } = status;
    let Some(verdict) = &status.verdict else {
        return format!(
            "still replaying: at event {at} of {end}; `tradewind replay` again shows how it goes on"
        );
    };
    let mut told = format!("replayed events {from} to {}: {orders} orders\n", verdict.compared_at);
    match verdict.kind {
        VerdictKind::Same => told.push_str("the same answers as before, row by row"),
        VerdictKind::Differs => told.push_str(&format!(
            "other answers than before: {} orders, {} pairs of products and {} purchases differ",
            verdict.orders, verdict.pairs, verdict.purchases
        )),
    }
    if let Some(offset) = verdict.log_begins_at {
        told.push_str(&format!("\nthe log begins at event {offset}: what was before is forgotten"));
    }
    told
}

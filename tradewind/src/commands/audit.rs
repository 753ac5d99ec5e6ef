//! `tradewind audit`

use std::time::Duration;

use anyhow::Context as _;

use crate::audit::{self, MessageTally, Report};
use crate::cli::AuditArgs;
use crate::client::Shop;
use crate::text;

/// Checks the books of the running shop, and fails when something is wrong.
pub async fn audit(args: &AuditArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let patience = Duration::from_secs(args.wait);
    let report =
        audit::run(&shop.audit_ports().await?, patience, &[]).await.context("the books cannot be read")?;
    if args.json {
        super::print_json(&report)?;
    } else {
        text::say(told(&report))?;
    }
    anyhow::ensure!(report.is_clean(), "the books do not agree: {} findings", report.findings.len());
    Ok(())
}

fn told(report: &Report) -> String {
    let orders = &report.orders;
    let mut told = format!(
        "orders  {} confirmed, {} rejected, {} cancelled, {} refunded",
        orders.confirmed, orders.rejected, orders.cancelled, orders.refunded
    );
    if report.in_flight > 0 {
        told.push_str(&format!("; {} still under way, and left out", report.in_flight));
    }
    let MessageTally { said, heard, mails, dead_letters, under_way } = report.messages;
    told.push_str(&format!("\nmessages {said} said, {heard} dealt with, {mails} mails"));
    if dead_letters > 0 {
        told.push_str(&format!("; {dead_letters} dead letters (`tradewind dead-letters list`)"));
    }
    if under_way > 0 {
        told.push_str(&format!("; {under_way} still on their way"));
    }
    if report.is_clean() {
        told.push_str("\nclean   stock, ledger, card network, shipments and orders agree");
        told.push_str("; so do outboxes, inboxes, mails and recommendations");
    }
    for finding in &report.findings {
        told.push_str(&format!("\nwrong   {finding}"));
    }
    told
}

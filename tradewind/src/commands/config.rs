//! `tradewind config`

use std::time::Duration;

use chassis::config::protocol::{Changed, Effective, HistoryEntry};
use chassis::config::{AdminClient, AdminError, Applied};
use contracts::Code;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{ConfigCommand, ConfigGetArgs, ConfigHistoryArgs, ConfigRollbackArgs, ConfigSetArgs};
use crate::client::Shop;
use crate::exit::Ending;
use crate::text;

/// How often a change is tried again that another one has overtaken.
const ATTEMPTS: usize = 5;

/// Looks at the configuration, or changes it.
pub async fn config(command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Get(args) => get(&args).await,
        ConfigCommand::Set(args) => set(&args).await,
        ConfigCommand::History(args) => history(&args).await,
        ConfigCommand::Rollback(args) => rollback(&args).await,
    }
}

async fn get(args: &ConfigGetArgs) -> anyhow::Result<()> {
    let admin = Shop::find(&args.of.shop)?.admin()?;
    let (mut effective, _) = admin.effective(&args.of.application, &args.of.profile).await?;
    if let Some(wanted) = &args.key {
        effective.values.retain(|key, _| covers(wanted, key));
        if effective.values.is_empty() {
            let message = format!("{} has no key {wanted:?} that anybody has set", args.of.application);
            return Err(Ending::Usage(message).into());
        }
    }
    if args.of.json {
        return super::print_json(&effective);
    }
    Ok(text::say(values(&effective))?)
}

/// Whether `wanted` is `key`, or a group that it belongs to.
fn covers(wanted: &str, key: &str) -> bool {
    key.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn values(effective: &Effective) -> String {
    let mut rows = vec![text::row(["key", "value", "set by"])];
    rows.extend(effective.values.iter().map(|(key, sourced)| {
        text::row([key, &text::shortened(&sourced.value.to_string()), &sourced.origin.to_string()])
    }));
    text::table(&rows)
}

/// What became of a change.
#[derive(Debug, Serialize)]
struct Settled {
    version: u64,
    taken_over: bool,
    running: Vec<String>,
    behind: Vec<Behind>,
}

/// An instance that does not run with a change.
#[derive(Debug, Serialize)]
struct Behind {
    instance: String,
    refused: Vec<String>,
}

async fn set(args: &ConfigSetArgs) -> anyhow::Result<()> {
    let admin = Shop::find(&args.of.shop)?.operator()?;
    // text that is not JSON stands for itself, so that `grpc` needs no quotes within quotes
    let value = serde_json::from_str(&args.value).unwrap_or_else(|_| Value::from(args.value.as_str()));
    let changed = set_key(&admin, &args.of.application, &args.of.profile, &args.key, value).await?;
    let patience = Duration::from_secs(args.patience);
    let applied = admin.applied(&args.of.application, changed.version, patience).await?;
    let settled = Settled::of(changed, applied);
    if args.of.json {
        super::print_json(&settled)?;
    } else {
        text::say(settled.text())?;
    }
    if settled.taken_over { Ok(()) } else { Err(Ending::Said.into()) }
}

/// Sets a key, whatever others change meanwhile.
pub async fn set_key(
    admin: &AdminClient,
    application: &str,
    profile: &str,
    key: &str,
    value: Value,
) -> Result<Changed, AdminError> {
    let mut attempts = 1;
    loop {
        let (_, etag) = admin.effective(application, profile).await?;
        match admin.set(application, profile, key, value.clone(), &etag).await {
            Err(AdminError::Problem(problem))
                if problem.code == Code::PreconditionFailed && attempts < ATTEMPTS =>
            {
                attempts += 1;
            }
            settled => return settled,
        }
    }
}

impl Settled {
    fn of(changed: Changed, applied: Applied) -> Self {
        let behind = applied.behind.into_iter().map(|instance| Behind {
            instance: instance.id,
            refused: instance
                .refused
                .map(|refused| {
                    refused.faults.into_iter().map(|fault| format!("{} {}", fault.field, fault.message))
                })
                .into_iter()
                .flatten()
                .collect(),
        });
        let behind: Vec<_> = behind.collect();
        Self {
            version: changed.version,
            taken_over: behind.is_empty(),
            running: applied.running.into_iter().map(|instance| instance.id).collect(),
            behind,
        }
    }

    fn text(&self) -> String {
        let running = if self.running.is_empty() {
            "no live instance needs it".into()
        } else {
            self.running.join(", ")
        };
        let mut text = format!("version {}: {running}", self.version);
        for behind in &self.behind {
            let why = if behind.refused.is_empty() {
                "has not taken it over yet".into()
            } else {
                format!("refused it: {}", behind.refused.join("; "))
            };
            text.push_str(&format!("\n  {} {why}", behind.instance));
        }
        text
    }
}

async fn history(args: &ConfigHistoryArgs) -> anyhow::Result<()> {
    let admin = Shop::find(&args.of.shop)?.admin()?;
    let entries = admin.history(&args.of.application, &args.of.profile, args.limit).await?;
    if args.of.json {
        return super::print_json(&entries);
    }
    Ok(text::say(changes(&entries))?)
}

fn changes(entries: &[HistoryEntry]) -> String {
    let shown = |value: &Option<Value>| {
        value.as_ref().map_or_else(|| "-".to_owned(), |value| text::shortened(&value.to_string()))
    };
    let mut rows = vec![text::row(["version", "at", "who", "what", "application", "key", "from", "to"])];
    rows.extend(entries.iter().map(|entry| {
        let kind = serde_json::to_value(entry.kind).ok();
        vec![
            entry.version.to_string(),
            entry.at.to_string(),
            entry.who.clone(),
            kind.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned(),
            entry.application.clone(),
            entry.key.clone(),
            shown(&entry.old),
            shown(&entry.new),
        ]
    }));
    text::table(&rows)
}

async fn rollback(args: &ConfigRollbackArgs) -> anyhow::Result<()> {
    let admin = Shop::find(&args.of.shop)?.operator()?;
    let changed = admin.rollback(&args.of.application, &args.of.profile, args.version).await?;
    if args.of.json {
        return super::print_json(&changed);
    }
    let (then, now) = (args.version, changed.version);
    Ok(text::say(format_args!("the changes of version {then} hold again, as version {now}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_covers_its_keys_and_no_others() {
        assert!(covers("wires.orders", "wires.orders.inventory"));
        assert!(covers("wires.orders.inventory", "wires.orders.inventory"));
        assert!(!covers("wires.order", "wires.orders.inventory"));
    }

    #[test]
    fn a_refusal_is_told_with_its_reason() {
        let settled = Settled {
            version: 3,
            taken_over: false,
            running: vec!["orders-1".into()],
            behind: vec![
                Behind { instance: "orders-2".into(), refused: vec!["saga.lease_ms is too small".into()] },
                Behind { instance: "orders-3".into(), refused: Vec::new() },
            ],
        };
        let text = settled.text();
        assert!(text.contains("version 3: orders-1"), "{text}");
        assert!(text.contains("orders-2 refused it: saga.lease_ms is too small"), "{text}");
        assert!(text.contains("orders-3 has not taken it over yet"), "{text}");
    }
}

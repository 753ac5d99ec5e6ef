//! Structured logs: JSON for machines, coloured text on a terminal. An identifier stands in the
//! message, for people, and in a field, for queries. A line that is said inside a span has the ids of its trace and
//! of the span.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::spans::tap::{InRecordedSpans, Tap};

/// What is logged when nobody says otherwise. lapin logs whole messages that come back, cards and addresses in them;
/// what it meets, we log.
const USUAL: &str = "info";
/// What holds whatever levels are asked for in general: libraries say more than anybody wants, and a line belongs to
/// its span, however little of the rest is logged.
const ALWAYS: &str = "sqlx=warn,hyper=warn,h2=warn,tower=warn,reqwest=warn,lapin=off,tradewind::span=info";

/// By which levels are changed.
static LEVELS: OnceLock<Levels> = OnceLock::new();

struct Levels {
    /// What was asked for at the start.
    first: String,
    handle: Handle<EnvFilter, Registry>,
}

/// Starts logging to standard error. `TRADEWIND_LOG` sets levels, as in `info,orders=debug`; a fault in
/// it is reported and `info` used. Does nothing when logging has begun already.
pub fn init() {
    let asked = std::env::var("TRADEWIND_LOG").unwrap_or_default();
    let fault = fault_in(&asked);
    let first = if fault.is_some() { String::new() } else { asked };
    let (filter, handle) = reload::Layer::new(filter(&first));
    let lines = if std::io::stderr().is_terminal() {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).boxed()
    } else {
        let json = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false);
        json.with_writer(std::io::stderr).boxed()
    };
    let layers = lines.with_filter(filter).and_then(Tap.with_filter(InRecordedSpans));
    if tracing_subscriber::registry().with(layers).try_init().is_err() {
        return;
    }
    LEVELS.get_or_init(|| Levels { first, handle });
    if let Some(fault) = fault {
        tracing::warn!("TRADEWIND_LOG is ignored: {fault}");
    }
}

/// Logs at these levels from now on; at those of the start, where `levels` is empty.
pub(super) fn set_levels(levels: &str) {
    let Some(Levels { first, handle }) = LEVELS.get() else { return };
    let levels = if levels.is_empty() { first } else { levels };
    match handle.reload(filter(levels)) {
        Ok(()) => tracing::info!(levels, "logs at {}", if levels.is_empty() { USUAL } else { levels }),
        Err(error) => tracing::warn!("levels of logs cannot be changed: {error}"),
    }
}

/// What is wrong with levels, if anything.
pub(super) fn fault_in(levels: &str) -> Option<String> {
    let error = EnvFilter::try_new(levels).err()?;
    Some(format!("must be levels such as info,orders=debug: {error}"))
}

fn filter(levels: &str) -> EnvFilter {
    let levels = if levels.is_empty() { USUAL } else { levels };
    // of two that are about the same the last one counts
    EnvFilter::new(format!("{ALWAYS},{levels}"))
}

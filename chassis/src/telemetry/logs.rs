//! Structured logs: JSON for machines, coloured text on a terminal. An identifier stands in the
//! message, for people, and in a field, for queries.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard error. `TRADEWIND_LOG` sets levels, as in `info,orders=debug`; a fault in
/// it is reported and `info` used. Does nothing when logging has begun already.
pub fn init() {
    let asked = std::env::var("TRADEWIND_LOG").ok();
    // lapin logs whole messages that come back, cards and addresses in them; what it meets, we log
    let usual = "info,sqlx=warn,hyper=warn,h2=warn,tower=warn,reqwest=warn,lapin=off";
    let (filter, fault) = match asked.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(usual), Some(error)),
        None => (EnvFilter::new(usual), None),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let begun = if std::io::stderr().is_terminal() {
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init()
    } else {
        let json = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false);
        registry.with(json.with_writer(std::io::stderr)).try_init()
    };
    if let (Ok(()), Some(fault)) = (begun, fault) {
        tracing::warn!("TRADEWIND_LOG is ignored: {fault}");
    }
}

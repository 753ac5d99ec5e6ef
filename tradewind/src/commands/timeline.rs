//! `tradewind timeline`

use contracts::OrderId;
use contracts::orders::{Direction, Timeline};
use reqwest::Method;

use crate::cli::TimelineArgs;
use crate::client::{RequestError, Shop};
use crate::text;

/// Shows every step of an order.
pub async fn timeline(args: &TimelineArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    let timeline = fetch(&shop, OrderId(args.order)).await?;
    if args.json {
        return super::print_json(&timeline);
    }
    Ok(text::say(table(&timeline))?)
}

/// Asks for the steps of an order.
pub(super) async fn fetch(shop: &Shop, order: OrderId) -> Result<Timeline, RequestError> {
    shop.read(shop.public(Method::GET, &format!("/api/orders/{order}/timeline"))).await
}

/// A line a step, with the time since the first.
pub(super) fn table(timeline: &Timeline) -> String {
    let begun = timeline.entries.first().map_or(0, |first| first.at.0);
    let mut rows = vec![text::row(["  at", "step", "because of", "", ""])];
    rows.extend(timeline.entries.iter().map(|entry| {
        let undone = match entry.direction {
            Direction::Forward => "",
            Direction::Compensation => "undoing",
        };
        let at = format!("  +{:.1} ms", (entry.at.0 - begun) as f64 / 1000.0);
        text::row([&at, &entry.to, &entry.cause, undone, &entry.detail])
    }));
    text::table(&rows)
}

#[cfg(test)]
mod tests {
    use contracts::Timestamp;
    use contracts::orders::TimelineEntry;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_step_shows_its_time_since_the_first_and_whether_it_undid_something() {
        let entry = |version, at, to: &str, cause: &str, direction| TimelineEntry {
            version,
            at: Timestamp(at),
            from: None,
            to: to.into(),
            cause: cause.into(),
            detail: String::new(),
            direction,
            trace_id: String::new(),
        };
        let entries = vec![
            entry(1, 5_000_000, "reserving", "placed", Direction::Forward),
            entry(2, 5_012_300, "releasing", "payment_refused", Direction::Compensation),
        ];
        let shown = table(&Timeline { order_id: OrderId(Uuid::nil()), entries });
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["+0.0", "ms", "reserving", "placed"]);
        assert_eq!(
            lines[2].split_whitespace().collect::<Vec<_>>(),
            ["+12.3", "ms", "releasing", "payment_refused", "undoing"]
        );
    }
}

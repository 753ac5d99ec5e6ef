//! `tradewind order`
//!
//! - `shopper`: what `--endless` orders: of all sorts, as customers do
//! - `takings`: how its orders ended

mod shopper;
mod takings;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use contracts::orders::{Order, OrderStatus, PlaceOrder, Timeline};
use contracts::payments::CardToken;
use contracts::types::{Address, Line};
use contracts::{CustomerId, OrderId, Sku};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use super::timeline;
use crate::cli::OrderArgs;
use crate::client::{RequestError, Shop};
use crate::exit::Ending;
use crate::text;

/// How often an order under way is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// The result of an order that nobody answered, or not in words that can be read.
const NO_ANSWER: &str = "no_answer";

/// An order that anybody may place: what `up` suggests.
pub fn demo_order() -> PlaceOrder {
    PlaceOrder {
        customer_id: CustomerId("demo".into()),
        lines: vec![Line { sku: Sku::from("KIT-0001"), quantity: 1 }],
        card: CardToken("tok_approve".into()),
        address: Address {
            name: "Ada Lovelace".into(),
            street: "Hafenstrasse 1".into(),
            city: "Hamburg".into(),
            postal_code: "20459".into(),
            country: "DE".into(),
        },
        coordination: None,
        wait_ms: None,
    }
}

/// What became of one order.
#[derive(Debug, Serialize)]
struct Outcome {
    confirmed: bool,
    /// The order's status, or the code of the problem.
    result: String,
    /// Why it was not confirmed.
    detail: Option<String>,
    order_id: Option<OrderId>,
    took_ms: f64,
}

impl Outcome {
    /// That of an order, as it was seen last.
    fn of(order: &Order, took: Duration) -> Self {
        Self {
            confirmed: order.status == OrderStatus::Confirmed,
            result: word(order.status),
            detail: order.reason.as_ref().map(|reason| reason.detail.clone()),
            order_id: Some(order.id),
            took_ms: millis(took),
        }
    }

    /// That of a request that was not answered with an order.
    fn without_order(error: RequestError, took: Duration) -> Self {
        let (result, detail, order_id) = match error {
            RequestError::Refused(problem) => {
                let order_id = problem.resource.as_deref().and_then(order_in);
                (problem.code.to_string(), problem.detail, order_id)
            }
            RequestError::Lost(detail) => (NO_ANSWER.to_owned(), detail, None),
        };
        Self { confirmed: false, result, detail: Some(detail), order_id, took_ms: millis(took) }
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Places orders; succeeds when every one was confirmed.
pub async fn order(args: &OrderArgs) -> anyhow::Result<()> {
    let shop = Shop::find(&args.shop)?;
    if args.endless {
        return shopper::until_told_to_stop(&shop, args).await;
    }
    let request = PlaceOrder {
        customer_id: CustomerId(args.customer.clone()),
        lines: vec![Line { sku: Sku(args.sku.clone()), quantity: args.quantity }],
        card: CardToken(args.card.clone()),
        coordination: args.coordination,
        ..demo_order()
    };
    let all_confirmed =
        if args.count == 1 { one(&shop, &request, args).await? } else { many(&shop, &request, args).await? };
    if all_confirmed { Ok(()) } else { Err(Ending::Said.into()) }
}

/// Places an order under a key of its own, and sees it to its end.
async fn place(shop: &Shop, request: &PlaceOrder, patience: Duration) -> (Outcome, Option<Order>) {
    let begun = Instant::now();
    let post = shop.public(Method::POST, "/api/orders").header("idempotency-key", Uuid::new_v4().to_string());
    match shop.read::<Order>(post.json(request)).await {
        Ok(order) => {
            let order = ended(shop, order, begun + patience).await;
            (Outcome::of(&order, begun.elapsed()), Some(order))
        }
        Err(error) => (Outcome::without_order(error, begun.elapsed()), None),
    }
}

/// The order once it has come to its end, or as it was seen last when the time is up. An order that is
/// coordinated by messages was only accepted when the gateway answered.
async fn ended(shop: &Shop, mut order: Order, until: Instant) -> Order {
    while !order.rests() && Instant::now() < until {
        tokio::time::sleep(LOOK_AGAIN).await;
        let look = shop.public(Method::GET, &format!("/api/orders/{}", order.id));
        // whoever cannot be asked just now is asked again
        if let Ok(now) = shop.read(look).await {
            order = now;
        }
    }
    order
}

/// The order that a problem points at.
fn order_in(resource: &str) -> Option<OrderId> {
    resource.rsplit('/').find_map(|segment| Uuid::try_parse(segment).ok()).map(OrderId)
}

fn word(status: OrderStatus) -> String {
    let word = serde_json::to_value(status).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_else(|| format!("{status:?}"))
}

async fn one(shop: &Shop, request: &PlaceOrder, args: &OrderArgs) -> anyhow::Result<bool> {
    #[derive(Serialize)]
    struct Placed {
        #[serde(flatten)]
        outcome: Outcome,
        order: Option<Order>,
        timeline: Option<Timeline>,
    }
    let (outcome, mut order) = place(shop, request, Duration::from_secs(args.patience)).await;
    let mut steps = None;
    if let Some(id) = outcome.order_id {
        if order.is_none() {
            order = shop.read(shop.public(Method::GET, &format!("/api/orders/{id}"))).await.ok();
        }
        steps = timeline::fetch(shop, id).await.ok();
    }
    let confirmed = outcome.confirmed;
    if args.json {
        super::print_json(&Placed { outcome, order, timeline: steps })?;
        return Ok(confirmed);
    }
    text::say(told(&outcome, order.as_ref(), steps.as_ref()))?;
    Ok(confirmed)
}

/// What became of one order, for people.
fn told(outcome: &Outcome, order: Option<&Order>, steps: Option<&Timeline>) -> String {
    let took = text::duration(Duration::from_secs_f64(outcome.took_ms / 1000.0));
    let mut told = match order {
        Some(order) => {
            let lines =
                order.lines.iter().map(|line| format!("{} x {} ({})", line.quantity, line.name, line.sku));
            format!(
                "order {} {} in {took}\n  {}\n  {} with {} for shipping\n",
                order.id,
                word(order.status),
                lines.collect::<Vec<_>>().join(", "),
                order.total,
                order.shipping
            )
        }
        None => format!("no order was placed: {}\n", outcome.result),
    };
    if let (false, Some(detail)) = (outcome.confirmed, &outcome.detail) {
        told.push_str(&format!("  {}: {detail}\n", outcome.result));
    }
    if let Some(steps) = steps {
        told.push_str(&format!("\n{}", timeline::table(steps)));
    }
    told
}

/// What became of many orders.
#[derive(Debug, Serialize)]
struct Summary {
    placed: usize,
    confirmed: usize,
    /// How many ended how.
    results: BTreeMap<String, usize>,
    elapsed_ms: f64,
    orders_per_second: f64,
    median_ms: f64,
    p99_ms: f64,
    slowest_ms: f64,
    /// One example of each way not to be confirmed.
    examples: Vec<Outcome>,
}

async fn many(shop: &Shop, request: &PlaceOrder, args: &OrderArgs) -> anyhow::Result<bool> {
    let bar = bar(args);
    let begun = Instant::now();
    let outcomes: Vec<Outcome> = futures::stream::iter(0..args.count)
        .map(|_| place(shop, request, Duration::from_secs(args.patience)))
        .buffer_unordered(usize::from(args.concurrency))
        .map(|(outcome, _)| outcome)
        .inspect(|_| bar.inc(1))
        .collect()
        .await;
    bar.finish_and_clear();
    let summary = Summary::of(outcomes, begun.elapsed());
    let all = summary.confirmed == summary.placed;
    if args.json {
        super::print_json(&summary)?;
    } else {
        text::say(summary.text())?;
    }
    Ok(all)
}

fn bar(args: &OrderArgs) -> ProgressBar {
    if args.json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(args.count.into());
    // the template is a constant of ours; were it at fault, the usual style would do
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} orders, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

impl Summary {
    fn of(outcomes: Vec<Outcome>, elapsed: Duration) -> Self {
        let mut times: Vec<f64> = outcomes.iter().map(|outcome| outcome.took_ms).collect();
        times.sort_by(f64::total_cmp);
        let (placed, confirmed) =
            (outcomes.len(), outcomes.iter().filter(|outcome| outcome.confirmed).count());
        let mut results = BTreeMap::new();
        let mut examples = Vec::new();
        for outcome in outcomes {
            let count = results.entry(outcome.result.clone()).or_insert(0);
            *count += 1;
            if *count == 1 && !outcome.confirmed {
                examples.push(outcome);
            }
        }
        Self {
            placed,
            confirmed,
            results,
            elapsed_ms: millis(elapsed),
            orders_per_second: placed as f64 / elapsed.as_secs_f64().max(1e-9),
            median_ms: quantile(&times, 0.5),
            p99_ms: quantile(&times, 0.99),
            slowest_ms: quantile(&times, 1.0),
            examples,
        }
    }

    fn text(&self) -> String {
        let Self { placed, confirmed, orders_per_second, median_ms, p99_ms, slowest_ms, .. } = self;
        let mut text = format!(
            "{confirmed} of {placed} orders confirmed in {} ({orders_per_second:.0}/s)\n\
             median {median_ms:.1} ms, 99 of 100 within {p99_ms:.1} ms, slowest {slowest_ms:.1} ms\n",
            text::duration(Duration::from_secs_f64(self.elapsed_ms / 1000.0)),
        );
        for example in &self.examples {
            let count = self.results.get(&example.result).copied().unwrap_or(0);
            let detail = example.detail.as_deref().unwrap_or_default();
            text.push_str(&format!("{count} x {}, such as: {detail}\n", example.result));
        }
        text
    }
}

/// The smallest of the sorted `values` that at least this share of them does not exceed.
fn quantile(values: &[f64], share: f64) -> f64 {
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(result: &str, took_ms: f64) -> Outcome {
        let confirmed = result == "confirmed";
        Outcome { confirmed, result: result.into(), detail: Some("why".into()), order_id: None, took_ms }
    }

    #[test]
    fn the_order_that_a_problem_points_at_is_found_in_its_path() {
        let id = Uuid::now_v7();
        assert_eq!(order_in(&format!("/api/orders/{id}")), Some(OrderId(id)));
        assert_eq!(order_in(&format!("/orders/{id}/timeline")), Some(OrderId(id)));
        assert_eq!(order_in("/orders/none"), None);
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| quantile(&values, share)), [50.0, 99.0, 100.0]);
        assert_eq!(quantile(&[7.0], 0.5), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_summary_counts_each_way_to_end_and_gives_one_example_of_each_failure() {
        let outcomes =
            ["confirmed", "out_of_stock", "confirmed", "out_of_stock"].map(|r| outcome(r, 1.0)).into();
        let summary = Summary::of(outcomes, Duration::from_secs(2));
        assert_eq!((summary.placed, summary.confirmed), (4, 2));
        assert_eq!(summary.results["out_of_stock"], 2);
        assert_eq!(summary.examples.len(), 1);
        assert!(summary.text().contains("2 x out_of_stock, such as: why"), "{}", summary.text());
    }
}

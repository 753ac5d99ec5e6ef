//! A shopper who never stops: orders of all sorts, one after the other, so that there is something to see.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::address::shown;
use chassis::process::signalled;
use contracts::catalog::Product;
use contracts::orders::{Coordination, Order, PlaceOrder};
use contracts::payments::CardToken;
use contracts::types::{Address, Line, Page, PageRequest};
use contracts::{CustomerId, Sku};
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::takings::Takings;
use super::{NO_ANSWER, Outcome, place};
use crate::cli::OrderArgs;
use crate::client::{RequestError, Shop};
use crate::text::{self, Reader};

/// How often it is told how orders ended.
const TELL: Duration = Duration::from_secs(10);
/// How long the shop may take over an order that messages drive, before the next one.
const WAIT_MS: u32 = 3000;
/// How long the last order may take once it was told to stop: what the shop may take, and the way there and back.
const LAST_ORDER: Duration = Duration::from_millis(WAIT_MS as u64 + 1000);
/// How long to rest at least before somebody is asked again who did not answer.
const NOBODY_THERE: Duration = Duration::from_millis(100);

/// Who orders, and where they live: in every zone of the carriers.
static CUSTOMERS: [(&str, &str, &str, &str, &str, &str); 8] = [
    ("ada", "Ada Lovelace", "Hafenstrasse 1", "Hamburg", "20459", "DE"),
    ("carl", "Carl Friedrich Gauss", "Geismarlandstrasse 11", "Göttingen", "37083", "DE"),
    ("emmy", "Emmy Noether", "Hauptstrasse 23", "Erlangen", "91054", "DE"),
    ("sophie", "Sophie Germain", "Rue de Savoie 13", "Paris", "75006", "FR"),
    ("maria", "Maria Agnesi", "Via Manzoni 12", "Milano", "20121", "IT"),
    ("mary", "Mary Somerville", "Castle Street 4", "Edinburgh", "EH2 3AT", "GB"),
    ("grace", "Grace Hopper", "Riverside Drive 316", "New York", "10025", "US"),
    ("hertha", "Hertha Ayrton", "Norfolk Square 41", "London", "W2 1RX", "GB"),
];
/// How people pay, and how often of a hundred times.
static CARDS: [(&str, u32); 4] =
    [("tok_approve", 91), ("tok_decline", 4), ("tok_slow", 3), ("tok_insufficient_funds", 2)];

/// Places orders until it is told to stop, or nobody reads any more how they ended, whatever becomes of them.
pub(super) async fn until_told_to_stop(shop: &Shop, args: &OrderArgs) -> anyhow::Result<()> {
    let told_to_stop = signalled();
    let counts = Counts::default();
    if !args.json {
        let (gateway, pause) = (shown(&shop.addresses().gateway), text::duration(args.pause));
        text::say(format_args!("orders at {gateway}, with {pause} between two; Ctrl-C ends them"))?;
    }
    tokio::select! {
        () = shopping(shop, args, &counts, &told_to_stop) => {}
        // nobody is there to be told about the last order
        outcome = telling(&counts, args) => return outcome,
    }
    counts.tell(args)?;
    counts.sum_up(args)
}

/// Orders until it is told to stop.
async fn shopping(shop: &Shop, args: &OrderArgs, counts: &Counts, told_to_stop: &CancellationToken) {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut shopper =
        Shopper { chance: SmallRng::seed_from_u64(seed as u64), coordination: args.coordination };
    let mut products = Vec::new();
    while !told_to_stop.is_cancelled() {
        if products.is_empty() {
            match told_to_stop.run_until_cancelled(on_sale(shop)).await {
                Some(Ok(found)) => products = found,
                Some(Err(error)) => {
                    let outcome = Outcome::without_order(error, Duration::ZERO);
                    counts.note(|takings| takings.note_unseen(&outcome));
                }
                None => return,
            }
        }
        let outcome = match shopper.next(&products) {
            // the shop itself is asked to wait, so that nobody needs to look again
            Some(order) => counted(place(shop, &order, Duration::ZERO), counts, told_to_stop).await,
            None => None,
        };
        told_to_stop.run_until_cancelled(sleep(rest(args.pause, outcome.as_ref()))).await;
    }
}

/// Sees an order to its end and counts it. One that was sent goes on in the shop whether or not somebody waits for it:
/// so it is waited for when it is time to stop, too, though not for long.
async fn counted(
    placing: impl Future<Output = (Outcome, Option<Order>)>,
    counts: &Counts,
    told_to_stop: &CancellationToken,
) -> Option<Outcome> {
    let too_late = async {
        told_to_stop.cancelled().await;
        sleep(LAST_ORDER).await;
    };
    tokio::select! {
        (outcome, order) = placing => {
            counts.note(|takings| takings.note(&outcome, order.as_ref()));
            Some(outcome)
        }
        () = too_late => {
            counts.note(Takings::note_under_way);
            None
        }
    }
}

/// How long to rest after an order, or where none could be placed.
fn rest(pause: Duration, outcome: Option<&Outcome>) -> Duration {
    match outcome {
        Some(outcome) if outcome.result != NO_ANSWER => pause,
        Some(_) | None => pause.max(NOBODY_THERE),
    }
}

/// What there is to buy, as far as one page tells.
async fn on_sale(shop: &Shop) -> Result<Vec<Sku>, RequestError> {
    let path = format!("/api/products?limit={}", PageRequest::MOST);
    let page: Page<Product> = shop.read(shop.public(Method::GET, &path)).await?;
    Ok(page.items.into_iter().map(|product| product.sku).collect())
}

/// Tells how orders end for as long as somebody reads it.
async fn telling(counts: &Counts, args: &OrderArgs) -> anyhow::Result<()> {
    let mut ticks = interval_at(Instant::now() + TELL, TELL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if counts.tell(args)? == Reader::Gone {
            return Ok(());
        }
    }
}

/// What was ordered so far.
#[derive(Default)]
struct Counts(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    /// Since it was told last.
    lately: Takings,
    before: Takings,
}

impl Counts {
    fn note(&self, note: impl FnOnce(&mut Takings)) {
        note(&mut self.0.lock().lately);
    }

    /// Tells how orders ended since the last time.
    fn tell(&self, args: &OrderArgs) -> anyhow::Result<Reader> {
        #[derive(Serialize)]
        struct Told<'a> {
            lately: &'a Takings,
            in_all: &'a Takings,
        }
        let mut counted = self.0.lock();
        let lately = std::mem::take(&mut counted.lately);
        counted.before.add(&lately);
        let in_all = &counted.before;
        let line = if args.json {
            serde_json::to_string(&Told { lately: &lately, in_all })?
        } else {
            format!("{}; {} orders so far", lately.text(), in_all.orders())
        };
        Ok(text::say_to_reader(line)?)
    }

    /// Tells people how all of them ended; programs have read that in every line.
    fn sum_up(&self, args: &OrderArgs) -> anyhow::Result<()> {
        if !args.json {
            let in_all = &self.0.lock().before;
            text::say(format_args!("of {} orders in all: {}", in_all.orders(), in_all.text()))?;
        }
        Ok(())
    }
}

/// Whoever decides what comes next.
struct Shopper {
    chance: SmallRng,
    /// The one that all orders take; each takes another where none was asked for.
    coordination: Option<Coordination>,
}

impl Shopper {
    /// The next order; nothing where nothing is on sale.
    fn next(&mut self, products: &[Sku]) -> Option<PlaceOrder> {
        let chance = &mut self.chance;
        let count = chance.random_range(1..=3);
        let lines: Vec<Line> =
            products.choose_multiple(chance, count).cloned().map(|sku| Line { sku, quantity: 1 }).collect();
        let (customer, name, street, city, postal_code, country) = *CUSTOMERS.choose(chance)?;
        let (card, _) = CARDS.choose_weighted(chance, |(_, weight)| *weight).ok()?;
        let coordination = self.coordination.or(Coordination::ALL.choose(chance).copied())?;
        let order = PlaceOrder {
            customer_id: CustomerId(customer.to_owned()),
            lines,
            card: CardToken((*card).to_owned()),
            address: Address {
                name: name.to_owned(),
                street: street.to_owned(),
                city: city.to_owned(),
                postal_code: postal_code.to_owned(),
                country: country.to_owned(),
            },
            coordination: Some(coordination),
            wait_ms: (coordination != Coordination::Sync).then_some(WAIT_MS),
        };
        (!order.lines.is_empty()).then_some(order)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::future::pending;

    use super::*;

    fn outcome(result: &str) -> Outcome {
        Outcome { confirmed: false, result: result.into(), detail: None, order_id: None, took_ms: 1.0 }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_is_under_way_when_told_to_stop_is_counted() {
        let (counts, told_to_stop) = (Counts::default(), CancellationToken::new());
        told_to_stop.cancel();
        let in_time = async {
            sleep(LAST_ORDER / 2).await;
            (outcome("card_declined"), None)
        };
        assert!(counted(in_time, &counts, &told_to_stop).await.is_some());
        assert!(counted(pending(), &counts, &told_to_stop).await.is_none(), "it is not waited for for ever");
        let told = counts.0.lock().lately.text();
        assert_eq!(told, "0 confirmed, 1 refused (card_declined 1), 0 failed, 1 still under way");
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_has_its_time_while_nobody_told_it_to_stop() {
        let counts = Counts::default();
        let long = async {
            sleep(LAST_ORDER * 4).await;
            (outcome("card_declined"), None)
        };
        assert!(counted(long, &counts, &CancellationToken::new()).await.is_some());
    }

    #[test]
    fn a_gateway_that_is_away_is_not_asked_without_a_pause() {
        for away in [Some(&outcome(NO_ANSWER)), None] {
            assert_eq!(rest(Duration::ZERO, away), NOBODY_THERE);
            assert_eq!(rest(TELL, away), TELL);
        }
        assert_eq!(rest(Duration::ZERO, Some(&outcome("card_declined"))), Duration::ZERO);
    }

    fn orders(coordination: Option<Coordination>, products: &[Sku]) -> Vec<PlaceOrder> {
        let mut shopper = Shopper { chance: SmallRng::seed_from_u64(7), coordination };
        (0..1000).filter_map(|_| shopper.next(products)).collect()
    }

    fn products() -> Vec<Sku> {
        (0..20).map(|number| Sku(format!("KIT-{number:04}"))).collect()
    }

    #[test]
    fn orders_are_of_all_sorts_and_most_are_paid() {
        let orders = orders(None, &products());
        let (mut skus, mut customers, mut coordinations) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for order in &orders {
            let ordered: BTreeSet<_> = order.lines.iter().map(|line| line.sku.clone()).collect();
            assert!((1..=3).contains(&ordered.len()) && ordered.len() == order.lines.len(), "{order:?}");
            skus.extend(ordered);
            customers.insert(&order.customer_id);
            coordinations.extend(order.coordination.map(Coordination::as_str));
        }
        assert_eq!((skus.len(), customers.len(), coordinations.len()), (20, CUSTOMERS.len(), 3));
        let paid = |card: &str| orders.iter().filter(|order| order.card.0 == card).count();
        assert!((850..970).contains(&paid("tok_approve")), "{}", paid("tok_approve"));
        assert!(CARDS.iter().all(|(card, _)| paid(card) > 0));
        assert_eq!(CARDS.iter().map(|(_, weight)| weight).sum::<u32>(), 100);
    }

    #[test]
    fn a_coordination_that_was_asked_for_holds_for_all() {
        let orders = orders(Some(Coordination::Choreographed), &products());
        assert!(orders.iter().all(|order| order.coordination == Some(Coordination::Choreographed)));
        assert!(orders.iter().all(|order| order.wait_ms == Some(WAIT_MS)), "the shop waits for us");
    }

    #[test]
    fn nothing_is_ordered_where_nothing_is_on_sale() {
        assert!(orders(None, &[]).is_empty());
    }
}

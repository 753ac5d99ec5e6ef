//! Random sequences of operations on the real store, against a model that keeps claims alone and
//! reckons the stock from them.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::inventory::ReservationStatus::{self, Committed, Expired, Released, Reserved};
use contracts::{Code, OrderId};
use inventory::config::ReservationsConfig;
use inventory::store::InventoryStore;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::shop::{Shop, TTL, adds_up, order, outcome, shops};

const PRODUCTS: usize = 3;
const ORDERS: usize = 4;
const INITIAL: u32 = 10;

#[derive(Debug, Clone)]
enum Step {
    Reserve { order: usize, wanted: BTreeMap<usize, u32> },
    Commit { order: usize },
    Release { order: usize },
    Wait { tenths_of_ttl: u32 },
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wanted = prop::collection::btree_map(0..PRODUCTS, 1..6u32, 1..=PRODUCTS);
    let step = prop_oneof![
        4 => (0..ORDERS, wanted).prop_map(|(order, wanted)| Step::Reserve { order, wanted }),
        2 => (0..ORDERS).prop_map(|order| Step::Commit { order }),
        2 => (0..ORDERS).prop_map(|order| Step::Release { order }),
        2 => (1..7u32).prop_map(|tenths_of_ttl| Step::Wait { tenths_of_ttl }),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..40)
}

/// A claim: how it stands, on what, and how many tenths of the TTL it has left.
struct Claim {
    status: ReservationStatus,
    wanted: BTreeMap<usize, u32>,
    left: u32,
}

#[derive(Default)]
struct Model {
    claims: BTreeMap<usize, Claim>,
}

impl Model {
    fn held(&self, product: usize, status: ReservationStatus) -> u32 {
        let held = self.claims.values().filter(|claim| claim.status == status);
        held.filter_map(|claim| claim.wanted.get(&product)).sum()
    }

    fn available(&self, product: usize) -> u32 {
        INITIAL - self.held(product, Reserved) - self.held(product, Committed)
    }

    fn reserve(&mut self, order: usize, wanted: &BTreeMap<usize, u32>) -> Result<ReservationStatus, Code> {
        match self.claims.get(&order) {
            Some(claim) if claim.status == Released => Err(Code::Compensated),
            Some(claim) if claim.wanted == *wanted => Ok(claim.status),
            Some(_) => Err(Code::Conflict),
            None if wanted.iter().any(|(product, count)| self.available(*product) < *count) => {
                Err(Code::OutOfStock)
            }
            None => {
                self.claims.insert(order, Claim { status: Reserved, wanted: wanted.clone(), left: 10 });
                Ok(Reserved)
            }
        }
    }

    fn commit(&mut self, order: usize) -> Result<ReservationStatus, Code> {
        let claim = self.claims.get_mut(&order).ok_or(Code::NotFound)?;
        match (claim.status, claim.left) {
            (Released, _) => return Err(Code::Compensated),
            (Expired, _) | (Reserved, 0) => claim.status = Expired,
            _ => claim.status = Committed,
        }
        if claim.status == Expired { Err(Code::ReservationExpired) } else { Ok(Committed) }
    }

    fn release(&mut self, order: usize) -> Result<ReservationStatus, Code> {
        let tombstone = Claim { status: Released, wanted: BTreeMap::new(), left: 0 };
        self.claims.entry(order).or_insert(tombstone).status = Released;
        Ok(Released)
    }

    fn wait(&mut self, tenths: u32) {
        self.claims.values_mut().for_each(|claim| claim.left = claim.left.saturating_sub(tenths));
    }

    fn sweep(&mut self) {
        let due = self.claims.values_mut().filter(|claim| claim.status == Reserved && claim.left == 0);
        due.for_each(|claim| claim.status = Expired);
    }
}

/// One sequence, with products and orders of its own, so that all sequences share a database.
async fn play(shop: &Shop, case: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let names: Vec<String> = (0..PRODUCTS).map(|n| format!("M{case:05}-{n}")).collect();
    let stock: Vec<_> = names.iter().map(|sku| (sku.as_str(), INITIAL)).collect();
    shop.stock(&stock).await;
    let orders: [OrderId; ORDERS] = std::array::from_fn(|_| order());
    let mut model = Model::default();
    for step in steps {
        let (found, expected) = match step {
            Step::Reserve { order, wanted } => {
                let lines: Vec<_> =
                    wanted.iter().map(|(product, n)| (names[*product].as_str(), *n)).collect();
                (outcome(shop.reserve(orders[*order], &lines).await), model.reserve(*order, wanted))
            }
            Step::Commit { order } => (outcome(shop.commit(orders[*order]).await), model.commit(*order)),
            Step::Release { order } => (outcome(shop.release(orders[*order]).await), model.release(*order)),
            Step::Wait { tenths_of_ttl } => {
                shop.clock.advance(TTL / 10 * *tenths_of_ttl);
                model.wait(*tenths_of_ttl);
                continue;
            }
            Step::Sweep => {
                // a batch large enough for what earlier sequences left behind
                let config = ReservationsConfig { sweep_batch: 1000, ..ReservationsConfig::default() };
                shop.sweep(config).pass().await.expect("a pass");
                model.sweep();
                continue;
            }
        };
        prop_assert_eq!(found, expected, "{:?}", step);
        let accounts = shop.store.account_page(&format!("M{case:05}-"), 3).await.expect("accounts");
        for (product, account) in accounts.iter().enumerate() {
            adds_up(account);
            let stock = (account.available, account.reserved);
            let reckoned = (model.available(product), model.held(product, Reserved));
            prop_assert_eq!(stock, (reckoned.0.into(), reckoned.1.into()), "after {:?}", step);
        }
    }
    for (n, order) in orders.into_iter().enumerate() {
        let expected = model.claims.get(&n).map(|claim| claim.status).ok_or(Code::NotFound);
        prop_assert_eq!(outcome(shop.reservation(order).await), expected);
    }
    // lets what is left lapse, so that the next sequence's sweep has only its own
    shop.clock.advance(TTL + Duration::from_secs(1));
    Ok(())
}

#[test]
fn the_store_agrees_with_the_model_after_every_step() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for shop in runtime.block_on(shops()) {
        let cases = std::cell::Cell::new(0);
        let mut runner =
            TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
        let verdict = runner.run(&steps(), |steps| {
            cases.set(cases.get() + 1);
            runtime.block_on(play(&shop, cases.get(), &steps))
        });
        if let Err(failure) = verdict {
            panic!("on {}: {failure}", shop.database.name);
        }
    }
}

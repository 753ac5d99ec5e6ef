//! One whole run: shoppers, faults, deaths, then calm, then the audit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chassis::clock::Clock;
use chassis::config::Live;
use contracts::OrderId;
use contracts::orders::Orders;
use orders::config::SagaConfig;
use orders::saga::{Ports, Saga};
use orders::service::{OrderIds, Service};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;
use tradewind::audit::{self, Finding, Report};
use uuid::Uuid;

use super::Bug;
use super::modules::{Accounts, Dispatch, Shelves, SimCatalog, SimInventory, SimPayments, SimShipping, Site};
use super::network::Network;
use super::shoppers::{self, Door, PRODUCTS, Told};
use super::store::{Disk, MemoryStore};
use super::world::{Life, SimClock, World};

/// When the orders process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crashes {
    /// Never.
    Never,
    /// Now and then, up to four times.
    Sometimes,
    /// Once, at the point with this number.
    At(u32),
}

/// What is to be simulated.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides everything that chance decides.
    pub seed: u64,
    /// How many shoppers come.
    pub shoppers: u32,
    /// When the orders process dies.
    pub crashes: Crashes,
    /// Whether calls fail; otherwise only deaths do harm.
    pub network: Weather,
    /// The mistake that is planted.
    pub bug: Option<Bug>,
}

/// How calls fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// All of them pass.
    Fair,
    /// Some are lost, late, or unanswered.
    Foul,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the audit says, and what shoppers were told that is not so.
    pub findings: Vec<Finding>,
    /// The audit.
    pub report: Report,
    /// How many points there were at which the orders process could have died.
    pub points: u32,
    /// What happened, in order.
    pub log: Vec<String>,
}

/// Everything that survives the orders process.
struct Shop {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    disk: Arc<Disk>,
    shelves: Arc<Mutex<Shelves>>,
    accounts: Arc<Mutex<Accounts>>,
    dispatch: Arc<Mutex<Dispatch>>,
    ids: Arc<AtomicU64>,
    bug: Option<Bug>,
}

/// Simulates `plan` on a runtime of its own.
pub fn simulate(plan: Plan) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O");
    runtime.block_on(live(plan))
}

async fn live(plan: Plan) -> Outcome {
    let world = Arc::new(World::new(plan.seed, plan.crashes));
    if plan.network == Weather::Fair {
        world.calm();
    }
    let shop = Arc::new(Shop {
        clock: Arc::new(SimClock(tokio::time::Instant::now())),
        disk: Arc::default(),
        shelves: Arc::new(Mutex::new(Shelves::stocked(&PRODUCTS))),
        accounts: Arc::default(),
        dispatch: Arc::default(),
        ids: Arc::default(),
        bug: plan.bug,
        world: world.clone(),
    });
    let (door, told) = (Door::default(), Arc::new(Mutex::new(Told::default())));
    let keeper = tokio::spawn(keep_open(shop.clone(), door.clone()));
    let visits = (0..plan.shoppers)
        .map(|number| tokio::spawn(shoppers::shop(number, world.clone(), door.clone(), told.clone())));
    for visit in visits.collect::<Vec<_>>() {
        visit.await.expect("a shopper does not panic");
    }
    // the last faults and late arrivals, then time to settle
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.calm();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = std::mem::take(&mut *told.lock());
    let acknowledged: Vec<OrderId> = told.orders.iter().copied().collect();
    let report = audit::run(&shop.audit_ports(), Duration::from_secs(600), &acknowledged)
        .await
        .expect("the audit's calls never fail");
    keeper.abort();
    let mut findings = report.findings.clone();
    findings.extend(broken_promises(&told, &report, &shop).await);
    let log = std::mem::take(&mut *world.log.lock());
    Outcome { findings, report, points: world.points(), log }
}

/// Starts the orders process, and starts it again whenever it died.
async fn keep_open(shop: Arc<Shop>, door: Door) {
    let mut deaths = shop.world.deaths();
    loop {
        deaths.mark_unchanged();
        let (orders, saga) = shop.open(shop.world.life());
        *door.lock() = Some(orders);
        tokio::select! {
            biased;
            died = deaths.changed() => if died.is_err() { return },
            () = recover(saga) => {}
        }
        *door.lock() = None;
        shop.world.delay(Duration::from_secs(3)).await;
    }
}

async fn recover(saga: Saga) {
    loop {
        saga.recovery_pass().await.expect("the simulated store never fails");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

impl Shop {
    fn open(&self, life: Life) -> (Arc<dyn Orders>, Saga) {
        let network = Some(Network { world: self.world.clone(), life });
        let site = Site { network, clock: self.clock.clone(), bug: self.bug };
        let store = MemoryStore { world: self.world.clone(), life, disk: self.disk.clone(), bug: self.bug };
        let saga = Saga {
            store: Arc::new(store),
            ports: Ports {
                catalog: Arc::new(SimCatalog(site.clone())),
                inventory: Arc::new(SimInventory { site: site.clone(), shelves: self.shelves.clone() }),
                payments: Arc::new(SimPayments { site: site.clone(), accounts: self.accounts.clone() }),
                shipping: Arc::new(SimShipping { site, dispatch: self.dispatch.clone() }),
            },
            clock: self.clock.clone(),
            // shorter than some calls, so that two drivers meet
            config: Live::fixed(SagaConfig { lease_ms: 1_500, ..SagaConfig::default() }),
            owner: format!("life {}", life.0),
        };
        let service = Service::new(saga.clone(), SimIds(self.ids.clone()), TaskTracker::new());
        (Arc::new(service), saga)
    }

    fn audit_ports(&self) -> audit::Ports {
        let site = Site { network: None, clock: self.clock.clone(), bug: None };
        let (orders, _) = self.open(self.world.life());
        audit::Ports {
            orders,
            inventory: Arc::new(SimInventory { site: site.clone(), shelves: self.shelves.clone() }),
            payments: Arc::new(SimPayments { site: site.clone(), accounts: self.accounts.clone() }),
            shipping: Arc::new(SimShipping { site, dispatch: self.dispatch.clone() }),
        }
    }
}

/// What shoppers were told that is not so.
async fn broken_promises(told: &Told, report: &Report, shop: &Shop) -> Vec<Finding> {
    let mut broken = Vec::new();
    let mut note = |rule, subject: String, detail: String| broken.push(Finding { rule, subject, detail });
    if report.in_flight > 0 {
        let detail = format!("{} orders never came to rest", report.in_flight);
        note("every order comes to rest", "the shop".into(), detail);
    }
    for (key, orders) in told.by_key.iter().filter(|(_, orders)| orders.len() > 1) {
        note("one key, one order", key.clone(), format!("it led to {} orders", orders.len()));
    }
    let ports = shop.audit_ports();
    for id in told.confirmed.difference(&told.cancelled) {
        let context = contracts::Context::background("audit", Duration::from_secs(1));
        let request = contracts::orders::GetOrder { order_id: *id };
        let step = ports.orders.order(&context, request).await.map(|order| order.step).unwrap_or_default();
        if step != "confirmed" {
            note("what was confirmed stays confirmed", id.to_string(), format!("it is {step}"));
        }
    }
    broken
}

/// Ids in the order in which they are given out.
struct SimIds(Arc<AtomicU64>);

impl OrderIds for SimIds {
    fn next(&self) -> OrderId {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        OrderId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number)))
    }
}

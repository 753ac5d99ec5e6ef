//! One whole run: shoppers, faults, deaths, then calm, then the audit.

use std::sync::Arc;
use std::time::Duration;

use contracts::OrderId;
use contracts::orders::Coordination;
use parking_lot::Mutex;
use tradewind::audit::{self, Finding, Report};

use super::Bug;
use super::judge;
use super::shop::Shop;
use super::shoppers::{Door, Shopper, Told};
use super::world::{Process, World};

/// When processes die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crashes {
    /// Never.
    Never,
    /// Now and then, a few times.
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
    /// Who drives their orders; where it does not say, each chooses.
    pub coordination: Option<Coordination>,
    /// When processes die.
    pub crashes: Crashes,
    /// Whether calls and messages fare badly; otherwise only deaths do harm.
    pub weather: Weather,
    /// The mistake that is planted.
    pub bug: Option<Bug>,
}

/// How calls and messages fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// All of them pass.
    Fair,
    /// Some are lost, late, repeated, or unanswered.
    Foul,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the audit says, what shoppers were told that is not so, and what became of messages.
    pub findings: Vec<Finding>,
    /// The audit.
    pub report: Report,
    /// How many points there were at which a process could have died, up to the last thing that happened.
    pub points: u32,
    /// What happened, in order.
    pub log: Vec<String>,
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
    let world = Arc::new(World::new(&plan));
    if plan.weather == Weather::Fair {
        world.calm();
    }
    let shop = Arc::new(Shop::new(&world));
    let (door, told) = (Door::default(), Arc::new(Mutex::new(Told::default())));
    for process in Process::ALL {
        tokio::spawn(shop.clone().keep_alive(process, door.clone()));
    }
    let visits = (0..plan.shoppers).map(|number| {
        let (world, door, told) = (world.clone(), door.clone(), told.clone());
        tokio::spawn(Shopper { number, coordination: plan.coordination, world, door, told }.shop())
    });
    for visit in visits.collect::<Vec<_>>() {
        visit.await.expect("a shopper does not panic");
    }
    // the last faults and late arrivals, then time to settle
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.calm();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let told = std::mem::take(&mut *told.lock());
    let acknowledged: Vec<OrderId> = told.orders.iter().copied().collect();
    let report =
        audit::run(&shop.audit_ports(), PATIENCE, &acknowledged).await.expect("the audit's calls never fail");
    let mut findings = report.findings.clone();
    findings.extend(judge::broken_promises(&shop, &told, &report));
    findings.extend(judge::dead_letters(&shop));
    findings.extend(judge::repeated_facts(&shop));
    let log = std::mem::take(&mut *world.log.lock());
    Outcome { findings, report, points: world.eventful_points(), log }
}

/// How long the audit waits for orders that are under way though nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(60);

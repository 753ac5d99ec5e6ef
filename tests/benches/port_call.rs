//! What a port costs where caller and callee live in one process: `cargo bench -p system-tests --bench port_call`.
//!
//! The same operations of the same inventory, on SQLite, called through the edge that orders calls (deadline,
//! context, counting, the swap of wires) and called directly. CPU time of the process, in turns; what counts is the
//! ratio of the medians. Goal: 1.02.

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SystemClock;
use chassis::config::Live;
use chassis::discovery::StaticDirectory;
use chassis::messaging::Mailbox;
use chassis::store::{Store, StoreUrl};
use contracts::inventory::{GetStock, Inventory, ReserveStock};
use contracts::types::Line;
use contracts::{Context, OrderId};
use inventory::board::Board;
use inventory::config::ReservationsConfig;
use inventory::service::Service;
use inventory::store::{InventoryStore, SqlStore};
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;
use wires::{Resolver, WireChoices};

const TURNS: usize = 9;
/// Calls a turn.
const READS: usize = 10_000;
const CHANGES: usize = 1_000;
const GOAL: f64 = 1.02;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(bench())
}

async fn bench() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let direct = inventory_in(folder.path()).await?;
    let resolver = Resolver::over(Arc::new(StaticDirectory::new()));
    resolver.provide_inventory(direct.clone());
    let through = resolver.edges("orders", Live::fixed(WireChoices::default())).inventory();

    let reads = compare(&direct, &through, async |port| read(port).await).await?;
    tell("stock, a read", reads);
    let changes = compare(&direct, &through, async |port| change(port).await).await?;
    tell("reserve, a change", changes);
    Ok(())
}

async fn inventory_in(folder: &std::path::Path) -> anyhow::Result<Arc<dyn Inventory>> {
    let db = Store::open(&StoreUrl::sqlite_in(folder), "inventory", inventory::migrations()).await?;
    let store: Arc<dyn InventoryStore> = Arc::new(SqlStore::new(db, Mailbox::closed()));
    store.stock_seed(&inventory::seed::stock()?).await?;
    let board = Arc::new(Board::until(CancellationToken::new()));
    Ok(Arc::new(Service::new(
        store,
        Arc::new(SystemClock),
        Live::fixed(ReservationsConfig::default()),
        board,
    )))
}

/// CPU seconds of both, as medians of turns.
async fn compare(
    direct: &Arc<dyn Inventory>,
    through: &Arc<dyn Inventory>,
    work: impl AsyncFn(&dyn Inventory) -> anyhow::Result<()>,
) -> anyhow::Result<[f64; 2]> {
    let mut seconds = [Vec::new(), Vec::new()];
    // the first turn warms up
    for turn in 0..=TURNS {
        for (port, seconds) in [direct, through].into_iter().zip(&mut seconds) {
            let begun = cpu();
            work(&**port).await?;
            if turn > 0 {
                seconds.push((cpu() - begun).as_secs_f64());
            }
        }
    }
    Ok(seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[TURNS / 2]
    }))
}

fn context() -> Context {
    Context::background("bench", Duration::from_secs(60))
}

async fn read(port: &dyn Inventory) -> anyhow::Result<()> {
    let request = GetStock { sku: "KIT-0001".into() };
    for _ in 0..READS {
        port.stock(&context(), request.clone()).await?;
    }
    Ok(())
}

async fn change(port: &dyn Inventory) -> anyhow::Result<()> {
    let order_id = OrderId(uuid::Uuid::now_v7());
    let lines = vec![Line { sku: "KIT-0001".into(), quantity: 1 }];
    for _ in 0..CHANGES {
        port.reserve(&context(), ReserveStock { order_id, lines: lines.clone() }).await?;
    }
    Ok(())
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}

fn tell(what: &str, [direct, through]: [f64; 2]) {
    let ratio = through / direct;
    let verdict = if ratio <= GOAL { "met" } else { "missed" };
    println!(
        "{what}: directly {direct:.3} s of CPU, through the port {through:.3} s: {ratio:.3} times (goal {GOAL}: {verdict})"
    );
}

//! What tracing costs: `cargo bench -p system-tests --bench tracing`.
//!
//! Four whole shops stand side by side: one that sends nothing (`--otlp none`), and three that record none, a tenth
//! and all of their orders. In each round every shop takes the same number of orders, one shop after the other, the
//! first of a round being the last of the next. What counts is the CPU time of a shop's processes, the observatory
//! left out, over the whole round: spans are sent after the orders that they tell of. What the same shop takes while
//! nobody orders is subtracted. The result is the median over the rounds of each ratio to the shop that sends nothing.
//! Goal: 1.10 at a tenth.
//!
//! `TRADEWIND_BENCH_ORDERS` sets the orders of one shop in one round, `TRADEWIND_BENCH_ROUNDS` the rounds.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use contracts::TraceContext;
use futures::future::try_join_all;
use rustix::param::clock_ticks_per_second;
use system_tests::reply::Reply;
use system_tests::shop::{Shop, order_of};
use system_tests::trace::{Observatory, Trace};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tradewind-under-test");
const ORDERS: usize = 400;
const ROUNDS: usize = 8;
/// Customers who order at the same time.
const CUSTOMERS: usize = 4;
/// What they buy; there is enough of each.
const SKUS: [&str; 4] = ["KIT-0002", "TOO-0007", "PET-0007", "OFF-0008"];
/// How long it is watched what a shop takes while nobody orders.
const IDLE: Duration = Duration::from_secs(15);
const GOAL: f64 = 1.10;
const SETTINGS: [Setting; 4] = [
    Setting { name: "nothing sent", ratio: None },
    Setting { name: "no order recorded", ratio: Some("0") },
    Setting { name: "a tenth recorded", ratio: Some("0.1") },
    Setting { name: "every order recorded", ratio: Some("1") },
];

/// What a shop does with its traces.
struct Setting {
    name: &'static str,
    ratio: Option<&'static str>,
}

fn main() -> anyhow::Result<()> {
    let (orders, rounds) =
        (number("TRADEWIND_BENCH_ORDERS", ORDERS)?, number("TRADEWIND_BENCH_ROUNDS", ROUNDS)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        for topology in ["monolith", "microservices"] {
            bench(topology, orders, rounds).await?;
        }
        Ok(())
    })
}

fn number(variable: &str, usual: usize) -> anyhow::Result<usize> {
    let Ok(said) = std::env::var(variable) else { return Ok(usual) };
    let number: usize =
        said.parse().with_context(|| format!("{variable} is {said:?}: say a whole number"))?;
    ensure!(number > 0, "{variable} is 0: say how many");
    Ok(number)
}

async fn bench(topology: &str, orders: usize, rounds: usize) -> anyhow::Result<()> {
    let mut stands = Vec::new();
    for setting in &SETTINGS {
        stands.push(Stand::open(topology, setting).await?);
    }
    // connections, caches and tables that have something in them
    round(&stands, 0, orders).await?;
    let begun = Instant::now();
    let before = cpu_of(&stands)?;
    tokio::time::sleep(IDLE).await;
    let idle = spent(&before, &cpu_of(&stands)?, [0.0; SETTINGS.len()]);
    let idle = idle.map(|seconds| seconds / begun.elapsed().as_secs_f64());

    let mut ratios: [Vec<f64>; SETTINGS.len()] = Default::default();
    let mut seconds: [Vec<f64>; SETTINGS.len()] = Default::default();
    for number in 0..rounds {
        let (begun, before) = (Instant::now(), cpu_of(&stands)?);
        round(&stands, number, orders).await?;
        let lasted = begun.elapsed().as_secs_f64();
        let took = spent(&before, &cpu_of(&stands)?, idle.map(|rate| rate * lasted));
        for (at, took_one) in took.into_iter().enumerate() {
            ratios[at].push(took_one / took[0]);
            seconds[at].push(took_one);
        }
    }
    println!("{topology}, {rounds} rounds of {orders} orders:");
    for (at, setting) in SETTINGS.iter().enumerate() {
        let per_order = median(&mut seconds[at]) * 1000.0 / orders as f64;
        let (low, high) = (least(&ratios[at]), most(&ratios[at]));
        let ratio = median(&mut ratios[at]);
        let verdict = match setting.ratio {
            Some("0.1") if ratio <= GOAL => format!(" (goal {GOAL:.2}: met)"),
            Some("0.1") => format!(" (goal {GOAL:.2}: missed)"),
            _ => String::new(),
        };
        let name = setting.name;
        println!(
            "  {name:22} {per_order:6.2} ms of CPU an order, {ratio:.3} times, {low:.3} to {high:.3}{verdict}"
        );
    }
    for stand in stands {
        stand.shop.stop().await;
    }
    Ok(())
}

/// Every shop takes its orders: in turn, and in the opposite turn in the next round.
async fn round(stands: &[Stand], number: usize, orders: usize) -> anyhow::Result<()> {
    let mut turn: Vec<&Stand> = stands.iter().collect();
    if number % 2 == 1 {
        turn.reverse();
    }
    for stand in turn {
        stand.takes(orders).await?;
    }
    Ok(())
}

/// A shop, and where its traces are read.
struct Stand {
    shop: Shop,
    observatory: Option<Observatory>,
    /// The processes whose CPU time counts.
    processes: BTreeMap<String, u32>,
}

impl Stand {
    async fn open(topology: &str, setting: &Setting) -> anyhow::Result<Self> {
        let sends: &[&str] = if setting.ratio.is_some() { &[] } else { &["--otlp", "none"] };
        let shop = Shop::start(PROGRAM, &[&["--topology", topology], sends].concat()).await;
        if let Some(ratio) = setting.ratio {
            let set = ["config", "set", "application", "telemetry.sample_ratio", ratio];
            let (code, out, err) = shop.run(&set).await;
            ensure!(code == 0, "{}: {out}{err}", set.join(" "));
        }
        let status = shop.status().await;
        let counted = status.processes.into_iter().filter(|process| process.name != "observatory");
        let processes = counted.filter_map(|process| Some((process.name, process.pid?))).collect();
        let observatory = setting.ratio.map(|_| Observatory::of(&shop));
        Ok(Self { shop, observatory, processes })
    }

    /// Places orders, and returns when the spans of the last have arrived, and with them all that came before.
    async fn takes(&self, orders: usize) -> anyhow::Result<()> {
        let customers = (0..CUSTOMERS).map(|customer| async move {
            for number in (customer..orders).step_by(CUSTOMERS) {
                self.order(SKUS[number % SKUS.len()], None).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(customers).await?;
        // one more, which is recorded whatever the share
        let last = TraceContext { sampled: true, ..TraceContext::root() };
        self.order(SKUS[0], Some(&last)).await?;
        if let Some(observatory) = &self.observatory {
            observatory.until(&last.trace_id_hex(), is_complete).await;
        }
        Ok(())
    }

    async fn order(&self, sku: &str, trace: Option<&TraceContext>) -> anyhow::Result<()> {
        let order = order_of(sku, 1, "tok_approve");
        let mut request = self.shop.http.post(self.shop.url("/api/orders")).json(&order);
        if let Some(trace) = trace {
            request = request.header("traceparent", trace.traceparent());
        }
        let reply = Reply::of(request.send().await?).await?;
        ensure!(reply.confirmed().is_some(), "an order was not confirmed: {reply:?}");
        Ok(())
    }

    /// CPU seconds of its processes so far.
    fn cpu(&self) -> anyhow::Result<f64> {
        self.processes.iter().map(|(name, pid)| cpu(*pid).with_context(|| name.clone())).sum()
    }
}

fn is_complete(trace: &Trace) -> Result<(), String> {
    let root = trace.named("gateway", "POST /api/orders").count();
    let heard = trace.named("notifications", "process notifications.events").count();
    if (root, heard) == (1, 2) { Ok(()) } else { Err(trace.picture()) }
}

/// CPU seconds of every shop so far.
fn cpu_of(stands: &[Stand]) -> anyhow::Result<Vec<f64>> {
    stands.iter().map(Stand::cpu).collect()
}

/// CPU seconds of every shop between two moments, beyond those that it would have taken anyway.
fn spent(before: &[f64], after: &[f64], anyway: [f64; SETTINGS.len()]) -> [f64; SETTINGS.len()] {
    std::array::from_fn(|at| after[at] - before[at] - anyway[at])
}

/// CPU seconds of a process so far, in user and kernel mode (`proc_pid_stat(5)`: fields 14 and 15).
fn cpu(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("it has ended")?;
    // the name stands in brackets, and may have spaces and brackets in it
    let (_, fields) = stat.rsplit_once(") ").context("no line of the kernel's")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<_, _>>().context("no number of ticks")?;
    Ok(ticks as f64 / clock_ticks_per_second() as f64)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

//! What the observatory bears: `cargo bench -p observatory --bench load`.
//!
//! A real process is sent 20,000 spans a second by gRPC, as the shop's services would send them, while somebody looks
//! at the pages. It must not take more than 64 MB, tell of each span what became of it, and answer every time.
//!
//! `OBSERVATORY_LOAD_SECONDS` sets how long (10), `OBSERVATORY_LOAD_RATE` how many spans a second.

mod child;
mod looking;
mod sending;
mod shop;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;

use child::Child;
use looking::Looks;
use sending::Sent;

/// Megabytes that the observatory may take.
const MOST_MB: u64 = 64;
/// How long the last spans may take to come through.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let seconds = from_environment("OBSERVATORY_LOAD_SECONDS", 10);
    let rate = from_environment("OBSERVATORY_LOAD_RATE", 20_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(load(Duration::from_secs(seconds), rate))
}

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().expect("a whole number"))
}

async fn load(time: Duration, rate: u64) -> ExitCode {
    let child = Child::start().await;
    let looking = looking::start(child.pages.clone());
    let sent = sending::send(&child.grpc, time, rate).await;
    let looks = looking.end().await;
    let status = testkit::eventually("the last span", PATIENCE, async || {
        let status = child.status().await;
        (status["bytes_waiting"] == 0).then_some(status)
    })
    .await;
    let usage = child.usage();
    println!("sent      {:>10.0} spans/s for {:.1} s, {} in all", sent.rate(), sent.seconds, sent.spans);
    println!("kept      {:>10} spans, {} forgotten", status["spans_kept"], status["spans_forgotten"]);
    println!("dropped   {:>10} spans: {}", dropped(&status), status["spans_dropped"]);
    println!("memory    {:>10.1} MB at most, {:.1} MB now", megabytes(usage.peak), megabytes(usage.now));
    println!("processor {:>10.0} % of one", 100.0 * usage.cpu_seconds / sent.seconds);
    looks.print();
    judge(&sent, &status, usage.peak, rate, &looks)
}

fn judge(sent: &Sent, status: &Value, peak: u64, rate: u64, looks: &Looks) -> ExitCode {
    let number = |name: &str| status[name].as_u64().expect("a number");
    let kept = number("spans_kept") + number("spans_forgotten") + number("spans_repeated");
    let faults = [
        (sent.rate() < rate as f64 * 0.98, "it was not sent as fast as was asked for"),
        (sent.failed > 0, "requests failed otherwise than for want of room"),
        (number("spans_received") != sent.spans, "not all that was sent was received"),
        (number("spans_received") != kept + dropped(status), "there are spans of which nothing is known"),
        (peak > MOST_MB << 20, "it takes more than 64 MB"),
        (looks.unanswered > 0, "somebody who looked got no answer"),
    ];
    let mut faults = faults.into_iter().filter(|(is, _)| *is).peekable();
    if faults.peek().is_none() {
        return ExitCode::SUCCESS;
    }
    faults.for_each(|(_, words)| println!("FAILED: {words}"));
    ExitCode::FAILURE
}

fn dropped(status: &Value) -> u64 {
    let reasons = status["spans_dropped"].as_object().expect("reasons");
    reasons.values().filter_map(Value::as_u64).sum()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

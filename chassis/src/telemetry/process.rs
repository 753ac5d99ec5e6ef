//! What the process itself uses: processor time, memory, tasks of the runtime.

use std::sync::Once;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use super::metrics::meter;

static MEASURED: Once = Once::new();

/// From now on it is measured, each time that somebody looks. Within the runtime that is to be measured.
pub fn measure() {
    MEASURED.call_once(|| instruments(Handle::current().metrics()));
}

fn instruments(runtime: tokio::runtime::RuntimeMetrics) {
    meter()
        .f64_observable_counter("process.cpu.time")
        .with_unit("s")
        .with_description("Processor time that this process has used")
        .with_callback(|time| {
            let used = clock_gettime(ClockId::ProcessCPUTime);
            time.observe(used.tv_sec as f64 + used.tv_nsec as f64 / 1e9, &[]);
        })
        .build();
    meter()
        .u64_observable_gauge("process.memory.usage")
        .with_unit("By")
        .with_description("Memory of this process that is in RAM, what it shares with others included")
        .with_callback(|memory| {
            if let Some(bytes) = resident_bytes() {
                memory.observe(bytes, &[]);
            }
        })
        .build();
    let tasks = runtime.clone();
    meter()
        .u64_observable_gauge("tokio.runtime.alive_tasks")
        .with_unit("{task}")
        .with_description("Tasks of the runtime that have not ended")
        .with_callback(move |alive| alive.observe(tasks.num_alive_tasks() as u64, &[]))
        .build();
    meter()
        .u64_observable_gauge("tokio.runtime.global_queue_depth")
        .with_unit("{task}")
        .with_description("Tasks that could run and wait for a thread of the runtime")
        .with_callback(move |depth| depth.observe(runtime.global_queue_depth() as u64, &[]))
        .build();
}

/// As Linux tells it; elsewhere it is not known.
fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

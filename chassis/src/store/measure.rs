//! How busy the connections to databases are.

use std::sync::{LazyLock, Weak};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram};
use parking_lot::Mutex;
use sqlx::AnyPool;

use super::Parts;
use crate::telemetry::metrics::meter;

static WAIT: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    meter()
        .f64_histogram("db.client.connection.wait_time")
        .with_unit("s")
        .with_description(
            "How long a transaction that may write waited to begin: its turn, and on SQLite the file's lock",
        )
        .with_boundaries(vec![0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0])
        .build()
});

/// The stores that are open.
static OPEN: LazyLock<Mutex<Vec<Weak<Parts>>>> = LazyLock::new(|| {
    meter()
        .u64_observable_gauge("db.client.connection.open")
        .with_unit("{connection}")
        .with_description(
            "Connections of a module to its database, those that are used and those that are idle",
        )
        .with_callback(|count| {
            each(|module, pool| {
                let idle = pool.num_idle() as u64;
                let used = u64::from(pool.size()).saturating_sub(idle);
                observe(count, module, used, Some("used"));
                observe(count, module, idle, Some("idle"));
            });
        })
        .build();
    meter()
        .u64_observable_gauge("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("Connections that a module may have to its database")
        .with_callback(|most| {
            each(|module, pool| observe(most, module, pool.options().get_max_connections().into(), None));
        })
        .build();
    Mutex::default()
});

fn each(mut look: impl FnMut(&str, &AnyPool)) {
    // held for a moment only: what is measured takes no lock that anybody waits with
    let open: Vec<_> = OPEN.lock().iter().filter_map(Weak::upgrade).collect();
    open.iter().for_each(|store| look(&store.module, &store.pool));
}

fn observe(instrument: &dyn AsyncInstrument<u64>, module: &str, value: u64, state: Option<&'static str>) {
    let module = KeyValue::new("module", module.to_owned());
    let labels = [module].into_iter().chain(state.map(|state| KeyValue::new("state", state)));
    instrument.observe(value, &labels.collect::<Vec<_>>());
}

/// From now on a store's connections are counted, as long as it is open.
pub(super) fn count(store: Weak<Parts>) {
    let mut open = OPEN.lock();
    open.retain(|store| store.strong_count() > 0);
    open.push(store);
}

/// A transaction of `module` began, which was asked for at `asked`.
pub(super) fn began(module: &str, asked: Instant) {
    WAIT.record(asked.elapsed().as_secs_f64(), &[KeyValue::new("module", module.to_owned())]);
}

//! An edge on its wire of the moment. A switch makes the new wire first and then swaps; calls under
//! way finish on the old one, so that no call fails.

mod catalog;
mod inventory;
mod orders;
mod payments;
mod shipping;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use serde::Serialize;

use crate::choices::WireKind;

/// The edge from one module to the port `P` of another.
pub(crate) struct Edge<P: ?Sized> {
    caller: String,
    callee: &'static str,
    now: ArcSwap<Way<P>>,
    calls: [AtomicU64; 3],
    make: Box<dyn Fn(WireKind) -> Arc<P> + Send + Sync>,
}

struct Way<P: ?Sized> {
    wire: WireKind,
    port: Arc<P>,
}

impl<P: ?Sized> Edge<P> {
    /// An edge that begins on `wire`; `make` makes its clients.
    pub(crate) fn new(
        caller: &str,
        callee: &'static str,
        wire: WireKind,
        make: impl Fn(WireKind) -> Arc<P> + Send + Sync + 'static,
    ) -> Self {
        let now = ArcSwap::from_pointee(Way { wire, port: make(wire) });
        Self { caller: caller.to_owned(), callee, now, calls: Default::default(), make: Box::new(make) }
    }

    /// The port over the wire of this moment.
    fn port(&self) -> Arc<P> {
        let way = self.now.load();
        self.calls[way.wire as usize].fetch_add(1, Ordering::Relaxed);
        way.port.clone()
    }
}

/// What the switching of edges needs to know about any of them.
pub(crate) trait Switch: Send + Sync {
    /// The module at its head.
    fn callee(&self) -> &'static str;

    /// From now on new calls take `wire`.
    fn switch(&self, wire: WireKind);

    /// How it stands.
    fn report(&self) -> EdgeReport;
}

impl<P: ?Sized + Send + Sync> Switch for Edge<P> {
    fn callee(&self) -> &'static str {
        self.callee
    }

    fn switch(&self, wire: WireKind) {
        let old = self.now.load().wire;
        // a module in the same process is always called in the process
        if old == wire || old == WireKind::Local {
            return;
        }
        self.now.store(Arc::new(Way { wire, port: (self.make)(wire) }));
        tracing::info!(caller = self.caller, callee = self.callee, %wire, "{} now calls {} over {wire}, no longer over {old}", self.caller, self.callee);
    }

    fn report(&self) -> EdgeReport {
        let count = |wire: WireKind| self.calls[wire as usize].load(Ordering::Relaxed);
        EdgeReport {
            caller: self.caller.clone(),
            callee: self.callee.to_owned(),
            wire: self.now.load().wire.to_string(),
            calls: CallCounts {
                local: count(WireKind::Local),
                rest: count(WireKind::Rest),
                grpc: count(WireKind::Grpc),
            },
        }
    }
}

/// How an edge stands.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeReport {
    /// The module at its tail.
    pub caller: String,
    /// The module at its head.
    pub callee: String,
    /// The wire that new calls take.
    pub wire: String,
    /// Calls so far.
    pub calls: CallCounts,
}

/// Calls so far, by wire.
#[derive(Debug, Clone, Serialize)]
pub struct CallCounts {
    /// In the same process.
    pub local: u64,
    /// Over REST.
    pub rest: u64,
    /// Over gRPC.
    pub grpc: u64,
}

//! An edge on its wire of the moment. A switch connects the new wire first and then swaps; calls under
//! way finish on the old one, so that no call fails.

mod catalog;
mod inventory;
mod notifications;
mod orders;
mod payments;
mod recommendations;
mod shipping;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use serde::Serialize;

use crate::choices::WireKind;
use crate::connect::Reach;

/// The edge from one module to the port `P` of another.
pub(crate) struct Edge<P: ?Sized> {
    caller: String,
    callee: &'static str,
    now: ArcSwap<Way<P>>,
    calls: [AtomicU64; 4],
    make: Box<dyn Fn(WireKind) -> Made<P> + Send + Sync>,
}

/// A client of a port, and the wire that it reaches it by; none in the same process.
pub(crate) struct Made<P: ?Sized> {
    pub port: Arc<P>,
    pub reach: Option<Arc<dyn Reach>>,
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
        make: impl Fn(WireKind) -> Made<P> + Send + Sync + 'static,
    ) -> Self {
        let now = ArcSwap::from_pointee(Way { wire, port: make(wire).port });
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
#[async_trait]
pub(crate) trait Switch: Send + Sync {
    /// The module at its head.
    fn callee(&self) -> &'static str;

    /// From now on new calls take `wire`, unless it reaches nobody: then it says why, and nothing changes.
    async fn switch(&self, wire: WireKind) -> Result<(), String>;

    /// How it stands.
    fn report(&self) -> EdgeReport;
}

#[async_trait]
impl<P: ?Sized + Send + Sync> Switch for Edge<P> {
    fn callee(&self) -> &'static str {
        self.callee
    }

    async fn switch(&self, wire: WireKind) -> Result<(), String> {
        let old = self.now.load().wire;
        // a module in the same process is always called in the process
        if old == wire || old == WireKind::Local {
            return Ok(());
        }
        let made = (self.make)(wire);
        if let Some(reach) = made.reach {
            reach.establish().await?;
        }
        self.now.store(Arc::new(Way { wire, port: made.port }));
        let (caller, callee) = (&self.caller, self.callee);
        tracing::info!(caller, callee, %wire, "{caller} now calls {callee} over {wire}, no longer over {old}");
        Ok(())
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
                amqp: count(WireKind::Amqp),
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
    /// Over AMQP.
    pub amqp: u64,
}

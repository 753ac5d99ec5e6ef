//! Gives a module the ports that it calls, and keeps each edge on the wire that configuration names.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use chassis::config::Live;
use chassis::discovery::Discovery;
use chassis::process::Platform;
use contracts::catalog::Catalog;
use contracts::inventory::Inventory;
use contracts::orders::Orders;
use contracts::payments::Payments;
use contracts::shipping::Shipping;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::choices::{WireChoices, WireKind};
use crate::edge::{Edge, EdgeReport, Made, Switch};
use crate::grpc::GrpcClient;
use crate::local::Local;
use crate::rest::RestClient;

/// What a process knows about ports: those that it hosts itself, and how to find the others.
#[derive(Clone)]
pub struct Resolver {
    discovery: Arc<dyn Discovery>,
    hosted: Arc<RwLock<Hosted>>,
}

/// The ports of modules in this process.
#[derive(Default)]
struct Hosted {
    catalog: Option<Arc<dyn Catalog>>,
    inventory: Option<Arc<dyn Inventory>>,
    payments: Option<Arc<dyn Payments>>,
    shipping: Option<Arc<dyn Shipping>>,
    orders: Option<Arc<dyn Orders>>,
}

impl Resolver {
    /// The resolver of a process.
    pub fn new(platform: &Platform) -> Self {
        Self::over(platform.discovery.clone())
    }

    /// A resolver that finds modules by `discovery`.
    pub fn over(discovery: Arc<dyn Discovery>) -> Self {
        Self { discovery, hosted: Arc::default() }
    }

    /// This process hosts the catalog.
    pub fn provide_catalog(&self, port: Arc<dyn Catalog>) {
        self.hosted.write().catalog = Some(port);
    }

    /// This process hosts the inventory.
    pub fn provide_inventory(&self, port: Arc<dyn Inventory>) {
        self.hosted.write().inventory = Some(port);
    }

    /// This process hosts payments.
    pub fn provide_payments(&self, port: Arc<dyn Payments>) {
        self.hosted.write().payments = Some(port);
    }

    /// This process hosts shipping.
    pub fn provide_shipping(&self, port: Arc<dyn Shipping>) {
        self.hosted.write().shipping = Some(port);
    }

    /// This process hosts orders.
    pub fn provide_orders(&self, port: Arc<dyn Orders>) {
        self.hosted.write().orders = Some(port);
    }

    /// The edges of the module `caller`, on the wires that `choices` names.
    pub fn edges(&self, caller: &'static str, choices: Live<WireChoices>) -> Edges {
        Edges { caller, resolver: self.clone(), choices, edges: Arc::default() }
    }
}

/// How soon a switch that reached nobody is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What one module calls.
#[derive(Clone)]
pub struct Edges {
    caller: &'static str,
    resolver: Resolver,
    choices: Live<WireChoices>,
    edges: Arc<RwLock<Vec<Arc<dyn Switch>>>>,
}

impl Edges {
    /// The catalog, as this module calls it.
    pub fn catalog(&self) -> Arc<dyn Catalog> {
        let hosted = self.resolver.hosted.read().catalog.clone();
        self.edge(
            "catalog",
            hosted,
            |port, caller| Arc::new(Local::new(caller, port)),
            |c| Arc::new(c),
            |c| Arc::new(c),
        )
    }

    /// The inventory, as this module calls it.
    pub fn inventory(&self) -> Arc<dyn Inventory> {
        let hosted = self.resolver.hosted.read().inventory.clone();
        self.edge(
            "inventory",
            hosted,
            |port, caller| Arc::new(Local::new(caller, port)),
            |c| Arc::new(c),
            |c| Arc::new(c),
        )
    }

    /// Payments, as this module calls them.
    pub fn payments(&self) -> Arc<dyn Payments> {
        let hosted = self.resolver.hosted.read().payments.clone();
        self.edge(
            "payments",
            hosted,
            |port, caller| Arc::new(Local::new(caller, port)),
            |c| Arc::new(c),
            |c| Arc::new(c),
        )
    }

    /// Shipping, as this module calls it.
    pub fn shipping(&self) -> Arc<dyn Shipping> {
        let hosted = self.resolver.hosted.read().shipping.clone();
        self.edge(
            "shipping",
            hosted,
            |port, caller| Arc::new(Local::new(caller, port)),
            |c| Arc::new(c),
            |c| Arc::new(c),
        )
    }

    /// Orders, as this module calls them.
    pub fn orders(&self) -> Arc<dyn Orders> {
        let hosted = self.resolver.hosted.read().orders.clone();
        self.edge(
            "orders",
            hosted,
            |port, caller| Arc::new(Local::new(caller, port)),
            |c| Arc::new(c),
            |c| Arc::new(c),
        )
    }

    fn edge<P>(
        &self,
        callee: &'static str,
        hosted: Option<Arc<P>>,
        local: fn(Arc<P>, &str) -> Arc<P>,
        rest: fn(RestClient) -> Arc<P>,
        grpc: fn(GrpcClient) -> Arc<P>,
    ) -> Arc<Edge<P>>
    where
        P: ?Sized + Send + Sync + 'static,
    {
        let (caller, discovery) = (self.caller, self.resolver.discovery.clone());
        let begin = if hosted.is_some() { WireKind::Local } else { self.choices.get().of(caller, callee) };
        let edge = Arc::new(Edge::new(caller, callee, begin, move |wire| match (&hosted, wire) {
            (Some(port), _) => Made { port: local(port.clone(), caller), reach: None },
            (None, WireKind::Grpc) => {
                let client = GrpcClient::new(caller, callee, discovery.clone());
                Made { reach: Some(client.reach()), port: grpc(client) }
            }
            (None, _) => {
                let client = RestClient::new(caller, callee, discovery.clone());
                Made { reach: Some(client.reach()), port: rest(client) }
            }
        }));
        self.edges.write().push(edge.clone());
        edge
    }

    /// Follows the configuration until `shutdown`: a module's background task.
    pub async fn follow(self, shutdown: CancellationToken) {
        let mut choices = self.choices.clone();
        loop {
            let complete = self.switch_all(&choices.get()).await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = choices.changed() => {}
                () = tokio::time::sleep(TRY_AGAIN), if !complete => {}
            }
        }
    }

    /// Brings every edge to the wire that `wanted` names; whether all of them are there.
    async fn switch_all(&self, wanted: &WireChoices) -> bool {
        let edges = self.edges.read().clone();
        let switches = edges.iter().map(async |edge| {
            let (caller, callee) = (self.caller, edge.callee());
            let wire = wanted.of(caller, callee);
            let switched = edge.switch(wire).await;
            if let Err(reason) = &switched {
                tracing::warn!(caller, callee, %wire, "{caller} cannot call {callee} over {wire} yet: {reason}");
            }
            switched.is_ok()
        });
        futures::future::join_all(switches).await.into_iter().all(|switched| switched)
    }

    /// How every edge stands.
    pub fn report(&self) -> Vec<EdgeReport> {
        self.edges.read().iter().map(|edge| edge.report()).collect()
    }

    /// `GET /wires`: the report, as a control endpoint.
    pub fn control_routes(&self) -> Router {
        let edges = self.clone();
        Router::new().route("/wires", get(async move || Json(edges.report())))
    }
}

//! Gives a module the ports that it calls, and keeps each edge on the wire that configuration names.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use chassis::config::Live;
use chassis::discovery::Discovery;
use chassis::messaging::{Broker, Bus};
use chassis::process::Platform;
use contracts::catalog::Catalog;
use contracts::inventory::Inventory;
use contracts::notifications::Notifications;
use contracts::orders::Orders;
use contracts::payments::Payments;
use contracts::recommendations::Recommendations;
use contracts::shipping::Shipping;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;

use crate::amqp::{AmqpClient, Switchboard};
use crate::choices::{WireChoices, WireKind};
use crate::connect::Unreachable;
use crate::edge::{Edge, EdgeReport, Made, Switch};
use crate::grpc::GrpcClient;
use crate::local::Local;
use crate::rest::RestClient;

/// What a process knows about ports: those that it hosts itself, and how to find the others.
#[derive(Clone)]
pub struct Resolver {
    discovery: Arc<dyn Discovery>,
    switchboard: Option<Arc<Switchboard>>,
    hosted: Arc<RwLock<Hosted>>,
}

impl Resolver {
    /// The resolver of a process.
    pub fn new(platform: &Platform) -> Self {
        let alone = Self::over(platform.discovery.clone());
        match platform.bus.as_ref().and_then(Bus::broker) {
            Some(broker) => alone.through(broker.clone()),
            None => alone,
        }
    }

    /// A resolver that finds modules by `discovery`.
    pub fn over(discovery: Arc<dyn Discovery>) -> Self {
        Self { discovery, switchboard: None, hosted: Arc::default() }
    }

    /// The same, with a broker to call through.
    pub fn through(self, broker: Broker) -> Self {
        Self { switchboard: Some(Switchboard::new(broker)), ..self }
    }

    /// The edges of the module `caller`, on the wires that `choices` names.
    pub fn edges(&self, caller: &'static str, choices: Live<WireChoices>) -> Edges {
        Edges { caller, resolver: self.clone(), choices, edges: Arc::default() }
    }
}

/// Makes of each port a place among those that a process hosts, a way to provide it, and an edge to it.
macro_rules! ports {
    ($($name:ident: $port:ident, $provide:ident;)*) => {
        /// The ports of modules in this process.
        #[derive(Default)]
        struct Hosted {
            $($name: Option<Arc<dyn $port>>,)*
        }

        impl Resolver {
            $(
                #[doc = concat!("This process hosts `", stringify!($name), "`.")]
                pub fn $provide(&self, port: Arc<dyn $port>) {
                    self.hosted.write().$name = Some(port);
                }
            )*
        }

        impl Edges {
            $(
                #[doc = concat!("The port of `", stringify!($name), "`, as this module calls it.")]
                pub fn $name(&self) -> Arc<dyn $port> {
                    let hosted = self.resolver.hosted.read().$name.clone();
                    self.edge(
                        stringify!($name),
                        hosted,
                        |port, caller| Arc::new(Local::new(caller, port)),
                        |client| Arc::new(client),
                        |client| Arc::new(client),
                        |client| Arc::new(client),
                    )
                }
            )*
        }
    };
}

ports! {
    catalog: Catalog, provide_catalog;
    inventory: Inventory, provide_inventory;
    payments: Payments, provide_payments;
    shipping: Shipping, provide_shipping;
    orders: Orders, provide_orders;
    notifications: Notifications, provide_notifications;
    recommendations: Recommendations, provide_recommendations;
}

/// Why a process cannot call over AMQP.
const NO_BROKER: &str = "this process has no message broker; start it with --broker amqp://…";

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
    fn edge<P>(
        &self,
        callee: &'static str,
        hosted: Option<Arc<P>>,
        local: fn(Arc<P>, &str) -> Arc<P>,
        rest: fn(RestClient) -> Arc<P>,
        grpc: fn(GrpcClient) -> Arc<P>,
        amqp: fn(AmqpClient) -> Arc<P>,
    ) -> Arc<Edge<P>>
    where
        P: ?Sized + Send + Sync + 'static,
    {
        let (caller, discovery) = (self.caller, self.resolver.discovery.clone());
        let switchboard = self.resolver.switchboard.clone();
        let begin = match self.choices.get().of(caller, callee) {
            _ if hosted.is_some() => WireKind::Local,
            // calls are possible until somebody mends it, and `follow` says what is wrong
            WireKind::Amqp if switchboard.is_none() => WireKind::Rest,
            chosen => chosen,
        };
        let edge = Arc::new(Edge::new(caller, callee, begin, move |wire| match (&hosted, wire) {
            (Some(port), _) => Made { port: local(port.clone(), caller), reach: None },
            (None, WireKind::Grpc) => {
                let client = GrpcClient::new(caller, callee, discovery.clone());
                Made { reach: Some(client.reach()), port: grpc(client) }
            }
            (None, WireKind::Amqp) if let Some(switchboard) = &switchboard => {
                let client = AmqpClient::new(caller, callee, switchboard.clone());
                Made { reach: Some(client.reach()), port: amqp(client) }
            }
            (None, other) => {
                let client = RestClient::new(caller, callee, discovery.clone());
                let reach =
                    if other == WireKind::Amqp { Arc::new(Unreachable(NO_BROKER)) } else { client.reach() };
                Made { reach: Some(reach), port: rest(client) }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chassis::discovery::StaticDirectory;

    use super::*;

    /// The edges of orders to inventory, in a process without a broker.
    fn brokerless(wire: WireKind) -> Edges {
        let inventory = BTreeMap::from([("inventory".to_owned(), wire)]);
        let choices = WireChoices(BTreeMap::from([("orders".to_owned(), inventory)]));
        let edges = Resolver::over(Arc::new(StaticDirectory::new())).edges("orders", Live::fixed(choices));
        edges.inventory();
        edges
    }

    #[tokio::test]
    async fn without_a_broker_a_switch_to_messages_is_refused_with_what_to_do() {
        let edges = brokerless(WireKind::Grpc);
        let edge = edges.edges.read()[0].clone();
        let refused = edge.switch(WireKind::Amqp).await.expect_err("there is no broker");
        assert!(refused.contains("--broker"), "{refused}");
        assert_eq!(edges.report()[0].wire, "grpc");
    }

    #[test]
    fn without_a_broker_an_edge_that_is_to_take_messages_begins_on_rest() {
        assert_eq!(brokerless(WireKind::Amqp).report()[0].wire, "rest");
    }
}

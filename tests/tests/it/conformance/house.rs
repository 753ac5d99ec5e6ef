//! The scripted callee behind the real adapters, and a caller that reaches it over one wire.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::config::Live;
use chassis::discovery::StaticDirectory;
use chassis::server::{Limits, Readiness, Server};
use contracts::catalog::Catalog;
use contracts::inventory::Inventory;
use contracts::notifications::Notifications;
use contracts::orders::Orders;
use contracts::payments::Payments;
use contracts::recommendations::Recommendations;
use contracts::shipping::Shipping;
use contracts::{Context, Effect, Kind, Operation, PortError, RemoteReason};
use testkit::{BrokerHost, BrokerKind};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use wires::choices::MODULES;
use wires::{Edges, Resolver, WireChoices, WireKind};

use super::broker_house::BrokerHouse;
use super::scripted::Scripted;

/// A way from caller to callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Over a wire with nothing between.
    Direct(WireKind),
    /// Over `amqp`, through a broker of this kind.
    Through(BrokerKind),
}

impl Way {
    pub fn wire(self) -> WireKind {
        match self {
            Self::Direct(wire) => wire,
            Self::Through(_) => WireKind::Amqp,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(wire) => write!(f, "{wire}"),
            Self::Through(broker) => write!(f, "amqp ({broker})"),
        }
    }
}

/// Every way that can be tried on this machine: over every wire, and over `amqp` through every kind of broker.
pub async fn ways() -> Vec<Way> {
    let mut ways = [WireKind::Local, WireKind::Rest, WireKind::Grpc].map(Way::Direct).to_vec();
    for broker in BrokerKind::wanted() {
        // one that is missing says what is skipped
        if broker == BrokerKind::Embedded || testkit::virtual_host().await.is_some() {
            ways.push(Way::Through(broker));
        }
    }
    ways
}

/// The wires that find the callee by its address.
pub const HTTP: [WireKind; 2] = [WireKind::Rest, WireKind::Grpc];

/// The module whose edges are tested.
pub const CALLER: &str = "orders";

/// No state takes longer to come about.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The ports, as the caller holds them.
#[derive(Clone)]
pub struct Clients {
    pub catalog: Arc<dyn Catalog>,
    pub inventory: Arc<dyn Inventory>,
    pub payments: Arc<dyn Payments>,
    pub shipping: Arc<dyn Shipping>,
    pub orders: Arc<dyn Orders>,
    pub notifications: Arc<dyn Notifications>,
    pub recommendations: Arc<dyn Recommendations>,
}

impl Clients {
    pub fn of(edges: &Edges) -> Self {
        Self {
            catalog: edges.catalog(),
            inventory: edges.inventory(),
            payments: edges.payments(),
            shipping: edges.shipping(),
            orders: edges.orders(),
            notifications: edges.notifications(),
            recommendations: edges.recommendations(),
        }
    }

    /// Clients over `wire`, to whatever listens at `addresses`.
    pub fn to(wire: WireKind, addresses: &[SocketAddr]) -> Self {
        let resolver = Resolver::over(Arc::new(directory(addresses)));
        Self::of(&resolver.edges(CALLER, Live::fixed(all_over(wire))))
    }
}

/// Every module at the same addresses.
pub fn directory(addresses: &[SocketAddr]) -> StaticDirectory {
    let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    MODULES.iter().fold(StaticDirectory::new(), |directory, module| directory.with(module, &addresses))
}

/// Every edge of the caller over `wire`.
pub fn all_over(wire: WireKind) -> WireChoices {
    let edges = MODULES.iter().map(|module| ((*module).to_owned(), wire)).collect();
    WireChoices(BTreeMap::from([(CALLER.to_owned(), edges)]))
}

/// A callee and its caller.
pub struct House {
    pub callee: Arc<Scripted>,
    pub clients: Clients,
    /// What serves the callee, until it is dropped.
    _running: Option<Box<dyn Any + Send + Sync>>,
}

impl House {
    pub async fn over(way: Way) -> Self {
        let callee = Scripted::new();
        let wire = match way {
            Way::Direct(wire) => wire,
            Way::Through(broker) => {
                let host = BrokerHost::of(broker).await.expect("it was there a moment ago");
                let house = BrokerHouse::on(host, &callee).await;
                let clients = house.clients();
                return Self { callee, clients, _running: Some(Box::new(house)) };
            }
        };
        if wire == WireKind::Local {
            let resolver = Resolver::over(Arc::new(StaticDirectory::new()));
            resolver.provide_catalog(callee.clone());
            resolver.provide_inventory(callee.clone());
            resolver.provide_payments(callee.clone());
            resolver.provide_shipping(callee.clone());
            resolver.provide_orders(callee.clone());
            resolver.provide_notifications(callee.clone());
            resolver.provide_recommendations(callee.clone());
            let clients = Clients::of(&resolver.edges(CALLER, Live::fixed(WireChoices::default())));
            return Self { callee, clients, _running: None };
        }
        let running = serve(adapters(&callee)).await;
        let clients = Clients::to(wire, &[running.address]);
        Self { callee, clients, _running: Some(Box::new(running)) }
    }
}

/// The real adapters of every module before `callee`.
pub fn adapters(callee: &Arc<Scripted>) -> Router {
    catalog::routes(callee.clone())
        .merge(inventory::routes(callee.clone()))
        .merge(payments::routes(callee.clone()))
        .merge(shipping::routes(callee.clone()))
        .merge(orders::routes(callee.clone()))
        .merge(notifications::routes(callee.clone()))
        .merge(recommendations::routes(callee.clone()))
}

/// A server, until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    _stop: DropGuard,
}

/// Serves `routes` on a free port, with the middleware of every server.
pub async fn serve(routes: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let readiness = Readiness::default();
    readiness.ready();
    let shutdown = CancellationToken::new();
    tokio::spawn(Server::new(routes, &readiness, Limits::default()).serve(listener, shutdown.clone()));
    Running { address, _stop: shutdown.drop_guard() }
}

/// An address where nobody listens.
pub async fn deserted() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address")
}

/// A call with time to spare.
pub fn unhurried() -> Context {
    Context::background("somebody", Duration::from_secs(30))
}

/// What a caller must assume when a call fails after it was sent.
pub fn effect_when_sent(operation: &Operation) -> Effect {
    if operation.kind == Kind::Read { Effect::None } else { Effect::Unknown }
}

/// Asserts that a call failed on its way, in this manner.
#[track_caller]
pub fn assert_remote<T>(
    result: Result<T, PortError>,
    operation: &Operation,
    wire: WireKind,
    reason: RemoteReason,
    effect: Effect,
) {
    match result {
        Ok(_) => panic!("{operation} over {wire} succeeded, expected {reason:?}"),
        Err(PortError::Problem(problem)) => panic!("{operation} over {wire}: {problem}, expected {reason:?}"),
        Err(PortError::Remote(failure)) => {
            let seen = (failure.operation.as_str(), failure.wire.as_str(), failure.reason, failure.effect);
            let (operation, wire) = (operation.to_string(), wire.to_string());
            assert_eq!(seen, (operation.as_str(), wire.as_str(), reason, effect), "{}", failure.detail);
        }
    }
}

//! The scripted callee behind the real AMQP adapters, with a broker between it and its caller.

use std::sync::Arc;

use chassis::config::Live;
use chassis::discovery::StaticDirectory;
use chassis::messaging::Broker;
use chassis::messaging::rpc;
use testkit::{BrokerHost, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use wires::choices::MODULES;
use wires::{Resolver, WireKind};

use super::house::{CALLER, Clients, PATIENCE, all_over};
use super::scripted::Scripted;

/// A broker with a callee behind it. All of it ends when this is dropped.
pub struct BrokerHouse {
    pub host: BrokerHost,
    /// The caller's connection.
    pub broker: Broker,
    pub callee: Instance,
    _stop: DropGuard,
}

/// An instance of every module, behind a connection of its own.
pub struct Instance {
    draining: CancellationToken,
    serving: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl BrokerHouse {
    /// One with `callee`, on `host`.
    pub async fn on(host: BrokerHost, callee: &Arc<Scripted>) -> Self {
        let stop = CancellationToken::new();
        let broker = connected(&host.url, &stop).await;
        let instance = Instance::at(&host.url, callee).await;
        for module in MODULES {
            let queue = rpc::requests_of(module);
            eventually("the callee to take requests", PATIENCE, || async {
                host.queue(queue.as_str()).await.map(drop)
            })
            .await;
        }
        Self { host, broker, callee: instance, _stop: stop.drop_guard() }
    }

    /// Clients over the caller's connection.
    pub fn clients(&self) -> Clients {
        clients(self.broker.clone())
    }
}

impl Instance {
    /// One at the broker at `url`.
    pub async fn at(url: &str, callee: &Arc<Scripted>) -> Self {
        let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
        let broker = connected(url, &stop).await;
        let serving = serve_all(&broker, callee, &draining);
        Self { draining, serving, stop }
    }

    /// Takes no more requests, answers those under way, and is gone.
    pub async fn drain(mut self) {
        self.draining.cancel();
        for serving in self.serving.drain(..) {
            tokio::time::timeout(PATIENCE, serving).await.expect("drains in time").expect("does not panic");
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.draining.cancel();
        self.stop.cancel();
        for serving in &self.serving {
            serving.abort();
        }
    }
}

/// The real adapters of every module before `callee`.
fn serve_all(broker: &Broker, callee: &Arc<Scripted>, draining: &CancellationToken) -> Vec<JoinHandle<()>> {
    macro_rules! serve {
        ($($operations:path),* $(,)?) => {
            vec![$(tokio::spawn(rpc::serve(broker.clone(), $operations(callee.clone()), draining.clone()))),*]
        };
    }
    serve![
        catalog::amqp::operations,
        inventory::amqp::operations,
        payments::amqp::operations,
        shipping::amqp::operations,
        orders::rpc::operations,
        notifications::amqp::operations,
        recommendations::amqp::operations,
    ]
}

/// A connection to the broker at `url` until `stop`, once it is there.
pub async fn connected(url: &str, stop: &CancellationToken) -> Broker {
    let broker = Broker::connect(url, "a test", stop.clone()).expect("an address");
    eventually("the broker to answer", PATIENCE * 3, || async { broker.check().ok() }).await;
    broker
}

/// Clients of every module over `broker`.
pub fn clients(broker: Broker) -> Clients {
    let resolver = Resolver::over(Arc::new(StaticDirectory::new())).through(broker);
    Clients::of(&resolver.edges(CALLER, Live::fixed(all_over(WireKind::Amqp))))
}

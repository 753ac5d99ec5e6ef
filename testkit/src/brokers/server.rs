//! A whole server of a test's own, which can be killed.

use std::sync::Arc;

use super::embedded::Embedded;
use super::host::BrokerHost;
use super::kind::BrokerKind;
use crate::rabbitmq::RabbitMq;

/// A broker that a test kills and starts again. It ends with this value, or with the test's process.
pub struct BrokerServer(Machine);

enum Machine {
    Embedded(Arc<Embedded>),
    RabbitMq(Box<RabbitMq>),
}

/// One server of each kind of broker that is wanted: an embedded one always, a RabbitMQ where it can be had.
/// Which one a test is at stands in its output.
pub async fn broker_servers() -> impl Iterator<Item = BrokerServer> {
    let mut servers = Vec::new();
    for kind in BrokerKind::wanted() {
        match kind {
            BrokerKind::Embedded => servers.push(Machine::Embedded(Embedded::start().await)),
            BrokerKind::RabbitMq => {
                servers.extend(RabbitMq::start().await.map(|server| Machine::RabbitMq(Box::new(server))));
            }
        }
    }
    let servers = servers.into_iter().map(BrokerServer);
    servers.inspect(|server| eprintln!("on the broker {}", server.kind()))
}

impl BrokerServer {
    /// Which kind it is.
    pub fn kind(&self) -> BrokerKind {
        match &self.0 {
            Machine::Embedded(_) => BrokerKind::Embedded,
            Machine::RabbitMq(_) => BrokerKind::RabbitMq,
        }
    }

    /// `amqp://guest:guest@127.0.0.1:PORT`: its default virtual host.
    pub fn url(&self) -> String {
        match &self.0 {
            Machine::Embedded(broker) => broker.url(),
            Machine::RabbitMq(server) => server.url().to_owned(),
        }
    }

    /// The port for AMQP.
    pub fn port(&self) -> u16 {
        match &self.0 {
            Machine::Embedded(broker) => broker.port(),
            Machine::RabbitMq(server) => server.port(),
        }
    }

    /// A host on it: a fresh one at RabbitMQ, the only one at the embedded broker.
    pub async fn host(&self) -> BrokerHost {
        match &self.0 {
            Machine::Embedded(broker) => BrokerHost::embedded(broker.clone()),
            Machine::RabbitMq(server) => BrokerHost::rabbitmq(server.virtual_host().await),
        }
    }

    /// Ends it as `kill -9` does; returns when it is gone. Its data stay. A second time harms nothing.
    pub async fn kill(&self) {
        match &self.0 {
            Machine::Embedded(broker) => broker.kill().await,
            Machine::RabbitMq(server) => server.kill().await,
        }
    }

    /// Starts it again on the same port and data, after a [`Self::kill`] if it still runs; returns when it takes
    /// AMQP connections.
    pub async fn restart(&self) {
        match &self.0 {
            Machine::Embedded(broker) => broker.restart().await,
            Machine::RabbitMq(server) => server.restart().await,
        }
    }
}

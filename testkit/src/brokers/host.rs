//! A space of its own for each test, on either kind of broker.

use std::sync::Arc;

use serde_json::Value;

use super::amqp::AmqpClient;
use super::embedded::Embedded;
use super::kind::BrokerKind;
use crate::rabbitmq::{QueueInfo, VirtualHost, virtual_host};

/// A broker that is a test's own, with what an operator could do to it: a virtual host of a RabbitMQ, or an
/// embedded broker, which has one virtual host alone.
pub struct BrokerHost {
    /// Its address, as an AMQP client takes it: `amqp://guest:guest@127.0.0.1:PORT/VHOST`.
    pub url: String,
    space: Space,
}

enum Space {
    Embedded(Arc<Embedded>),
    RabbitMq(Box<VirtualHost>),
}

/// One fresh host of each kind of broker that is wanted: the embedded one always, RabbitMQ where it can be had.
/// A test runs its body once for each; which one it is at stands in its output.
pub async fn brokers() -> impl Iterator<Item = BrokerHost> {
    let mut hosts = Vec::new();
    for kind in BrokerKind::wanted() {
        match kind {
            BrokerKind::Embedded => hosts.push(BrokerHost::embedded(Embedded::start().await)),
            BrokerKind::RabbitMq => hosts.extend(virtual_host().await.map(BrokerHost::rabbitmq)),
        }
    }
    hosts.into_iter().inspect(|host| eprintln!("on the broker {}", host.kind()))
}

impl BrokerHost {
    /// A fresh host of this kind; none, and a word on what is skipped, where it is missing.
    pub async fn of(kind: BrokerKind) -> Option<Self> {
        match kind {
            BrokerKind::Embedded => Some(Self::embedded(Embedded::start().await)),
            BrokerKind::RabbitMq => virtual_host().await.map(Self::rabbitmq),
        }
    }

    pub(super) fn embedded(broker: Arc<Embedded>) -> Self {
        Self { url: format!("{}/%2f", broker.url()), space: Space::Embedded(broker) }
    }

    pub(super) fn rabbitmq(host: VirtualHost) -> Self {
        Self { url: host.url.clone(), space: Space::RabbitMq(Box::new(host)) }
    }

    /// Which kind of broker it is on.
    pub fn kind(&self) -> BrokerKind {
        match &self.space {
            Space::Embedded(_) => BrokerKind::Embedded,
            Space::RabbitMq(_) => BrokerKind::RabbitMq,
        }
    }

    /// The name of that kind.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// All its queues.
    pub async fn queues(&self) -> Vec<QueueInfo> {
        match &self.space {
            Space::Embedded(broker) => broker.queues(),
            Space::RabbitMq(host) => host.queues().await,
        }
    }

    /// The queue of that name, if there is one.
    pub async fn queue(&self, queue: &str) -> Option<QueueInfo> {
        self.queues().await.into_iter().find(|found| found.name == queue)
    }

    /// Declares a durable queue of a kind: `classic`, `quorum` or `stream`.
    pub async fn declare_queue(&self, queue: &str, kind: &str) {
        match &self.space {
            Space::Embedded(_) => self.client().declare_queue(queue, kind).await,
            Space::RabbitMq(host) => host.declare_queue(queue, kind).await,
        }
    }

    /// Deletes a queue and all that is in it; that there is none is no failure.
    pub async fn delete_queue(&self, queue: &str) {
        match &self.space {
            Space::Embedded(_) => self.client().delete_queue(queue).await,
            Space::RabbitMq(host) => host.delete_queue(queue).await,
        }
    }

    /// Puts a persistent message into a queue.
    pub async fn publish(&self, queue: &str, payload: &str) {
        self.client().publish(queue, payload).await;
    }

    /// Puts a persistent message with headers, and a body of JSON, into a queue.
    pub async fn publish_with(&self, queue: &str, payload: &str, headers: Value) {
        self.client().publish_with(queue, payload, headers).await;
    }

    /// Closes all its clients' connections, as an operator would; returns how many. RabbitMQ lists a connection
    /// a moment after it opened, so a test that knows of one repeats this until it is met.
    pub async fn close_connections(&self) -> usize {
        match &self.space {
            Space::Embedded(broker) => broker.close_connections(),
            Space::RabbitMq(host) => host.close_connections().await,
        }
    }

    fn client(&self) -> AmqpClient {
        AmqpClient::at(&self.url)
    }
}

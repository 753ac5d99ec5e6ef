//! What carries the messages of a shop: the broker that it brings along, a RabbitMQ where there is one, or nothing
//! but the process itself where the topology has no broker.

use system_tests::ground::ground;
use system_tests::shop::Shop;
use testkit::{AmqpClient, BrokerKind, RabbitMq, VirtualHost, virtual_host};

use super::{PROGRAM, shop_on};

/// What carries the messages of a shop.
pub enum Carrier {
    /// The process in which all modules live.
    Process,
    /// The shop's own broker, a process of it.
    Own,
    /// A virtual host of a RabbitMQ.
    RabbitMq(Box<VirtualHost>),
}

/// Each carrier that is wanted and can be had. Which one a test is at stands in its output.
pub async fn carriers() -> impl Iterator<Item = Carrier> {
    let mut carriers = Vec::new();
    if !ground().topology.has_broker() {
        carriers.push(Carrier::Process);
    }
    for kind in kinds() {
        match kind {
            BrokerKind::Embedded => carriers.push(Carrier::Own),
            BrokerKind::RabbitMq => {
                carriers.extend(virtual_host().await.map(|host| Carrier::RabbitMq(Box::new(host))));
            }
        }
    }
    carriers.into_iter().inspect(|carrier| match carrier {
        Carrier::Process => eprintln!("within the process"),
        Carrier::Own => eprintln!("on the shop's own broker"),
        Carrier::RabbitMq(_) => eprintln!("on RabbitMQ"),
    })
}

/// The brokers that are wanted; none where the topology has no broker.
fn kinds() -> Vec<BrokerKind> {
    if ground().topology.has_broker() { BrokerKind::wanted() } else { Vec::new() }
}

impl Carrier {
    /// A shop on it.
    pub async fn shop(&self) -> Shop {
        match self {
            Self::Process | Self::Own => Shop::start(PROGRAM, &[]).await,
            Self::RabbitMq(host) => shop_on(&host.url).await,
        }
    }

    /// A client that puts messages into the queues of `shop`, which stands on it. A process lets nobody in.
    pub fn client(&self, shop: &Shop) -> AmqpClient {
        match self {
            Self::Process => panic!("a test that publishes needs a broker, and says so"),
            Self::Own => AmqpClient::at(&shop.client.addresses().broker),
            Self::RabbitMq(host) => AmqpClient::at(&host.url),
        }
    }
}

/// What carries the messages of a shop, and can be killed.
pub enum Mortal {
    /// The process in which all modules live.
    Process,
    /// The shop's own broker: whoever keeps the shop running starts it again.
    Own,
    /// A RabbitMQ server.
    RabbitMq(Box<RabbitMq>),
}

/// Each carrier that is wanted and can be had, to be killed.
pub async fn mortals() -> impl Iterator<Item = Mortal> {
    let mut mortals = Vec::new();
    if !ground().topology.has_broker() {
        mortals.push(Mortal::Process);
    }
    for kind in kinds() {
        match kind {
            BrokerKind::Embedded => mortals.push(Mortal::Own),
            BrokerKind::RabbitMq => {
                mortals.extend(RabbitMq::start().await.map(|server| Mortal::RabbitMq(Box::new(server))));
            }
        }
    }
    mortals.into_iter().inspect(|mortal| match mortal {
        Mortal::Process => eprintln!("within the process"),
        Mortal::Own => eprintln!("on the shop's own broker"),
        Mortal::RabbitMq(_) => eprintln!("on RabbitMQ"),
    })
}

impl Mortal {
    /// A shop on it.
    pub async fn shop(&self) -> Shop {
        match self {
            Self::Process | Self::Own => Shop::start(PROGRAM, &[]).await,
            Self::RabbitMq(server) => shop_on(server.url()).await,
        }
    }

    /// Ends it as `kill -9` does, lets `meanwhile` happen, and returns when it is there again.
    pub async fn die(&self, shop: &Shop, meanwhile: impl AsyncFnOnce()) {
        let name = match self {
            Self::Process => "orders",
            Self::Own => "broker",
            Self::RabbitMq(server) => {
                server.kill().await;
                meanwhile().await;
                return server.restart().await;
            }
        };
        let died = shop.kill(name).await;
        meanwhile().await;
        shop.back(&died).await;
    }
}

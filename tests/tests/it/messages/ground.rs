//! The brokers that a shop can stand on: the one that it brings along and, where there is one, a RabbitMQ.

use system_tests::shop::Shop;
use testkit::{AmqpClient, BrokerKind, RabbitMq, VirtualHost, virtual_host};

use super::{PROGRAM, shop_on};

/// A broker under a shop.
pub enum Ground {
    /// The shop's own, a process of it.
    Own,
    /// A virtual host of a RabbitMQ.
    RabbitMq(Box<VirtualHost>),
}

/// Each broker that is wanted and can be had. Which one a test is at stands in its output.
pub async fn grounds() -> impl Iterator<Item = Ground> {
    let mut grounds = Vec::new();
    for kind in BrokerKind::wanted() {
        match kind {
            BrokerKind::Embedded => grounds.push(Ground::Own),
            BrokerKind::RabbitMq => {
                grounds.extend(virtual_host().await.map(|host| Ground::RabbitMq(Box::new(host))));
            }
        }
    }
    grounds.into_iter().inspect(|ground| match ground {
        Ground::Own => eprintln!("on the shop's own broker"),
        Ground::RabbitMq(_) => eprintln!("on RabbitMQ"),
    })
}

impl Ground {
    /// A shop on it.
    pub async fn shop(&self) -> Shop {
        match self {
            Self::Own => Shop::start(PROGRAM, &[]).await,
            Self::RabbitMq(host) => shop_on(&host.url).await,
        }
    }

    /// A client that puts messages into the queues of `shop`, which stands on it.
    pub fn client(&self, shop: &Shop) -> AmqpClient {
        match self {
            Self::Own => AmqpClient::at(&shop.client.up.addresses.broker),
            Self::RabbitMq(host) => AmqpClient::at(&host.url),
        }
    }
}

/// A broker under a shop, which can be killed.
pub enum Mortal {
    /// The shop's own: whoever keeps the shop running starts it again.
    Own,
    /// A RabbitMQ server.
    RabbitMq(Box<RabbitMq>),
}

/// Each broker that is wanted and can be had, to be killed.
pub async fn mortals() -> impl Iterator<Item = Mortal> {
    let mut mortals = Vec::new();
    for kind in BrokerKind::wanted() {
        match kind {
            BrokerKind::Embedded => mortals.push(Mortal::Own),
            BrokerKind::RabbitMq => {
                mortals.extend(RabbitMq::start().await.map(|server| Mortal::RabbitMq(Box::new(server))));
            }
        }
    }
    mortals.into_iter().inspect(|mortal| match mortal {
        Mortal::Own => eprintln!("on the shop's own broker"),
        Mortal::RabbitMq(_) => eprintln!("on RabbitMQ"),
    })
}

impl Mortal {
    /// A shop on it.
    pub async fn shop(&self) -> Shop {
        match self {
            Self::Own => Shop::start(PROGRAM, &[]).await,
            Self::RabbitMq(server) => shop_on(server.url()).await,
        }
    }

    /// Ends it as `kill -9` does, lets `meanwhile` happen, and returns when it is there again.
    pub async fn die(&self, shop: &Shop, meanwhile: impl AsyncFnOnce()) {
        match self {
            Self::Own => {
                let killed = shop.kill("broker").await;
                meanwhile().await;
                shop.back("broker", killed.restarts).await;
            }
            Self::RabbitMq(server) => {
                server.kill().await;
                meanwhile().await;
                server.restart().await;
            }
        }
    }
}

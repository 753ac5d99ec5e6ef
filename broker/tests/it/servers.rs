//! What the tests run against: the embedded broker, and a real RabbitMQ where there is one.

use std::any::Any;
use std::fmt;

use broker::Config;
use testkit::BrokerKind;

use crate::embedded::{Embedded, folder};

/// A server with nothing on it yet. It ends, or forgets this test, when dropped.
pub struct Server {
    /// What failures call it.
    pub name: &'static str,
    /// `amqp://guest:guest@127.0.0.1:PORT`, and the virtual host where it is not `/`.
    pub url: String,
    // what keeps it alive
    _alive: Box<dyn Any + Send + Sync>,
}

/// Every server that is wanted and can be had, each fresh.
pub async fn servers() -> Vec<Server> {
    let mut servers = Vec::new();
    for kind in BrokerKind::wanted() {
        match kind {
            BrokerKind::Embedded => servers.push(embedded_with(|_| ()).await),
            BrokerKind::RabbitMq => {
                let host = testkit::virtual_host().await;
                servers.extend(host.map(|host| Server::new("RabbitMQ", host.url.clone(), host)));
            }
        }
    }
    servers
}

/// The embedded broker alone, with what is changed about its configuration.
pub async fn embedded_with(change: impl FnOnce(&mut Config)) -> Server {
    let folder = folder();
    let broker = Embedded::on(folder.path().join("broker"), change);
    // the broker ends before its folder goes: fields of a tuple drop in order
    Server::new("embedded", broker.url.clone(), (broker, folder))
}

impl Server {
    fn new(name: &'static str, url: String, alive: impl Any + Send + Sync) -> Self {
        Self { name, url, _alive: Box::new(alive) }
    }

    /// The name of the virtual host that its url leads to.
    pub fn vhost(&self) -> &str {
        // behind `amqp://` and the address
        self.url.splitn(4, '/').nth(3).unwrap_or("/")
    }

    /// Host and port, as a socket takes them.
    pub fn address(&self) -> &str {
        let authority = self.url.split('/').nth(2).expect("an address");
        authority.rsplit('@').next().expect("a host")
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

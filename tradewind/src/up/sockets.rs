//! The sockets that the supervisor owns. Those of the registry and the broker are opened when a topology first
//! needs them.

use std::net::SocketAddr;
use std::sync::Arc;

use chassis::address;

use super::broker;
use super::collector::Collector;
use super::plan::{BrokerDoors, Doors, ObservatoryDoors};
use super::ports::{Socket, Wanted};
use crate::cli::{Ports, UpArgs};
use crate::folder::Addresses;
use crate::topology::Topology;

/// The ports that were asked for, and the servers of others that take their place.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    ports: Ports,
    gateway: Option<u16>,
    registry: Option<u16>,
    config_server: Option<u16>,
    card_network: Option<u16>,
    broker: Option<u16>,
    broker_http: Option<u16>,
    observatory: Option<u16>,
    otlp: Option<u16>,
    otlp_http: Option<u16>,
    /// The address of a Consul to use.
    pub other_registry: Option<String>,
    /// The address of a RabbitMQ to use, with its password.
    pub other_broker: Option<String>,
    /// Who takes in traces and metrics.
    pub collector: Collector,
}

impl Choice {
    /// What the arguments say.
    pub fn of(args: &UpArgs) -> anyhow::Result<Self> {
        Ok(Self {
            ports: args.ports,
            gateway: args.gateway_port,
            registry: args.registry_port,
            config_server: args.config_server_port,
            card_network: args.card_network_port,
            broker: args.broker_port,
            broker_http: args.broker_http_port,
            observatory: args.observatory_port,
            otlp: args.otlp_port,
            otlp_http: args.otlp_http_port,
            other_registry: args.registry.clone(),
            other_broker: args.broker.clone(),
            collector: Collector::named(args.otlp.as_deref())?,
        })
    }

    fn bind(
        &self,
        role: &'static str,
        chosen: Option<u16>,
        usual: u16,
        flag: &'static str,
        instead: Option<&'static str>,
    ) -> anyhow::Result<Arc<Socket>> {
        let fallback = if self.ports == Ports::Auto { 0 } else { usual };
        let wanted = Wanted { role, port: chosen.unwrap_or(fallback), flag, instead };
        Ok(Arc::new(Socket::bind(wanted)?))
    }

    /// The ports of OTLP first: whoever has one of them is a collector that the shop could use instead.
    fn bind_observatory(&self) -> anyhow::Result<[Arc<Socket>; 3]> {
        let instead = Some("--otlp http://127.0.0.1");
        Ok([
            self.bind("observatory's OTLP by gRPC", self.otlp, 4317, "--otlp-port", instead)?,
            self.bind("observatory's OTLP by HTTP", self.otlp_http, 4318, "--otlp-http-port", instead)?,
            self.bind("observatory's pages", self.observatory, 16686, "--observatory-port", None)?,
        ])
    }
}

/// The sockets that are open.
#[derive(Debug)]
pub(super) struct Sockets {
    choice: Choice,
    gateway: Arc<Socket>,
    config_server: Arc<Socket>,
    card_network: Arc<Socket>,
    registry: Option<Arc<Socket>>,
    broker: Option<[Arc<Socket>; 2]>,
    /// The observatory's: OTLP by gRPC, OTLP by HTTP, its pages. They do not depend on the topology.
    observatory: Option<[Arc<Socket>; 3]>,
}

impl Sockets {
    /// Opens those that every shop has.
    pub fn open(choice: Choice) -> anyhow::Result<Self> {
        let gateway = choice.bind("gateway", choice.gateway, 8080, "--gateway-port", None)?;
        let config_server =
            choice.bind("config server", choice.config_server, 8888, "--config-server-port", None)?;
        let card_network =
            choice.bind("card network", choice.card_network, 8600, "--card-network-port", None)?;
        let observatory = match choice.collector {
            Collector::Observatory => Some(choice.bind_observatory()?),
            Collector::Other(_) | Collector::Nobody => None,
        };
        let (registry, broker) = (None, None);
        Ok(Self { choice, gateway, config_server, card_network, registry, broker, observatory })
    }

    /// Opens those that `topology` needs besides. Where one cannot be had nothing is changed.
    pub fn open_for(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let choice = &self.choice;
        if topology.has_registry() && choice.other_registry.is_none() && self.registry.is_none() {
            let instead = Some("--registry http://127.0.0.1");
            self.registry =
                Some(choice.bind("registry", choice.registry, 8500, "--registry-port", instead)?);
        }
        if topology.has_broker() && choice.other_broker.is_none() && self.broker.is_none() {
            let instead = Some("--broker amqp://guest:guest@127.0.0.1");
            self.broker = Some([
                choice.bind("broker", choice.broker, 5672, "--broker-port", instead)?,
                choice.bind("broker's HTTP API", choice.broker_http, 15672, "--broker-http-port", None)?,
            ]);
        }
        Ok(())
    }

    /// Closes those that `topology` does not need. Who serves them must have ended.
    pub fn close_but_for(&mut self, topology: &Topology) {
        if !topology.has_registry() {
            self.registry = None;
        }
        if !topology.has_broker() {
            self.broker = None;
        }
    }

    /// Where they listen.
    pub fn doors(&self) -> Doors {
        Doors {
            gateway: self.gateway.address(),
            registry: self.registry.as_ref().map(|socket| socket.address()),
            config_server: self.config_server.address(),
            card_network: self.card_network.address(),
            broker: self
                .broker
                .as_ref()
                .map(|[amqp, http]| BrokerDoors { amqp: amqp.address(), http: http.address() }),
            observatory: self.observatory.as_ref().map(|sockets| {
                let [otlp, otlp_http, pages] = sockets.each_ref().map(|socket| socket.address());
                ObservatoryDoors { otlp, otlp_http, pages }
            }),
        }
    }

    /// Where everybody is in a shop of this topology.
    pub fn addresses(&self, topology: &Topology) -> Addresses {
        let url = |address: SocketAddr| format!("http://{address}");
        let doors = self.doors();
        let registry = self.choice.other_registry.clone().or(doors.registry.map(url));
        let other_broker = self.choice.other_broker.as_deref().map(address::shown);
        let broker = other_broker.or(doors.broker.map(|doors| broker::embedded(doors.amqp)));
        Addresses {
            gateway: url(doors.gateway),
            registry: registry.filter(|_| topology.has_registry()).unwrap_or_default(),
            config_server: url(doors.config_server),
            card_network: url(doors.card_network),
            broker: broker.filter(|_| topology.has_broker()).unwrap_or_default(),
            broker_http: doors.broker.filter(|_| topology.has_broker()).map(|doors| url(doors.http)),
            observatory: doors.observatory.map(|doors| url(doors.pages)),
            otlp: self.otlp_url().as_deref().map(address::shown),
        }
    }

    /// The address of the broker as its clients need it, with the password.
    pub fn broker_url(&self) -> Option<String> {
        let ours = self.broker.as_ref().map(|[amqp, _]| broker::embedded(amqp.address()));
        self.choice.other_broker.clone().or(ours)
    }

    /// Where processes of ours send traces and metrics, with whatever is secret in it.
    pub fn otlp_url(&self) -> Option<String> {
        match &self.choice.collector {
            Collector::Observatory => self.doors().observatory.map(|doors| format!("http://{}", doors.otlp)),
            Collector::Other(url) => Some(url.clone()),
            Collector::Nobody => None,
        }
    }

    /// The socket that listens at `address`.
    pub fn at(&self, address: SocketAddr) -> Option<Arc<Socket>> {
        let fixed = [&self.gateway, &self.config_server, &self.card_network];
        let all = fixed.into_iter().chain(&self.registry).chain(self.broker.iter().flatten());
        let all = all.chain(self.observatory.iter().flatten());
        all.into_iter().find(|socket| socket.address() == address).cloned()
    }
}

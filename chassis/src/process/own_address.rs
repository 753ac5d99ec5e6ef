//! The address that others reach this process at.
//!
//! One that listens at every address of its machine knows none of them. It takes the one from which it would reach
//! those whom it asks for others: they are where the others are. Nothing is sent to find that out.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

use super::{Bootstrap, Messages};
use crate::address::{is_host_and_port, shown};
use crate::control;
use crate::discovery::is_by_name;
use crate::waiting::Waiting;

/// How long a look for a way may take in any case, where there is no patience left, too.
const SHORT_LOOK: Duration = Duration::from_secs(1);
/// How long it may take at most.
const LONG_LOOK: Duration = Duration::from_secs(5);

/// Whether others can be told `address` as that of this process: they must know its port, too.
pub(super) fn check_address(address: &str) -> Result<(), String> {
    if is_host_and_port(address) {
        return Ok(());
    }
    let told = shown(address);
    Err(format!(
        "--advertise (TRADEWIND_ADVERTISE) is to be HOST:PORT, such as orders:9000 or [::1]:9000, and not {told:?}"
    ))
}

/// Somebody whom this process reaches.
struct Peer {
    /// What it is, for people.
    what: String,
    host: String,
    port: u16,
}

impl Bootstrap {
    /// The same with the address that others reach this process at, which listens at `listening`. Waits until it can
    /// be told.
    pub async fn addressed(self, listening: SocketAddr) -> anyhow::Result<Self> {
        let advertise = Some(own_address(&self, listening).await?);
        Ok(Self { advertise, ..self })
    }

    /// The same for a process that nobody looks up: where its address cannot be told at once, it does without.
    pub async fn addressed_at_once(self, listening: SocketAddr) -> Self {
        let hurried = Self { patience: Duration::ZERO, ..self.clone() };
        match own_address(&hurried, listening).await {
            Ok(address) => Self { advertise: Some(address), ..self },
            Err(error) => {
                tracing::info!("{error:#}");
                self
            }
        }
    }

    /// The names by which others ask for this process.
    pub fn names(&self) -> Vec<String> {
        // the address that stands for all of them is nobody's name
        let is_one = |name: &&str| !name.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        let own = self.advertise.as_deref().map(control::name_of).filter(is_one);
        own.map(str::to_owned).into_iter().chain(self.hosts.iter().cloned()).collect()
    }

    /// Whom it reaches, those first whom the others reach, too.
    fn peers(&self) -> Vec<Peer> {
        let registry = self.registry.as_deref().filter(|registry| !is_by_name(registry));
        let broker = match &self.messages {
            Messages::Broker(url) => Some(url.as_str()),
            Messages::None | Messages::InProcess => None,
        };
        let peers = [
            Peer::at("the registry", registry, 80),
            Peer::at("the config server", self.config_server.as_deref(), 80),
            Peer::at("the broker", broker, 5672),
        ];
        peers.into_iter().flatten().collect()
    }
}

impl Peer {
    /// Nothing where there is none, or its address makes no sense: whoever connects there says so.
    fn at(what: &str, url: Option<&str>, usual_port: u16) -> Option<Self> {
        let url = reqwest::Url::parse(url?).ok()?;
        let host = control::name_of(url.host_str()?).to_owned();
        let port = url.port_or_known_default().unwrap_or(usual_port);
        Some(Self { what: format!("{what} at {}:{port}", url.host_str()?), host, port })
    }

    /// The address of this machine from which it is reached, found within `deadline`.
    async fn reached_from(&self, listening: IpAddr, deadline: Duration) -> io::Result<IpAddr> {
        let found = timeout(deadline, lookup_host((self.host.as_str(), self.port))).await??;
        let mut outcome =
            Err(io::Error::other(format!("{} has no address of the kind that is listened at", self.host)));
        // who listens at [::] hears IPv4, too
        for there in found.filter(|there| there.is_ipv4() || listening.is_ipv6()) {
            outcome = source_of(there).await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// The address from which packets to `there` would leave this machine.
async fn source_of(there: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr =
        if there.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(there).await?;
    Ok(socket.local_addr()?.ip())
}

async fn own_address(bootstrap: &Bootstrap, listening: SocketAddr) -> anyhow::Result<String> {
    if let Some(given) = &bootstrap.advertise {
        return Ok(given.clone());
    }
    let peers = bootstrap.peers();
    let Some(first) = peers.first().filter(|_| listening.ip().is_unspecified()) else {
        return Ok(listening.to_string());
    };
    let mut waiting = Waiting::begin(format!("a way to {}", first.what), bootstrap.patience);
    loop {
        let deadline = waiting.left().clamp(SHORT_LOOK, LONG_LOOK);
        let reason = match source(&peers, listening.ip(), deadline).await {
            Ok(own) => return Ok(SocketAddr::new(own, listening.port()).to_string()),
            Err(reason) => reason,
        };
        if let Some(waited_s) = waiting.is_over() {
            anyhow::bail!(
                "which address of this machine others reach cannot be told: there was no way to {} for {waited_s} s \
                 ({reason}); say it with --advertise (TRADEWIND_ADVERTISE)",
                first.what
            );
        }
        waiting.rest(&reason.to_string()).await;
    }
}

/// From where the first of `peers` is reached that can be; why the very first of them cannot. All are looked up at once,
/// so that it takes no longer than `deadline`.
async fn source(peers: &[Peer], listening: IpAddr, deadline: Duration) -> io::Result<IpAddr> {
    let mut looks: FuturesOrdered<_> =
        peers.iter().map(|peer| peer.reached_from(listening, deadline)).collect();
    let mut why = None;
    while let Some(look) = looks.next().await {
        match look {
            Ok(own) => return Ok(own),
            Err(error) => why = why.or(Some(error)),
        }
    }
    Err(why.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9000);

    /// A process that knows these, and waits for nothing.
    fn process(registry: &str, config_server: &str, broker: &str) -> Bootstrap {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Bootstrap {
            registry: said(registry),
            config_server: said(config_server),
            messages: Messages::parse(said(broker).as_deref()),
            patience: Duration::ZERO,
            ..Bootstrap::alone("unused".into())
        }
    }

    async fn address(bootstrap: &Bootstrap, listening: SocketAddr) -> String {
        own_address(bootstrap, listening).await.expect("an address")
    }

    #[tokio::test]
    async fn what_is_given_or_listened_at_is_taken_as_it_is() {
        let known = process("http://127.0.0.1:1", "", "");
        let given = Bootstrap { advertise: Some("orders.shop:9000".into()), ..known.clone() };
        assert_eq!(address(&given, EVERYWHERE).await, "orders.shop:9000");
        assert_eq!(given.names(), ["orders.shop"]);
        for listening in ["127.0.0.5:7000", "[::1]:7000"] {
            assert_eq!(address(&known, listening.parse().expect("an address")).await, listening);
        }
        let alone = process("", "", "in-process");
        assert_eq!(address(&alone, EVERYWHERE).await, "0.0.0.0:9000", "nobody looks for it");
        assert!(alone.addressed(EVERYWHERE).await.expect("an address").names().is_empty());
    }

    #[tokio::test]
    async fn whoever_listens_everywhere_is_where_those_are_reached_from_that_it_asks() {
        for known in [
            process("http://127.0.0.1:8500", "", ""),
            process("dns://{module}.shop:9000", "http://localhost:8888", ""),
            process("", "", "amqp://shop:hunter2@127.0.0.1"),
            process("http://[::1]:8500", "http://127.0.0.1", ""),
        ] {
            assert_eq!(address(&known, EVERYWHERE).await, "127.0.0.1:9000");
        }
        let both = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 9000);
        assert_eq!(address(&process("http://127.0.0.1:8500", "", ""), both).await, "127.0.0.1:9000");
        if UdpSocket::bind("[::1]:0").await.is_err() {
            return eprintln!("SKIPPED: this machine has no IPv6");
        }
        let by_six = process("http://[::1]:8500", "", "").addressed(both).await.expect("an address");
        assert_eq!(by_six.advertise.as_deref(), Some("[::1]:9000"));
        assert_eq!(by_six.names(), ["::1"]);
    }

    #[tokio::test]
    async fn without_a_way_it_says_to_whom_and_what_to_do() {
        let lost = process("http://[::1]:8500", "", "");
        let error = own_address(&lost, EVERYWHERE).await.expect_err("IPv4 alone is listened at").to_string();
        for part in ["the registry at [::1]:8500", "TRADEWIND_ADVERTISE"] {
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
        assert_eq!(lost.addressed_at_once(EVERYWHERE).await.advertise, None, "nobody looks for it");
    }

    #[test]
    fn what_is_given_has_a_host_and_a_port() {
        for good in ["orders:9000", "orders.shop:1", "10.0.0.7:65535", "[2001:db8::7]:9000"] {
            assert_eq!(check_address(good), Ok(()), "{good}");
        }
        for bad in [
            "orders",
            "orders:",
            ":9000",
            "orders:0",
            "orders:65536",
            "orders:http",
            "http://orders:9000",
            "me:hunter2@orders:9000",
            "2001:db8::7:9000",
            "[orders]:9000",
            "[::1]",
        ] {
            let told = check_address(bad).expect_err(bad);
            assert!(told.contains("TRADEWIND_ADVERTISE") && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn others_ask_by_its_address_and_by_the_names_that_it_was_told() {
        let hosts = vec!["orders".to_owned(), "orders.shop".to_owned()];
        let known = Bootstrap { advertise: Some("10.0.0.7:9000".into()), hosts, ..process("", "", "") };
        assert_eq!(known.names(), ["10.0.0.7", "orders", "orders.shop"]);
    }
}

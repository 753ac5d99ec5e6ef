//! Discovery by names alone: the instances of a service are all addresses that its name has.
//!
//! Nobody registers, and nobody reports: whoever answers for the names knows who is ready (the headless Services of
//! Kubernetes, say). It is asked again every second, about each service that somebody asked for.

mod names;
mod template;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::names::{Names, SystemNames};
use self::template::Template;
use super::views::{View, Views, show};
use super::{Discovery, DiscoveryError, Instance};

/// How long to rest between two questions about a service.
const REST: Duration = Duration::from_secs(1);
/// For how long a name must have had no address before that is believed: whoever answers for names starts again, too,
/// and knows nobody at first.
const RECALL: Duration = Duration::from_secs(10);

/// Whether names can be made from `url`.
pub(super) fn check_address(url: &str) -> Result<(), DiscoveryError> {
    Template::parse(url).map(drop)
}

/// A [`Discovery`] that asks for names. While nobody answers, the last known instances stay, and for 10 s when the
/// answer is that there are none. Must be used within a tokio runtime.
#[derive(Clone)]
pub struct DnsDirectory(Arc<Inner>);

struct Inner {
    template: Template,
    names: Arc<dyn Names>,
    shutdown: CancellationToken,
    views: Views,
}

impl DnsDirectory {
    /// A directory that asks for the names which `url` describes (`dns://{module}.shop.svc.cluster.local:9000`), until
    /// `shutdown`. It asks nothing until it is asked.
    pub fn new(url: &str, shutdown: CancellationToken) -> Result<Self, DiscoveryError> {
        let template = Template::parse(url)?;
        Ok(Self::over(Arc::new(SystemNames), template, shutdown))
    }

    fn over(names: Arc<dyn Names>, template: Template, shutdown: CancellationToken) -> Self {
        Self(Arc::new(Inner { template, names, shutdown, views: Views::new() }))
    }

    /// The view of a service, and its watcher if this is the first question about it.
    fn view(&self, service: &str) -> View {
        let Inner { template, names, shutdown, views } = &*self.0;
        views.of(service, |view| {
            let watcher = Watcher {
                names: names.clone(),
                service: service.to_owned(),
                host: template.host_of(service),
                port: template.port(),
                view,
            };
            let shutdown = shutdown.clone();
            tokio::spawn(async move { shutdown.run_until_cancelled(watcher.follow()).await });
        })
    }
}

impl Discovery for DnsDirectory {
    fn instances(&self, service: &str) -> Arc<[Instance]> {
        self.view(service).borrow().clone()
    }

    fn changed(&self, service: &str) -> watch::Receiver<Arc<[Instance]>> {
        self.view(service).subscribe()
    }
}

/// Follows one service.
struct Watcher {
    names: Arc<dyn Names>,
    service: String,
    host: String,
    port: u16,
    view: View,
}

impl Watcher {
    async fn follow(self) {
        let (service, host) = (&self.service, &self.host);
        let (mut silent, mut nobody_since) = (false, None);
        loop {
            match self.names.addresses(host).await {
                Ok(addresses) => {
                    if std::mem::take(&mut silent) {
                        tracing::info!(service, host, "{host} can be looked up again");
                    }
                    if !addresses.is_empty() {
                        nobody_since = None;
                        show(&self.view, self.instances(addresses));
                    } else if nobody_since.get_or_insert_with(Instant::now).elapsed() >= RECALL {
                        show(&self.view, Vec::new());
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut silent, true) {
                        tracing::warn!(
                            service,
                            host,
                            %error,
                            "{host} cannot be looked up, keeping the last known instances of {service}: {error}"
                        );
                    }
                    nobody_since = None;
                }
            }
            sleep(REST).await;
        }
    }

    fn instances(&self, mut addresses: Vec<IpAddr>) -> Vec<Instance> {
        // where the network has both families, a process has an address of each, and is one instance all the same
        if addresses.iter().any(IpAddr::is_ipv4) {
            addresses.retain(IpAddr::is_ipv4);
        }
        addresses.sort();
        addresses.dedup();
        let instance = |ip| Instance {
            id: format!("{}-{ip}", self.service),
            service: self.service.clone(),
            address: SocketAddr::new(ip, self.port).to_string(),
            meta: Default::default(),
        };
        addresses.into_iter().map(instance).collect()
    }
}

#[cfg(test)]
mod tests;

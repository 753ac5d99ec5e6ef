//! The upstreams of all services: those in this process, and the instances that discovery knows.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use chassis::discovery::Discovery;
use http::uri::Authority;
use parking_lot::RwLock;

use super::balance::Balancer;
use super::clients::Clients;
use super::load::{Load, Ticket};
use super::{Chance, Instance, Upstream};
use crate::routes::Protocol;

/// Finds an upstream for each request.
pub(crate) struct Directory {
    local: HashMap<String, (Router, Arc<Load>)>,
    discovery: Arc<dyn Discovery>,
    chance: Arc<dyn Chance>,
    clients: Arc<Clients>,
    balancers: RwLock<HashMap<String, Arc<Balancer>>>,
}

/// An upstream, chosen for one request.
pub(crate) struct Chosen {
    pub upstream: Upstream,
    /// Its address; nothing for a router in this process.
    pub address: Option<Authority>,
    /// The request's share of its load.
    pub ticket: Ticket,
}

impl Directory {
    pub fn new(
        local: HashMap<String, Router>,
        discovery: Arc<dyn Discovery>,
        chance: Arc<dyn Chance>,
    ) -> Self {
        Self {
            local: local.into_iter().map(|(service, router)| (service, (router, Arc::default()))).collect(),
            discovery,
            chance,
            clients: Arc::new(Clients::new()),
            balancers: RwLock::default(),
        }
    }

    /// An upstream of `service`; another than the one at `tried` where that is given. `None` where no
    /// instance is known.
    pub fn choose(&self, service: &str, protocol: Protocol, tried: Option<&Authority>) -> Option<Chosen> {
        if let Some((router, load)) = self.local.get(service) {
            let ticket = Ticket::take(load, service);
            return Some(Chosen { upstream: Upstream::Local(router.clone()), address: None, ticket });
        }
        let instances = self.discovery.instances(service);
        let tried = tried.map(Authority::as_str);
        let (instance, load) = self.balancer(service).choose(&instances, tried, &*self.chance)?;
        let address: Authority = match instance.address.parse() {
            Ok(address) => address,
            Err(error) => {
                let (id, text) = (&instance.id, &instance.address);
                tracing::warn!(service, instance = id, %error, "{id} is registered at {text:?}, which is no address");
                return None;
            }
        };
        let upstream = Upstream::Instance(Instance::new(&self.clients, address.clone(), protocol));
        Some(Chosen { upstream, address: Some(address), ticket: Ticket::take(&load, service) })
    }

    /// Starts to watch services before the first request for them.
    pub fn watch<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        for service in services {
            self.discovery.instances(service);
        }
    }

    fn balancer(&self, service: &str) -> Arc<Balancer> {
        if let Some(known) = self.balancers.read().get(service) {
            return Arc::clone(known);
        }
        // only services of configured routes come here, so this stays small
        Arc::clone(self.balancers.write().entry(service.to_owned()).or_default())
    }
}

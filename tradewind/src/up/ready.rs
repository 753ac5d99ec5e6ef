//! Finds out when a process wants work, and whether it still does.

use std::net::SocketAddr;
use std::time::Duration;

use chassis::discovery::{Consul, DiscoveryError};
use reqwest::StatusCode;

use super::plan::Launch;
use super::status::Place;
use crate::health;
use crate::topology::Part;

/// How long the registry may hold a question back that waits for a change.
const WATCH: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Asks processes whether they are ready. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    http: reqwest::Client,
    consul: Option<Consul>,
}

impl Probe {
    /// One that finds processes in the registry, where there is one.
    pub fn new(registry: Option<&str>, token: Option<String>) -> anyhow::Result<Self> {
        let consul = registry.map(|registry| Consul::new(registry, token)).transpose()?;
        Ok(Self { http: health::client()?, consul })
    }

    /// Waits until the process `pid` is ready; returns where it is: at `known`, else where the registry says. The
    /// caller gives up when the process dies.
    pub async fn until_ready(&self, launch: &Launch, known: Option<Place>, pid: u32) -> Place {
        let place = match known {
            Some(place) => place,
            None => {
                let http = self.until_registered(launch, pid).await;
                let door = launch.doors.first().map(ToString::to_string);
                Place { address: door.unwrap_or_else(|| http.clone()), http }
            }
        };
        while self.ready(&place.http).await.is_err() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        place
    }

    /// Whether the process that answers HTTP at `address` is ready, and why not.
    pub async fn ready(&self, address: &str) -> Result<(), String> {
        health::check(&self.http, &format!("http://{address}/readyz")).await.map_err(|unwell| unwell.why)
    }

    /// Whether the registry answers, where there is one.
    pub async fn check_registry(&self) -> Result<(), DiscoveryError> {
        match &self.consul {
            Some(consul) => consul.healthy("tradewind", 0, WATCH).await.map(drop),
            None => Ok(()),
        }
    }

    /// Takes every instance of every module out of the registry. What fails is left to the registry's patience.
    pub async fn forget_all(&self) {
        let Some(consul) = &self.consul else { return };
        for part in Part::all() {
            let known = consul.healthy(part.name(), 0, WATCH).await.map(|answer| answer.value);
            for instance in known.unwrap_or_default() {
                if let Err(error) = consul.deregister(&instance.id).await {
                    tracing::warn!(%error, "{} stays registered for a while, and is dead: {error}", instance.id);
                }
            }
        }
    }

    /// Waits until `path` at the gateway is answered by whoever stands behind it, whatever the answer.
    pub async fn until_open(&self, address: SocketAddr, path: &str) {
        let url = format!("http://{address}{path}");
        loop {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| !of_gateway(answer.status())) {
                return;
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// The address under which the process `pid` registered its modules. Its predecessor may still stand there.
    /// Waits for ever where nobody will ever say.
    async fn until_registered(&self, launch: &Launch, pid: u32) -> String {
        let (Some(consul), Some(module)) = (&self.consul, launch.modules().next()) else {
            return std::future::pending().await;
        };
        let (service, pid) = (module.name(), pid.to_string());
        let mut index = 0;
        loop {
            match consul.healthy(service, index, WATCH).await {
                Ok(answer) => {
                    // an index that goes back means that the registry has begun anew
                    index = if answer.index < index { 0 } else { answer.index };
                    let ours =
                        answer.value.into_iter().find(|instance| instance.meta.get("pid") == Some(&pid));
                    if let Some(instance) = ours {
                        return instance.address;
                    }
                }
                Err(_) => {
                    index = 0;
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
        }
    }
}

/// What a gateway answers for lack of anybody behind it.
fn of_gateway(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

//! The API gateway: the edge of the shop. The only process that the outside world talks to.
//!
//! It knows no business. It takes a request, looks whether it is public, finds an instance of the
//! service that answers, and lets bytes through in both directions.
//!
//! - [`config`]: what can be set
//! - [`routes`]: what is public and where it goes: an allow-list
//! - `admission`: what is refused before any route is looked at
//! - `forward`: a request's way to a service and its response's way back, from top to bottom
//! - [`upstream`]: an instance over HTTP or a router in this process; which of several
//! - `headers`, `body`: what happens to each on the way
//! - `refusal`: what the client is told when there is no response
//! - `pages`: the page at `/` and the list of routes at `/api`
//!
//! Not for: calls between services, which go from one to the other by `wires`. Retries, rate limits and
//! tokens are not here yet; they are tower layers round [`upstream::Upstream`] and the routes.

mod admission;
mod body;
pub mod config;
mod forward;
mod gateway;
mod headers;
mod metrics;
mod pages;
mod refusal;
pub mod routes;
pub mod upstream;

use std::sync::Arc;

use axum::Router;
use chassis::config::{Configuration, Live};
use chassis::discovery::Discovery;
use chassis::process::{Module, Platform};
use contracts::Problem;
use tokio::net::TcpListener;

pub use config::GatewayConfig;
pub use gateway::Builder;

/// The gateway on `platform`, with its door at `door`. Requests for the modules in `here`, which live in the same
/// process, are answered there; those for others go to whom discovery knows.
pub async fn assemble(platform: &Platform, door: TcpListener, here: &[Module]) -> anyhow::Result<Module> {
    let sections = Configuration::builder("gateway").section::<GatewayConfig>();
    let configuration = platform.configure(sections).await?;
    let gateway = Builder::new(platform.discovery.clone(), configuration.section());
    let gateway =
        here.iter().fold(gateway, |gateway, module| gateway.local(module.name, module.routes.clone()));
    let routes = gateway.draining(platform.draining.clone()).router()?;
    Ok(Module::new("gateway", Router::new(), configuration).door(door, routes))
}

/// The gateway's routes, with instances from `discovery`. Fails on faulty routes, with every fault.
pub fn router(discovery: Arc<dyn Discovery>, config: Live<GatewayConfig>) -> Result<Router, Problem> {
    Builder::new(discovery, config).router()
}

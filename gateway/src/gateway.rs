//! The gateway, put together.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{any, get};
use chassis::config::Live;
use chassis::discovery::Discovery;
use chassis::http::problems;
use contracts::{Problem, TraceContext};
use http::{HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::config::GatewayConfig;
use crate::routes::RouteTable;
use crate::upstream::{Chance, Directory, ThreadChance};
use crate::{forward, pages};

/// Tells the client which trace to look for.
const TRACE_ID: HeaderName = HeaderName::from_static("trace-id");

/// Puts a gateway together.
pub struct Builder {
    discovery: Arc<dyn Discovery>,
    config: Live<GatewayConfig>,
    chance: Arc<dyn Chance>,
    local: HashMap<String, Router>,
    draining: CancellationToken,
}

impl Builder {
    /// A gateway with instances from `discovery`.
    pub fn new(discovery: Arc<dyn Discovery>, config: Live<GatewayConfig>) -> Self {
        let (chance, draining) = (Arc::new(ThreadChance), CancellationToken::new());
        Self { discovery, config, chance, local: HashMap::new(), draining }
    }

    /// The same, whose endless streams end when `draining` fires.
    pub fn draining(mut self, draining: CancellationToken) -> Self {
        self.draining = draining;
        self
    }

    /// The same with other randomness.
    pub fn chance(mut self, chance: impl Chance) -> Self {
        self.chance = Arc::new(chance);
        self
    }

    /// The same with `service` in this process, answered by `routes`.
    pub fn local(mut self, service: &str, routes: Router) -> Self {
        // so that what comes back is what would have come over the network: a problem with its body and its
        // `Location`, say
        self.local.insert(service.to_owned(), chassis::server::in_process(routes));
        self
    }

    /// The gateway's routes. Fails on faulty ones, with every fault.
    pub fn router(self) -> Result<Router, Problem> {
        let config = self.config.get();
        let table = RouteTable::compile(&config.routes).map_err(Problem::invalid)?;
        let upstreams = Directory::new(self.local, self.discovery, self.chance);
        upstreams.watch(table.services());
        let rules = ArcSwap::from_pointee(Rules { config, table });
        let gateway = Arc::new(Gateway { upstreams, config: self.config, rules, draining: self.draining });
        let routes = Router::new()
            .route("/", get(pages::index))
            .route("/api", get(pages::list))
            .route("/{*path}", any(forward::handle))
            .with_state(gateway)
            .layer(from_fn(problems::write))
            // outside of the problems, which are written anew
            .layer(from_fn(name_trace));
        Ok(routes)
    }
}

/// The gateway at work.
pub(crate) struct Gateway {
    pub upstreams: Directory,
    config: Live<GatewayConfig>,
    rules: ArcSwap<Rules>,
    pub draining: CancellationToken,
}

/// A configuration, ready to be used: what one request is judged by from beginning to end.
pub(crate) struct Rules {
    pub config: Arc<GatewayConfig>,
    pub table: RouteTable,
}

impl Gateway {
    /// The rules that hold now.
    pub fn rules(&self) -> Arc<Rules> {
        let rules = self.rules.load_full();
        let config = self.config.get();
        if Arc::ptr_eq(&rules.config, &config) {
            return rules;
        }
        match RouteTable::compile(&config.routes) {
            Ok(table) => {
                self.upstreams.watch(table.services());
                let rules = Arc::new(Rules { config, table });
                self.rules.store(Arc::clone(&rules));
                tracing::info!("the gateway has {} routes now", rules.table.routes().len());
                rules
            }
            // the section's check lets no such configuration through
            Err(faults) => {
                tracing::error!(?faults, "the routes are faulty; those before them stay");
                rules
            }
        }
    }
}

async fn name_trace(request: Request, next: Next) -> Response {
    let trace = request.extensions().get::<TraceContext>().map(TraceContext::trace_id_hex);
    let mut response = next.run(request).await;
    if let Some(id) = trace.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(TRACE_ID, id);
    }
    response
}

//! Consul's HTTP API: its paths, parameters, JSON and words.

mod agent;
mod body;
mod catalog;
mod health;
mod kv;
mod params;
mod registration;
mod reply;
mod session;
mod status;
mod views;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};

use crate::Registry;
use crate::error::Refusal;

/// The largest body, and so the largest value: Consul's `kv_max_value_size`.
const LONGEST_BODY: usize = 512 * 1024;

/// The routes, behind the token.
pub(crate) fn router(registry: Registry) -> Router {
    let agent = Router::new()
        .route("/self", get(agent::itself))
        .route("/members", get(agent::members))
        .route("/services", get(agent::services))
        .route("/checks", get(agent::checks))
        .route("/service/register", put(agent::service_register))
        .route("/service/deregister/{id}", put(agent::service_deregister))
        .route("/service/maintenance/{id}", put(agent::service_maintenance))
        .route("/check/register", put(agent::check_register))
        .route("/check/deregister/{id}", put(agent::check_deregister))
        .route("/check/pass/{id}", put(agent::check_pass))
        .route("/check/warn/{id}", put(agent::check_warn))
        .route("/check/fail/{id}", put(agent::check_fail))
        .route("/check/update/{id}", put(agent::check_update));
    let catalog = Router::new()
        .route("/datacenters", get(catalog::datacenters))
        .route("/nodes", get(catalog::nodes))
        .route("/services", get(catalog::services))
        .route("/service/{name}", get(catalog::service));
    let health = Router::new()
        .route("/service/{name}", get(health::service))
        .route("/checks/{name}", get(health::checks))
        .route("/state/{state}", get(health::state))
        .route("/node/{node}", get(health::node));
    let session = Router::new()
        .route("/create", put(session::create))
        .route("/destroy/{id}", put(session::destroy))
        .route("/renew/{id}", put(session::renew))
        .route("/info/{id}", get(session::info))
        .route("/node/{node}", get(session::node))
        .route("/list", get(session::list));
    let key = || get(kv::get).put(kv::put).delete(kv::delete);
    Router::new()
        .nest("/v1/agent", agent)
        .nest("/v1/catalog", catalog)
        .nest("/v1/health", health)
        .nest("/v1/session", session)
        // A wildcard matches no empty key, which stands for 'all keys'.
        .route("/v1/kv/", key())
        .route("/v1/kv/{*key}", key())
        .layer(from_fn_with_state(registry.clone(), authenticate))
        // Consul tells anybody who leads.
        .route("/v1/status/leader", get(status::leader))
        .route("/v1/status/peers", get(status::peers))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .method_not_allowed_fallback(wrong_method)
        .with_state(registry)
}

/// Lets a call pass that brings the token, if one is asked for.
async fn authenticate(State(registry): State<Registry>, request: Request, next: Next) -> Response {
    match authorized(&registry, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn authorized(registry: &Registry, request: &Request) -> Result<(), Refusal> {
    let Some(token) = &registry.config.token else { return Ok(()) };
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = || header(header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ");
    let given = header("x-consul-token").or_else(bearer).ok_or(Refusal::NoToken)?;
    if same(token.as_bytes(), given.as_bytes()) { Ok(()) } else { Err(Refusal::WrongToken) }
}

/// Compares in a time that does not tell how much of a guess was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn wrong_method(method: Method) -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, format!("method {method} not allowed"))
}

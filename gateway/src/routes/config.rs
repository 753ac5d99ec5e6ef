//! A route as it is configured.

use contracts::{Fault, Kind, Operation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that the outside world may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// The public path: `/api/orders/{order_id}`; `{*rest}` at the end stands for several segments.
    pub path: String,
    /// The methods that are let through; `GET` brings `HEAD` with it.
    pub methods: Vec<Method>,
    /// The service that answers, by its name in the registry.
    pub service: String,
    /// The path at the service, with parameters from the public path: `/orders/{order_id}`.
    pub rewrite: String,
    /// How long the service has to begin its answer, in milliseconds. The client may ask for less
    /// (`tradewind-timeout-ms`). The body of the answer has no such limit.
    #[schemars(range(min = 1, max = 600_000))]
    pub timeout_ms: u64,
    /// What is spoken with the service.
    #[serde(default)]
    pub protocol: Protocol,
    /// The largest request body in bytes, where it is another than the gateway's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub body_bytes: Option<u64>,
}

/// A method that a route lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads; `HEAD` too.
    Get,
    /// Creates or acts.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it lets `method` through.
    pub fn admits(self, method: &http::Method) -> bool {
        method.as_str() == self.as_str() || (self == Self::Get && method == http::Method::HEAD)
    }
}

/// What is spoken with a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// gRPC: HTTP/2 by prior knowledge, `POST` with `Content-Type: application/grpc`, trailers.
    Grpc,
}

impl RouteConfig {
    /// Everything that is wrong with this route alone, as fields of it.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let mut faults = contracts::error::Faults::default();
        faults.check(!self.methods.is_empty(), "methods", "must name at least one method");
        faults.check(is_service_name(&self.service), "service", "must be a name: letters, digits and -");
        faults.check((1..=600_000).contains(&self.timeout_ms), "timeout_ms", "must be 1 to 600000");
        faults.check(self.body_bytes != Some(0), "body_bytes", "must be at least 1");
        if self.protocol == Protocol::Grpc {
            faults.check(self.methods == [Method::Post], "methods", "must be POST alone: gRPC has no other");
        }
        let own = matches!(self.path.as_str(), "/" | "/api" | "/livez" | "/readyz" | "/metrics");
        faults.check(
            !own && !self.path.starts_with("/control/"),
            "path",
            "must not be one that the gateway answers itself: /, /api, /livez, /readyz, /metrics, /control/…",
        );
        faults.into_result().err().map_or_else(Vec::new, |problem| problem.faults)
    }

    /// Whether a request on this route may change something, as far as can be known.
    pub(super) fn kind(&self, method: &http::Method) -> Kind {
        if method.is_safe() {
            return Kind::Read;
        }
        let of_grpc =
            |operation: &&Operation| self.protocol == Protocol::Grpc && operation.grpc == self.rewrite;
        contracts::all_operations().find(of_grpc).map_or(Kind::Changing, |operation| operation.kind)
    }
}

fn is_service_name(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
